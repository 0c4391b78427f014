"""How fast movies are fetched, against one request after the other and against bare asyncio."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from pathlib import Path

from benchmarks.environment import BenchmarkEnv
from benchmarks.measure import BenchmarkError
from benchmarks.results import Benchmark, Cell, Goal, Table
from benchmarks.serve import Served, sandbox
from marquee.core.settings import ROOT

LIMIT = 40  # requests a second: TMDb's, and the pipeline's default
UNLIMITED = 10_000
USEFUL_RATE = 38  # 95 % of the limit
MOVIES_A_PAGE = 20

NOTES = [
    "A rate counts the movies answered with 200 from the first request for a movie to the answer "
    "to the last one, by the sandbox's own log; the same for all clients.",
    "One request after the other is measured without the limit only; it counts for both rows.",
    "The pipeline checks, retries, paces and compares each answer with bronze; the asyncio client "
    "parses it and drops it.",
    "Sandbox and client share the cores. Without a limit and at 20 ms it is the processor that "
    "bounds both clients: the sandbox alone takes a good part of a core (its column).",
]


def measure(env: BenchmarkEnv) -> Benchmark:
    """Fetch from a sandbox with three latencies, with and without a limit, by three clients."""
    latencies = (100,) if env.is_quick else (20, 100, 200)
    many, few = (100, 20) if env.is_quick else (800, 40)
    pages = 10 if env.is_quick else 150
    movie_file = env.folder / "fetch.ndjson"
    env.call("movies:write_first_movies", movie_file, max(many, pages * MOVIES_A_PAGE))
    rows: list[list[Cell]] = []
    serial_by_latency: dict[int, Served] = {}
    for limit in (None, LIMIT):
        for latency_ms in latencies:
            parallel = many if limit is None else min(many, 160)
            env.say(f"fetch: {latency_ms} ms, {f'{limit}/s' if limit else 'no limit'}")
            if limit is None:  # one after the other, no client comes near a limit
                serial_by_latency[latency_ms] = _serially(env, movie_file, latency_ms, few)
            serial = serial_by_latency[latency_ms]
            bound = _with_asyncio(env, movie_file, latency_ms, limit, parallel)
            ours, _ = _by_pipeline(env, movie_file, latency_ms, limit, ids=parallel)
            rates = [one.useful_rate() for one in (serial, bound, ours)]
            rows.append(
                [
                    f"{latency_ms} ms, {f'{limit}/s' if limit else 'none'}",
                    *rates,
                    rates[2] / rates[0],
                    rates[2] / rates[1],
                    ours.count(429),
                    ours.cpu_seconds / ours.fetch_seconds(),
                ]
            )
    env.say(f"fetch: the popular list, {pages * MOVIES_A_PAGE:,} movies, 100 ms, {LIMIT}/s")
    served, seconds = _by_pipeline(env, movie_file, 100, LIMIT, pages=pages)
    useful = sum(status == 200 for _, status in served.details())
    if useful != pages * MOVIES_A_PAGE:
        raise BenchmarkError(f"{useful} movies were fetched, not {pages * MOVIES_A_PAGE}.")
    what = f"{useful:,} movies at 100 ms and {LIMIT}/s"
    return Benchmark(
        name="fetch",
        title="Fetching at the API's limit",
        tables=[
            Table(
                "Movies a second",
                (
                    "latency, limit",
                    "serial requests",
                    "asyncio",
                    "pipeline",
                    "pipeline / serial",
                    "pipeline / asyncio",
                    "429s",
                    "cores taken by the sandbox",
                ),
                rows,
            ),
            Table(
                f"`python pipelines/tmdb.py --pages {pages}`, {what} (the server's limit)",
                ("movies", "movies/s while fetching", "429s", "fetching (s)", "whole process (s)"),
                [
                    [
                        useful,
                        served.useful_rate(),
                        served.count(429),
                        served.fetch_seconds(),
                        seconds,
                    ]
                ],
            ),
        ],
        goals=[
            Goal(f"{what}", USEFUL_RATE, served.useful_rate(), at_most=False, unit="movies/s"),
            Goal("429s among them", 0, served.count(429)),
        ],
        notes=[
            *NOTES,
            f"The whole process also starts Python, reads {pages} pages of the list one after the "
            "other (each tells whether there is a next one) and lands.",
        ],
    )


def _serially(env: BenchmarkEnv, movie_file: Path, latency_ms: int, movies: int) -> Served:
    with _served(env, movie_file, latency_ms, None) as served:
        ids = list(range(1, movies + 1))
        env.call("baselines.clients:fetch_serially", served.base_url, served.credential, ids)
    return served


def _with_asyncio(
    env: BenchmarkEnv, movie_file: Path, latency_ms: int, limit: int | None, movies: int
) -> Served:
    with _served(env, movie_file, latency_ms, limit) as served:
        env.call(
            "baselines.clients:fetch_with_asyncio",
            served.base_url,
            served.credential,
            list(range(1, movies + 1)),
            limit,
            with_tools=True,
        )
    return served


def _by_pipeline(
    env: BenchmarkEnv,
    movie_file: Path,
    latency_ms: int,
    limit: int | None,
    *,
    ids: int = 0,
    pages: int = 0,
) -> tuple[Served, float]:
    """Return what was requested of the sandbox and how long the process took."""
    workspace = env.workspace("fetch")
    wanted = env.folder / "ids.txt"
    wanted.write_text("\n".join(str(one) for one in range(1, ids + 1)))
    which = ("--pages", str(pages)) if pages else ("--ids", str(wanted))
    with _served(env, movie_file, latency_ms, limit) as served:
        took = env.run(
            sys.executable,
            ROOT / "pipelines" / "tmdb.py",
            *which,
            workspace=workspace,
            environment={
                **served.environment,
                "SOURCES__TMDB__REQUESTS_PER_SECOND": str(limit or UNLIMITED),
            },
        )
    workspace.remove()
    return served, took.seconds


def _served(
    env: BenchmarkEnv, movie_file: Path, latency_ms: int, limit: int | None
) -> AbstractContextManager[Served]:
    return sandbox(env.folder, movie_file, latency_ms=latency_ms, rate_limit=limit)
