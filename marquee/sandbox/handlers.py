"""What TMDb answers: path and query in, status and body out. No transport, no credentials."""

import gzip
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from marquee.sandbox import genres
from marquee.sandbox.documents import Document, encode, members, parse
from marquee.sandbox.movies import MovieSet

JSON = "application/json;charset=utf-8"

POPULAR_PAGE_SIZE = 20
CHANGES_PAGE_SIZE = 100
LAST_PAGE = 500
LONGEST_RANGE = timedelta(days=14)

# TMDb's status_code -> HTTP status and message.
_ERRORS = {
    5: (422, "Invalid parameters: Your request parameters are incorrect."),
    6: (404, "Invalid id: The pre-requisite id is invalid or not found."),
    7: (401, "Invalid API key: You must be granted a valid key."),
    9: (503, "Service offline: This service is temporarily offline, try again later."),
    11: (500, "Internal error: Something went wrong, contact TMDb."),
    20: (422, "Invalid date range: Should be a range no longer than 14 days."),
    22: (400, "Invalid page: Pages start at 1 and max at 500. They are expected to be an integer."),
    24: (504, "Your request to the backend server timed out. Try again."),
    25: (429, "Your request count is over the allowed limit."),
    34: (404, "The resource you requested could not be found."),
    42: (405, "This request method is not supported for this resource."),
}

# A 502 comes from the proxy in front of the API, hence as a page.
_BAD_GATEWAY = (
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n"
    b"<body><center><h1>502 Bad Gateway</h1></center></body>\r\n</html>\r\n"
)

_LIST_FIELDS: Document = {
    "adult": False,
    "backdrop_path": None,
    "genre_ids": [],
    "id": None,
    "original_language": "",
    "original_title": "",
    "overview": "",
    "popularity": 0,
    "poster_path": None,
    "release_date": "",
    "title": "",
    "video": False,
    "vote_average": 0,
    "vote_count": 0,
}
_EXPORT_FIELDS = ("adult", "id", "original_title", "popularity", "video")


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
    if http_status == 429:
        return error(25, retry_after="1")
    for status_code in (7, 9, 11, 22, 24, 34):
        if _ERRORS[status_code][0] == http_status:
            return error(status_code)
    return Answer(http_status, b"<html></html>\r\n", content_type="text/html")


def answer(movie_set: MovieSet, path: str, query: Mapping[str, str], today: date) -> Answer:
    """Answer a GET request to the API.

    Args:
        movie_set: The films to answer from.
        path: The path below `/3`, for example `/movie/popular`.
        query: The query's parameters; those that TMDb has and the sandbox lacks are ignored.
        today: The date that the movie set's day has in `/movie/changes`.

    """
    try:
        if path == "/movie/popular":
            return _popular(movie_set, query)
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
    lines = []
    for text in movie_set.documents.values():
        document = parse(text)
        line = {key: document.get(key, _LIST_FIELDS[key]) for key in _EXPORT_FIELDS}
        lines.append(encode(line) + b"\n")
    return Answer(200, gzip.compress(b"".join(lines), mtime=0), content_type="application/gzip")


def _popular(movie_set: MovieSet, query: Mapping[str, str]) -> Answer:
    page = _page(query)
    total = len(movie_set.popular)
    first = (page - 1) * POPULAR_PAGE_SIZE
    shown = movie_set.popular[first : first + POPULAR_PAGE_SIZE]
    return _paged([_listed(parse(text)) for text in shown], page, POPULAR_PAGE_SIZE, total)


def _listed(document: Document) -> Document:
    listed = {key: document.get(key, default) for key, default in _LIST_FIELDS.items()}
    listed["genre_ids"] = [genre["id"] for genre in members(document, "genres")]
    return listed


def _movie(movie_set: MovieSet, movie_id: str) -> Answer:
    if not re.fullmatch(r"[0-9]{1,18}", movie_id):
        return error(6)
    text = movie_set.documents.get(int(movie_id))
    return error(34) if text is None else Answer(200, text)


def _changes(movie_set: MovieSet, query: Mapping[str, str], today: date) -> Answer:
    page = _page(query)
    end = _date(query, "end_date", today)
    start = _date(query, "start_date", end)
    if end < start or end - start > LONGEST_RANGE:
        raise _RejectedError(20)
    ids = sorted(
        {
            movie_id
            for day, changed in movie_set.changes.items()
            if start <= today - timedelta(days=movie_set.day - day) <= end
            for movie_id in changed
        }
    )
    first = (page - 1) * CHANGES_PAGE_SIZE
    results = []
    for movie_id in ids[first : first + CHANGES_PAGE_SIZE]:
        text = movie_set.documents.get(movie_id)
        # Of a deleted film TMDb has the id only.
        adult = None if text is None else parse(text).get("adult", False)
        results.append({"id": movie_id, "adult": adult})
    return _paged(results, page, CHANGES_PAGE_SIZE, len(ids))


def _paged(results: list[Document], page: int, size: int, total: int) -> Answer:
    body = {
        "page": page,
        "results": results,
        # Not capped at 500; and TMDb counts one page even when nothing is on it.
        "total_pages": max(1, -(-total // size)),
        "total_results": total,
    }
    return Answer(200, encode(body))


def _page(query: Mapping[str, str]) -> int:
    text = query.get("page", "1")
    if not re.fullmatch(r"[0-9]{1,9}", text) or not 1 <= int(text) <= LAST_PAGE:
        raise _RejectedError(22)
    return int(text)


def _date(query: Mapping[str, str], key: str, default: date) -> date:
    try:
        return date.fromisoformat(query[key]) if query.get(key) else default
    except ValueError as error:
        raise _RejectedError(5) from error
