"""Movie documents as JSON text: how the sandbox reads and writes them."""

import json
from pathlib import Path
from typing import Any, TypeGuard

import yaml

Document = dict[str, Any]

DATA = Path(__file__).with_name("data")
# What TMDb answers, as far as it does not depend on a movie.
TMDB: dict[str, Any] = yaml.safe_load((DATA / "tmdb.yaml").read_text(encoding="utf-8"))


def parse(text: bytes) -> Any:
    """Read one JSON value in UTF-8, as strictly as the standard has it.

    Raises:
        ValueError: If the text is not JSON (Python's `NaN` and `Infinity` included).
    """
    return json.loads(text.decode("utf-8"), parse_constant=_reject_constant)


def encode(value: object) -> bytes:
    """Write a JSON value as TMDb does: compact, in UTF-8, non-ASCII letters as they are."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    # Half a surrogate pair has no UTF-8; the replacement happens to be its JSON escape.
    return text.encode("utf-8", "backslashreplace")


def is_number(value: object) -> TypeGuard[int | float]:
    """Return whether a value is a JSON number; in Python `True` is an int too."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_integer(value: object) -> TypeGuard[int]:
    """Return whether a value is a JSON integer."""
    return isinstance(value, int) and not isinstance(value, bool)


def popularity(document: Document) -> float:
    """Return how popular a movie is; 0.0 where its document does not say."""
    value = document.get("popularity")
    return float(value) if is_number(value) else 0.0


def members(document: Document, field: str) -> list[Document]:
    """Return the objects with an integer id that a document lists under `field`, in order.

    A served file may lack the field or have it retyped: then there are none.
    """
    listed = document.get(field)
    if not isinstance(listed, list):
        return []
    return [item for item in listed if isinstance(item, dict) and is_integer(item.get("id"))]


def _reject_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
