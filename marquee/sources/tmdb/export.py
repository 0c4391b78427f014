"""The daily id export: every movie of TMDb in one file, for one request and no key.

    GET https://files.tmdb.org/p/exports/movie_ids_MM_DD_YYYY.json.gz

gzip NDJSON, 1.24 million lines of id, popularity and three fields more, ready by 8:00 UTC. An id
that vanishes from it was deleted. Adult movies are in a file of their own.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json
import requests
from dlt.common.json import json
from dlt.sources.helpers.requests import Client

from marquee.core.errors import MarqueeError
from marquee.sources.tmdb.client import CONNECT_SECONDS
from marquee.sources.tmdb.load_request import is_movie_id
from marquee.sources.tmdb.settings import TmdbSettings, is_loopback

DAYS_BACK = 1  # before 8:00 UTC the newest one is yesterday's
DAMAGED = (OSError, EOFError, zlib.error)  # cut off, or neither gzip nor NDJSON
ABSENT = (403, 404)  # the file store says 403 of what is not there
LINE = pa.schema([("id", pa.int64()), ("popularity", pa.float64())])


class NoExport(MarqueeError):
    """There is no export, or none that can be read."""


@dataclass(frozen=True)
class Export:
    """One day's export.

    Attributes:
        url: where it is from.
        day: its date.
        ids: the movies, the most popular ones first.
        dropped: how many of its lines name no movie.
    """

    url: str
    day: date
    ids: pa.Array
    dropped: int = 0

    def lists(self, ids: Iterable[int]) -> list[int]:
        """Return those of the ids that it lists, in their order."""
        array = pa.array(list(ids), pa.int64())
        found: list[int] = array.filter(pc.is_in(array, value_set=self.ids)).to_pylist()
        return found

    def lacks(self, ids: list[int]) -> list[int]:
        """Return those of the ids that it does not list, in their order."""
        array = pa.array(ids, pa.int64())
        absent: list[int] = array.filter(pc.invert(pc.is_in(array, value_set=self.ids))).to_pylist()
        return absent


def read_export(settings: TmdbSettings, today: date) -> Export:
    """Fetch the newest export.

    Raises:
        NoExport: there is none of today or yesterday, or it cannot be read.
    """
    # Not the session of the API: this host gets no key and has no limit of requests.
    session = Client(
        request_timeout=(CONNECT_SECONDS, settings.timeout_seconds),
        raise_for_status=False,
        request_max_attempts=settings.attempts,
        request_backoff_factor=settings.backoff_seconds,
        request_max_retry_delay=settings.max_wait_seconds,
        retry_condition=_is_damaged,
        session_attrs={"trust_env": not is_loopback(settings.exports)},  # proxies
    ).session
    for back in range(DAYS_BACK + 1):
        day = today - timedelta(days=back)
        url = f"{settings.exports}/movie_ids_{day:%m_%d_%Y}.json.gz"
        try:
            response = session.get(url)
        except requests.RequestException as error:
            raise NoExport(f"{url} cannot be fetched: {type(error).__name__}.") from None
        if response.status_code in ABSENT:
            continue
        if not response.ok:
            raise NoExport(f"{url} cannot be fetched: HTTP {response.status_code}.")
        return Export(url, day, *_ids(response.content, url))
    raise NoExport(f"There is no id export of {today} or the day before at {settings.exports}.")


def _unpack(content: bytes) -> bytes:
    """Unpack an export, or raise one of `DAMAGED`."""
    if content[:1] == b"{":  # sent with `Content-Encoding: gzip`, it is unpacked on the way
        return content
    if not content:
        raise EOFError("nothing was sent")
    return gzip.decompress(content)


def _ids(content: bytes, url: str) -> tuple[pa.Array, int]:
    """Return the ids, the most popular ones first, and how many lines have none."""
    try:
        table, dropped = _table(_unpack(content))
    except (*DAMAGED, pa.ArrowInvalid) as error:
        raise NoExport(f"{url} is no id export: {str(error).splitlines()[0]}.") from error
    by_popularity = table.sort_by([("popularity", "descending"), ("id", "ascending")])
    ids = by_popularity["id"].combine_chunks()
    valid = ids.filter(pc.greater_equal(ids, 1)).drop_null()
    if not valid:
        raise NoExport(f"{url} names no movie.")
    return valid.unique(), dropped + len(ids) - len(valid)


def _table(lines: bytes) -> tuple[pa.Table, int]:
    """Parse NDJSON; a line that is no entry drops only that line, if others are entries."""
    if not lines.strip():
        return LINE.empty_table(), 0
    options = pyarrow.json.ParseOptions(explicit_schema=LINE, unexpected_field_behavior="ignore")
    try:
        return pyarrow.json.read_json(io.BytesIO(lines), parse_options=options), 0
    except pa.ArrowInvalid:
        # Line by line takes seconds for the whole of TMDb, and only a broken export needs it.
        filled = [line for line in lines.splitlines() if line.strip()]
        entries = [entry for entry in map(_entry, filled) if entry]
        if not entries:
            raise
        return pa.Table.from_pylist(entries, schema=LINE), len(filled) - len(entries)


def _entry(line: bytes) -> dict[str, Any] | None:
    """Parse a line of an export; None if it has no usable id."""
    try:
        entry = json.loadb(line)
        if not is_movie_id(entry["id"]):
            return None
        return {"id": entry["id"], "popularity": float(entry.get("popularity") or 0)}
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _is_damaged(response: requests.Response | None, error: BaseException | None) -> bool:
    """Tell whether an export deserves another attempt: it is cut off, or none."""
    if response is None or not response.ok:
        return False  # dlt retries 429, 5xx and failed connections of its own accord
    try:
        _unpack(response.content)
    except DAMAGED:
        return True
    return False
