"""What a developer waits for all day: a plan without changes, the unit tests, `make test`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from benchmarks.environment import BenchmarkEnv
from benchmarks.measure import BenchmarkError, Took
from benchmarks.results import Benchmark, Cell, Goal, Table
from benchmarks.warehouses import PLAN, SQLMESH, Warehouses

MOVIES, MOVIES_QUICKLY = 1000, 5000
LONGEST = "make test"
IMPORTING = "importing SQLMesh"
DAILY = "daily refresh, no new load"
MAKE_REFRESH = "make refresh, nothing to do"
MODEL_TESTS = "make test-models"
TIMES_OF_IMPORTING = {DAILY: 4, MAKE_REFRESH: 8, MODEL_TESTS: 12}  # of its processor time
REFRESH = (sys.executable, "-m", "marquee.cli.refresh")
CACHES = (".cache", ".mypy_cache", ".ruff_cache", ".pytest_cache")

NOTES = [
    "In a copy of the project's files. Cold: without `.cache`, `__pycache__` and the caches of "
    "mypy, ruff and pytest; warm: once more. The quick form is cold only, and runs no `make`.",
    "`make test-models` is SQLMesh's unit tests. `make test` runs cold only: its tests begin with "
    "caches of their own each time.",
    "Starting Python and importing SQLMesh is the floor of every command, in the first row.",
]


def measure(env: BenchmarkEnv, warehouses: Warehouses) -> Benchmark:
    """Time each command, cold and, but for the longest, warm; in the quick form without `make`.

    Raises:
        BenchmarkError: this runs in an environment that `make` would empty.

    """
    movies = MOVIES_QUICKLY if env.is_quick else MOVIES
    workspace = env.copy(warehouses.built(movies)[0], "developer")
    warehouses.sqlmesh(workspace, *PLAN)  # up to now, so that the next one has nothing to do
    project = warehouses.project
    virtual = Path(sys.prefix)
    importing = (sys.executable, "-c", "from sqlmesh.core.context import Context")
    if not env.is_quick and not (virtual / "installed").exists():
        # make would empty an environment that is not of its making, this very one, to install it.
        raise BenchmarkError("`make` is measured in the environment of `make install` only.")
    make = ("make", f"VENV={virtual}", "-o", f"{virtual}/installed")
    commands: dict[str, tuple[str | Path, ...]] = {
        IMPORTING: importing,
        "sqlmesh plan, nothing to do": (SQLMESH, *PLAN),
        # Once first, so that the next one has nothing to do.
        "refresh": (*REFRESH, "--skip-plan"),
        DAILY: (*REFRESH, "--skip-plan"),
        MAKE_REFRESH: REFRESH,
    }
    if not env.is_quick:
        commands |= {MODEL_TESTS: (*make, "test-models"), LONGEST: (*make, "test")}
    rows: list[list[Cell]] = []
    cpu_seconds: dict[str, float] = {}
    for name, command in commands.items():
        _remove_caches(project)
        took: list[Took] = []
        for state in ("cold",) if name == LONGEST or env.is_quick else ("cold", "warm"):
            env.say(f"developer: {name}, {state}")
            took.append(env.run(*command, cwd=project, workspace=workspace))
        warm = took[1].seconds if len(took) > 1 else None
        cpu_seconds[name] = took[-1].cpu_seconds
        rows.append([name, took[0].seconds, warm, took[-1].cpu_seconds, took[0].peak_mb])
    workspace.remove()
    return Benchmark(
        name="developer",
        title="A developer's loop",
        tables=[Table("Seconds", ("", "cold", "warm", "processor time", "peak memory (MB)"), rows)],
        goals=[
            Goal(
                f"{name} / {IMPORTING}",
                limit,
                cpu_seconds[name] / cpu_seconds[IMPORTING],
                unit="x",
                is_checked=not env.is_quick,
            )
            for name, limit in TIMES_OF_IMPORTING.items()
            if name in cpu_seconds
        ],
        notes=NOTES,
    )


def _remove_caches(project: Path) -> None:
    for name in CACHES:
        shutil.rmtree(project / name, ignore_errors=True)
    for folder in project.rglob("__pycache__"):
        shutil.rmtree(folder)
