"""What a process took: wall time, processor time, and the most memory it ever had.

Whatever is measured runs in a process of its own, so that none inherits the caches of another.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

LINES_SHOWN = 25


class BenchmarkError(Exception):
    """A benchmark cannot continue; the message has the reason."""


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
        log: a file for its output.

    Raises:
        BenchmarkError: it failed; the message has the last lines of its output.
    """
    with log.open("ab") as output:
        started_at = time.perf_counter()
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=cwd,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:  # Ctrl-C: no process is left behind
            process.kill()
            process.wait()
            raise
        seconds = time.perf_counter() - started_at
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-LINES_SHOWN:])
        raise BenchmarkError(
            f"{' '.join(map(str, command))[:300]}\nended with {process.returncode}; {log}:\n{tail}"
        )
    return _took(seconds, usage)


def call(
    function: Callable[..., Any], *arguments: Any, environment: Mapping[str, str] | None = None
) -> Took:
    """Call a function in a new process; return what it took, and its result."""
    started_at = time.perf_counter()
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as executor:
        took = executor.submit(_call, function, arguments, environment or {}).result()
    return replace(took, seconds=time.perf_counter() - started_at)


def _call(
    function: Callable[..., Any], arguments: Sequence[Any], environment: Mapping[str, str]
) -> Took:
    os.environ.update(environment)
    result = function(*arguments)
    return replace(_took(0, resource.getrusage(resource.RUSAGE_SELF)), result=result)


def _took(seconds: float, usage: resource.struct_rusage) -> Took:
    unit = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss, in bytes
    return Took(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit / 1e6)
