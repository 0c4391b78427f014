"""From an HTTP response to a bronze row: the body kept as it came, and a verdict on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Literal

from dlt.common.json import json
from requests import Response

from marquee.bronze.tables import Row, Table
from marquee.core.clock import utcnow
from marquee.core.errors import MarqueeError
from marquee.sources.tmdb.client import NO_ANSWER
from marquee.sources.tmdb.tables import QUARANTINE_TMDB, RAW_GENRES, RAW_MOVIES

BIGINT = 2**63
LAST_PAGE = 500  # TMDb answers page 501 with an error, however many it says there are
NO_SUCH_PATH = (404, 405, 501)

Document = dict[str, Any]
Kind = Literal["new", "changed", "unchanged", "missing", "quarantined"]


class NoChanges(Exception):
    """What changed cannot be learned from the change log; the message says why, without a stop."""


@dataclass(frozen=True)
class FetchResult:
    """What became of one response.

    Attributes:
        kind: how the run counts it.
        table: where its row belongs, None if it adds nothing to bronze.
        row: that row.
        is_failure: the server failed, in contrast to a body that is not a movie.
        is_deletion: the movie is gone and was alive as far as bronze knows.

    """

    kind: Kind
    table: Table | None = None
    row: Row | None = None
    is_failure: bool = False
    is_deletion: bool = False


def keep_body(response: Response, *args: Any, **kwargs: Any) -> None:
    """Wrap a response so that rest_api hands on its text rather than what it parses to.

    A response hook. rest_api reads JSON and refuses 404 and 5xx; bronze wants each body as it came,
    also of a 404 (a movie that is gone) and of what is no JSON at all. So the body becomes
    `{"status", "problem", "source_url", "ingested_at", "body"}`, which is always good JSON.
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
    envelope = {
        "status": response.status_code,
        "problem": problem,
        "source_url": response.url,
        "ingested_at": datetime.now(timezone.utc).isoformat(),
        "body": body,
    }
    response._content = json.dumpb(envelope)
    response.encoding = "utf-8"
    response.status_code = 200  # judged below; rest_api would raise


def movie_document(raw_data: str) -> Document | None:
    """Parse what bronze has of a movie; None for a tombstone, which is JSON without an `id`."""
    document = json.loads(raw_data)
    return document if isinstance(document, dict) and "id" in document else None


def require_list_page(response: Response, *args: Any, **kwargs: Any) -> None:
    """Refuse a page of a list that is none. A response hook.

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
            f"What {response.url} answers is no use: {problem}.",
            "Nothing of it was taken. If the address is right, run again later.",
        )


def require_change_page(response: Response, *args: Any, **kwargs: Any) -> None:
    """Refuse what is no page of the change log, or of one too long to be read. A response hook.

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


class ResponseClassifier:
    """Tells of each wrapped response what it is and what bronze gets of it."""

    def __init__(
        self,
        batch_id: str,
        same_document: Callable[[str, str], bool],
        known_genres: str | None = None,
    ) -> None:
        """Take the run's name and what tells a document that bronze has from a new one.

        Args:
            batch_id: written on every row.
            same_document: compares a document of bronze with a fetched one.
            known_genres: the newest list of genres in bronze, None if there is none.

        """
        self._batch_id = batch_id
        self._same = same_document
        self._known_genres = known_genres

    def movie(self, envelope: Row) -> FetchResult:
        """Classify a response to `/movie/{id}`.

        Args:
            envelope: the response as `keep_body` wrapped it, with the id that was asked for
                (`_wanted_id`) and the newest document of that movie in bronze (`_wanted_known`).

        Returns:
            A row for `raw_movies`, also for a 404, unless bronze has just that document already;
            or a row for `quarantine_tmdb` with the reason.

        """
        asked, known = envelope["_wanted_id"], envelope["_wanted_known"]
        document, problem = _document(envelope)
        is_gone = envelope["status"] == 404
        if is_gone:
            text = _tombstone(envelope["body"], document)
        elif problem := problem or _not_this_movie(document, asked):
            return self._quarantine(envelope, problem, asked)
        else:
            text = envelope["body"]
        row = {"movie_id": asked, "raw_data": text, **self._lineage(envelope)}
        if is_gone:
            return self._missing(row, known)
        if known is not None and self._same(known, text):
            return FetchResult("unchanged")
        return FetchResult("new" if known is None else "changed", RAW_MOVIES, row)

    def missing_from_export(self, movie_id: int, known: str | None, url: str) -> FetchResult:
        """Classify a movie that the id export at `url` does not list any more; as `movie`."""
        message = f"The id export {url.rsplit('/', 1)[-1]} does not list it."
        row = {
            "movie_id": movie_id,
            "raw_data": json.dumps({"success": False, "status_message": message}),
            "source_url": url,
            "ingested_at": utcnow(),
            "batch_id": self._batch_id,
        }
        return self._missing(row, known)

    def _missing(self, row: Row, known: str | None) -> FetchResult:
        if known is not None and not movie_document(known):
            return FetchResult("missing")  # bronze knows, in whichever words
        return FetchResult("missing", RAW_MOVIES, row, is_deletion=known is not None)

    def genres(self, envelope: Row) -> FetchResult:
        """Classify a response to `/genre/movie/list`; as `movie`, for `raw_genres`."""
        document, problem = _document(envelope)
        if not problem and not (
            isinstance(document, dict) and isinstance(document.get("genres"), list)
        ):
            problem = "not a list of genres"
        if problem:
            return self._quarantine(envelope, problem, None)
        known = self._known_genres
        if known is not None and self._same(known, envelope["body"]):
            return FetchResult("unchanged")
        row = {"raw_data": envelope["body"], **self._lineage(envelope)}
        del row["source_url"]
        return FetchResult("new" if known is None else "changed", RAW_GENRES, row)

    def _quarantine(self, envelope: Row, reason: str, asked: int | None) -> FetchResult:
        row = {
            "movie_id": asked,
            "body": envelope["body"],
            "reason": reason,
            **self._lineage(envelope),
        }
        return FetchResult("quarantined", QUARANTINE_TMDB, row, envelope["status"] >= 500)

    def _lineage(self, envelope: Row) -> Row:
        arrived = datetime.fromisoformat(envelope["ingested_at"]).replace(tzinfo=None)
        return {
            "source_url": envelope["source_url"],
            "ingested_at": arrived,
            "batch_id": self._batch_id,
        }


def _tombstone(body: str, document: Any) -> str:
    """Keep the body of a 404 as JSON without an `id`, which is how a tombstone is told."""
    if isinstance(document, dict) and "id" not in document:
        return body
    return json.dumps(body)


def _document(envelope: Row) -> tuple[Any, str | None]:
    """Parse the body strictly; return it and, where it cannot be taken, the reason."""
    if envelope["problem"]:
        return None, str(envelope["problem"])
    if envelope["status"] not in (200, 404):
        return None, f"HTTP {envelope['status']}"
    try:
        return json.loads(envelope["body"]), None
    except ValueError as error:
        return None, f"malformed JSON: {error}"


def _not_this_movie(document: Any, asked: int) -> str | None:
    if not isinstance(document, dict):
        return f"not an object: {type(document).__name__}"
    if "id" not in document:
        return "no id"
    found = document["id"]
    if not isinstance(found, int) or isinstance(found, bool) or not -BIGINT <= found < BIGINT:
        return f"id is not an integer: {found!r}"
    return f"another id: asked for {asked}, got {found}" if found != asked else None
