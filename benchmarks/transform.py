"""How fast bronze becomes gold, against the same SQL in plain DuckDB and in dbt-duckdb."""

from __future__ import annotations

import os
from pathlib import Path

from benchmarks.baselines import dbt, plain
from benchmarks.environment import DBT, MEMORY_LIMIT, BenchmarkEnv, Workspace
from benchmarks.measure import BenchmarkError, Took
from benchmarks.results import Benchmark, Cell, Goal

SIZES, SIZES_QUICKLY = (100_000, 1_000_000), (5_000,)
TIMES_OF_DBT = 1.15
PEAK_MB = 8000
COLUMNS = (
    "movies",
    "",
    "without audits (s)",
    "with audits (s)",
    "processor time (s)",
    "peak memory (MB)",
    "sqlmesh plan / it, with audits",
)

NOTES = [
    "All run the same SELECTs: SQLMesh renders its models and audits for a first build, and the "
    "plain script and the dbt project are generated from that in each run. The benchmark fails "
    "unless every table of silver, snapshots, gold and ops has the same rows in all three at the "
    "smallest size. Columns that name a refresh or its time are not compared.",
    "SQLMesh always audits. With audits, the plain script runs the same audit queries and dbt has "
    "them as singular tests (`dbt run`, then `dbt test`); without, they only build.",
    "The goal is about wall time; processor time shows whether something else ran meanwhile.",
    "dbt: `table` for FULL, `view` for VIEW, `incremental` with delete+insert for the other kinds, "
    "a thread per core. The peers have no SCD_TYPE_2 kind: they write the columns of its clock as "
    "the first build does. They do less there than SQLMesh, which joins the old rows with the new.",
    f"DuckDB may take {MEMORY_LIMIT} in each. Starting Python and loading the project is part of "
    "each figure. The versions of the peers are in `benchmarks/requirements.lock`.",
]


def measure(env: BenchmarkEnv) -> Benchmark:
    """Build the same warehouse three ways at each size."""
    steps = env.steps
    sizes = SIZES_QUICKLY if env.is_quick else SIZES
    rows: list[list[Cell]] = []
    for movies in sizes:
        built, sqlmesh = env.built(movies)
        is_compared = movies == sizes[0]
        expected = env.call(plain.contents, built.duckdb, steps).result if is_compared else {}
        rows.append([f"{movies:,}", "sqlmesh plan", None, *_figures(sqlmesh), None])
        for peer, build in (("plain DuckDB", _plain), ("dbt", _dbt)):
            env.say(f"{peer}: {movies:,} movies")
            workspace = env.workspace("peer", env.bronze(movies))
            without_audits, took = build(env, workspace, steps)
            if is_compared:
                found = env.call(plain.contents, workspace.duckdb, steps).result
                require_agreement({"sqlmesh": expected, peer: found})
            workspace.remove()
            ratio = sqlmesh.seconds / took.seconds
            rows.append([f"{movies:,}", peer, without_audits, *_figures(took), ratio])
    is_checked = not env.is_quick
    size = f"{movies:,} movies"
    return Benchmark(
        title="From bronze to gold, a first build",
        columns=COLUMNS,
        rows=rows,
        goals=[  # the last peer was dbt
            Goal(f"sqlmesh plan / dbt, {size}", TIMES_OF_DBT, ratio, "x", is_checked=is_checked),
            Goal(f"peak memory, {size}", PEAK_MB, sqlmesh.peak_mb, "MB", is_checked=is_checked),
        ],
        notes=NOTES,
    )


def _figures(took: Took) -> tuple[float, float, float]:
    return took.seconds, took.cpu_seconds, took.peak_mb


def _plain(env: BenchmarkEnv, workspace: Workspace, steps: Path) -> tuple[float, Took]:
    """Build with DuckDB alone; return the seconds without audits, and what all of it took."""
    took = env.call(plain.transform, workspace.duckdb, steps, True, MEMORY_LIMIT)
    return took.seconds - took.result, took


def _dbt(env: BenchmarkEnv, workspace: Workspace, steps: Path) -> tuple[float, Took]:
    """Build and then test with dbt; return the same."""
    project = workspace.folder / "dbt"
    dbt.write_project(project, workspace.duckdb, steps, os.cpu_count() or 1, MEMORY_LIMIT)
    options = ("--profiles-dir", ".", "--quiet")
    built, tested = (env.run(DBT, command, *options, cwd=project) for command in ("run", "test"))
    both = Took(
        built.seconds + tested.seconds,
        built.cpu_seconds + tested.cpu_seconds,
        max(built.peak_mb, tested.peak_mb),
    )
    return built.seconds, both


def require_agreement(contents: dict[str, dict[str, tuple[int, int]]]) -> None:
    """Compare what each of them built.

    Raises:
        BenchmarkError: a table differs; a comparison of different results means nothing.
    """
    (reference, expected), *others = contents.items()
    for other, found in others:
        different = [table for table, one in expected.items() if found[table] != one]
        if different:
            raise BenchmarkError(f"{other} and {reference} disagree on {', '.join(different)}.")
