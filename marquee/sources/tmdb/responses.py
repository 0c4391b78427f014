"""From an HTTP response to a bronze row: the body as it came, classified.

The source knows nothing of bronze: its rows depend on the response alone (`to_row`, `movie_row`,
`genres_row`). What bronze has already is compared afterwards, by `ResponseClassifier`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from dlt.common.json import json
from requests import Response

from marquee.bronze.tables import Row, Table
from marquee.core.clock import Sequence
from marquee.core.errors import MarqueeError
from marquee.core.run_id import RunReport
from marquee.sources.tmdb.client import NO_ANSWER
from marquee.sources.tmdb.tables import QUARANTINE_TMDB, RAW_GENRES, RAW_MOVIES

BIGINT = 2**63
LAST_PAGE = 500  # TMDb answers page 501 with an error, however many it says there are
NO_SUCH_PATH = (404, 405, 501)
# How the reasons begin that another request may not meet again.
TEMPORARY = ("HTTP 5", "HTTP 429", "no answer", "malformed JSON", "not UTF-8", "unexpected")
SERVER_FAILURES = ("HTTP 5", "HTTP 429", "no answer")

Document = dict[str, Any]
Kind = Literal["new", "changed", "unchanged", "missing", "quarantined"]


class NoChanges(Exception):
    """What changed cannot be learned from the change log; the message says why, without a stop."""


# --- what the declared source does with a response -----------------------------------------------


def pass_body(response: Response, *args: Any, **kwargs: Any) -> None:
    """Have rest_api hand on a response as text rather than as what it parses to.

    A response hook. rest_api reads a response by its `json` method and raises for 404 and 5xx;
    bronze keeps each body as it came, also of a 404 (a deleted movie) and of what is no JSON.
    """
    if response.is_redirect:
        return
    problem = None
    try:
        body: str | None = response.content.decode("utf-8")
    except UnicodeDecodeError as error:
        body = response.content.decode("utf-8", errors="replace")
        problem = f"not UTF-8 (byte {error.start}); unreadable bytes replaced by U+FFFD"
    if response.status_code == NO_ANSWER:
        body, problem = None, f"no answer: {response.reason}"
    answer = {
        "status": response.status_code,
        "problem": problem,
        "source_url": response.url,
        "body": body,
    }
    setattr(response, "json", lambda **_: dict(answer))  # noqa: B010 - mypy minds the assignment
    response.status_code = 200  # classified below; rest_api would raise


def movie_row(answer: Row, times: Sequence) -> Row:
    """Make the row of a response to `/movie/{id}`.

    Args:
        answer: what `pass_body` handed on, with the requested id (`_movie_requests_id`).
        times: gives the row its `ingested_at`.

    Returns:
        A row of `raw_movies`, also for a 404; or, if the response is no movie, one of
        `quarantine_tmdb`, which has a `reason`. An exception that nobody expected is a reason too.
    """
    requested = answer["_movie_requests_id"]
    try:
        document, problem = _document(answer)
        if answer["status"] == 404:
            text = _tombstone(answer["body"], document)
        elif problem := problem or _not_this_movie(document, requested):
            return _quarantine(answer, problem, requested, times)
        else:
            text = answer["body"]
    except Exception as error:  # one movie never ends a run
        return _quarantine(answer, _unexpected(error), requested, times)
    return {
        "movie_id": requested,
        "raw_data": text,
        "source_url": answer["source_url"],
        "ingested_at": times.next(),
    }


def genres_row(answer: Row, times: Sequence) -> Row:
    """Make the row of a response to `/genre/movie/list`; as `movie_row`, for `raw_genres`."""
    document, problem = _document(answer)
    if not problem and answer["status"] != 200:
        problem = f"HTTP {answer['status']}"
    if not problem and not (
        isinstance(document, dict) and isinstance(document.get("genres"), list)
    ):
        problem = "not a list of genres"
    if problem:
        return _quarantine(answer, problem, None, times)
    return {"raw_data": answer["body"], "ingested_at": times.next()}


def table_of(row: Row) -> Table:
    """Return the table that a row of the source belongs to."""
    if "reason" in row:
        return QUARANTINE_TMDB
    return RAW_MOVIES if "movie_id" in row else RAW_GENRES


def columns_of(row: Row) -> list[Any]:
    """Describe to dlt the columns of a row of the source."""
    return [column.hint for column in table_of(row).columns if column.name in row]


def require_list_page(response: Response, *args: Any, **kwargs: Any) -> None:
    """Reject a page of a list that is none. A response hook.

    Raises:
        MarqueeError: not HTTP 200, or the body is not an object with `results` and `total_pages`.
    """
    if response.is_redirect:
        return
    problem = None if response.ok else f"HTTP {response.status_code} {response.reason}"
    try:
        page = json.loadb(response.content)
    except ValueError:
        page = None
    if not problem and not (
        isinstance(page, dict)
        and isinstance(page.get("results"), list)
        and isinstance(page.get("total_pages"), int)
    ):
        problem = "not a page of a list (results, total_pages)"
    if problem:
        raise MarqueeError(
            f"The answer of {response.url} cannot be used: {problem}.",
            "Nothing of it was taken. If the address is right, run again later.",
        )


def require_change_page(response: Response, *args: Any, **kwargs: Any) -> None:
    """Reject what is no page of the change log, or of one too long to be read. A response hook.

    Raises:
        NoChanges: this server has no such log, or more pages of it than it serves.
        MarqueeError: as `require_list_page`.
    """
    if response.status_code in NO_SUCH_PATH:
        raise NoChanges(
            f"{response.url.split('?')[0]} does not exist (HTTP {response.status_code})"
        )
    require_list_page(response)
    if response.ok and json.loadb(response.content)["total_pages"] > LAST_PAGE:
        raise NoChanges(f"{response.url} has more than the {LAST_PAGE} pages that are served")


# --- what a run makes of a row -------------------------------------------------------------------


@dataclass(frozen=True)
class FetchResult:
    """What became of one response.

    Attributes:
        kind: how the run counts it.
        movie_id: the requested movie, None for the list of genres.
        row: what it adds to bronze, None if nothing.
        is_failure: the server failed, in contrast to a body that is not a movie.
        is_temporary: another request may have another result.
        is_deletion: the movie is deleted and was not as far as bronze knows.
    """

    kind: Kind
    movie_id: int | None = None
    row: Row | None = None
    is_failure: bool = False
    is_temporary: bool = False
    is_deletion: bool = False


@dataclass
class ResponseClassifier:
    """Compares rows of the source with bronze, and says what bronze gets of each.

    Attributes:
        run: whose name is written on every row.
        same_document: compares a document of bronze with a fetched one.
        times: gives tombstones their `ingested_at`.
        known_genres: the newest list of genres in bronze, None if there is none.
    """

    run: RunReport
    same_document: Callable[[str, str], bool]
    times: Sequence
    known_genres: str | None

    def movie(self, row: Row, known: str | None) -> FetchResult:
        """Classify a row of `raw_movies` by the newest document of that movie in bronze.

        Returns:
            A result with the row, unless bronze has just that document already.
        """
        row = {**row, "batch_id": self.run.batch_id}
        if "reason" in row:
            return _quarantined(row)
        try:
            if movie_document(row["raw_data"]) is None:
                return self._missing(row, known)
            if known is not None and self.same_document(known, row["raw_data"]):
                return FetchResult("unchanged", row["movie_id"])
        except Exception as error:  # one movie never ends a run
            return unusable(row, error)
        kind: Kind = "new" if known is None else "changed"
        return FetchResult(kind, row["movie_id"], row)

    def genres(self, row: Row) -> FetchResult:
        """Classify a row of `raw_genres`; as `movie`."""
        row = {**row, "batch_id": self.run.batch_id}
        if "reason" in row:
            return _quarantined(row)
        known = self.known_genres
        if known is not None and self.same_document(known, row["raw_data"]):
            return FetchResult("unchanged")
        return FetchResult("new" if known is None else "changed", None, row)

    def missing_from_export(self, movie_id: int, known: str | None, url: str) -> FetchResult:
        """Classify a movie that the id export at `url` does not list any more; as `movie`."""
        message = f"The id export {url.rsplit('/', 1)[-1]} does not list it."
        row = {
            "movie_id": movie_id,
            "raw_data": json.dumps({"success": False, "status_message": message}),
            "source_url": url,
            "ingested_at": self.times.next(),
            "batch_id": self.run.batch_id,
        }
        return self._missing(row, known)

    def _missing(self, row: Row, known: str | None) -> FetchResult:
        if known is not None and not movie_document(known):
            return FetchResult("missing", row["movie_id"])  # bronze knows, in whichever words
        return FetchResult("missing", row["movie_id"], row, is_deletion=known is not None)


def unusable(row: Row, error: Exception) -> FetchResult:
    """Put a row of `raw_movies` that raised what nobody expected into quarantine."""
    kept = {name: row[name] for name in ("movie_id", "source_url", "ingested_at", "batch_id")}
    return _quarantined({**kept, "body": None, "reason": _unexpected(error)})


def _quarantined(row: Row) -> FetchResult:
    return FetchResult(
        "quarantined",
        row["movie_id"],
        row,
        is_failure=row["reason"].startswith(SERVER_FAILURES),
        is_temporary=row["reason"].startswith(TEMPORARY),
    )


def movie_document(raw_data: str) -> Document | None:
    """Parse what bronze has of a movie; None for a tombstone, which is JSON without an `id`."""
    document = json.loads(raw_data)
    return document if isinstance(document, dict) and "id" in document else None


def _quarantine(answer: Row, reason: str, requested: int | None, times: Sequence) -> Row:
    return {
        "movie_id": requested,
        "body": answer["body"],
        "reason": reason,
        "source_url": answer["source_url"],
        "ingested_at": times.next(),
    }


def _unexpected(error: Exception) -> str:
    return f"unexpected {type(error).__name__}: {str(error).strip()[:200]}"


def _tombstone(body: str, document: Any) -> str:
    """Keep the body of a 404 as JSON without an `id`, which marks a tombstone.

    Also not at a deeper level: `MovieReader.tombstones` searches the text.
    """
    if isinstance(document, dict) and "id" not in document and '"id"' not in body:
        return body
    return json.dumps(body)


def _document(answer: Row) -> tuple[Any, str | None]:
    """Parse the body strictly; return it and, where it cannot be taken, the reason."""
    if answer["problem"]:
        return None, str(answer["problem"])
    if answer["status"] not in (200, 404):
        return None, f"HTTP {answer['status']}"
    try:
        return json.loads(answer["body"]), None
    except ValueError as error:
        return None, f"malformed JSON: {error}"


def _not_this_movie(document: Any, requested: int) -> str | None:
    if not isinstance(document, dict):
        return f"not an object: {type(document).__name__}"
    if "id" not in document:
        return "no id"
    found = document["id"]
    if not isinstance(found, int) or isinstance(found, bool) or not -BIGINT <= found < BIGINT:
        return f"id is not an integer: {found!r}"
    return f"another id: requested {requested}, got {found}" if found != requested else None
