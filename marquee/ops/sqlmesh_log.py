"""The run log of SQLMesh's plans and runs (decision 24).

`before_all` starts it and `after_all` ends it. In between SQLMesh's own log (Python's `logging`)
reports what became of each model. It also reports a plan or run that fails, for which `after_all`
is not reached. An alert of a failure is sent after the end of the run is written.
"""

from __future__ import annotations

import logging
import os
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cached_property
from typing import Any

from sqlglot import exp
from sqlmesh.core.macros import MacroEvaluator
from sqlmesh.core.snapshot import DeployabilityIndex
from sqlmesh.utils.errors import PlanError

from marquee.core.clock import utcnow
from marquee.core.errors import chain
from marquee.ops.alerts import send_alert
from marquee.ops.log_tables import (
    FAILED,
    OPS,
    SUCCEEDED,
    LogWriter,
    errors_reported,
    one_line,
    without_secrets,
)

HANDLER = "marquee run log"  # its name in Python's logging
PROD = "prod"
QUALITY = "ops.data_quality_results"
COUNTED_SCHEMAS = ["bronze"]  # beside those of the environment
# After these SQLMesh logs nothing more, and does not call `after_all`.
FAILURE_MESSAGES = ["Plan application failed.", "Run failed."]
AUDIT_FAILED = re.compile(r"'(\w+)' audit error: (\d+) rows? failed")
NEXT_STEPS = (
    "What to do: the terminal, and SQLMesh's log in logs/, have all messages; the dashboard's "
    "Data quality page has the rows that an audit rejects. Fix the cause and run the same command "
    "again: tables that were built stay built (docs/runbook.md)."
)

# Measures data quality where a failure kept SQLMesh from it.
Measure = Callable[[Any, dict[str, Any]], None]


def start(evaluator: MacroEvaluator, gateway: str | None, measure: Measure) -> None:
    """Write the row of a plan or run that begins, and listen to SQLMesh's log until it ends.

    Args:
        evaluator: as `before_all` gets it: the environment, its models and the engine.
        gateway: duckdb or snowflake.
        measure: is called after a failure in prod, with the engine adapter and the models.
    """
    with errors_reported():
        listener = RunListener(evaluator, gateway, measure)
        logger = logging.getLogger("sqlmesh")
        for stale in [one for one in logger.handlers if one.get_name() == HANDLER]:
            logger.removeHandler(stale)
        if logger.getEffectiveLevel() > logging.INFO:
            logger.setLevel(logging.INFO)  # the command line has done so
        logger.addHandler(listener)  # first: a run that cannot be logged still sends its alert
        listener.begin()


def end() -> None:
    """Write how the plan or run ended, what became of each model, and the rows of each table."""
    for listener in logging.getLogger("sqlmesh").handlers:
        if isinstance(listener, RunListener):
            listener.end()


def plan_guard_error(error: BaseException | None) -> BaseException | None:
    """Find the error of a guard of `before_all`, which SQLMesh wraps in errors of its own."""
    return next((cause for cause in chain(error) if isinstance(cause, PlanError)), None)


@dataclass
class FailedAudit:
    """An audit that failed, with all its attachments to one model.

    Attributes:
        row_count: the rows that it rejects.
        query: the query of the first attachment that failed.
        is_blocking: whether it stopped the model. SQLMesh turns every audit of the preview of a
            model in another environment into a warning, whatever the model declares.
    """

    row_count: int
    query: str | None
    is_blocking: bool


class RunListener(logging.Handler):
    """Listens to SQLMesh's log during one plan or run, and writes `ops`."""

    def __init__(self, evaluator: MacroEvaluator, gateway: str | None, measure: Measure) -> None:
        """Take the environment and its models from what `before_all` gets."""
        super().__init__(logging.INFO)
        self.set_name(HANDLER)
        self.adapter = evaluator.engine_adapter
        self.writer = LogWriter(self.adapter.execute, self.adapter.dialect)
        self.measure = measure
        job = self.adapter.correlation_id
        self.run_id = job.job_id if job else f"sqlmesh-{os.getpid()}"
        self.job = "run" if job and job.job_type.name == "RUN" else "plan"
        self.environment = evaluator.this_env
        self.project = evaluator.snapshots
        # Of what is built; a run says 1970. The end is one moment for all models: SQLMesh keeps the
        # intervals that it computes by both, and there are thousands of hours.
        self.first_moment, self.last_moment = evaluator.locals["start_ts"], utcnow()
        self.gateway = gateway
        models = [
            one for one in evaluator.snapshots.values() if one.is_model and not one.is_symbolic
        ]
        self.snapshots: dict[Any, Any] = {one.snapshot_id: one for one in models}
        self.views = {
            one.snapshot_id: exp.to_table(view).sql().lower()
            for one, view in zip(models, evaluator.views, strict=True)
        }
        self.models: dict[Any, dict[str, Any]] = {}  # what became of each, by snapshot
        self.failing: dict[tuple[Any, str], FailedAudit] = {}
        self.active_snapshots: dict[Any, Any] = {}  # the snapshot of each thread
        self.before: dict[str, int] = {}
        self.errors: list[str] = []
        self.is_begun = False

    def begin(self) -> None:
        """Write the row without an end."""
        if self.adapter.dialect != "snowflake":  # there an administrator creates the schema
            self.adapter.execute(f"CREATE SCHEMA IF NOT EXISTS {OPS}")
        self.writer.create_tables()
        self.writer.start(
            self.run_id, "sqlmesh", self.job, self.gateway, environment=self.environment
        )
        self.is_begun = True
        self.before = self.count_rows()

    def emit(self, record: logging.LogRecord) -> None:
        """Take note of what SQLMesh reports of a model, an audit, or its own failure."""
        with errors_reported():
            self.note(record)

    def note(self, record: logging.LogRecord) -> None:
        """Distinguish the messages; others are ignored."""
        message = str(record.msg)
        subject = record.args[0] if isinstance(record.args, tuple) and record.args else None
        at = datetime.fromtimestamp(record.created, timezone.utc).replace(tzinfo=None)
        if message == "Evaluating snapshot %s":
            self.active_snapshots[record.thread] = subject
            model = self.model(subject, at)
            if "intervals" not in model:  # of the first batch: all are counted at once
                model["intervals"] = self.count_intervals(subject)
            model["ended_at"] = at
        elif message == "Auditing snapshot %s":
            self.active_snapshots[record.thread] = subject
            self.model(subject, at)["audited"] += 1
        elif message == "Pushing intervals for snapshot %s" and subject in self.models:
            self.models[subject]["ended_at"] = at
        elif record.levelno == logging.WARNING and (found := AUDIT_FAILED.search(message)):
            query = message.partition("Audit query:\n")[2] or None
            subject = self.active_snapshots.get(record.thread)
            self.audit_failed(subject, found[1], int(found[2]), query, is_blocking=False)
        elif record.exc_info and record.exc_info[1] is not None:
            self.failed(record.exc_info[1], at)
            if message in FAILURE_MESSAGES:
                self.end()

    def count_intervals(self, subject: Any) -> int | None:
        """Count the intervals that a model lacks and gets now, as SQLMesh counts them.

        Those that its cron has brought due. If there are none, it is built for `--ignore-cron`,
        and those up to the start of this run count.
        """
        if subject not in self.snapshots:
            return None
        snapshot, end = self.snapshots[subject], self.last_moment
        due = snapshot.missing_intervals(self.first_moment, end, end)
        return len(due or snapshot.missing_intervals(self.first_moment, end, end, ignore_cron=True))

    def audit_failed(
        self, subject: Any, name: str, row_count: int, query: str | None, *, is_blocking: bool
    ) -> None:
        """Add up what an audit found; one attached twice to a model counts both."""
        if subject is not None:
            found = self.failing.setdefault((subject, name), FailedAudit(0, query, is_blocking))
            found.row_count += row_count
            found.is_blocking = found.is_blocking or is_blocking

    def failed(self, error: BaseException, at: datetime) -> None:
        """Take the error of a model, or of the whole."""
        cause = error.__cause__ or plan_guard_error(error.__context__) or error
        text = without_secrets(str(cause)) or type(cause).__name__
        name = getattr(getattr(error, "node", None), "snapshot_name", None)
        subject = next((one for one, model in self.snapshots.items() if model.name == name), None)
        if subject is None:
            self.errors = self.errors or [text]
            return
        for audit in getattr(cause, "errors", []):
            self.audit_failed(subject, audit.audit_name, audit.count, audit.sql(), is_blocking=True)
        self.errors.append(f"{self.views[subject]}: {text}")
        self.model(subject, at).update(error=one_line(text), ended_at=at)

    def model(self, subject: Any, at: datetime) -> dict[str, Any]:
        """Return what became of a model so far; the first message of it is its start."""
        return self.models.setdefault(subject, {"started_at": at, "audited": 0})

    def end(self) -> None:
        """Write all that is known now, then send the alert of a failure."""
        logging.getLogger("sqlmesh").removeHandler(self)
        if self.is_begun:
            with errors_reported():
                self.write_end()
        if self.errors:
            what = f"sqlmesh {self.job} of environment {self.environment} failed"
            where = f"Run {self.run_id} on {socket.gethostname()}."
            send_alert(f"Marquee: {what}", "\n".join([*self.errors, where, NEXT_STEPS]))

    def write_end(self) -> None:
        """Write the end of the run, and before it what became of its models."""
        if self.errors and self.environment == PROD:
            self.measure_after_failure()
        after = self.count_rows()
        self.writer.insert("model_log", self.model_rows(after))
        self.writer.insert("audit_results", self.audit_rows(utcnow()))
        self.writer.count(self.run_id, after)
        built = {self.views[one] for one in self.models if one in self.views}
        self.writer.end(
            self.run_id,
            FAILED if self.errors else SUCCEEDED,
            "; ".join(self.errors) or None,
            row_count=sum(count for name, count in after.items() if name in built),
        )

    def measure_after_failure(self) -> None:
        """Measure data quality where the failure kept SQLMesh from it."""
        done = {self.views.get(one) for one, model in self.models.items() if "error" not in model}
        if QUALITY in self.views.values() and QUALITY not in done:
            with errors_reported():
                self.measure(self.adapter, self.project)

    def model_rows(self, after: dict[str, int]) -> list[dict[str, Any]]:
        """Return the rows of ops.model_log."""
        rows = []
        for subject, model in self.models.items():
            if subject not in self.snapshots:
                continue
            name = self.views[subject]
            duration = model.get("ended_at", model["started_at"]) - model["started_at"]
            rows.append(
                {
                    "run_id": self.run_id,
                    "table_name": name,
                    "kind": self.snapshots[subject].model.kind.name.name,
                    "status": FAILED if "error" in model else SUCCEEDED,
                    "started_at": model["started_at"],
                    "duration_seconds": duration.total_seconds(),
                    "interval_count": model.get("intervals", 0),
                    "row_count_before": self.before.get(name),
                    "row_count_after": after.get(name),
                    "error": model.get("error"),
                }
            )
        return rows

    def audit_rows(self, at: datetime) -> list[dict[str, Any]]:
        """Return the rows of ops.audit_results: one per model and audit, however often attached."""
        rows = []
        for subject, model in self.models.items():
            if subject not in self.snapshots or not model["audited"]:
                continue
            for name, is_declared_blocking in self.audits_of(subject).items():
                found = self.failing.get((subject, name))
                if not found and not is_declared_blocking and "error" in model:
                    continue  # SQLMesh does not report the warnings of a model that was stopped
                is_blocking = found.is_blocking if found else is_declared_blocking
                rows.append(
                    {
                        "run_id": self.run_id,
                        "audited_at": at,
                        "table_name": self.views[subject],
                        "audit_name": name,
                        "is_blocking": is_blocking,
                        "failing_row_count": found.row_count if found else 0,
                        "is_passed": found is None,
                        "failing_rows_query": found.query if found else None,
                    }
                )
        return rows

    def audits_of(self, subject: Any) -> dict[str, bool]:
        """Return the audits of a model, and whether each can stop it in this environment."""
        blocking: dict[str, bool] = {}
        for audit, arguments in self.snapshots[subject].node.audits_with_args:
            given = arguments.get("blocking")
            is_blocking = given == exp.true() if given else audit.blocking
            blocking[audit.name] = blocking.get(audit.name, False) or is_blocking
        return {name: one and subject not in self.previews for name, one in blocking.items()}

    @cached_property
    def previews(self) -> set[Any]:
        """The models of which this environment builds a table that prod never takes over.

        Those are the forward-only ones and all that depend on them. Without clones, as on DuckDB,
        such a table has new intervals only, so that SQLMesh warns where it would stop otherwise.
        """
        if self.environment == PROD or self.adapter.SUPPORTS_CLONING:
            return set()
        index = DeployabilityIndex.create(list(self.project.values()))
        return {one.snapshot_id for one in self.project.values() if not index.is_deployable(one)}

    def count_rows(self) -> dict[str, int]:
        """Count the rows of all tables of the environment, and of those that dlt loads."""
        wanted = {name.partition(".")[0] for name in self.views.values()}
        schemas = ", ".join(f"'{one}'" for one in sorted(wanted.union(COUNTED_SCHEMAS)))
        found = self.adapter.fetchall(
            "SELECT table_schema, table_name FROM information_schema.tables "  # noqa: S608
            f"WHERE LOWER(table_schema) IN ({schemas})"
        )
        views = set(self.views.values())
        names = {
            f"{schema}.{name}".lower(): f'SELECT COUNT(*) FROM "{schema}"."{name}"'  # noqa: S608
            for schema, name in found
            if not name.lower().startswith("_dlt")
            and (schema.lower() in COUNTED_SCHEMAS or f"{schema}.{name}".lower() in views)
        }
        if not names:
            return {}
        columns = ", ".join(f"({query})" for query in names.values())
        counts = self.adapter.fetchone(f"SELECT {columns}")
        return dict(sorted(zip(names, counts or (), strict=True)))
