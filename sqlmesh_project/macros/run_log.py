"""The run log of SQLMesh: what `before_all` and `after_all` write into `ops` (decision 24).

The start of a plan or run is a row before anything is built, its end an update of that row, so
that a crash shows as a run without an end. In between SQLMesh's own log (Python's `logging`) says
what became of each model; a plan that fails says so there too, for `after_all` is not reached then.
No failure to write the log fails a run: it is said on the terminal, and the run goes on. Who is to
be told of a failure is told when its end is written.
"""

import getpass
import logging
import os
import re
import socket
import subprocess
import sys
from datetime import datetime, timezone
from typing import Any

from sqlglot import exp, parse_one
from sqlmesh import macro
from sqlmesh.core.macros import MacroEvaluator
from sqlmesh.utils.errors import PlanError

from macros.alerts import tell
from macros.quality import measure_after_failure

RUN_LOG = "marquee run log"  # the name of the handler in Python's logging
# A test holds them against landing/run_log.py and external_models.yaml.
LOG_TABLES = [
    "run_log (run_id TEXT, tool TEXT, job TEXT, environment TEXT, gateway TEXT, command TEXT,"
    " code_revision TEXT, run_by TEXT, host TEXT, process_id BIGINT, started_at TIMESTAMP,"
    " ended_at TIMESTAMP, status TEXT, row_count BIGINT, byte_count BIGINT, request_count BIGINT,"
    " retry_count BIGINT, error TEXT)",
    "model_log (run_id TEXT, table_name TEXT, kind TEXT, status TEXT, started_at TIMESTAMP,"
    " duration_seconds DOUBLE, interval_count BIGINT,"
    " row_count_before BIGINT, row_count_after BIGINT, error TEXT)",
    "row_counts (run_id TEXT, counted_at TIMESTAMP, table_name TEXT, row_count BIGINT)",
    "audit_results (run_id TEXT, audited_at TIMESTAMP, table_name TEXT, audit_name TEXT,"
    " is_blocking BOOLEAN, failing_row_count BIGINT, is_passed BOOLEAN, failing_rows_query TEXT)",
]
COUNTED_SCHEMAS = ["bronze"]  # beside those of the environment
ERROR_LENGTH = 500
# After these SQLMesh says no more, and calls no `after_all`.
LAST_WORDS = ["Plan application failed.", "Run failed."]
WHAT_TO_DO = (
    "What to do: the terminal, and SQLMesh's log in logs/, have all that was said; the dashboard's "
    "Data quality has the rows that an audit objects to. Mend the cause and type the command "
    "again: what was built stays built (docs/runbook.md)."
)
AUDIT_FAILED = r"'(\w+)' audit error: (\d+) rows? failed"


@macro()
def log_run_start(evaluator: MacroEvaluator) -> exp.Expr:
    """Write the row of a plan or run that begins, and listen to what becomes of it."""
    try:
        listener = RunLog(evaluator)
        logger = logging.getLogger("sqlmesh")
        for stale in [one for one in logger.handlers if one.get_name() == RUN_LOG]:
            logger.removeHandler(stale)
        if logger.getEffectiveLevel() > logging.INFO:
            logger.setLevel(logging.INFO)  # the command line has done so
        logger.addHandler(listener)  # first: a run that cannot be logged can be told of
        listener.begin()
    except Exception as error:
        say_not_logged(error)
    return parse_one("SELECT 1")


@macro()
def log_run_end(evaluator: MacroEvaluator) -> exp.Expr:
    """Write how the plan or run ended, what became of each model, and the rows of each table."""
    for listener in logging.getLogger("sqlmesh").handlers:
        if listener.get_name() == RUN_LOG:
            listener.end()  # type: ignore[attr-defined]
    return parse_one("SELECT 1")


def say_not_logged(error: Exception) -> None:
    """Tell the person at the terminal that the log lacks something."""
    text = one_line(error)
    print(f"The run log (ops.run_log) could not be written: {text}", file=sys.stderr)


def one_line(error: object) -> str:
    """Put what an error says on one line, secrets of a connection left out."""
    text = " ".join(str(error).split()) or type(error).__name__
    text = re.sub(r"(?i)(password|token|key|passphrase)(\s*[=:]\s*)\S+", r"\1\2***", text)
    return text[:ERROR_LENGTH]


def guarded(error: BaseException) -> BaseException | None:
    """Find the refusal of a guard of `before_all`, which SQLMesh wraps in errors of its own."""
    within = error.__context__
    while within and not isinstance(within, PlanError):
        within = within.__cause__ or within.__context__
    return within


def now_utc() -> datetime:
    """Return this moment, UTC without a zone, as all times of the warehouse are."""
    return datetime.now(timezone.utc).replace(tzinfo=None)


def literal(value: Any, dialect: str) -> str:
    """Write a value as SQL; on Snowflake a backslash in a string escapes what follows."""
    if isinstance(value, datetime):
        return f"CAST('{value.isoformat(sep=' ')}' AS TIMESTAMP)"
    return exp.convert(value).sql(dialect)


def code_revision() -> str | None:
    """Name the commit of the working folder, None outside of git; `+` marks uncommitted changes."""
    try:
        said = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--exclude=*"],  # noqa: S607
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


class RunLog(logging.Handler):
    """Listens to SQLMesh's log during one plan or run, and writes `ops`."""

    def __init__(self, evaluator: MacroEvaluator) -> None:
        """Take the environment and its models from what `before_all` is given."""
        super().__init__(logging.INFO)
        self.set_name(RUN_LOG)
        self.adapter = evaluator.engine_adapter
        job = self.adapter.correlation_id
        self.run_id = job.job_id if job else f"sqlmesh-{os.getpid()}"
        self.job = "run" if job and job.job_type.name == "RUN" else "plan"
        self.environment = evaluator.this_env
        self.project = evaluator.snapshots
        self.first_moment = evaluator.locals["start_ts"]  # of what is built; a run says 1970
        self.gateway = evaluator.gateway
        self.views: dict[Any, str] = {}
        self.snapshots: dict[Any, Any] = {}
        models = [
            one for one in evaluator.snapshots.values() if one.is_model and not one.is_symbolic
        ]
        for snapshot, view in zip(models, evaluator.views, strict=True):
            self.views[snapshot.snapshot_id] = exp.to_table(view).sql().lower()
            self.snapshots[snapshot.snapshot_id] = snapshot
        self.models: dict[Any, dict[str, Any]] = {}  # what became of each, by snapshot
        self.failing: dict[tuple[Any, str], tuple[int, str | None]] = {}  # audits
        self.at_work: dict[Any, Any] = {}  # the snapshot of each thread
        self.before: dict[str, int] = {}
        self.errors: list[str] = []
        self.is_begun = False

    def begin(self) -> None:
        """Write the row without an end."""
        if self.adapter.dialect != "snowflake":  # there an administrator makes the schema
            self.adapter.execute("CREATE SCHEMA IF NOT EXISTS ops")
        for table in LOG_TABLES:
            self.adapter.execute(f"CREATE TABLE IF NOT EXISTS ops.{table}")
        self.insert(
            "run_log",
            [
                {
                    "run_id": self.run_id,
                    "tool": "sqlmesh",
                    "job": self.job,
                    "environment": self.environment,
                    "gateway": self.gateway,
                    "command": " ".join([os.path.basename(sys.argv[0]), *sys.argv[1:]]),
                    "code_revision": code_revision(),
                    "run_by": user_name(),
                    "host": socket.gethostname(),
                    "process_id": os.getpid(),
                    "started_at": now_utc(),
                    "status": "RUNNING",
                }
            ],
        )
        self.is_begun = True
        self.before = self.count_rows()

    def emit(self, record: logging.LogRecord) -> None:
        """Take note of what SQLMesh says of a model, an audit, or its own failure."""
        try:
            self.note(record)
        except Exception as error:
            say_not_logged(error)

    def note(self, record: logging.LogRecord) -> None:
        """Tell the messages apart; what is none of ours is passed over."""
        said = str(record.msg)
        subject = record.args[0] if isinstance(record.args, tuple) and record.args else None
        at = datetime.fromtimestamp(record.created, timezone.utc).replace(tzinfo=None)
        if said == "Evaluating snapshot %s":
            self.at_work[record.thread] = subject
            model = self.models.setdefault(subject, {"started_at": at, "audited": 0})
            if "intervals" not in model:  # a batch is as good as another: all are counted at once
                model["intervals"] = self.count_intervals(subject)
            model["ended_at"] = at
        elif said == "Auditing snapshot %s":
            self.at_work[record.thread] = subject
            model = self.models.setdefault(subject, {"started_at": at, "audited": 0})
            model["audited"] += 1
        elif said == "Pushing intervals for snapshot %s" and subject in self.models:
            self.models[subject]["ended_at"] = at
        elif record.levelno == logging.WARNING and (found := re.search(AUDIT_FAILED, said)):
            query = said.partition("Audit query:\n")[2] or None
            self.failed_audit(self.at_work.get(record.thread), found[1], int(found[2]), query)
        elif record.exc_info and record.exc_info[1] is not None:
            self.failed(record.exc_info[1], at)
            if said in LAST_WORDS:
                self.end()

    def count_intervals(self, subject: Any) -> int | None:
        """Count the intervals that a model lacks and is given now, as SQLMesh counts them.

        Those that its cron has brought due; if there are none, it is built for `--ignore-cron`,
        and those up to this moment.
        """
        if subject not in self.snapshots:
            return None
        snapshot, end = self.snapshots[subject], now_utc()
        due = snapshot.missing_intervals(self.first_moment, end, end)
        return len(due or snapshot.missing_intervals(self.first_moment, end, end, ignore_cron=True))

    def failed_audit(self, subject: Any, name: str, rows: int, query: str | None) -> None:
        """Add up what an audit found; one attached twice to a model counts both."""
        if subject is not None:
            counted, first = self.failing.get((subject, name), (0, None))
            self.failing[subject, name] = (counted + rows, first or query)

    def failed(self, error: BaseException, at: datetime) -> None:
        """Take the error of a model, or of the whole."""
        cause = error.__cause__ or guarded(error) or error
        found = [
            one
            for one in self.snapshots.values()
            if one.name == getattr(getattr(error, "node", None), "snapshot_name", None)
        ]
        if not found:
            if not self.errors:
                self.errors.append(one_line(cause))
            return
        subject = found[0].snapshot_id
        for audit in getattr(cause, "errors", []):
            self.failed_audit(subject, audit.audit_name, audit.count, audit.sql())
        self.errors.append(f"{self.views[subject]}: {one_line(cause)}")
        model = self.models.setdefault(subject, {"started_at": at, "audited": 0})
        model.update(error=one_line(cause), ended_at=at)

    def end(self) -> None:
        """Write all that is known now, then tell who is to be told of a failure."""
        logging.getLogger("sqlmesh").removeHandler(self)
        if self.is_begun:
            self.write_end()
        if self.errors:
            what = f"sqlmesh {self.job} of environment {self.environment} failed"
            where = f"Run {self.run_id} on {socket.gethostname()}."
            tell(f"Marquee: {what}", "\n".join([*self.errors, where, WHAT_TO_DO]))

    def write_end(self) -> None:
        """Write the end of the run, and before it what became of its models."""
        try:
            if self.errors and self.environment == "prod":
                self.measure()
            after = self.count_rows()
            at = now_utc()
            self.insert("model_log", self.model_rows(after))
            self.insert("audit_results", self.audit_rows(at))
            self.insert(
                "row_counts",
                [
                    {
                        "run_id": self.run_id,
                        "counted_at": at,
                        "table_name": name,
                        "row_count": count,
                    }
                    for name, count in after.items()
                ],
            )
            touched = {self.views[one] for one in self.models if one in self.views}
            status = "FAILED" if self.errors else "SUCCEEDED"
            error = "; ".join(self.errors)[:ERROR_LENGTH] if self.errors else None
            rows = sum(count for name, count in after.items() if name in touched)
            # The end comes last: a run that has one has all of its rows.
            dialect = self.adapter.dialect
            self.adapter.execute(
                f"UPDATE ops.run_log SET ended_at = {literal(now_utc(), dialect)}, "  # noqa: S608
                f"status = '{status}', row_count = {rows}, error = {literal(error, dialect)} "
                f"WHERE run_id = {literal(self.run_id, dialect)}"
            )
        except Exception as error:
            say_not_logged(error)

    def measure(self) -> None:
        """Measure quality all the same, where what failed kept SQLMesh from it."""
        done = {self.views.get(one) for one, model in self.models.items() if "error" not in model}
        if "ops.data_quality_results" in done:
            return
        try:
            measure_after_failure(self.adapter, self.project)
        except Exception as error:
            say_not_logged(error)

    def model_rows(self, after: dict[str, int]) -> list[dict[str, Any]]:
        """Make the rows of ops.model_log."""
        rows = []
        for subject, model in self.models.items():
            if subject not in self.snapshots:
                continue
            snapshot, name = self.snapshots[subject], self.views[subject]
            rows.append(
                {
                    "run_id": self.run_id,
                    "table_name": name,
                    "kind": snapshot.model.kind.name.name,
                    "status": "FAILED" if "error" in model else "SUCCEEDED",
                    "started_at": model["started_at"],
                    "duration_seconds": (
                        model.get("ended_at", model["started_at"]) - model["started_at"]
                    ).total_seconds(),
                    "interval_count": model.get("intervals", 0),
                    "row_count_before": self.before.get(name),
                    "row_count_after": after.get(name),
                    "error": model.get("error"),
                }
            )
        return rows

    def audit_rows(self, at: datetime) -> list[dict[str, Any]]:
        """Make the rows of ops.audit_results: one a model and audit, however often attached."""
        rows = []
        for subject, model in self.models.items():
            if subject not in self.snapshots or not model["audited"]:
                continue
            blocking: dict[str, bool] = {}
            for audit, arguments in self.snapshots[subject].node.audits_with_args:
                given = arguments.get("blocking")
                blocks = given == exp.true() if given else audit.blocking
                blocking[audit.name] = blocking.get(audit.name, False) or blocks
            for name, blocks in blocking.items():
                count, query = self.failing.get((subject, name), (0, None))
                if not count and not blocks and "error" in model:
                    continue  # a warning of a model that was stopped is not told
                rows.append(
                    {
                        "run_id": self.run_id,
                        "audited_at": at,
                        "table_name": self.views[subject],
                        "audit_name": name,
                        "is_blocking": blocks,
                        "failing_row_count": count,
                        "is_passed": count == 0,
                        "failing_rows_query": query,
                    }
                )
        return rows

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

    def insert(self, table: str, rows: list[dict[str, Any]]) -> None:
        """Append rows, all of the same columns, in one statement."""
        if not rows:
            return
        values = ", ".join(
            f"({', '.join(literal(one, self.adapter.dialect) for one in row.values())})"
            for row in rows
        )
        self.adapter.execute(
            f"INSERT INTO ops.{table} ({', '.join(rows[0])}) VALUES {values}"  # noqa: S608
        )
