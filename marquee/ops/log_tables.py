"""The tables of the run log, declared once, and how rows get into them (decision 24).

The pipelines (`run_log.py`) and SQLMesh's hooks (`sqlmesh_log.py`) write through the same class.
A run is a row before any work is done and the same row when it ends, so that a crash shows as a
run without an end. A log that cannot be written fails no run: the terminal has the reason.
"""

from __future__ import annotations

import getpass
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml
from sqlglot import exp

from marquee.core.clock import utcnow
from marquee.ops.alerts import shorten

OPS = "ops"
RUNNING, SUCCEEDED, FAILED, STOPPED = "RUNNING", "SUCCEEDED", "FAILED", "STOPPED"
TABLES: Mapping[str, str] = yaml.safe_load(
    Path(__file__).with_name("log_tables.yaml").read_text(encoding="utf-8")
)
SECRET_OPTIONS = ("--forget",)  # their values name a person
MAX_ERROR_CHARACTERS = 4_000  # of the column `error`; an alert has the whole text
SECRET_PATTERN = re.compile(r"(?i)(password|token|key|passphrase)(\s*[=:]\s*)\S+")

Row = dict[str, Any]


@dataclass(frozen=True)
class LogWriter:
    """Writes rows of the run log."""

    execute: Callable[[str], Any]
    dialect: str  # the engine's, as sqlglot names it

    def create_tables(self) -> None:
        """Create the tables that do not exist yet."""
        for table, columns in TABLES.items():
            self.execute(f"CREATE TABLE IF NOT EXISTS {OPS}.{table} ({columns})")

    def start(self, run_id: str, tool: str, job: str, gateway: str | None, **more: Any) -> None:
        """Write the row of a run that begins.

        Args:
            run_id: its key.
            tool: dlt, sqlmesh or marquee.
            job: the pipeline, or `plan` or `run`.
            gateway: duckdb or snowflake.
            more: other columns, such as `environment`.
        """
        row = {
            "run_id": run_id,
            "tool": tool,
            "job": job,
            "gateway": gateway,
            "command": command_line(sys.argv),
            "code_revision": code_revision(),
            "run_by": user_name(),
            "host": socket.gethostname(),
            "process_id": os.getpid(),
            "started_at": utcnow(),
            "status": RUNNING,
            **more,
        }
        self.insert("run_log", [row])

    def end(self, run_id: str, status: str, error: str | None = None, **counts: Any) -> None:
        """Write the end of a run; the last statement, so that a run with an end has all its rows.

        Args:
            run_id: its key.
            status: one of this module.
            error: why it failed.
            counts: columns such as `row_count`.
        """
        values = {"status": status, "error": error and one_line(error), **counts}
        # At the end: what is counted and written before belongs to the run.
        values["ended_at"] = utcnow()
        changes = ", ".join(f"{name} = {self.literal(one)}" for name, one in values.items())
        where = f"run_id = {self.literal(run_id)}"
        self.execute(f"UPDATE {OPS}.run_log SET {changes} WHERE {where}")  # noqa: S608

    def count(self, run_id: str, counts: Mapping[str, int]) -> None:
        """Write the rows of tables after a run, by `schema.table`."""
        key = {"run_id": run_id, "counted_at": utcnow()}
        rows = [{**key, "table_name": name, "row_count": rows} for name, rows in counts.items()]
        self.insert("row_counts", rows)

    def insert(self, table: str, rows: Sequence[Row]) -> None:
        """Append rows, all of the same columns, in one statement."""
        if not rows:
            return
        values = ", ".join(f"({', '.join(map(self.literal, row.values()))})" for row in rows)
        self.execute(f"INSERT INTO {OPS}.{table} ({', '.join(rows[0])}) VALUES {values}")  # noqa: S608

    def literal(self, value: Any) -> str:
        """Write a value as SQL; on Snowflake a backslash in a string escapes what follows."""
        if isinstance(value, datetime):
            return f"CAST('{value.isoformat(sep=' ')}' AS TIMESTAMP)"
        return exp.convert(value).sql(self.dialect)


@contextmanager
def errors_reported() -> Iterator[None]:
    """Report on the terminal that the log is incomplete, instead of failing the run."""
    try:
        yield
    except Exception as error:
        first_line = "".join(str(error).strip().splitlines()[:1])
        text = one_line(first_line) or type(error).__name__
        print(f"The run log (ops.run_log) could not be written: {text}", file=sys.stderr)


def one_line(text: str) -> str:
    """Put a message on one line, without secrets, short enough for a column."""
    line = " ".join(without_secrets(text).split())
    return " ".join(shorten(line, MAX_ERROR_CHARACTERS).split())


def without_secrets(text: str) -> str:
    """Mask what follows the name of a secret, as errors of a connection quote it."""
    return SECRET_PATTERN.sub(r"\1\2***", text).strip()


def command_line(argv: Sequence[str]) -> str:
    """Return the typed command without what names a person."""
    words = [Path(argv[0]).name]
    for before, word in pairwise(argv):
        option, is_given, _ = word.partition("=")
        if before in SECRET_OPTIONS:
            words.append("***")
        else:
            words.append(f"{option}=***" if is_given and option in SECRET_OPTIONS else word)
    return " ".join(words)


def code_revision() -> str | None:
    """Return the commit of the project, None outside of git; `+` marks uncommitted changes."""
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--exclude=*"],  # noqa: S607
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None


def user_name() -> str | None:
    """Return who runs this; None in a container that knows no name."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return None
