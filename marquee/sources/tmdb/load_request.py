"""What a person requests of a run, as far as it decides which movies are fetched."""

from __future__ import annotations

import errno
import hashlib
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from marquee.core.text import WHITE_SPACE

ID = re.compile("[0-9]{1,19}")
SEPARATORS = str.maketrans(dict.fromkeys(WHITE_SPACE + ",", " "))


@dataclass(frozen=True)
class LoadRequest:
    """A request; at most one of `full`, `since`, `ids` and `replay` is set.

    Attributes:
        pages: how many pages of the popular list to read.
        full: every movie of the daily id export.
        limit: of those the most popular ones only.
        since: what changed from that day on, instead of since the last run.
        ids: these movies and no others.
        replay: the movies in quarantine that were not loaded since.
    """

    pages: int = 20
    full: bool = False
    limit: int | None = None
    since: date | None = None
    ids: tuple[int, ...] = ()
    replay: bool = False

    @property
    def is_named(self) -> bool:
        """Tell whether it names its movies, and so neither plans nor moves the cursor."""
        return bool(self.ids) or self.replay

    @property
    def is_of_its_day(self) -> bool:
        """Tell whether it means something else on another day: what changed, not what there is.

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
        ValueError: something in it is no id; `int` alone would read 1_000 as well.
    """
    if (content := _content(text)) is not None:
        text = content
    parts = text.translate(SEPARATORS).split()
    ids = tuple(dict.fromkeys(int(one) for one in parts if ID.fullmatch(one)))
    if not ids or not all(map(ID.fullmatch, parts)) or not all(map(is_movie_id, ids)):
        raise ValueError(f"no movie ids: {text[:50]!r}")
    return ids


def is_movie_id(value: object) -> bool:
    """Tell whether a value can be a movie's id: a whole number that fits bronze's BIGINT."""
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value < 2**63


def _content(text: str) -> str | None:
    """Return the content of the file that a text names, None if it names none."""
    try:
        file = Path(text).expanduser()
        return file.read_text(encoding="utf-8") if file.is_file() else None
    except RuntimeError:  # ~ of nobody
        return None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:  # a list of many ids
            return None
        raise
