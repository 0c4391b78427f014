"""What a developer waits for all day: a plan without news, the unit tests, `make test`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from benchmarks.environment import BenchmarkEnv
from benchmarks.measure import BenchmarkError, Took
from benchmarks.results import Benchmark, Cell, Table
from benchmarks.warehouses import PLAN, SQLMESH, Warehouses

MOVIES, MOVIES_QUICKLY = 1000, 5000
LONGEST = "make test"
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
        "importing SQLMesh": importing,
        "sqlmesh plan, nothing to do": (SQLMESH, *PLAN),
    }
    if not env.is_quick:
        commands |= {"make test-models": (*make, "test-models"), LONGEST: (*make, "test")}
    rows: list[list[Cell]] = []
    for name, command in commands.items():
        _remove_caches(project)
        took: list[Took] = []
        for state in ("cold",) if name == LONGEST or env.is_quick else ("cold", "warm"):
            env.say(f"developer: {name}, {state}")
            took.append(env.run(*command, cwd=project, workspace=workspace))
        warm = took[1].seconds if len(took) > 1 else None
        rows.append([name, took[0].seconds, warm, took[0].peak_mb])
    workspace.remove()
    return Benchmark(
        name="developer",
        title="A developer's loop",
        tables=[Table("Seconds", ("", "cold", "warm", "peak memory (MB)"), rows)],
        notes=NOTES,
    )


def _remove_caches(project: Path) -> None:
    for name in CACHES:
        shutil.rmtree(project / name, ignore_errors=True)
    for folder in project.rglob("__pycache__"):
        shutil.rmtree(folder)
