"""How long it takes to rebuild the history from years of daily responses."""

from __future__ import annotations

from benchmarks.environment import BenchmarkEnv
from benchmarks.measure import BenchmarkError, Took
from benchmarks.results import Benchmark, Cell, Table
from benchmarks.warehouses import PLAN, REFRESH, Warehouses

MOVIES, MOVIES_QUICKLY = 100_000, 1_000
DAYS, DAYS_QUICKLY = 24, 20
HISTORY = "snapshots.snap_silver_movies"
ITS_MODELS = ("--select-model", f"+{HISTORY}")  # with silver_movies, which tells what has changed
CHANGED_SHARE = 0.01
GB_A_RESPONSE = 4e-7  # 300 bytes of document, its lineage, its period twice, and room to sort

NOTES = [
    "Every movie has a response for each day, of 300 bytes, and every response opens a period, "
    "since popularity differs each day: the most that a history can have.",
    f"Rebuilt with `sqlmesh plan --restate-model {HISTORY}`, audits included. The refresh takes up "
    "one more response of 1 % of the movies in `silver.silver_movies` and the history, the models "
    "that are built here.",
]


def measure(env: BenchmarkEnv, warehouses: Warehouses) -> Benchmark:
    """Rebuild the history of so many days, and refresh it once."""
    movies = MOVIES_QUICKLY if env.is_quick else MOVIES
    days = env.days or (DAYS_QUICKLY if env.is_quick else DAYS)
    rebuild, refresh = _rebuild_and_refresh(env, warehouses, movies, days)
    responses = movies * days
    row: list[Cell] = [
        days,
        responses,
        rebuild.seconds,
        responses / rebuild.seconds,
        rebuild.peak_mb,
        refresh.seconds,
        refresh.peak_mb,
    ]
    return Benchmark(
        name=f"history of {days} days" if env.days else "history",
        title=f"The history of {movies:,} movies over {days:,} days",
        tables=[
            Table(
                "A response a movie and day",
                (
                    "days",
                    "responses",
                    "rebuild (s)",
                    "responses/s",
                    "rebuild: peak memory (MB)",
                    "refresh (s)",
                    "refresh: peak memory (MB)",
                ),
                [row],
            )
        ],
        notes=NOTES,
    )


def _rebuild_and_refresh(
    env: BenchmarkEnv, warehouses: Warehouses, movies: int, days: int
) -> tuple[Took, Took]:
    responses = movies * days
    env.need_disk(responses * GB_A_RESPONSE)
    env.say(f"history: generating {responses:,} responses")
    workspace = env.workspace("history")
    env.call("baselines.loaders:make_bronze", movies, warehouses.day, days, workspace=workspace)
    env.say("history: first build")
    warehouses.plan(workspace, *ITS_MODELS)
    env.say("history: rebuild")
    rebuild = warehouses.sqlmesh(
        workspace, *PLAN, *ITS_MODELS, "--restate-model", HISTORY, allowed=HISTORY
    )
    periods = env.call("baselines.plain:count", workspace.duckdb, HISTORY).result
    if periods != responses:
        raise BenchmarkError(f"{periods:,} periods, not one of each of {responses:,} responses.")
    env.call("baselines.loaders:add_day", movies, days, CHANGED_SHARE, workspace=workspace)
    env.say("history: refresh")
    refresh = warehouses.sqlmesh(workspace, *REFRESH, *ITS_MODELS)
    workspace.remove()
    return rebuild, refresh
