"""How long it takes to rebuild the history of movies from many responses."""

from __future__ import annotations

from benchmarks.baselines import loaders, plain
from benchmarks.environment import BenchmarkEnv
from benchmarks.measure import BenchmarkError
from benchmarks.results import Benchmark

MOVIES, MOVIES_QUICKLY = 100_000, 1_000
DAYS = 20
HISTORY = "snapshots.snap_silver_movies"

NOTES = [
    "Every movie has a response for each day, and every response begins a period, since popularity "
    "differs each day: the most that a history can have.",
    f"`sqlmesh plan --select-model +{HISTORY}` builds it. The seconds of the history are those of "
    "its own model (`ops.model_log`), audits included; the rest of the plan parses the responses.",
]


def measure(env: BenchmarkEnv) -> Benchmark:
    """Build the history of so many days.

    Raises:
        BenchmarkError: it does not have a period for each response.
    """
    movies = MOVIES_QUICKLY if env.is_quick else MOVIES
    responses = movies * DAYS
    env.say(f"history: generating {responses:,} responses, then sqlmesh plan")
    workspace = env.workspace("history")
    env.call(loaders.make_bronze, movies, env.day, DAYS, workspace=workspace)
    plan = env.plan(workspace, "--select-model", f"+{HISTORY}")
    queries = (
        f"SELECT count(*) FROM {HISTORY}",
        f"SELECT sum(duration_seconds) FROM ops.model_log WHERE table_name = '{HISTORY}'",
    )
    periods, seconds = (env.call(plain.value, workspace.duckdb, one).result for one in queries)
    workspace.remove()
    if periods != responses:
        raise BenchmarkError(f"{periods:,} periods, not one for each of {responses:,} responses.")
    return Benchmark(
        title=f"The history of {movies:,} movies over {DAYS} days",
        columns=("responses", "history (s)", "responses/s", "plan (s)", "peak memory (MB)"),
        rows=[[responses, seconds, responses / seconds, plan.seconds, plan.peak_mb]],
        notes=NOTES,
    )
