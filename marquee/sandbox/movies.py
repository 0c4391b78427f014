"""What the sandbox serves: a set of movie documents as of one day."""

import gzip
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from marquee.sandbox import clock
from marquee.sandbox import vega_movies as vega
from marquee.sandbox.documents import is_integer, parse, popularity

_GZIP_MAGIC = b"\x1f\x8b"
_UTF8_BOM = b"\xef\xbb\xbf"


class MovieFileError(Exception):
    """A movie set that cannot be served; the message says where and what to do."""


@dataclass(frozen=True)
class MovieSet:
    """The films of one day, as JSON text."""

    name: str  # the file it comes from, or `bundled`
    day: int  # the clock's, 0 or more
    documents: Mapping[int, bytes]  # by id; on day 0 byte for byte the lines of the file
    vanished: Mapping[int, clock.Vanished]  # by id
    changes: Mapping[int, tuple[int, ...]]  # ids that were added, changed or deleted, by day

    @cached_property
    def popular(self) -> tuple[bytes, ...]:
        """The documents behind `/movie/popular`: by popularity descending, then by id.

        The list lags: a film that vanished stays on it for `clock.LIST_LAG_DAYS` days.
        """
        lagging = {
            movie_id: deleted.document
            for movie_id, deleted in self.vanished.items()
            if self.day < deleted.day + clock.LIST_LAG_DAYS
        }
        listed = {**self.documents, **lagging}
        rank = {movie_id: -popularity(parse(text)) for movie_id, text in listed.items()}
        return tuple(listed[key] for key in sorted(listed, key=lambda key: (rank[key], key)))


def load(path: Path | None, day: int = 0) -> MovieSet:
    """Load a movie set and let the clock run.

    Args:
        path: NDJSON of `/movie/{id}` documents, plain or gzip; `None` for the bundled films.
        day: The day to show, 0 or more; see `sandbox.clock` for what changes.

    Raises:
        MovieFileError: If the file is missing, unreadable, or has a line that is not a movie.
        ValueError: If `day` is negative.
    """
    if path is None:
        return MovieSet("bundled", day, *clock.run(*clock.hold_back(vega.documents()), day))
    try:
        content = path.read_bytes()
    except OSError as error:
        raise MovieFileError(
            f"{path}: cannot read the movie set ({error.strerror}); "
            "give an NDJSON file of /movie/{id} documents, or none for the bundled one"
        ) from error
    if content.startswith(_GZIP_MAGIC):
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise MovieFileError(
                f"{path}: damaged gzip file ({error}); fetch or compress it again"
            ) from error
    return from_lines(content.removeprefix(_UTF8_BOM).split(b"\n"), day=day, name=str(path))


def from_lines(lines: Iterable[bytes], *, day: int = 0, name: str = "lines") -> MovieSet:
    """Make a movie set from NDJSON lines, one `/movie/{id}` document each; blank ones are skipped.

    It shows a day, 0 or more. Error messages call the lines `name`.

    Raises:
        MovieFileError: If a line is not a JSON object with an integer id, or repeats an id.
        ValueError: If `day` is negative.
    """
    documents: dict[int, bytes] = {}
    line_numbers: dict[int, int] = {}
    for number, line in enumerate(lines, start=1):
        text = line.rstrip(b"\r\n")
        if not text.strip():
            continue
        where = f"{name}, line {number}"
        try:
            document = parse(text)
        except ValueError as error:
            raise MovieFileError(
                f"{where}: not JSON ({error}); the file must be NDJSON, one movie a line"
            ) from error
        movie_id = document.get("id") if isinstance(document, dict) else None
        if not is_integer(movie_id):
            raise MovieFileError(
                f"{where}: no integer id; each line must be an object as /movie/{{id}} answers it"
            )
        if movie_id in documents:
            raise MovieFileError(
                f"{where}: id {movie_id} was on line {line_numbers[movie_id]} "
                "already; keep one line for each movie"
            )
        documents[movie_id] = text
        line_numbers[movie_id] = number
    return MovieSet(name, day, *clock.run(documents, {}, day))
