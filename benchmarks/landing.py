"""What loading into bronze through dlt costs, as a share of a backfill that TMDb's limit bounds."""

from __future__ import annotations

from benchmarks.baselines import loaders
from benchmarks.environment import BenchmarkEnv
from benchmarks.measure import BenchmarkError
from benchmarks.movies import listed, write_ndjson
from benchmarks.results import Benchmark, Goal

MOVIES, MOVIES_QUICKLY = 500_000, 20_000
CHUNK = 10_000  # as many movies as the pipeline puts into a load at most
REQUESTS_PER_SECOND = 40  # TMDb's limit
SHARE_PCT = 2

NOTES = [
    "The pipeline's own functions, without HTTP: rows to Arrow, dlt's extract, normalize and "
    f"load, with its ids, state and load log; a load for every {CHUNK:,} movies, so that a "
    "crash costs one chunk. The memory is dlt's and DuckDB's, which rewrites the last row group of "
    "122,880 rows whenever it closes the file.",
    f"A backfill takes a request per movie, {REQUESTS_PER_SECOND} per second at most.",
    "The loaded documents have the checksum of the generated file.",
]


def measure(env: BenchmarkEnv) -> Benchmark:
    """Load an NDJSON into a warehouse; compare it byte for byte.

    Raises:
        BenchmarkError: what was loaded differs from what was generated.
    """
    count = MOVIES_QUICKLY if env.is_quick else MOVIES
    path = env.folder / "landing.ndjson"
    env.say(f"landing: generating {count:,} documents")
    env.call(write_ndjson, path, listed(count))
    workspace = env.workspace("landing")
    env.say(f"landing: the pipeline, in loads of {CHUNK:,}")
    took = env.call(loaders.load_chunks, path, CHUNK, workspace=workspace)
    expected, loaded = env.call(loaders.checksums, path, workspace.duckdb).result
    workspace.remove()
    path.unlink()
    if loaded != expected or loaded[0] != count:
        raise BenchmarkError("What was loaded is not what was generated, byte for byte.")
    share_pct = took.seconds / (count / REQUESTS_PER_SECOND) * 100
    what = f"loading / backfill at {REQUESTS_PER_SECOND} requests/s"
    return Benchmark(
        title=f"Loading {count:,} documents",
        columns=("documents", "seconds", "documents/s", "processor time (s)", "peak memory (MB)"),
        rows=[[count, took.seconds, count / took.seconds, took.cpu_seconds, took.peak_mb]],
        goals=[Goal(what, SHARE_PCT, share_pct, "%", is_checked=not env.is_quick)],
        notes=NOTES,
    )
