"""What loading into bronze through dlt costs, as a share of a backfill that TMDb's limit bounds."""

from __future__ import annotations

from benchmarks.environment import BenchmarkEnv
from benchmarks.measure import BenchmarkError
from benchmarks.results import Benchmark, Goal, Table

MOVIES, MOVIES_QUICKLY = 500_000, 20_000
CHUNK = 10_000  # as many movies as the pipeline puts into a load at most
REQUESTS_PER_SECOND = 40  # TMDb's limit
SHARE_PCT = 2
PEAK_MB = 600
CHUNKS_IN_FILES = 12  # whether memory grows from load to load shows in these

NOTES = [
    "The pipeline's own functions, driven without HTTP: rows to Arrow, dlt's extract, normalize "
    f"and load, with its ids, state and load log; a load for every {CHUNK:,} movies, so that a "
    "crash costs one chunk.",
    f"A backfill takes a request per movie, {REQUESTS_PER_SECOND} per second at most.",
    "dlt's steps are measured once more with files in the place of the database, where all memory "
    "is theirs; within DuckDB's process the rest is DuckDB's, which rewrites the last row group of "
    "122,880 rows whenever it closes the file.",
    "The loaded documents have the checksum of the generated file.",
]


def measure(env: BenchmarkEnv) -> Benchmark:
    """Load the same NDJSON into a warehouse and into files; compare it byte for byte.

    Raises:
        BenchmarkError: what was loaded differs from what was generated.

    """
    count = MOVIES_QUICKLY if env.is_quick else MOVIES
    env.need_disk(5 * count * 4 / 1e6)
    path = env.folder / "landing.ndjson"
    env.say(f"landing: generating {count:,} documents")
    env.call("movies:write_first_movies", path, count)
    workspace = env.workspace("landing-dlt")
    env.say(f"landing: the pipeline, in loads of {CHUNK:,}")
    ours = env.call("baselines.loaders:land_chunks", path, CHUNK, workspace=workspace)
    loaded = env.call("baselines.plain:landed", workspace.duckdb).result
    expected = env.call("baselines.plain:checksum", path).result
    workspace.remove()
    workspace = env.workspace("landing-files")
    env.say("landing: dlt's steps with files for a database")
    arguments = (path, CHUNK, workspace.folder / "files", CHUNKS_IN_FILES)
    files = env.call("baselines.loaders:land_chunks_in_files", *arguments, workspace=workspace)
    workspace.remove()
    path.unlink()
    if loaded != expected or loaded[0] != str(count):
        raise BenchmarkError("What was loaded is not what was generated, byte for byte.")
    backfill_seconds = count / REQUESTS_PER_SECOND
    named = {
        "pipeline (dlt into DuckDB)": (ours, count),
        "dlt's steps (into files)": (files, min(count, CHUNKS_IN_FILES * CHUNK)),
    }
    return Benchmark(
        name="landing",
        title=f"Loading {count:,} documents",
        tables=[
            Table(
                f"Beside {backfill_seconds:,.0f} s of fetching",
                ("", "documents", "seconds", "documents/s", "peak memory (MB)"),
                [
                    [name, documents, took.seconds, documents / took.seconds, took.peak_mb]
                    for name, (took, documents) in named.items()
                ],
            )
        ],
        goals=[
            Goal(
                f"loading / backfill at {REQUESTS_PER_SECOND} requests/s",
                SHARE_PCT,
                ours.seconds / backfill_seconds * 100,
                unit="%",
                is_checked=not env.is_quick,
            ),
            Goal("peak memory of dlt's steps", PEAK_MB, files.peak_mb, unit="MB"),
        ],
        notes=NOTES,
    )
