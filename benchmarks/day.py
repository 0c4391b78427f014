"""What a day costs after a backfill: the movies that changed, against a build of all of them."""

from __future__ import annotations

import sys

from benchmarks.environment import MEMORY_LIMIT, BenchmarkEnv, Workspace
from benchmarks.measure import BenchmarkError, Took
from benchmarks.results import Benchmark, Cell, Goal, Table
from benchmarks.serve import Served, sandbox
from benchmarks.warehouses import REFRESH, Warehouses
from marquee.core.settings import ROOT

SIZES, SIZES_QUICKLY = (100_000, 300_000, 1_000_000), (5_000,)
CHANGED_SHARE = 0.01
REFRESH_SHARE_PCT = 20
FIRST_TO_NEXT = 1.1
UNLIMITED = "10000"  # requests a second
LOGS = "ops."  # keeps what was rejected of responses that are not the newest any more
PLOT = "day.svg"

NOTES = [
    "The warehouse is that of a full backfill and a first build of yesterday. Today the change log "
    "of the sandbox names 1 % of the movies, whose votes and popularity differ (and the id export, "
    "a file as at TMDb, lists all): `python pipelines/tmdb.py` without a rate limit, then "
    "`sqlmesh run --ignore-cron`.",
    "This happens twice, with other movies (once in the quick form). What keeps no count of its "
    "own (genres, companies, rejected values) reads again what was written since the hour of the "
    "last refresh began, so the first one after a build reads what the build wrote, and the next "
    "one is like those of all later days.",
    "Ingestion is bounded by asking for each changed movie; at TMDb's 40 requests a second the "
    "10,000 of a million would take 250 s.",
    "At the smallest size everything is rebuilt from the bronze of after the refresh, in plain "
    "DuckDB: every table of silver, snapshots and gold must have the same rows as after the "
    "refresh, or the benchmark fails.",
]


def measure(env: BenchmarkEnv, warehouses: Warehouses) -> Benchmark:
    """Build, ingest and refresh at each size."""
    sizes = SIZES_QUICKLY if env.is_quick else SIZES
    rows: list[list[Cell]] = []
    points: list[dict[str, Cell]] = []
    for movies in sizes:
        workspace, build = warehouses.built(movies)
        numbers = (1,) if env.is_quick else (1, 2)
        days = [_day(env, warehouses, workspace, movies, number) for number in numbers]
        if movies == sizes[0]:
            _must_equal_a_rebuild(env, warehouses, workspace)
        (_, _, first), (ingest, served, refresh) = days[0], days[-1]
        shares_pct = [one.cpu_seconds / build.cpu_seconds * 100 for one in (first, refresh)]
        changed = len(served.details())
        rows.append(
            [
                f"{movies:,}",
                changed,
                build.seconds,
                ingest.seconds,
                served.useful_rate(),
                first.seconds,
                refresh.seconds,
                *shares_pct,
                ingest.peak_mb,
                refresh.peak_mb,
            ]
        )
        timed = (
            ("full build", build),
            ("ingest 1 %", ingest),
            ("first refresh", first),
            ("next refresh", refresh),
        )
        points += [
            {"movies": movies, "seconds": took.seconds, "step": step} for step, took in timed
        ]
        warehouses.drop(movies)
    if len(sizes) > 1:
        env.plot(PLOT, points, "movies", "step")
    return Benchmark(
        name="day",
        title="A day with 1 % of the movies changed",
        tables=[
            Table(
                "After a full backfill",
                (
                    "movies",
                    "changed",
                    "full build (s)",
                    "ingest (s)",
                    "movies/s while fetching",
                    "first refresh (s)",
                    "next refresh (s)",
                    "first / build (% of CPU)",
                    "next / build (% of CPU)",
                    "ingest: peak memory (MB)",
                    "refresh: peak memory (MB)",
                ),
                rows,
            )
        ],
        goals=[
            Goal(
                f"{which} refresh / full build, {sizes[-1]:,} movies",
                REFRESH_SHARE_PCT,
                share_pct,
                unit="%",
                is_checked=not env.is_quick,
            )
            for which, share_pct in zip(("first", "next"), shares_pct, strict=True)
        ]
        + [
            Goal(
                "first refresh / next refresh",
                FIRST_TO_NEXT,
                first.cpu_seconds / refresh.cpu_seconds,
                unit="x",
                is_checked=not env.is_quick,
            )
        ],
        notes=NOTES,
        plot=PLOT if len(sizes) > 1 else None,
    )


def _day(
    env: BenchmarkEnv, warehouses: Warehouses, workspace: Workspace, movies: int, number: int
) -> tuple[Took, Served, Took]:
    """Serve changes, let the pipeline fetch them, refresh; return both and what was requested."""
    env.say(f"a day: ingesting the changes of {movies:,} movies")
    changed = env.folder / "changed.ndjson"
    env.call("movies:write_changed_movies", changed, movies, number, CHANGED_SHARE)
    env.call("movies:write_export", env.folder, movies)
    before = _responses(env, workspace)
    with sandbox(env.folder, changed, is_change_feed=True) as served:
        ingest = env.run(
            sys.executable,
            ROOT / "pipelines" / "tmdb.py",
            workspace=workspace,
            environment={
                **served.environment,
                "SOURCES__TMDB__REQUESTS_PER_SECOND": UNLIMITED,
                "SOURCES__TMDB__EXPORT_URL": served.export_url,
            },
        )
    landed = _responses(env, workspace) - before
    if not landed or landed != len(served.details()):
        raise BenchmarkError(f"{landed} responses landed of {len(served.details())} requested.")
    env.say("a day: sqlmesh run")
    return ingest, served, warehouses.sqlmesh(workspace, *REFRESH)


def _responses(env: BenchmarkEnv, workspace: Workspace) -> int:
    count: int = env.call("baselines.plain:count", workspace.duckdb, "bronze.raw_movies").result
    return count


def _must_equal_a_rebuild(env: BenchmarkEnv, warehouses: Warehouses, workspace: Workspace) -> None:
    """Compare a refreshed warehouse with one that is built from the same bronze at once.

    Raises:
        BenchmarkError: a table differs, so that the refresh was quick but wrong.

    """
    steps = warehouses.render()
    rebuilt = env.workspace("rebuilt")
    env.call("baselines.plain:copy_bronze", workspace.duckdb, rebuilt.duckdb)
    env.call("baselines.plain:transform", rebuilt.duckdb, steps, False, MEMORY_LIMIT)
    expected, found = (
        env.call("baselines.plain:contents", one.duckdb, steps).result
        for one in (rebuilt, workspace)
    )
    rebuilt.remove()
    different = [
        table
        for table, one in expected.items()
        if found[table] != one and not table.startswith(LOGS)
    ]
    if different:
        raise BenchmarkError(f"The refresh left {', '.join(different)} wrong.")
