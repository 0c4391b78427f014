"""How fast the pipeline fetches movies, against what latency, connections and limit allow."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.environment import BenchmarkEnv
from benchmarks.measure import BenchmarkError
from benchmarks.movies import listed, write_ndjson
from benchmarks.results import Benchmark, Cell, Goal
from benchmarks.serve import Served, sandbox

LIMIT = 40  # requests per second: TMDb's, and the pipeline's default
UNLIMITED = 10_000
CONNECTIONS = 20  # of the pipeline
USEFUL_RATE = 38  # 95 % of the limit
MOVIES_PER_PAGE = 20
COLUMNS = ("latency, limit", "movies", "possible/s", "movies/s", "429s", "cores of the sandbox")

NOTES = [
    "A rate counts the movies with a response of status 200, from the first request for a movie to "
    "the last response, by the sandbox's own log.",
    f"Possible: the limit, and one request at a time on each of {CONNECTIONS} connections.",
    "Sandbox and pipeline share the cores. Without a limit and at 20 ms it is the processor that "
    "bounds the rate: the sandbox alone takes a good part of a core (its column).",
    "The last row is the popular list, the others are ids from a file.",
]


def measure(env: BenchmarkEnv) -> Benchmark:
    """Fetch from a sandbox with three latencies, with and without a limit.

    Raises:
        BenchmarkError: the pipeline left out a movie.
    """
    latencies = (100,) if env.is_quick else (20, 100, 200)
    pages = 10 if env.is_quick else 150
    count = pages * MOVIES_PER_PAGE
    movies = env.folder / "fetch.ndjson"
    env.call(write_ndjson, movies, listed(count))
    rows: list[list[Cell]] = []
    for limit in (UNLIMITED, LIMIT):
        ids = min(count, 160 if limit == LIMIT else 800)
        wanted = env.folder / "ids.txt"
        wanted.write_text("\n".join(str(one) for one in range(1, ids + 1)))
        for latency_ms in latencies:
            served = _fetched(env, movies, latency_ms, limit, "--ids", str(wanted))
            rows.append(_row(served, limit))
    served = _fetched(env, movies, 100, LIMIT, "--pages", str(pages))
    rows.append(_row(served, LIMIT))
    useful = sum(status == 200 for _, status in served.details())
    if useful != count:
        raise BenchmarkError(f"{useful} movies were fetched, not {count}.")
    what = f"{useful:,} movies at 100 ms and {LIMIT}/s"
    return Benchmark(
        title="Fetching at the API's limit",
        columns=COLUMNS,
        rows=rows,
        goals=[
            Goal(what, USEFUL_RATE, served.useful_rate(), "movies/s", at_most=False),
            Goal("429s among them", 0, served.count(429)),
        ],
        notes=NOTES,
    )


def _fetched(env: BenchmarkEnv, movies: Path, latency_ms: int, limit: int, *which: str) -> Served:
    """Run the pipeline; return what it requested."""
    env.say(f"fetch: {which[0]}, {latency_ms} ms, at most {limit} per second")
    workspace = env.workspace("fetch")
    with sandbox(movies, latency_ms=latency_ms, rate_limit=limit) as served:
        pace = {"SOURCES__TMDB__REQUESTS_PER_SECOND": str(limit)}
        command = (sys.executable, "pipelines/tmdb.py", *which)
        env.run(*command, workspace=workspace, environment={**served.variables, **pace})
    workspace.remove()
    return served


def _row(served: Served, limit: int) -> list[Cell]:
    where = f"{served.latency_s * 1000:.0f} ms, {'none' if limit == UNLIMITED else f'{limit}/s'}"
    possible = min(limit, CONNECTIONS / served.latency_s)
    cores = served.cpu_seconds / served.fetch_seconds()
    figures = (possible, served.useful_rate(), served.count(429), cores)
    return [where, len(served.details()), *figures]
