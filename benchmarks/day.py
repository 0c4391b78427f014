"""What a day costs after a backfill: the movies that changed, against a build of all of them."""

from __future__ import annotations

import sys

from benchmarks.baselines import plain
from benchmarks.environment import MEMORY_LIMIT, REFRESH, SQLMESH, BenchmarkEnv, Workspace
from benchmarks.measure import BenchmarkError, Took
from benchmarks.movies import listed, write_ndjson
from benchmarks.results import Benchmark, Cell, Goal
from benchmarks.serve import Served, sandbox
from benchmarks.transform import require_agreement

SIZES, SIZES_QUICKLY = (100_000, 300_000, 1_000_000), (5_000,)
CHANGED_SHARE = 0.01
SHARE_PCT = 20
FIRST_TO_NEXT = 1.1
UNLIMITED = "10000"  # requests per second
LOGS = "ops."  # have what was rejected of responses that are not the newest any more
COLUMNS = (
    "movies",
    "",
    "seconds",
    "processor time (s)",
    "% of the build's processor time",
    "peak memory (MB)",
)

NOTES = [
    "The warehouse is that of a full backfill and a first build of yesterday. Today the change log "
    "of the sandbox names 1 % of the movies, whose votes and popularity differ (and the id export "
    "lists all): `python pipelines/tmdb.py` without a rate limit, then `sqlmesh run "
    "--ignore-cron`. This happens twice, with other movies (once in the quick form).",
    "Ingestion is bounded by one request per changed movie; at TMDb's 40 requests per second the "
    "10,000 of a million would take 250 s.",
    "At the smallest size everything is rebuilt from the bronze of after the refresh, in plain "
    "DuckDB: the rows of silver, snapshots and gold that hold now must be the same as after the "
    "refresh, or the benchmark fails.",
]


def measure(env: BenchmarkEnv) -> Benchmark:
    """Build, ingest and refresh at each size."""
    sizes = SIZES_QUICKLY if env.is_quick else SIZES
    rows: list[list[Cell]] = []
    for movies in sizes:
        workspace, build = env.built(movies)
        versions = (1,) if env.is_quick else (1, 2)
        days = [_day(env, workspace, movies, version) for version in versions]
        if movies == sizes[0]:
            _compare_with_rebuild(env, workspace)
        (_, _, first), (ingest, served, refresh) = days[0], days[-1]
        steps = {
            "full build": build,
            f"ingest of {len(served.details()):,}, {served.useful_rate():,.0f} per second": ingest,
            "first refresh": first,
            "next refresh": refresh,
        }
        for step, took in steps.items():
            share_pct = took.cpu_seconds / build.cpu_seconds * 100
            figures = (took.seconds, took.cpu_seconds, share_pct, took.peak_mb)
            rows.append([f"{movies:,}", step, *figures])
        env.drop(movies)
    first_pct, next_pct = (one.cpu_seconds / build.cpu_seconds * 100 for one in (first, refresh))
    ratio, size = first_pct / next_pct, f"{movies:,} movies"
    is_checked = not env.is_quick
    return Benchmark(
        title="A day with 1 % of the movies changed",
        columns=COLUMNS,
        rows=rows,
        goals=[
            Goal(
                f"first refresh / build, {size}", SHARE_PCT, first_pct, "%", is_checked=is_checked
            ),
            Goal(f"next refresh / build, {size}", SHARE_PCT, next_pct, "%", is_checked=is_checked),
            Goal(f"first / next refresh, {size}", FIRST_TO_NEXT, ratio, "x", is_checked=is_checked),
        ],
        notes=NOTES,
    )


def _day(
    env: BenchmarkEnv, workspace: Workspace, movies: int, version: int
) -> tuple[Took, Served, Took]:
    """Serve changes, have the pipeline fetch them, refresh; return both and the requests."""
    env.say(f"a day: ingesting the changes of {movies:,} movies")
    changed = env.folder / "changed.ndjson"
    env.call(write_ndjson, changed, listed(movies, version, CHANGED_SHARE))
    before = _responses(env, workspace)
    with sandbox(changed, exported=movies) as served:
        ingest = env.run(
            sys.executable,
            "pipelines/tmdb.py",
            workspace=workspace,
            environment={**served.variables, "SOURCES__TMDB__REQUESTS_PER_SECOND": UNLIMITED},
        )
    loaded = _responses(env, workspace) - before
    if not loaded or loaded != len(served.details()):
        raise BenchmarkError(f"{loaded} responses loaded of {len(served.details())} requested.")
    env.say("a day: sqlmesh run")
    return ingest, served, env.run(SQLMESH, *REFRESH, workspace=workspace)


def _responses(env: BenchmarkEnv, workspace: Workspace) -> int:
    query = "SELECT count(*) FROM bronze.raw_movies"
    return int(env.call(plain.value, workspace.duckdb, query).result)


def _compare_with_rebuild(env: BenchmarkEnv, workspace: Workspace) -> None:
    """Compare a refreshed warehouse with one that is built from the same bronze at once.

    Raises:
        BenchmarkError: a table differs, so that the refresh was quick but wrong.
    """
    rebuilt = env.workspace("rebuilt", workspace)
    env.call(plain.transform, rebuilt.duckdb, env.steps, False, MEMORY_LIMIT)
    contents = {}
    for name, one in (("a rebuild", rebuilt), ("the refresh", workspace)):
        found = env.call(plain.contents, one.duckdb, env.steps).result
        contents[name] = {table: rows for table, rows in found.items() if LOGS not in table}
    rebuilt.remove()
    require_agreement(contents)
