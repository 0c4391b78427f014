"""What a process took: wall time, processor time, and the most memory it ever had.

Whatever is measured runs in a process of its own, so that no baseline inherits another one's
caches or memory. The process that measures stays small and imports nothing heavy: on Linux the peak
of a child begins with that of its parent.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marquee.core.settings import ROOT

LINES_SHOWN = 25
# The environment of a developer's shell must not decide what is measured.
SETTINGS = (
    "DESTINATION__",
    "DLT_",
    "EXTRACT__",
    "LOAD__",
    "MARQUEE_",
    "NORMALIZE__",
    "RUNTIME__",
    "SNOWFLAKE_",
    "SOURCES__",
    "SQLMESH__",
    "TMDB_",
)


class BenchmarkError(Exception):
    """A benchmark cannot go on; the message says why."""


@dataclass(frozen=True)
class Took:
    """What a process took.

    Attributes:
        seconds: wall time from its start to its end.
        cpu_seconds: processor time, of its children too.
        peak_mb: the most memory that it, or the largest of its children, had at once.
        result: what a function that ran in it returned; None for a command.

    """

    seconds: float
    cpu_seconds: float
    peak_mb: float
    result: Any = None


def run(
    command: Sequence[str | Path],
    *,
    cwd: Path,
    environment: Mapping[str, str] | None = None,
    log: Path,
) -> Took:
    """Run a command to its end and return what it took.

    Args:
        command: program and arguments.
        cwd: where to run it.
        environment: variables besides those of this process.
        log: a file for what it says.

    Raises:
        BenchmarkError: it failed; the message has the last lines of its output.

    """
    with log.open("ab") as output:
        begun = time.perf_counter()
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=cwd,
            env=clean_environment() | dict(environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:  # Ctrl-C: nothing goes on behind our back
            process.kill()
            process.wait()
            raise
        seconds = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-LINES_SHOWN:])
        raise BenchmarkError(
            f"{' '.join(map(str, command))[:300]}\nended with {process.returncode}; {log}:\n{tail}"
        )
    unit = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss, in bytes
    return Took(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit / 1e6)


def call(
    function: str,
    *arguments: Any,
    python: Path | str = sys.executable,
    cwd: Path,
    environment: Mapping[str, str] | None = None,
    log: Path,
) -> Took:
    """Call a function of this package in a new process and return what it took.

    Args:
        function: such as `baselines.loaders:land_with_dlt`.
        arguments: what to call it with; JSON values and paths.
        python: the interpreter, which decides what can be imported.
        cwd: where to run.
        environment: variables besides those of this process.
        log: a file for what it says.

    Raises:
        BenchmarkError: it failed.

    """
    returned = cwd / "returned.json"
    returned.unlink(missing_ok=True)
    command = [
        python,
        "-m",
        "benchmarks.child",
        function,
        returned,
        json.dumps(arguments, default=str),
    ]
    took = run(command, cwd=cwd, environment=child_environment(environment), log=log)
    return Took(took.seconds, took.cpu_seconds, took.peak_mb, json.loads(returned.read_text()))


def clean_environment() -> dict[str, str]:
    """Return this process's variables without those that would change how the project behaves."""
    return {name: value for name, value in os.environ.items() if not name.startswith(SETTINGS)}


def child_environment(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return what a child needs to import this package and the project's own."""
    folders = (ROOT, ROOT / "pipelines", ROOT / "sqlmesh_project")
    return {"PYTHONPATH": os.pathsep.join(map(str, folders)), **(environment or {})}


def median(values: Sequence[float]) -> float:
    """Return the middle one, of an even number the lower of the two."""
    return sorted(values)[(len(values) - 1) // 2]
