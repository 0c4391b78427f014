"""The run log of the pipelines: `ops.run_log`, `ops.load_log` and `ops.row_counts` (decision 24).

Loads, rows and bytes are those of dlt's own trace. An alert of a failure is sent after the end of
the run is written.
"""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from typing import Any

from dlt.destinations.exceptions import DatabaseUndefinedRelation
from dlt.destinations.sql_client import SqlClientBase
from dlt.pipeline.trace import PipelineTrace

from marquee.bronze.destination import BRONZE, Destination
from marquee.core.clock import naive_utc
from marquee.core.errors import chain
from marquee.core.lock import lock_file, run_lock
from marquee.core.run_id import RunReport
from marquee.core.settings import Settings
from marquee.ops.alerts import send_alert
from marquee.ops.log_tables import FAILED, OPS, STOPPED, SUCCEEDED, LogWriter, Row, errors_reported

NEXT_STEPS = (
    "What to do: fix the cause and run the same command again. What was loaded is safe, and the "
    "next run resumes (docs/runbook.md)."
)


@contextmanager
def logged_run(
    job: str,
    destination: Destination,
    settings: Settings,
    report: RunReport,
    words: Callable[[BaseException], str],
) -> Iterator[RunLog]:
    """Hold the warehouse for the block, as the only run, and write the run into the log.

    Args:
        job: the pipeline.
        destination: where its rows go, and the log.
        settings: where the lock is if the warehouse is no file.
        report: read when the run ends, however it does.
        words: what the log may contain of an error: nothing secret, nothing personal.

    Yields:
        The log, which is given the trace of each load.

    Raises:
        MarqueeError: another run is loading the warehouse.
    """
    failure = ""
    try:
        with run_lock(lock_file(settings.dlt_dir, destination.path)):
            log = RunLog(job, destination, report.batch_id)
            # A run that fails reports its own error alone: what stopped the log is often the same.
            log_error = None
            try:
                log.begin()
            except Exception as error:
                log_error = error
            try:
                yield log
            except BaseException as error:
                is_stop = any(isinstance(cause, KeyboardInterrupt) for cause in chain(error))
                failure = "" if is_stop else words(error)
                if log_error is None:
                    with suppress(Exception):
                        log.end(report, STOPPED if is_stop else FAILED, failure)
                raise
            with errors_reported():
                if log_error is not None:
                    raise log_error
                log.end(report, SUCCEEDED)
    finally:
        if failure:  # after the lock is released: a receiver may take its time
            where = f"Run {log.run_id} on {socket.gethostname()}, into {destination.place}."
            send_alert(f"Marquee: pipeline {job} failed", "\n".join([failure, where, NEXT_STEPS]))


class RunLog:
    """The log of one run; one connection when it begins, one when it ends."""

    def __init__(self, job: str, destination: Destination, run_id: str) -> None:
        """Take the pipeline, where the log is, and the key of the run; nothing is opened yet."""
        self._job = job
        self._destination = destination
        self.run_id = run_id
        self._loads: list[Row] = []
        self._dataset = destination.dataset(OPS)

    def begin(self) -> None:
        """Write the row without an end, and the loads that killed runs could not write.

        Creates the tables if they do not exist yet.
        """
        with self._dataset.sql_client as client:
            writer = self._writer_with_tables(client)
            writer.start(self.run_id, "dlt", self._job, self._destination.name)
            writer.insert("load_log", unlogged_loads(client, self._job))

    def loaded(self, trace: PipelineTrace | None) -> None:
        """Take note of a load by dlt's trace of it."""
        with errors_reported():
            if trace is not None:
                self._loads += [{"run_id": self.run_id, **one} for one in loads_of(trace)]

    def end(self, report: RunReport, status: str, error: str = "") -> None:
        """Write how the run ended, its loads, and the row counts of the tables it loaded."""
        with self._dataset.sql_client as client:
            writer = self._writer(client)
            writer.insert("load_log", self._loads)
            counts = count_rows(client, sorted(report.landed))
            writer.count(self.run_id, {f"{BRONZE}.{table}": n for table, n in counts.items()})
            writer.end(
                self.run_id,
                status,
                error or None,
                row_count=sum(report.landed.values()),
                byte_count=sum(one["byte_count"] for one in self._loads),
                request_count=getattr(report, "requests", None),
                retry_count=getattr(report, "retries", None),
            )

    def write(self, started_at: datetime, error: str = "") -> None:
        """Write the whole row of a run that has ended and that loads nothing.

        Args:
            started_at: when it began (UTC, without a zone).
            error: why it failed; empty if it succeeded.
        """
        with errors_reported(), self._dataset.sql_client as client:
            writer = self._writer_with_tables(client)
            name = self._destination.name
            writer.start(self.run_id, "marquee", self._job, name, started_at=started_at)
            writer.end(self.run_id, FAILED if error else SUCCEEDED, error or None)

    def _writer_with_tables(self, client: SqlClientBase[Any]) -> LogWriter:
        if not client.has_dataset():
            client.create_dataset()
        writer = self._writer(client)
        writer.create_tables()
        return writer

    def _writer(self, client: SqlClientBase[Any]) -> LogWriter:
        return LogWriter(client.execute_sql, self._destination.name)


def loads_of(trace: PipelineTrace) -> Iterator[Row]:
    """Yield a row of ops.load_log for each load of a trace of dlt."""
    steps = {step.step: step for step in trace.steps}
    if "load" not in steps:
        return
    seconds = {
        f"{name}_seconds": (
            (steps[name].finished_at - steps[name].started_at).total_seconds()
            if name in steps and steps[name].finished_at
            else None
        )
        for name in ("extract", "normalize", "load")
    }
    normalize = steps.get("normalize")
    normalized = getattr(normalize.step_info, "row_counts", {}) if normalize else {}
    packages = getattr(steps["load"].step_info, "load_packages", [])
    for package in packages:
        jobs = package.jobs.get("completed_jobs", [])
        ended = package.completed_at or trace.finished_at
        yield {
            "load_id": package.load_id,
            "pipeline_name": trace.pipeline_name,
            "started_at": naive_utc(trace.started_at),
            "ended_at": ended and naive_utc(ended),
            **seconds,
            "row_count": sum(
                count for name, count in normalized.items() if not name.startswith("_dlt")
            ),
            "byte_count": sum(job.file_size for job in jobs),
        }


def unlogged_loads(client: SqlClientBase[Any], job: str) -> list[Row]:
    """Return the rows of ops.load_log that killed runs of a pipeline could not write.

    A trace ends with its process. The warehouse has the rest: that dlt completed the load
    (`_dlt_loads`) and when, and its rows. dlt's load id is the time at which the load began.
    """
    load_log, run_log = map(client.make_qualified_table_name, ("load_log", "run_log"))
    with client.with_alternative_dataset_name(BRONZE):
        loads = client.make_qualified_table_name("_dlt_loads")
    try:
        unlogged = client.execute_sql(
            f"SELECT load_id, inserted_at FROM {loads} WHERE schema_name = %s AND status = 0 "  # noqa: S608
            f"AND load_id NOT IN (SELECT load_id FROM {load_log}) ORDER BY inserted_at",
            job,
        )
    except DatabaseUndefinedRelation:  # nothing was ever loaded
        return []
    if not unlogged:
        return []
    runs = client.execute_sql(
        f"SELECT run_id, started_at, ended_at FROM {run_log} WHERE job = %s "  # noqa: S608
        "ORDER BY started_at DESC",
        job,
    )
    found: list[Row] = []
    for load_id, inserted_at in unlogged:
        started_at = naive_utc(datetime.fromtimestamp(float(load_id), timezone.utc))
        before = [run for run in runs or () if run[1] <= started_at]
        if before and before[0][2] is None:  # a run with an end has logged its loads
            found.append(
                {
                    "load_id": load_id,
                    "run_id": before[0][0],
                    "pipeline_name": job,
                    "started_at": started_at,
                    "ended_at": naive_utc(inserted_at),
                }
            )
    counts = rows_of_loads(client, [one["load_id"] for one in found])
    return [{**one, "row_count": counts[one["load_id"]]} for one in found]


def rows_of_loads(client: SqlClientBase[Any], load_ids: Sequence[str]) -> Counter[str]:
    """Count the rows that loads brought into the tables of bronze."""
    counts: Counter[str] = Counter()
    if not load_ids:
        return counts
    tables = client.execute_sql(
        "SELECT table_name FROM information_schema.columns WHERE LOWER(table_schema) = %s "
        "AND LOWER(column_name) = '_dlt_load_id' AND LOWER(LEFT(table_name, 4)) <> '_dlt'",
        BRONZE,
    )
    marks = ", ".join(["%s"] * len(load_ids))
    with client.with_alternative_dataset_name(BRONZE):
        for (table,) in tables or ():
            name = client.make_qualified_table_name(table)
            found = client.execute_sql(
                f"SELECT _dlt_load_id, COUNT(*) FROM {name} "  # noqa: S608 - names of bronze
                f"WHERE _dlt_load_id IN ({marks}) GROUP BY _dlt_load_id",
                *load_ids,
            )
            counts.update({load_id: count for load_id, count in found or ()})
    return counts


def count_rows(client: SqlClientBase[Any], tables: Sequence[str]) -> dict[str, int]:
    """Count the rows of tables of bronze."""
    if not tables:
        return {}
    with client.with_alternative_dataset_name(BRONZE):
        counts = ", ".join(
            f"(SELECT COUNT(*) FROM {client.make_qualified_table_name(table)})"  # noqa: S608
            for table in tables
        )
        (row,) = client.execute_sql(f"SELECT {counts}") or [()]
    return {table: int(count) for table, count in zip(tables, row, strict=True)}
