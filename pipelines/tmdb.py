"""TMDb (https://developer.themoviedb.org/reference) as a declared dlt source.

    GET /genre/movie/list  ->  raw_genres       one row per response
    GET /movie/{id}        ->  raw_movies       one row per response; a 404 is a row too
    no movie, no list      ->  quarantine_tmdb  one row per response, with the reason
    GET /movie/popular     ->  ids              20 per page, pages 1 to 500
    GET /movie/changes     ->  ids              100 per page, by windows of days; null ids occur

In any dlt project, into any destination (`pip install` this repository first):

    import dlt
    from pipelines.tmdb import tmdb_source

    pipeline = dlt.pipeline("movies", destination="duckdb", dataset_name="bronze")
    print(pipeline.run(tmdb_source(pages=2)))

The credential is dlt's `sources.tmdb.access_token` (v4) or `sources.tmdb.api_key` (v3): in
`.dlt/secrets.toml`, as `SOURCES__TMDB__ACCESS_TOKEN`, or as `TMDB_ACCESS_TOKEN`. dlt reads
`raw_data` as JSON and may write its numbers in another way.

`python pipelines/tmdb.py` adds what a warehouse needs: it requests what changed since, resumes an
interrupted run, checks deletions, keeps each document byte for byte and writes the run log.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterable, Iterator, Sequence

import dlt
from dlt.common.jsonpath import compile_path
from dlt.extract import DltSource
from dlt.sources.rest_api import rest_api_source

from marquee.core import clock
from marquee.core.garbage import collect_rarely
from marquee.sources.tmdb.client import TmdbSession
from marquee.sources.tmdb.lists import PageRequest, read_popular
from marquee.sources.tmdb.responses import (
    columns_of,
    genres_row,
    movie_row,
    pass_body,
    require_change_page,
    require_list_page,
    table_of,
)
from marquee.sources.tmdb.settings import TmdbSettings


def tmdb_source(
    pages: int = 20,
    *,
    movie_ids: Iterable[int] | None = None,
    list_pages: Sequence[PageRequest] = (),
    session: TmdbSession | None = None,
    times: clock.Sequence | None = None,
) -> DltSource:
    """Declare the source.

    Args:
        pages: how many pages of `/movie/popular` name the movies to load, at most 500.
        movie_ids: load these movies instead.
        list_pages: the pages to request by `popular` and `changes`. This and `movie_ids` are read
            each time that a resource is iterated.
        session: how to reach TMDb; None to configure it by dlt's `sources.tmdb.*`.
        times: gives the rows their `ingested_at`.

    Returns:
        The source with the resources `raw_genres` and `raw_movies`, which are loaded, and
        `popular` and `changes`, pages of lists, which are only iterated. Nothing is requested
        before that.

    Raises:
        MarqueeError: no credential, or a setting that cannot be used.
    """
    session = session or TmdbSession(TmdbSettings.from_configuration())
    settings, times = session.settings, times or clock.Sequence()

    def movie_requests() -> Iterator[list[dict[str, int]]]:
        """Hand on the movies as one page, whose requests run in parallel."""
        ids = movie_ids
        if ids is None:
            popular = read_popular(
                lambda some: tmdb_source(list_pages=some, session=session).resources["popular"],
                pages,
            )
            for problem in popular.problems:
                logging.getLogger("marquee.sources.tmdb").warning(problem)
            ids = popular.ids
        yield [{"id": one} for one in ids]

    return rest_api_source(
        {
            "client": {
                "base_url": settings.base_url,  # https://api.themoviedb.org/3
                "headers": {"Accept": "application/json", "User-Agent": "marquee"},
                # the v4 token; the session adds a v3 key to the URL, beneath every log and table
                "auth": settings.bearer_auth,
                # for all threads together: 40 requests per second, six attempts, Retry-After
                "session": session,
            },
            "resource_defaults": {
                "write_disposition": "append",
                "parallelized": True,
                # every response as a whole, as text; dlt would parse "$" again for each
                "endpoint": {
                    "data_selector": compile_path("$"),
                    "paginator": "single_page",
                    "response_actions": [pass_body],
                },
            },
            "resources": [
                {
                    "name": "raw_genres",
                    "table_name": lambda row: table_of(row).name,
                    "columns": columns_of,
                    "endpoint": "genre/movie/list",
                    "processing_steps": [{"map": lambda answer: genres_row(answer, times)}],
                },
                dlt.resource(movie_requests, selected=False),
                {
                    "name": "raw_movies",
                    "table_name": lambda row: table_of(row).name,
                    "columns": columns_of,
                    "endpoint": "movie/{resources.movie_requests.id}",
                    "include_from_parent": ["id"],
                    "processing_steps": [{"map": lambda answer: movie_row(answer, times)}],
                },
                # Page 1 of a list tells how many there are; `read_lists` requests the others.
                dlt.resource(lambda: [list(list_pages)], name="pages", selected=False),
                {
                    "name": "popular",
                    "selected": False,
                    "endpoint": {
                        "path": "movie/popular",
                        "params": {"page": "{resources.pages.page}"},
                        "response_actions": [require_list_page],
                    },
                    "include_from_parent": ["page"],
                },
                {
                    "name": "changes",
                    "selected": False,
                    "endpoint": {
                        "path": "movie/changes",
                        "params": {
                            "start_date": "{resources.pages.start}",
                            "end_date": "{resources.pages.end}",
                            "page": "{resources.pages.page}",
                        },
                        "response_actions": [require_change_page],
                    },
                    "include_from_parent": ["page", "start", "end"],
                },
            ],
        },
        name="tmdb",
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the pipeline; return its exit code (see `--help`)."""
    from marquee.cli.tmdb import run

    return run(argv, tmdb_source)


if __name__ == "__main__":
    collect_rarely()
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Not sys.exit: it would wait for requests that are still waiting for a dead server.
    os._exit(code)
