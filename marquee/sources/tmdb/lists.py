"""Reads a list of TMDb as a whole: page 1 first, then all the others at once.

A list is complete if everything that was read agrees with what the list reports about itself. One
that is not is read again, for a list can change while it is read. If it still does not agree, its
ids can be used; that something is not on it means nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypedDict

from marquee.sources.tmdb.load_request import is_movie_id
from marquee.sources.tmdb.responses import LAST_PAGE

ATTEMPTS = 3  # a list changes while it is read, and seldom three times in a row


class PageRequest(TypedDict, total=False):
    """A page to request: its number and, of the change log, the days (ISO dates, both included)."""

    page: int
    start: str
    end: str


Page = Mapping[str, Any]  # as TMDb sends it, with the request as `_requested_page` ...
Fetch = Callable[[list[PageRequest]], Iterable[Page]]


@dataclass
class ListRead:
    """What was read of one or more lists.

    Attributes:
        ids: the movies, each once, in the order of the lists.
        problems: where a list contradicts itself, in words; empty if all of them are complete.
        dropped: how many entries have an id that no movie can have.
    """

    ids: list[int] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    dropped: int = 0


def read_popular(
    fetch: Fetch, pages: int, on_page: Callable[[int], None] = lambda count: None
) -> ListRead:
    """Read the popular list, at most its first `pages` pages; the rest is as in `read_lists`."""
    return read_lists(
        fetch,
        "The popular list",
        last_page=min(pages, LAST_PAGE),
        is_moving=True,
        on_page=on_page,
    )


def read_lists(
    fetch: Fetch,
    name: str,
    queries: Iterable[PageRequest] = ({},),
    *,
    last_page: int = LAST_PAGE,
    is_moving: bool = False,
    on_page: Callable[[int], None] = lambda count: None,
) -> ListRead:
    """Read lists, one per query.

    Args:
        fetch: requests pages, in any order and in parallel.
        name: what the list is called in messages.
        queries: what the pages of a list have in common, such as the days of the change log.
        last_page: the last page to read.
        is_moving: entries may move from page to page while it is read, so that single ones are on
            two pages or on none, and a page may be short.
        on_page: called with the number of ids after each page.

    Returns:
        The ids of all lists, and where they are not complete.
    """
    found: dict[int, None] = {}
    result = ListRead()
    pending = list(queries)
    for attempt in range(1, ATTEMPTS + 1):
        pages = list(_fetch_all(fetch, pending, last_page, found, on_page))
        failed, result.problems = [], []
        for query in pending:
            own = [page for page in pages if _query(page) == query]
            problem = _contradiction(own, last_page, is_moving=is_moving)
            if problem:
                failed.append(query)
                days = f" from {query['start']} to {query['end']}" if "start" in query else ""
                result.problems.append(f"{name}{days} is incomplete: {problem}")
            if not problem or attempt == ATTEMPTS:
                result.dropped += sum(map(_is_odd, _entries(own)))
        pending = failed
        if not pending or attempt == ATTEMPTS:
            break
    result.ids = list(found)
    return result


def _fetch_all(
    fetch: Fetch,
    queries: list[PageRequest],
    last_page: int,
    found: dict[int, None],
    on_page: Callable[[int], None],
) -> Iterator[Page]:
    """Fetch page 1 of each list, then all other pages of all lists."""
    first = list(fetch([{**query, "page": 1} for query in queries]))
    others: list[PageRequest] = [
        {**query, "page": number}
        for query in queries
        for page in first
        if _query(page) == query
        for number in range(2, min(page["total_pages"], last_page) + 1)
    ]
    rest = list(fetch(others)) if others else []
    # In the order of the list, which is that of popularity, whichever page came first.
    for page in sorted([*first, *rest], key=_requested):
        found.update(dict.fromkeys(one for one in map(_id, page["results"]) if is_movie_id(one)))
        on_page(len(found))
        yield page


def _requested(page: Page) -> int:
    return int(page["_pages_page"])


def _query(page: Page) -> PageRequest:
    query: PageRequest = {}
    if "_pages_start" in page:
        query = {"start": page["_pages_start"], "end": page["_pages_end"]}
    return query


def _id(entry: object) -> Any:
    return entry.get("id") if isinstance(entry, dict) else None


def _entries(pages: Iterable[Page]) -> list[Any]:
    return [entry for page in pages for entry in page["results"]]


def _is_odd(entry: object) -> bool:
    """Tell whether an entry has no id that a movie can have; TMDb's lists have null ids."""
    is_null = isinstance(entry, dict) and "id" in entry and entry["id"] is None
    return not is_null and not is_movie_id(_id(entry))


def _contradiction(pages: list[Page], last_page: int, *, is_moving: bool) -> str | None:
    """Say where the pages of a list disagree with what it reports about itself."""
    if not pages:
        return "no page was answered"
    for name in ("total_pages", "total_results"):
        totals = [page.get(name) for page in pages]
        if any(total != totals[0] for total in totals):
            return f"{name} is not the same on all pages"
        # A server that gives no total of entries has none to disagree with.
        if totals[0] is not None and (type(totals[0]) is not int or totals[0] < 0):
            return f"{name} is no whole number"
    total_pages, total_results = pages[0]["total_pages"], pages[0].get("total_results")
    expected = max(1, min(total_pages, last_page))
    entries = _entries(pages)
    if entries and total_pages < 1:
        return f"it reports {total_pages} pages and has {len(entries):,} entries"
    if entries and all(map(_is_odd, entries)):
        return f"none of its {len(entries):,} entries is a movie"
    numbers = sorted(map(_requested, pages))
    if numbers != list(range(1, expected + 1)):
        return f"{len(numbers)} of {expected} pages were answered"
    for page in pages:
        if page.get("page", _requested(page)) != _requested(page):
            return f"page {_requested(page)} was answered as page {page['page']!r}"
        if not page["results"] and expected > 1:
            return f"page {_requested(page)} of {total_pages} is empty"
    if expected > 1 and len({str(page["results"]) for page in pages}) < expected:
        return "a page was answered twice"
    count, size = len(entries), max(len(page["results"]) for page in pages)
    if total_results is None:
        return None
    # Of a list that moves a page may be one entry short, and one entry be on two pages.
    slack = expected if is_moving else 0
    if total_pages <= last_page and abs(count - total_results) > slack:
        return f"it reports {total_results:,} entries and has {count:,}"
    if expected > 1 and not -(-total_results // (size + 1)) <= total_pages <= -(
        -total_results // max(1, size - 1)
    ):
        return f"it reports {total_results:,} entries on {total_pages:,} pages of {size}"
    ids = [one for one in map(_id, entries) if one is not None]
    if not is_moving and len(set(map(str, ids))) < len(ids):
        return "an entry is on it twice"
    return None
