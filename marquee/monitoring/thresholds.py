"""What is expected of the warehouse: `thresholds.yaml`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from marquee.core.errors import MarqueeError

THRESHOLDS_FILE = Path(__file__).with_name("thresholds.yaml")
# Parts whose entries people choose: any number of them, all with the keys of ours.
LISTS = ("jobs", "sources")
KINDS: Mapping[type, str] = {dict: "a mapping", list: "a list", str: "text"}


@dataclass(frozen=True)
class Thresholds:
    """What `thresholds.yaml` says; its comments explain each."""

    jobs: Mapping[str, Mapping[str, float]]
    sources: Mapping[str, Mapping[str, Any]]
    longest_run_hours: float
    snapshot: Mapping[str, float]
    row_counts: Mapping[str, Any]
    quarantine: Mapping[str, float]
    disk: Mapping[str, float]


def read_thresholds(path: Path = THRESHOLDS_FILE) -> Thresholds:
    """Read the file.

    Raises:
        MarqueeError: it is no YAML, or lacks a part of `THRESHOLDS_FILE`, or has another one.
    """
    try:
        ours, given = (
            yaml.safe_load(one.read_text(encoding="utf-8")) for one in (THRESHOLDS_FILE, path)
        )
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        raise MarqueeError(f"{path} cannot be used: {error}") from error
    if found := "; ".join(_differences(ours, given)):
        raise MarqueeError(f"{path} cannot be used: {found}. {THRESHOLDS_FILE} has all parts.")
    return Thresholds(**given)


def _differences(ours: Any, given: Any, place: str = "") -> Iterator[str]:
    """Name what a file lacks, has too much, or has of another type than ours."""
    if isinstance(ours, Mapping) and isinstance(given, Mapping):
        if place in LISTS:
            ours = dict.fromkeys(given, next(iter(ours.values())))
        for name in [*ours, *(one for one in given if one not in ours)]:
            inner = f"{place}.{name}" if place else f"{name}"
            if name not in given:
                yield f"{inner} is missing"
            elif name not in ours:
                yield f"{inner} is unknown"
            else:
                yield from _differences(ours[name], given[name], inner)
    else:
        kind = (int, float) if isinstance(ours, int | float) else type(ours)
        if not isinstance(given, kind) or isinstance(given, bool):
            yield f"{place or 'the file'} must be {KINDS.get(type(ours), 'a number')}"
