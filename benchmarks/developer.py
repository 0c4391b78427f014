"""What a developer waits for: a refresh or plan without changes, the unit tests, `make test`."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.environment import PLAN, SQLMESH, BenchmarkEnv
from benchmarks.results import Benchmark, Cell, Goal

MOVIES = 5000
IMPORTING = "importing SQLMesh"
REFRESH = (sys.executable, "-m", "marquee.cli.refresh")
DAILY = "daily refresh, no new load (`python -m marquee.cli.refresh --skip-plan`)"
MAKE_REFRESH = "`make refresh`, no changed model and no new load"
MODEL_TESTS = "`make test-models`"
COMMANDS: dict[str, tuple[str | Path, ...]] = {
    IMPORTING: (sys.executable, "-c", "from sqlmesh.core.context import Context"),
    "`sqlmesh plan`, no changed model": (SQLMESH, *PLAN),
    DAILY: (*REFRESH, "--skip-plan"),
    MAKE_REFRESH: REFRESH,
}
LIMITS = {DAILY: 4, MAKE_REFRESH: 8, MODEL_TESTS: 12}  # multiples of IMPORTING's processor time

NOTES = [
    "Each command runs twice and the second time counts, when the files and SQLMesh's cache have "
    "been read; `make test` runs once. The quick form leaves out the tests.",
    "The goals are multiples of the processor time of importing SQLMesh: the floor of every "
    "command.",
]


def measure(env: BenchmarkEnv) -> Benchmark:
    """Time each command; in the quick form without the tests."""
    workspace = env.workspace("developer", env.built(MOVIES)[0])
    env.run(SQLMESH, *PLAN, workspace=workspace)  # up to now, so that the next one has no work
    rows: list[list[Cell]] = []
    cpu_seconds: dict[str, float] = {}
    for name, command in COMMANDS.items():
        env.say(f"developer: {name}")
        for _ in range(2):
            took = env.run(*command, workspace=workspace)
        cpu_seconds[name] = took.cpu_seconds
        rows.append([name, took.seconds, took.cpu_seconds, took.peak_mb])
    workspace.remove()
    for target in () if env.is_quick else ("test-models", "test-models", "test"):
        env.say(f"developer: make {target}")
        took = env.run("make", target)
        cpu_seconds[f"`make {target}`"] = took.cpu_seconds
        rows.append([f"`make {target}`", took.seconds, took.cpu_seconds, took.peak_mb])
    return Benchmark(
        title="A developer's loop",
        columns=("", "seconds", "processor time (s)", "peak memory (MB)"),
        rows=rows,
        goals=[
            Goal(f"{name} / {IMPORTING}", limit, cpu_seconds[name] / cpu_seconds[IMPORTING], "x")
            for name, limit in LIMITS.items()
            if name in cpu_seconds
        ],
        notes=NOTES,
    )
