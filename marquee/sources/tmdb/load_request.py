"""What a person asks of a run, as far as it decides which movies are fetched."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from pathlib import Path


@dataclass(frozen=True)
class LoadRequest:
    """A request; at most one of `full`, `since`, `ids` and `replay` is set.

    Attributes:
        pages: how many pages of the popular list to read.
        full: every movie of the daily id export.
        limit: of those the most popular ones only.
        since: what changed from that day on, instead of since the last run.
        ids: these movies and no others.
        replay: the movies in quarantine that have not landed since.

    """

    pages: int = 20
    full: bool = False
    limit: int | None = None
    since: date | None = None
    ids: tuple[int, ...] = ()
    replay: bool = False

    @property
    def is_of_its_day(self) -> bool:
        """Tell whether it asks for something else on another day: what changed, not what there is.

        A backfill takes a night. Finished after midnight it must not be begun once more.
        """
        return not (self.full or self.ids)

    @property
    def fingerprint(self) -> str:
        """Return a short text that two equal requests share."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:16]


def movie_ids(text: str) -> tuple[int, ...]:
    """Read ids, separated by commas or white space, from a text or from the file it names.

    Raises:
        ValueError: something in it is no id.

    """
    file = Path(text)
    if file.is_file():
        text = file.read_text(encoding="utf-8")
    ids = tuple(dict.fromkeys(int(one) for one in text.replace(",", " ").split()))
    if not ids or min(ids) < 1 or max(ids) >= 2**63:
        raise ValueError(f"no movie ids: {text[:50]!r}")
    return ids
