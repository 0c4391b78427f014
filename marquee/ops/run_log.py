"""The run log of the doors: `ops.run_log`, `ops.load_log` and `ops.row_counts` (decision 24).

A run is a row before anything is fetched and the same row when it ends, so that a crash shows as a
run without an end. Loads, rows and bytes are what dlt's own trace says of them. No failure to write
the log fails a run: it is said on the terminal, and the run goes on. Who is to be told of a failure
is told when its end is written.
"""

from __future__ import annotations

import getpass
import os
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import dlt
from dlt.destinations.exceptions import DatabaseUndefinedRelation
from dlt.destinations.sql_client import SqlClientBase
from dlt.pipeline.trace import PipelineTrace

from marquee.bronze.destination import BRONZE, Destination
from marquee.core.clock import naive_utc, now_utc
from marquee.core.errors import chain, explain
from marquee.core.lock import lock_file, only_run
from marquee.core.settings import ROOT, Settings
from marquee.ops.alerts import send_alert

OPS = "ops"
RUNNING, SUCCEEDED, FAILED, STOPPED = "RUNNING", "SUCCEEDED", "FAILED", "STOPPED"
TABLES: Mapping[str, str] = {
    "run_log": "run_id TEXT, tool TEXT, job TEXT, environment TEXT, gateway TEXT, command TEXT,"
    " code_revision TEXT, run_by TEXT, host TEXT, process_id BIGINT, started_at TIMESTAMP,"
    " ended_at TIMESTAMP, status TEXT, row_count BIGINT, byte_count BIGINT, request_count BIGINT,"
    " retry_count BIGINT, error TEXT",
    "load_log": "load_id TEXT, run_id TEXT, pipeline_name TEXT, started_at TIMESTAMP,"
    " ended_at TIMESTAMP, extract_seconds DOUBLE, normalize_seconds DOUBLE, load_seconds DOUBLE,"
    " row_count BIGINT, byte_count BIGINT",
    "row_counts": "run_id TEXT, counted_at TIMESTAMP, table_name TEXT, row_count BIGINT",
}
SECRET_OPTIONS = ("--forget",)  # what follows them names a person
ERROR_LENGTH = 500
NEXT_STEPS = (
    "What to do: mend the cause and type the command again. What landed before is safe, and the "
    "next run goes on from there (docs/runbook.md)."
)

Row = dict[str, Any]


class RunReport(Protocol):
    """What a run knows of itself; the reports of the doors are that."""

    batch_id: str
    landed: Counter[str]


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
        words: what the log may say of an error: nothing secret, nothing personal.

    Yields:
        The log, for `land` to send_alert it of each load.

    Raises:
        MarqueeError: another run is loading the warehouse.

    """
    failure = ""
    try:
        with only_run(lock_file(settings.dlt_dir, destination.path)):
            log = RunLog(job, destination, report.batch_id)
            log.begin()
            try:
                yield log
            except BaseException as error:
                is_stop = any(isinstance(cause, KeyboardInterrupt) for cause in chain(error))
                failure = "" if is_stop else words(error)
                log.end(report, STOPPED if is_stop else FAILED, failure)
                raise
            log.end(report, SUCCEEDED)
    finally:
        if failure:  # and the warehouse is free: a receiver may take its time
            where = f"Run {log.run_id} on {socket.gethostname()}, into {destination.place}."
            send_alert(f"Marquee: pipeline {job} failed", "\n".join([failure, where, NEXT_STEPS]))


class RunLog:
    """Writes what a run of a door was; one connection when it begins, one when it ends."""

    def __init__(self, job: str, destination: Destination, run_id: str) -> None:
        """Take the job, where the log is, and the name of the run; nothing is opened yet."""
        self._job = job
        self._destination = destination
        self.run_id = run_id
        self._loads: list[Row] = []
        # The schema is empty on purpose: nothing is looked up, the statements name their columns.
        self._dataset = dlt.dataset(destination.factory, OPS, schema=dlt.Schema(OPS))

    def begin(self) -> None:
        """Write the row without an end, and what killed runs before did not come to write.

        Makes the tables if they are not there yet.
        """
        with errors_reported(), self._dataset.sql_client as client:
            if not client.has_dataset():
                client.create_dataset()
            for table, columns in TABLES.items():
                name = client.make_qualified_table_name(table)
                client.execute_sql(f"CREATE TABLE IF NOT EXISTS {name} ({columns})")
            insert(
                client,
                "run_log",
                [
                    {
                        "run_id": self.run_id,
                        "tool": "dlt",
                        "job": self._job,
                        "gateway": self._destination.name,
                        "command": command_line(sys.argv),
                        "code_revision": code_revision(),
                        "run_by": user_name(),
                        "host": socket.gethostname(),
                        "process_id": os.getpid(),
                        "started_at": now_utc(),
                        "status": RUNNING,
                    }
                ],
            )
            insert(client, "load_log", unlogged_loads(client, self._job))

    def loaded(self, trace: PipelineTrace | None) -> None:
        """Take note of a load by what dlt's trace of it says."""
        with errors_reported():
            if trace is not None:
                self._loads += [{"run_id": self.run_id, **one} for one in loads_of(trace)]

    def end(self, report: RunReport, status: str, error: str = "") -> None:
        """Write how the run ended, what it loaded, and the rows of the tables it landed in."""
        with errors_reported(), self._dataset.sql_client as client:
            insert(client, "load_log", self._loads)
            counted = count_rows(client, sorted(report.landed))
            at = now_utc()
            insert(
                client,
                "row_counts",
                [
                    {
                        "run_id": self.run_id,
                        "counted_at": at,
                        "table_name": f"{BRONZE}.{table}",
                        "row_count": count,
                    }
                    for table, count in counted.items()
                ],
            )
            # The end comes last: a run that has one has all of its rows.
            client.execute_sql(
                f"UPDATE {client.make_qualified_table_name('run_log')} SET ended_at = %s, "  # noqa: S608
                "status = %s, row_count = %s, byte_count = %s, request_count = %s, "
                "retry_count = %s, error = %s WHERE run_id = %s",
                now_utc(),
                status,
                sum(report.landed.values()),
                sum(one["byte_count"] for one in self._loads),
                getattr(report, "requests", None),
                getattr(report, "retries", None),
                one_line(error),
                self.run_id,
            )


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
    """Make the rows of ops.load_log that killed runs of a pipeline did not come to write.

    A trace is gone with its process. Left is what the warehouse knows: that dlt completed the load
    (`_dlt_loads`) and when, and its rows; dlt's number of a load is the moment at which it began.
    """
    load_log, run_log = map(client.make_qualified_table_name, ("load_log", "run_log"))
    with client.with_alternative_dataset_name(BRONZE):
        loads = client.make_qualified_table_name("_dlt_loads")
    try:
        untold = client.execute_sql(
            f"SELECT load_id, inserted_at FROM {loads} WHERE schema_name = %s AND status = 0 "  # noqa: S608
            f"AND load_id NOT IN (SELECT load_id FROM {load_log}) ORDER BY inserted_at",
            job,
        )
    except DatabaseUndefinedRelation:  # nothing ever landed
        return []
    if not untold:
        return []
    runs = client.execute_sql(
        f"SELECT run_id, started_at, ended_at FROM {run_log} WHERE job = %s "  # noqa: S608
        "ORDER BY started_at DESC",
        job,
    )
    found: list[Row] = []
    for load_id, inserted_at in untold:
        started_at = naive_utc(datetime.fromtimestamp(float(load_id), timezone.utc))
        before = [run for run in runs or () if run[1] <= started_at]
        if before and before[0][2] is None:  # a run that has an end has told of its loads
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


@contextmanager
def errors_reported() -> Iterator[None]:
    """Say that the log lacks something instead of failing the run."""
    try:
        yield
    except Exception as error:
        said = explain(error).splitlines()[0]
        print(f"The run log (ops.run_log) could not be written: {said}", file=sys.stderr)


def insert(client: SqlClientBase[Any], table: str, rows: Sequence[Row]) -> None:
    """Append rows, all of the same columns, in one statement."""
    if not rows:
        return
    marks = ", ".join(f"({', '.join(['%s'] * len(rows[0]))})" for _ in rows)
    client.execute_sql(
        f"INSERT INTO {client.make_qualified_table_name(table)} "  # noqa: S608 - names are ours
        f"({', '.join(rows[0])}) VALUES {marks}",
        *(value for row in rows for value in row.values()),
    )


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


def command_line(argv: Sequence[str]) -> str:
    """Give what was typed, without what names a person."""
    words = [Path(argv[0]).name]
    for before, word in pairwise(argv):
        option, is_given, _ = word.partition("=")
        if before in SECRET_OPTIONS:
            words.append("***")
        else:
            words.append(f"{option}=***" if is_given and option in SECRET_OPTIONS else word)
    return " ".join(words)


def code_revision() -> str | None:
    """Name the commit of the project, None outside of git; `+` marks uncommitted changes."""
    try:
        said = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--exclude=*"],  # noqa: S607
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return said.stdout.strip() or None


def user_name() -> str | None:
    """Name who runs this; a container may know no name."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return None


def one_line(text: str) -> str | None:
    """Put a message on one line; None where there is none."""
    return " ".join(text.split())[:ERROR_LENGTH] or None
