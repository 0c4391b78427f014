"""One run: planned, written down, then fetched in parallel and loaded chunk by chunk."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import dlt
from dlt.common.json import json
from dlt.extract import DltSource

from marquee.bronze.destination import Destination
from marquee.bronze.loader import load, load_state, open_pipeline
from marquee.bronze.tables import Row, Table
from marquee.core import clock
from marquee.core.clock import utcnow
from marquee.core.errors import MarqueeError, chain, explain
from marquee.core.progress import Progress
from marquee.core.settings import Settings
from marquee.core.signals import Interrupt
from marquee.ops.run_log import RunLog, logged_run
from marquee.sources.tmdb.client import (
    CredentialRejected,
    TmdbSession,
    TmdbUnreachable,
    redact,
)
from marquee.sources.tmdb.deletions import ConsecutiveDeletions, check_deletion_ratio
from marquee.sources.tmdb.lists import Page, PageRequest
from marquee.sources.tmdb.load_request import LoadRequest, is_movie_id
from marquee.sources.tmdb.planner import Plan, Planner, pieces
from marquee.sources.tmdb.reader import MovieReader
from marquee.sources.tmdb.report import Report
from marquee.sources.tmdb.responses import FetchResult, ResponseClassifier, table_of, unusable
from marquee.sources.tmdb.settings import TmdbSettings, is_tmdb
from marquee.sources.tmdb.state import PipelineState, RunState
from marquee.sources.tmdb.tables import QUARANTINE_TMDB, RAW_GENRES, RAW_MOVIES, TABLES, WORK_TMDB

PIPELINE = "tmdb"
Source = Callable[..., DltSource]


@dataclass(frozen=True)
class Chunk:
    """A part of a work queue that is fetched and loaded at once.

    Attributes:
        movie_ids: the movies.
        export_url: the id export that lacks them, so that they get tombstones; None to fetch them.
    """

    movie_ids: Sequence[int]
    export_url: str | None = None


def load_tmdb(
    source: Source,
    tmdb: TmdbSettings,
    destination: Destination,
    settings: Settings,
    report: Report,
    *,
    request: LoadRequest,
    dry_run: bool = False,
) -> None:
    """Finish a run that was interrupted, then fetch what is requested and load what is new.

    Args:
        source: the declared source, `pipelines.tmdb.tmdb_source`.
        tmdb: how to reach TMDb.
        destination: where to load.
        settings: where dlt works meanwhile.
        report: filled in as it goes, so that it is right however the run ends.
        request: what to fetch.
        dry_run: leave the warehouse and the disk alone.

    Raises:
        MarqueeError: TMDb or the warehouse cannot be used, or another run is loading it; what
            was loaded before stays.
        KeyboardInterrupt: a person stopped the run; what was fetched by then is loaded.
    """

    def words(error: BaseException) -> str:
        return redact(explain(error, destination.path), tmdb)

    with ExitStack() as stack:
        log = None
        if dry_run:
            scratch = stack.enter_context(TemporaryDirectory(prefix="marquee-"))
            settings = replace(settings, dlt_dir=Path(scratch))
        else:
            log = stack.enter_context(logged_run(PIPELINE, destination, settings, report, words))
        reader = MovieReader(destination)
        session = stack.enter_context(TmdbSession(tmdb))
        with destination.kept_open():
            check_same_source(reader.last(RAW_MOVIES.name, "source_url"), tmdb.base_url)
            times = clock.Sequence(
                reader.newest_time([RAW_MOVIES, RAW_GENRES, QUARANTINE_TMDB]), tmdb.today
            )
            known_genres = reader.last(RAW_GENRES.name, "raw_data")
            classifier = ResponseClassifier(report, destination.same_document, times, known_genres)
            loader = Loader(
                lambda: open_pipeline(PIPELINE, settings, destination),
                destination,
                stack.enter_context(Interrupt(session.tmdb.stop)),
                report,
                log,
            )
        progress = stack.enter_context(Progress())
        fetcher = Fetcher(source, session, classifier, reader)
        work = RunExecutor(fetcher, loader, progress, report, tmdb.chunk_size)
        try:
            own_batch_id = report.batch_id  # the run log has this run by that name
            unfinished = None if dry_run else loader.state.unfinished
            if unfinished:
                report.batch_id = unfinished.batch_id
            genres = fetcher.genres()
            today = session.tmdb.today()
            if unfinished:
                is_same = unfinished.request == request.fingerprint and (
                    unfinished.day == today or not request.is_of_its_day
                )
                loader.load(genres)
                genres = []
                try:
                    work.resume(unfinished)
                except Exception as error:
                    if is_same or is_about_tmdb(error):
                        raise
                    work.report_stuck(unfinished, words(error))
                if is_same:
                    return
            report.batch_id = own_batch_id
            planner = Planner(fetcher.pages, reader, tmdb, today, progress)
            plan = planner.plan(request, loader.state.cursor, loader.state.retries)
            report.dropped += plan.dropped
            work.start(plan, request, today, genres)
        finally:
            report.requests, report.retries = session.tmdb.requests, session.tmdb.retries


def is_about_tmdb(error: BaseException) -> bool:
    """Tell whether an error says that TMDb cannot be used now, whatever is requested."""
    return any(isinstance(one, TmdbUnreachable | CredentialRejected) for one in chain(error))


def check_same_source(landed_url: str | None, base_url: str) -> None:
    """Keep TMDb and fake servers apart: their movies share ids and would become one history.

    Args:
        landed_url: the `source_url` of a movie in the warehouse, None if it has none yet.
        base_url: the server of this run.

    Raises:
        MarqueeError: one of them is TMDb, the other is not.
    """
    if landed_url is None or is_tmdb(landed_url) == is_tmdb(base_url):
        return
    holds, asks = (
        ("the real TMDb", "a fake server")
        if is_tmdb(landed_url)
        else ("a fake server", "the real TMDb")
    )
    raise MarqueeError(
        f"This warehouse holds movies of {holds} ({urlsplit(landed_url).netloc}) and this run "
        f"would load from {asks} ({urlsplit(base_url).netloc}): their ids would collide.",
        "Set MARQUEE_DUCKDB to another file, and MARQUEE_STATE_DUCKDB with it (on Snowflake "
        "SNOWFLAKE_DATABASE, and another state).",
    )


@dataclass
class Loader:
    """Loads results and the pipeline state, and never stops in the middle of a load.

    Without a log, on a dry run, rows are counted and not loaded.
    """

    open_pipeline: Callable[[], dlt.Pipeline]
    destination: Destination
    interrupt: Interrupt
    report: Report
    log: RunLog | None

    def __post_init__(self) -> None:
        """Open the pipeline."""
        self.reopen()

    def reopen(self) -> None:
        """Reopen the pipeline as the warehouse has it; what a failed load left is dropped."""
        self._pipeline = self.open_pipeline()
        self.state = PipelineState.restore(load_state(self._pipeline))

    def load(
        self, results: Iterable[FetchResult], run: RunState | None = None, work: Sequence[Row] = ()
    ) -> None:
        """Append the rows of the results to their tables, and create those not there yet.

        Args:
            results: what was fetched.
            run: how far the run is once these rows are in; None where that does not change.
            work: rows of a new work queue.
        """
        results = self._loadable(results)
        rows: dict[Table, list[Row]] = {table: [] for table in TABLES}
        rows[WORK_TMDB] += work
        for result in results:
            if result.row:
                rows[table_of(result.row)].append(result.row)
        state = self.state.advance(run) if run else self.state
        state = state.count_failures(
            [one.movie_id for one in results if one.is_temporary and one.movie_id],
            [one.movie_id for one in results if not one.is_temporary and one.movie_id],
        )
        is_first = not self.report.landed
        with self.interrupt.defer_interrupts():
            if self.log and (is_first or any(rows.values()) or state != self.state):
                some = {table: one for table, one in rows.items() if one or is_first}
                self.destination.label(self.report.batch_id)
                load(self._pipeline, self.destination, some, state.to_json(), self.log.loaded)
            self.state = state
            self.report.landed.update(
                {table.name: len(one) for table, one in rows.items() if table is not WORK_TMDB}
            )

    def _loadable(self, results: Iterable[FetchResult]) -> list[FetchResult]:
        """Put movies into quarantine whose row cannot be written; one never ends a run."""
        results = list(results)
        try:
            self._convert(results)
        except Exception:
            return [self._one_loadable(result) for result in results]
        return results

    def _convert(self, results: Sequence[FetchResult]) -> None:
        for table in TABLES:
            rows = [one.row for one in results if one.row and table_of(one.row) is table]
            if rows:
                self.destination.items(table, rows)

    def _one_loadable(self, result: FetchResult) -> FetchResult:
        try:
            self._convert([result])
        except Exception as error:
            if not result.row or "movie_id" not in result.row:
                raise
            self.report.movies[result.kind] -= 1
            self.report.movies["quarantined"] += 1
            return unusable(result.row, error)
        return result


class Fetcher:
    """Fetches what a chunk names and classifies it; loads nothing.

    All requests are those of one source, for dlt takes some time to build one.
    """

    def __init__(
        self,
        source: Source,
        session: TmdbSession,
        classifier: ResponseClassifier,
        reader: MovieReader,
    ) -> None:
        """Take `tmdb_source`, its session, and what knows the movies of bronze."""
        self._ids: list[int] = []
        self._pages: list[PageRequest] = []
        self._resources = source(
            movie_ids=self._ids, list_pages=self._pages, session=session, times=classifier.times
        ).resources
        self._settings = session.settings
        self._classifier = classifier
        self.reader = reader

    def pages(self, resource: str, pages: Sequence[PageRequest]) -> Iterable[Page]:
        """Request pages of a list: `popular` or `changes`."""
        self._pages[:] = pages
        return self._resources[resource]

    def genres(self) -> list[FetchResult]:
        """Request the list of genres."""
        return [self._classifier.genres(row) for row in self._resources["raw_genres"]]

    def movies(self, chunk: Chunk) -> Iterator[FetchResult]:
        """Request the movies of a chunk, or give them tombstones; yield what became of each.

        Raises:
            MarqueeError: too many of them are missing. What was yielded as missing
                before is not plausible either.
        """
        known = self.reader.newest(chunk.movie_ids)
        documents = {one: newest.document for one, newest in known.items()}
        if chunk.export_url:
            for one in chunk.movie_ids:
                document = documents.get(one)
                yield self._classifier.missing_from_export(one, document, chunk.export_url)
            return  # the plan was checked as a whole
        share, base_url = self._settings.max_deleted_share, self._settings.base_url
        streak, deletions = ConsecutiveDeletions(share, base_url), 0
        self._ids[:] = chunk.movie_ids
        for row in self._resources["raw_movies"]:
            result = self._classifier.movie(row, documents.get(row["movie_id"]))
            yield result
            deletions += result.is_deletion
            streak.saw(result)
        check_deletion_ratio(deletions, len(known), share, base_url)


@dataclass
class RunExecutor:
    """Works through the queue of a run, one load per chunk, so that it can stop anywhere."""

    fetcher: Fetcher
    loader: Loader
    progress: Progress
    report: Report
    chunk_size: int  # movies of a load

    def start(
        self, plan: Plan, request: LoadRequest, today: date, genres: Sequence[FetchResult]
    ) -> None:
        """Write the work queue down, with the genres, and work through it.

        Beside a queue that cannot be finished, movies that were named are fetched without a queue
        of their own: the state has place for one. Any other request plans the stuck movies again,
        so its queue takes that place.
        """
        size = self.chunk_size
        chunks = [Chunk(ids) for ids in pieces(plan.fetch, size)]
        if plan.export:
            chunks += [Chunk(ids, plan.export.url) for ids in pieces(plan.tombstones, size)]
        run = RunState(
            batch_id=self.report.batch_id,
            request=request.fingerprint,
            day=today,
            chunks=len(chunks),
            movies=len(plan.fetch) + len(plan.tombstones),
            next_cursor=plan.next_cursor,
        )
        if self.loader.state.unfinished and request.is_named:
            self.loader.load(genres)
            self._process_chunks(run, chunks, is_queued=False)
            return
        planned_at = utcnow()
        self.loader.load(
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
        """Work through what an interrupted run has left."""
        self.progress.note(f"Resuming run {run.batch_id} of {run.day}.")
        reader = self.fetcher.reader
        numbers = range(run.chunks_done, run.chunks)
        chunks = (Chunk(*reader.chunk(run.batch_id, number)) for number in numbers)
        self._process_chunks(run, chunks, reader.quarantined_by(run.batch_id))

    def report_stuck(self, run: RunState, reason: str) -> None:
        """Report a work queue that cannot be finished, and make the loader ready for another run.

        The queue's cursor has not moved. So the next run that reads the change log plans its movies
        again; what was requested by `--ids` is to be requested again.
        """
        problem = (
            f"Run {run.batch_id} of {run.day} cannot be finished: {' '.join(reason.split())} "
            f"Left are {run.movies - run.movies_done:,} of its {run.movies:,} movies."
        )
        self.report.problems.append(problem)
        self.progress.note(problem)
        self.loader.reopen()

    def _process_chunks(
        self,
        run: RunState,
        chunks: Iterable[Chunk],
        quarantined: Container[int] = frozenset(),
        *,
        is_queued: bool = True,
    ) -> None:
        """Fetch and load chunk by chunk; movies of `quarantined` are in quarantine already."""
        self.report.planned += run.movies
        self.report.resumed += run.movies_done
        self.progress.stage("fetching movies", run.movies, "movie", run.movies_done)
        for chunk in chunks:
            usable = [one for one in chunk.movie_ids if is_movie_id(one)]
            self.report.dropped += len(chunk.movie_ids) - len(usable)
            results = self._results(replace(chunk, movie_ids=usable), quarantined)
            run = replace(
                run,
                chunks_done=run.chunks_done + 1,
                movies_done=run.movies_done + len(chunk.movie_ids),
            )
            self.loader.load(results, run if is_queued else None)

    def _results(self, chunk: Chunk, quarantined: Container[int]) -> list[FetchResult]:
        """Fetch a chunk; when that ends early, load what is beyond doubt before it does."""
        results: list[FetchResult] = []
        counts = self.report.movies
        try:
            for result in self.fetcher.movies(chunk):
                if result.kind == "quarantined" and result.movie_id in quarantined:
                    result = replace(result, row=None)
                results.append(result)
                counts[result.kind] += 1
                self.progress.advance(", ".join(f"{n:,} {kind}" for kind, n in counts.items()))
        except BaseException as error:
            is_outage = any(isinstance(cause, TmdbUnreachable) for cause in chain(error))
            doubtful = [
                # In an outage failures are TMDb's, not the movies'. And whether so many movies are
                # missing as to make it doubtful shows when the chunk is complete.
                one
                for one in results
                if one.kind == "missing" or (is_outage and one.is_failure)
            ]
            counts.subtract(one.kind for one in doubtful)
            self.loader.load(one for one in results if one not in doubtful)
            raise
        return results
