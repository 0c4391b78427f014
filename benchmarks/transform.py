"""How fast bronze becomes gold, against the same SQL in plain DuckDB and in dbt-duckdb."""

from __future__ import annotations

import os
from pathlib import Path

from benchmarks.environment import MEMORY_LIMIT, BenchmarkEnv, Workspace
from benchmarks.measure import BenchmarkError, Took
from benchmarks.results import Benchmark, Cell, Goal, Table
from benchmarks.warehouses import Warehouses

SIZES, SIZES_QUICKLY = (100_000, 1_000_000), (5_000,)
TIMES_OF_DBT = 1.15
PEAK_MB = 8000

NOTES = [
    "All run the same SELECTs: SQLMesh renders its models and audits for a first build, and the "
    "plain script and the dbt project are generated from that in each run, so that they can't "
    "drift. The benchmark fails unless every table of silver, snapshots, gold and ops has the same "
    "rows in all three at the smallest size.",
    "SQLMesh always audits. With audits, the plain script runs the same audit queries and dbt has "
    "them as singular tests (`dbt run`, then `dbt test`); without, they only build.",
    "The goal is about wall time; processor time (with audits) shows whether "
    "something else ran meanwhile.",
    "dbt: `table` for FULL, `incremental` with delete+insert for the incremental kinds, a thread a "
    f"core. DuckDB may take {MEMORY_LIMIT} in each. Starting Python and loading the project is "
    "part of each figure.",
]


def measure(env: BenchmarkEnv, warehouses: Warehouses) -> Benchmark:
    """Build the same warehouse three ways at each size."""
    steps = warehouses.render()
    sizes = SIZES_QUICKLY if env.is_quick else SIZES
    rows: list[list[Cell]] = []
    goals: list[Goal] = []
    for movies in sizes:
        bronze = warehouses.bronze(movies)
        built, sqlmesh = warehouses.built(movies)
        is_compared = movies == sizes[0]
        contents = {"sqlmesh": _contents(env, built, steps)} if is_compared else {}
        env.say(f"plain DuckDB: {movies:,} movies")
        workspace = env.copy(bronze, "plain")
        plain = env.call("baselines.plain:transform", workspace.duckdb, steps, True, MEMORY_LIMIT)
        if is_compared:
            contents["plain DuckDB"] = _contents(env, workspace, steps)
        workspace.remove()
        env.say(f"dbt: {movies:,} movies")
        workspace = env.copy(bronze, "dbt")
        dbt_run, dbt_test = _dbt(env, workspace, steps)
        if is_compared:
            contents["dbt"] = _contents(env, workspace, steps)
            require_agreement(contents)
        workspace.remove()
        without = {"plain DuckDB": plain.seconds - plain.result, "dbt": dbt_run.seconds}
        with_audits = {"plain DuckDB": plain.seconds, "dbt": dbt_run.seconds + dbt_test.seconds}
        took = {"plain DuckDB": (plain,), "dbt": (dbt_run, dbt_test)}
        rows.append(
            [
                f"{movies:,}",
                "sqlmesh plan",
                None,
                sqlmesh.seconds,
                sqlmesh.cpu_seconds,
                sqlmesh.peak_mb,
                None,
                None,
            ]
        )
        rows += [
            [
                f"{movies:,}",
                peer,
                without[peer],
                with_audits[peer],
                sum(one.cpu_seconds for one in took[peer]),
                max(one.peak_mb for one in took[peer]),
                sqlmesh.seconds / without[peer],
                sqlmesh.seconds / with_audits[peer],
            ]
            for peer in with_audits
        ]
        if movies != sizes[-1]:
            continue
        goals = [
            Goal(
                f"sqlmesh plan / dbt, {movies:,} movies, the same audits in both",
                TIMES_OF_DBT,
                sqlmesh.seconds / with_audits["dbt"],
                unit="x",
                is_checked=not env.is_quick,
            )
        ]
        goals.append(
            Goal(
                f"peak memory, {movies:,} movies",
                PEAK_MB,
                sqlmesh.peak_mb,
                unit="MB",
                is_checked=not env.is_quick,
            )
        )
    return Benchmark(
        name="transform",
        title="From bronze to gold",
        tables=[
            Table(
                "A first build",
                (
                    "movies",
                    "",
                    "without audits (s)",
                    "with audits (s)",
                    "processor time (s)",
                    "peak memory (MB)",
                    "sqlmesh plan / without",
                    "sqlmesh plan / with",
                ),
                rows,
            )
        ],
        goals=goals,
        notes=[*NOTES, env.call("baselines.dbt:versions", with_tools=True).result],
    )


def _dbt(env: BenchmarkEnv, workspace: Workspace, steps: Path) -> tuple[Took, Took]:
    """Build and then test with dbt."""
    project = workspace.folder / "dbt"
    env.call(
        "baselines.dbt:write_project",
        project,
        workspace.duckdb,
        steps,
        os.cpu_count() or 1,
        MEMORY_LIMIT,
    )
    dbt = env.tools().with_name("dbt")
    options = ("--profiles-dir", ".", "--quiet")
    return (
        env.run(dbt, "run", *options, cwd=project),
        env.run(dbt, "test", *options, cwd=project),
    )


def _contents(env: BenchmarkEnv, workspace: Workspace, steps: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = env.call(
        "baselines.plain:contents", workspace.duckdb, steps
    ).result
    return found


def require_agreement(contents: dict[str, dict[str, list[str]]]) -> None:
    """Compare what the baselines made.

    Raises:
        BenchmarkError: a table differs; a race between different results means nothing.

    """
    expected = contents["sqlmesh"]
    for baseline, found in contents.items():
        different = [table for table, one in expected.items() if found[table] != one]
        if different:
            raise BenchmarkError(f"{baseline} and sqlmesh disagree on {', '.join(different)}.")
