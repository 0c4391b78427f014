"""TMDb (https://developer.themoviedb.org/reference) as a declared dlt source.

    GET /genre/movie/list  ->  bronze.raw_genres   one row, if it changed
    GET /movie/popular     ->  ids                 20 a page, pages 1 to 500, moving while one pages
    GET /movie/changes     ->  ids                 100 a page, by windows of days; null ids occur
    GET /movie/{id}        ->  bronze.raw_movies   one row a movie that changed; a 404 is a row too
    whatever is no movie   ->  bronze.quarantine_tmdb

and, from another host, without a key (`export`): the daily list of every id there is.

Run it: `python pipelines/tmdb.py`, or without a key `python pipelines/tmdb.py --sandbox`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypedDict

import dlt
from dlt.extract import DltSource
from dlt.sources.rest_api import rest_api_source
from dlt.sources.rest_api.typing import ClientConfig

from marquee.sources.tmdb.responses import (
    LAST_PAGE,
    ResponseClassifier,
    keep_body,
    require_change_page,
    require_list_page,
)


class Window(TypedDict):
    """Days of the change log, ISO dates, both included; TMDb allows 14 days at most."""

    start: str
    end: str


class MovieRequest(TypedDict):
    """A movie to fetch: its id and, to see what changed, its newest document in bronze."""

    id: int
    known: str | None


def tmdb_source(
    client: ClientConfig,
    *,
    classifier: ResponseClassifier,
    pages: int = LAST_PAGE,
    wanted: Iterable[MovieRequest] = (),
    windows: Iterable[Window] = (),
) -> DltSource:
    """Declare the source.

    Args:
        client: base URL, auth and session, see `client.client_config`.
        pages: how many pages of `/movie/popular` to read, at most `LAST_PAGE`.
        wanted: the movies whose details to fetch, handed in chunk by chunk so that what is fetched
            can land.
        windows: the days of which to read `/movie/changes`.
        classifier: says of each response what it is.

    Returns:
        The source with the resources `raw_genres` and `raw_movies` (one `responses.FetchResult` a
        response), `popular` and `changes` (list entries with `id`), `windows` and `wanted`. Nothing
        is asked before one of them is iterated.

    """
    return rest_api_source(
        {
            "client": client,
            "resources": [
                {
                    "name": "raw_genres",
                    "endpoint": {
                        "path": "genre/movie/list",
                        "data_selector": "$",
                        "paginator": "single_page",
                        "response_actions": [keep_body],
                    },
                    "processing_steps": [{"map": classifier.genres}],
                },
                {
                    "name": "popular",
                    "endpoint": {
                        "path": "movie/popular",
                        "data_selector": "results",
                        "paginator": {
                            "type": "page_number",
                            "base_page": 1,
                            "page_param": "page",
                            "total_path": "total_pages",
                            # the first page not to ask for
                            "maximum_page": min(pages, LAST_PAGE) + 1,
                        },
                        "response_actions": [require_list_page],
                    },
                    "processing_steps": [{"filter": has_id}],
                },
                dlt.resource([list(windows)], name="windows"),
                {
                    "name": "changes",
                    "endpoint": {
                        "path": "movie/changes",
                        "params": {
                            "start_date": "{resources.windows.start}",
                            "end_date": "{resources.windows.end}",
                        },
                        "data_selector": "results",
                        "paginator": {
                            "type": "page_number",
                            "base_page": 1,
                            "page_param": "page",
                            "total_path": "total_pages",
                        },
                        "response_actions": [require_change_page],
                    },
                    "include_from_parent": ["start"],
                    "parallelized": True,
                    "processing_steps": [{"filter": has_id}],
                },
                dlt.resource([list(wanted)], name="wanted"),  # one page of them
                {
                    "name": "raw_movies",
                    "endpoint": {
                        "path": "movie/{resources.wanted.id}",
                        "data_selector": "$",
                        "paginator": "single_page",
                        "response_actions": [keep_body],
                    },
                    "include_from_parent": ["id", "known"],
                    "parallelized": True,
                    "processing_steps": [{"map": classifier.movie}],
                },
            ],
        },
        name="tmdb",
    )


def has_id(entry: object) -> bool:
    """Tell whether an entry of a list names a movie; TMDb's lists have null ids at times."""
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("id"), int)
        and not isinstance(entry["id"], bool)
    )
