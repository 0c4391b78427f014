"""One run: which movies, fetched in parallel, landed chunk by chunk."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import dlt
from dlt.extract import DltSource

from landing.batch import new_batch_id
from landing.bronze import Row, Table
from landing.destination import BRONZE, Destination
from landing.errors import MarqueeError, chain
from landing.interrupt import Interrupt
from landing.load import land
from landing.progress import Progress
from landing.settings import Settings
from landing.warehouse import Warehouse
from tmdb_source import Wanted, tmdb_source
from tmdb_source.client import TmdbUnreachable, client_config, open_session
from tmdb_source.responses import Judge, Kind, Outcome
from tmdb_source.settings import TmdbSettings, is_tmdb
from tmdb_source.tables import RAW_GENRES, RAW_MOVIES, TABLES

# What a crash can cost: at 40 requests a second some 12 seconds of fetching, against some tenths of
# a second for a load.
CHUNK_MOVIES = 500


@dataclass
class Report:
    """What a run did, counted as it goes.

    Attributes:
        batch_id: the name of the run, on each of its rows.
        planned: movies to fetch.
        movies: movies fetched, by what became of them.
        landed: rows landed, by table; on a dry run those that would have.
        requests: HTTP requests sent, retries included.
        retries: those of them that repeated a failed one.
        started: when, on the monotonic clock, in seconds.

    """

    batch_id: str = field(default_factory=new_batch_id)
    planned: int = 0
    movies: Counter[Kind] = field(default_factory=Counter)
    landed: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    retries: int = 0
    started: float = field(default_factory=time.monotonic)

    @property
    def fetched(self) -> int:
        """Count the movies that were asked for and answered in some way."""
        return sum(self.movies.values())

    @property
    def seconds(self) -> float:
        """Tell how long the run has taken so far."""
        return time.monotonic() - self.started


def load_tmdb(
    tmdb: TmdbSettings,
    destination: Destination,
    settings: Settings,
    report: Report,
    *,
    pages: int,
    dry_run: bool = False,
) -> None:
    """Fetch the movies of the popular list and those tracked, and land what is new.

    Args:
        tmdb: whom to ask.
        destination: where to land.
        settings: where dlt works meanwhile.
        report: filled in as it goes, so that it is right however the run ends.
        pages: how many pages of the popular list.
        dry_run: leave the warehouse and the disk alone.

    Raises:
        MarqueeError: TMDb or the warehouse cannot be used; what landed before stays.
        KeyboardInterrupt: a person asked to stop; what was fetched by then has landed.

    """
    warehouse = Warehouse(destination)
    warehouse.check()
    refuse_to_mix(warehouse.last(RAW_MOVIES.name, "source_url"), tmdb.base_url)
    judge = Judge(
        report.batch_id, destination.same_document, warehouse.last(RAW_GENRES.name, "raw_data")
    )
    session, adapter = open_session(tmdb)
    client = client_config(tmdb, session)
    with session, Interrupt(adapter.stop) as interrupt, Progress() as progress:
        landing = Landing(
            None if dry_run else open_pipeline(settings, destination),
            destination,
            interrupt,
            report,
        )
        try:
            source = tmdb_source(client, judge=judge, pages=pages)
            genres = list(source.resources["raw_genres"])
            plan = list_movies(source, warehouse, progress, pages)
            report.planned = len(plan)
            landing.land(genres)
            progress.stage("fetching movies", len(plan), "movies")
            for chunk in chunks(plan, CHUNK_MOVIES):
                known = warehouse.newest(RAW_MOVIES.name, "movie_id", chunk)
                wanted: list[Wanted] = [{"id": one, "known": known.get(one)} for one in chunk]
                fetch_and_land(
                    tmdb_source(client, judge=judge, wanted=wanted), landing, progress, report
                )
        finally:
            report.requests, report.retries = adapter.requests, adapter.retries


def refuse_to_mix(landed_url: str | None, base_url: str) -> None:
    """Keep TMDb and its stand-ins apart: their movies share ids and would become one history.

    Args:
        landed_url: the `source_url` of a movie in the warehouse, None if it has none yet.
        base_url: whom this run asks.

    Raises:
        MarqueeError: one of them is TMDb, the other is not.

    """
    if landed_url is None or is_tmdb(landed_url) == is_tmdb(base_url):
        return
    holds, asks = (
        ("the real TMDb", "a stand-in") if is_tmdb(landed_url) else ("a stand-in", "the real TMDb")
    )
    raise MarqueeError(
        f"This warehouse holds movies of {holds} ({urlsplit(landed_url).netloc}) and this run "
        f"would load from {asks} ({urlsplit(base_url).netloc}): their ids would collide.",
        "Set MARQUEE_DUCKDB to another file, and MARQUEE_STATE_DUCKDB with it.",
    )


def open_pipeline(settings: Settings, destination: Destination) -> dlt.Pipeline:
    """Open dlt's pipeline, free of what a killed run left in its folder.

    A package that was cut off is thrown away, whether or not some of its rows reached bronze: this
    run fetches again and leaves out what bronze has, so nothing is lost and nothing doubled.
    Everything else dlt needs it restores from the warehouse, also on a new machine.

    Raises:
        MarqueeError: dlt cannot work in that folder.

    """
    if "'" in str(settings.dlt_dir):
        # dlt 1.31 puts the paths of its files unquoted into SQL for DuckDB
        raise MarqueeError(
            f"dlt cannot work in a folder with an apostrophe in its path: {settings.dlt_dir}",
            "Set MARQUEE_DLT_DIR to another folder.",
        )
    pipeline = dlt.pipeline(
        "tmdb",
        pipelines_dir=str(settings.dlt_dir),
        destination=destination.factory,
        dataset_name=BRONZE,
    )
    return pipeline.drop() if pipeline.has_pending_data else pipeline


class Landing:
    """Lands outcomes, a load each time, and never stops in the middle of one."""

    def __init__(
        self,
        pipeline: dlt.Pipeline | None,
        destination: Destination,
        interrupt: Interrupt,
        report: Report,
    ) -> None:
        """Take where to; without a pipeline rows are counted and let go."""
        self._pipeline = pipeline
        self._destination = destination
        self._interrupt = interrupt
        self._report = report

    def land(self, outcomes: Sequence[Outcome]) -> None:
        """Append the rows of the outcomes to their tables, and create those not there yet."""
        rows: dict[Table, list[Row]] = {table: [] for table in TABLES}
        for outcome in outcomes:
            if outcome.table and outcome.row:
                rows[outcome.table].append(outcome.row)
        with self._interrupt.finish_first():
            if self._pipeline and (any(rows.values()) or not self._report.landed):
                land(self._pipeline, self._destination, rows)
            self._report.landed.update({table.name: len(one) for table, one in rows.items()})


def list_movies(
    source: DltSource, warehouse: Warehouse, progress: Progress, pages: int
) -> list[int]:
    """Decide which movies to fetch: those the list names, then those tracked besides.

    Returns:
        Their ids, each once.

    Raises:
        MarqueeError: the list is empty although the warehouse tracks movies.

    """
    progress.stage("reading the list", pages, "pages at most")
    listed: dict[int, None] = {}
    for place, entry in enumerate(source.resources["popular"]):
        listed[entry["id"]] = None
        if place % 20 == 0:
            progress.advance(f"{len(listed):,} movies")
    tracked = warehouse.living(RAW_MOVIES.name, "movie_id")
    if tracked and not listed:
        raise MarqueeError(
            f"The list of popular movies is empty, and the warehouse tracks {len(tracked):,}.",
            "Nothing was fetched: asked one by one they would all be recorded as deleted.",
        )
    return list(listed | dict.fromkeys(tracked))


def chunks(ids: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    """Cut a sequence into pieces of `size`, the last one shorter."""
    for start in range(0, len(ids), size):
        yield ids[start : start + size]


def fetch_and_land(source: DltSource, landing: Landing, progress: Progress, report: Report) -> None:
    """Fetch the details that `source` wants and land them, also what came before a failure."""
    outcomes: list[Outcome] = []
    try:
        for outcome in source.resources["raw_movies"]:
            outcomes.append(outcome)
            report.movies[outcome.kind] += 1
            progress.advance(", ".join(f"{n:,} {kind}" for kind, n in report.movies.items()))
    except BaseException as error:
        if any(isinstance(cause, TmdbUnreachable) for cause in chain(error)):
            # These failures were TMDb's, not the movies': nothing for the quarantine.
            report.movies["quarantined"] -= sum(outcome.is_failure for outcome in outcomes)
            outcomes = [outcome for outcome in outcomes if not outcome.is_failure]
        landing.land(outcomes)
        raise
    landing.land(outcomes)
