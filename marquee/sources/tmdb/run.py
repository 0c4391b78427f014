"""One run: planned, written down, then fetched in parallel and landed chunk by chunk."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import dlt
from dlt.common.json import json
from dlt.extract import DltSource

from marquee.bronze.destination import Destination
from marquee.bronze.loader import load, load_state, open_pipeline
from marquee.bronze.reader import BronzeReader
from marquee.bronze.tables import Row, Table
from marquee.core.clock import utcnow
from marquee.core.errors import MarqueeError, chain, explain
from marquee.core.progress import Progress
from marquee.core.settings import Settings
from marquee.core.signals import Interrupt
from marquee.ops.run_log import RunLog, logged_run
from marquee.sources.tmdb import MovieRequest, tmdb_source
from marquee.sources.tmdb.client import TmdbUnreachable, client_config, open_session, redact
from marquee.sources.tmdb.deletions import ConsecutiveDeletions, check_deletion_ratio
from marquee.sources.tmdb.load_request import LoadRequest
from marquee.sources.tmdb.planner import Plan, Planner, pieces
from marquee.sources.tmdb.report import Report
from marquee.sources.tmdb.responses import FetchResult, ResponseClassifier
from marquee.sources.tmdb.settings import TmdbSettings, is_tmdb
from marquee.sources.tmdb.state import PipelineState, RunState
from marquee.sources.tmdb.tables import QUARANTINE_TMDB, RAW_GENRES, RAW_MOVIES, TABLES, WORK_TMDB

PIPELINE = "tmdb"


@dataclass(frozen=True)
class Chunk:
    """A part of a work list that is fetched and landed at once.

    Attributes:
        movie_ids: the movies.
        export_url: the id export that lacks them, so that they are buried; None to fetch them.

    """

    movie_ids: Sequence[int]
    export_url: str | None = None


def load_tmdb(
    tmdb: TmdbSettings,
    destination: Destination,
    settings: Settings,
    report: Report,
    *,
    asked: LoadRequest,
    dry_run: bool = False,
) -> None:
    """Finish a run that was cut short, then fetch what is asked for and land what is new.

    Args:
        tmdb: whom to ask.
        destination: where to land.
        settings: where dlt works meanwhile.
        report: filled in as it goes, so that it is right however the run ends.
        asked: what to fetch.
        dry_run: leave the warehouse and the disk alone.

    Raises:
        MarqueeError: TMDb or the warehouse cannot be used, or another run is loading it; what
            landed before stays.
        KeyboardInterrupt: a person asked to stop; what was fetched by then has landed.

    """
    with ExitStack() as stack:
        log = None
        if dry_run:
            scratch = stack.enter_context(TemporaryDirectory(prefix="marquee-"))
            settings = replace(settings, dlt_dir=Path(scratch))
        else:
            log = stack.enter_context(
                logged_run(
                    PIPELINE,
                    destination,
                    settings,
                    report,
                    lambda error: redact(explain(error, destination.path), tmdb),
                )
            )
        warehouse = BronzeReader(destination)
        warehouse.check()
        check_same_source(warehouse.last(RAW_MOVIES.name, "source_url"), tmdb.base_url)
        pipeline = open_pipeline(PIPELINE, settings, destination)
        session, adapter = open_session(tmdb)
        client = client_config(tmdb, stack.enter_context(session))
        loader = Loader(
            pipeline,
            destination,
            stack.enter_context(Interrupt(adapter.stop)),
            report,
            log,
        )
        progress = stack.enter_context(Progress())
        known_genres = warehouse.last(RAW_GENRES.name, "raw_data")

        def fetcher() -> Fetcher:
            classifier = ResponseClassifier(
                report.batch_id, destination.same_document, known_genres
            )
            return Fetcher(
                partial(tmdb_source, client, classifier=classifier), classifier, warehouse, tmdb
            )

        try:
            own_batch_id = report.batch_id  # the run log has this run by that name
            unfinished = None if dry_run else loader.state.unfinished
            if unfinished:
                report.batch_id = unfinished.batch_id
            work = RunExecutor(fetcher(), loader, progress, report, tmdb.chunk_size)
            genres = work.fetcher.genres()
            today = adapter.today()
            if unfinished:
                loader.load(genres)
                work.resume(unfinished)
                if unfinished.asked == asked.fingerprint and (
                    unfinished.day == today or not asked.is_of_its_day
                ):
                    return
                genres, report.batch_id = [], own_batch_id
                work = RunExecutor(fetcher(), loader, progress, report, tmdb.chunk_size)
            planner = Planner(work.fetcher.source, warehouse, tmdb, today, progress)
            plan = planner.plan(asked, loader.state.cursor)
            work.start(plan, asked, today, genres)
        finally:
            report.requests, report.retries = adapter.requests, adapter.retries


def check_same_source(landed_url: str | None, base_url: str) -> None:
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
        "Set MARQUEE_DUCKDB to another file, and MARQUEE_STATE_DUCKDB with it (on Snowflake "
        "SNOWFLAKE_DATABASE, and another state).",
    )


class Loader:
    """Lands results and the pipeline state, and never stops in the middle of a load."""

    def __init__(
        self,
        pipeline: dlt.Pipeline,
        destination: Destination,
        interrupt: Interrupt,
        report: Report,
        log: RunLog | None,
    ) -> None:
        """Take where to; without a log, on a dry run, rows are counted and let go."""
        self._pipeline = pipeline
        self._destination = destination
        self._interrupt = interrupt
        self._report = report
        self._log = log
        self.state = PipelineState.restore(load_state(pipeline))

    def load(
        self, results: Iterable[FetchResult], run: RunState | None = None, work: Sequence[Row] = ()
    ) -> None:
        """Append the rows of the results to their tables, and create those not there yet.

        Args:
            results: what was fetched.
            run: how far the run is once these rows are in; None where that does not change.
            work: rows of a new work list.

        """
        rows: dict[Table, list[Row]] = {table: [] for table in TABLES}
        rows[WORK_TMDB] += work
        for result in results:
            if result.table and result.row:
                rows[result.table].append(result.row)
        state = self.state.advance(run) if run else self.state
        is_first = not self._report.landed
        with self._interrupt.defer_interrupts():
            if self._log and (is_first or any(rows.values()) or state != self.state):
                some = {table: one for table, one in rows.items() if one or is_first}
                self._destination.label(self._report.batch_id)
                load(self._pipeline, self._destination, some, state.to_json(), self._log)
            self.state = state
            self._report.landed.update(
                {table.name: len(one) for table, one in rows.items() if table is not WORK_TMDB}
            )


class Fetcher:
    """Fetches what a chunk asks for and judges it; lands nothing."""

    def __init__(
        self,
        source: Callable[..., DltSource],
        classifier: ResponseClassifier,
        warehouse: BronzeReader,
        settings: TmdbSettings,
    ) -> None:
        """Take `tmdb_source` with client and classifier given, and what bronze has."""
        self.source = source
        self._classifier = classifier
        self._warehouse = warehouse
        self._settings = settings

    def genres(self) -> list[FetchResult]:
        """Ask for the list of genres."""
        return list(self.source().resources["raw_genres"])

    def movies(self, chunk: Chunk) -> Iterator[FetchResult]:
        """Ask for the movies of a chunk, or tombstones them; yield what came of each.

        Raises:
            DeletionThresholdExceeded: too many of them are gone. What was yielded as missing
                before is not to be believed either.

        """
        known = self._warehouse.newest(RAW_MOVIES.name, "movie_id", chunk.movie_ids)
        documents = {one: newest.document for one, newest in known.items()}
        if chunk.export_url:
            for one in chunk.movie_ids:
                yield self._classifier.missing_from_export(
                    one, documents.get(one), chunk.export_url
                )
            return  # the plan was guarded as a whole
        wanted: list[MovieRequest] = [
            {"id": one, "known": documents.get(one)} for one in chunk.movie_ids
        ]
        share, source = self._settings.max_gone_share, self._settings.base_url
        streak, deletions = ConsecutiveDeletions(share, source), 0
        for result in self.source(wanted=wanted).resources["raw_movies"]:
            yield result
            deletions += result.is_deletion
            streak.saw(result)
        check_deletion_ratio(deletions, len(known), share, source)

    def refused_before(self, batch_id: str) -> set[int]:
        """Return the movies that a run put into quarantine before it was cut short."""
        return self._warehouse.refused_by(batch_id, QUARANTINE_TMDB.name, "movie_id")

    def chunk(self, run: RunState, number: int) -> Chunk:
        """Read a chunk of a work list from the warehouse."""
        return Chunk(*self._warehouse.chunk(WORK_TMDB.name, run.batch_id, number))


class RunExecutor:
    """Works through the list of a run, a load a chunk, so that it can be cut short anywhere."""

    def __init__(
        self,
        fetcher: Fetcher,
        loader: Loader,
        progress: Progress,
        report: Report,
        chunk_size: int,
    ) -> None:
        """Take who fetches, who lands, where to say how it goes, and the movies of a load."""
        self.fetcher = fetcher
        self._chunk_size = chunk_size
        self._loader = loader
        self._progress = progress
        self._report = report

    def start(
        self, plan: Plan, asked: LoadRequest, today: date, genres: Sequence[FetchResult]
    ) -> None:
        """Write the work list down, with the genres, and work through it."""
        size = self._chunk_size
        chunks = [Chunk(ids) for ids in pieces(plan.fetch, size)]
        if plan.export:
            chunks += [Chunk(ids, plan.export.url) for ids in pieces(plan.tombstones, size)]
        run = RunState(
            batch_id=self._report.batch_id,
            asked=asked.fingerprint,
            day=today,
            chunks=len(chunks),
            movies=len(plan.fetch) + len(plan.tombstones),
            next_cursor=plan.next_cursor,
        )
        planned_at = utcnow()
        self._loader.load(
            genres,
            run,
            [
                {
                    "batch_id": run.batch_id,
                    "chunk": number,
                    "movie_ids": json.dumps(chunk.movie_ids),
                    "export_url": chunk.export_url,
                    "planned_at": planned_at,
                }
                for number, chunk in enumerate(chunks)
            ],
        )
        self._process_chunks(run, chunks)

    def resume(self, run: RunState) -> None:
        """Work through what a run that was cut short has left."""
        self._progress.note(f"Going on with run {run.batch_id} of {run.day}.")
        refused = self.fetcher.refused_before(run.batch_id)
        chunks = (self.fetcher.chunk(run, one) for one in range(run.chunks_done, run.chunks))
        self._process_chunks(run, chunks, refused)

    def _process_chunks(
        self, run: RunState, chunks: Iterable[Chunk], refused: Container[int] = frozenset()
    ) -> None:
        """Fetch and land chunk by chunk; whom `refused` names is in quarantine already."""
        self._report.planned += run.movies
        self._report.resumed += run.movies_done
        self._progress.stage("fetching movies", run.movies, "movies", run.movies_done)
        for chunk in chunks:
            results = self._results(chunk, refused)
            run = replace(
                run,
                chunks_done=run.chunks_done + 1,
                movies_done=run.movies_done + len(chunk.movie_ids),
            )
            self._loader.load(results, run)

    def _results(self, chunk: Chunk, refused: Container[int]) -> list[FetchResult]:
        """Fetch a chunk; when that ends early, land what is beyond doubt before it does."""
        results: list[FetchResult] = []
        counts = self._report.movies
        try:
            for result in self.fetcher.movies(chunk):
                if result.table is QUARANTINE_TMDB and (result.row or {})["movie_id"] in refused:
                    result = replace(result, row=None)
                results.append(result)
                counts[result.kind] += 1
                self._progress.advance(", ".join(f"{n:,} {kind}" for kind, n in counts.items()))
        except BaseException as error:
            is_outage = any(isinstance(cause, TmdbUnreachable) for cause in chain(error))
            doubtful = [
                # In an outage failures are TMDb's, not the movies'. And whether so many movies are
                # gone as to make it doubtful shows when the chunk is complete.
                one
                for one in results
                if one.kind == "missing" or (is_outage and one.is_failure)
            ]
            counts.subtract(one.kind for one in doubtful)
            self._loader.load(one for one in results if one not in doubtful)
            raise
        return results
