"""What TMDb answers: path and query in, status and body out. No transport, no credentials."""

import gzip
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeVar

from marquee.sandbox import genres
from marquee.sandbox.documents import TMDB, Document, encode, members, parse
from marquee.sandbox.movies import MovieSet

T = TypeVar("T")
JSON = "application/json;charset=utf-8"

POPULAR_PAGE_SIZE = 20
CHANGES_PAGE_SIZE = 100
LAST_PAGE = 500
LONGEST_RANGE = timedelta(days=14)

_ERRORS: dict[int, tuple[int, str]] = TMDB["errors"]
# Of two codes with the same status the later one is the usual one.
_CODES = {http_status: code for code, (http_status, _) in _ERRORS.items()}

# A 502 comes from the proxy in front of the API, hence as a page.
_BAD_GATEWAY = (
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n"
    b"<body><center><h1>502 Bad Gateway</h1></center></body>\r\n</html>\r\n"
)


@dataclass(frozen=True)
class Answer:
    """One HTTP response."""

    status: int
    body: bytes
    content_type: str = JSON
    retry_after: str | None = None  # seconds or an HTTP date


class _RejectedError(Exception):
    """A request that TMDb rejects; its argument is TMDb's status_code."""


def error(status_code: int, retry_after: str | None = None) -> Answer:
    """Return TMDb's answer for an error, by TMDb's own code, for example 34."""
    http_status, message = _ERRORS[status_code]
    body = {"success": False, "status_code": status_code, "status_message": message}
    return Answer(http_status, encode(body), retry_after=retry_after)


def failure(http_status: int) -> Answer:
    """Return what TMDb would send with an HTTP status, for injected faults.

    That is TMDb's error body for the statuses it has one for, else a small page; 429 asks to retry
    after a second.
    """
    if http_status == 502:
        return Answer(502, _BAD_GATEWAY, content_type="text/html")
    if http_status in _CODES:
        return error(_CODES[http_status], retry_after="1" if http_status == 429 else None)
    return Answer(http_status, b"<html></html>\r\n", content_type="text/html")


def answer(movie_set: MovieSet, path: str, query: Mapping[str, str], today: date) -> Answer:
    """Answer a GET request to the API, for a path below `/3` such as `/movie/popular`.

    Parameters that TMDb has and the sandbox lacks are ignored. `today` is the date that the movie
    set's day has in `/movie/changes`.
    """
    try:
        if path == "/movie/popular":
            return _paged(query, movie_set.popular, POPULAR_PAGE_SIZE, _listed)
        if path == "/genre/movie/list":
            listed = [{"id": key, "name": name} for key, name in genres.LISTED.items()]
            return Answer(200, encode({"genres": listed}))
        if path == "/movie/changes":
            return _changes(movie_set, query, today)
        if match := re.fullmatch(r"/movie/([^/]+)", path):
            return _movie(movie_set, match[1])
    except _RejectedError as rejected:
        return error(*rejected.args)
    return error(34)


def export(movie_set: MovieSet, path: str, today: date) -> Answer:
    """Answer a request for the daily id export, which TMDb keeps outside the API.

    It is gzip NDJSON, one line for each film that exists. The sandbox has that of `today` only:
    another path answers 404.
    """
    if path != f"/p/exports/movie_ids_{today:%m_%d_%Y}.json.gz":
        return Answer(404, b"<Error><Code>NoSuchKey</Code></Error>", content_type="application/xml")
    fields = TMDB["export_fields"]
    lines = [encode(_selected(parse(one), fields)) + b"\n" for one in movie_set.documents.values()]
    return Answer(200, gzip.compress(b"".join(lines), mtime=0), content_type="application/gzip")


def _listed(text: bytes) -> Document:
    document = parse(text)
    ids = [genre["id"] for genre in members(document, "genres")]
    return _selected({**document, "genre_ids": ids}, TMDB["list_fields"])


def _selected(document: Document, fields: Iterable[str]) -> Document:
    return {name: document.get(name, TMDB["movie"].get(name)) for name in fields}


def _movie(movie_set: MovieSet, movie_id: str) -> Answer:
    if not re.fullmatch(r"[0-9]{1,18}", movie_id):
        return error(6)
    text = movie_set.documents.get(int(movie_id))
    return error(34) if text is None else Answer(200, text)


def _changes(movie_set: MovieSet, query: Mapping[str, str], today: date) -> Answer:
    end = _date(query, "end_date", today)
    start = _date(query, "start_date", end)
    if end < start or end - start > LONGEST_RANGE:
        raise _RejectedError(20)
    ids = {
        movie_id
        for day, changed in movie_set.changes.items()
        if start <= today - timedelta(days=movie_set.day - day) <= end
        for movie_id in changed
    }

    def change(movie_id: int) -> Document:
        text = movie_set.documents.get(movie_id)
        # Of a deleted film TMDb has the id only.
        return {"id": movie_id, "adult": None if text is None else parse(text).get("adult", False)}

    return _paged(query, sorted(ids), CHANGES_PAGE_SIZE, change)


def _paged(
    query: Mapping[str, str], found: Sequence[T], size: int, shown: Callable[[T], Document]
) -> Answer:
    """Answer with one page of what was found."""
    text = query.get("page", "1")
    if not re.fullmatch(r"[0-9]{1,9}", text) or not 1 <= int(text) <= LAST_PAGE:
        raise _RejectedError(22)
    page = int(text)
    body = {
        "page": page,
        "results": [shown(one) for one in found[(page - 1) * size : page * size]],
        # Not capped at 500; and TMDb counts one page even when nothing is on it.
        "total_pages": max(1, -(-len(found) // size)),
        "total_results": len(found),
    }
    return Answer(200, encode(body))


def _date(query: Mapping[str, str], key: str, default: date) -> date:
    try:
        return date.fromisoformat(query[key]) if query.get(key) else default
    except ValueError as error:
        raise _RejectedError(5) from error
