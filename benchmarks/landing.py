"""How fast documents land in bronze through dlt, against DuckDB alone."""

from __future__ import annotations

from pathlib import Path

from benchmarks.environment import BenchmarkEnv
from benchmarks.measure import BenchmarkError, Took
from benchmarks.results import Benchmark, Goal, Table

MOVIES, MOVIES_QUICKLY = 500_000, 20_000
CHUNK = 10_000  # as many movies as the pipeline puts into a load at most
TIMES_OF_DUCKDB = 2
PEAK_MB = 600
CHUNKS_IN_FILES = 12  # whether memory grows from load to load shows in these

NOTES = [
    "The pipeline's own functions, driven without HTTP: rows to Arrow, dlt's extract, normalize "
    f"and load, with its ids, state and load log; a load for every {CHUNK:,} movies, so that a "
    "crash costs one chunk.",
    "DuckDB alone reads the same file into the same columns in one statement with two threads; a "
    "crash costs everything. It runs before and after the pipeline, and the better run counts.",
    "dlt's steps are measured once more with files in the place of the database, where all memory "
    "is theirs; within DuckDB's process the rest is DuckDB's, which rewrites the last row group of "
    "122,880 rows (430 MB of documents) whenever it closes the file.",
    "Every warehouse has the same checksum over every byte of every document.",
]


def measure(env: BenchmarkEnv) -> Benchmark:
    """Land the same NDJSON both ways, and compare what arrived byte for byte."""
    count = MOVIES_QUICKLY if env.is_quick else MOVIES
    env.need_disk(5 * count * 4 / 1e6)
    path = env.folder / "landing.ndjson"
    env.say(f"landing: generating {count:,} documents")
    env.call("movies:write_first_movies", path, count)
    megabytes = path.stat().st_size / 1e6
    alone, checksum = _alone(env, path)
    workspace = env.workspace("landing-dlt")
    env.say(f"landing: the pipeline, in loads of {CHUNK:,}")
    ours = env.call("baselines.loaders:land_chunks", path, CHUNK, workspace=workspace)
    landed = env.call("baselines.plain:landed", workspace.duckdb).result
    workspace.remove()
    again, checksum_again = _alone(env, path)
    workspace = env.workspace("landing-files")
    env.say("landing: dlt's steps with files for a database")
    files = env.call(
        "baselines.loaders:land_chunks_in_files",
        path,
        CHUNK,
        workspace.folder / "files",
        CHUNKS_IN_FILES,
        workspace=workspace,
    )
    workspace.remove()
    path.unlink()
    if not landed == checksum == checksum_again or landed[0] != str(count):
        raise BenchmarkError("What landed is not what was generated, byte for byte.")
    alone = min(alone, again, key=lambda one: one.seconds)
    named = {
        "pipeline (dlt into DuckDB)": (ours, count),
        "dlt's steps (into files)": (files, min(count, CHUNKS_IN_FILES * CHUNK)),
        "DuckDB alone": (alone, count),
    }
    kilobytes = megabytes / count * 1000
    return Benchmark(
        name="landing",
        title=f"Landing {count:,} documents",
        tables=[
            Table(
                f"{megabytes:,.0f} MB of NDJSON, {kilobytes:.2f} KB a document",
                ("", "documents", "seconds", "documents/s", "MB/s", "peak memory (MB)"),
                [
                    [
                        name,
                        documents,
                        took.seconds,
                        documents / took.seconds,
                        documents / took.seconds * kilobytes / 1000,
                        took.peak_mb,
                    ]
                    for name, (took, documents) in named.items()
                ],
            )
        ],
        goals=[
            Goal(
                "landing / DuckDB alone",
                TIMES_OF_DUCKDB,
                ours.seconds / alone.seconds,
                unit="x",
                is_judged=not env.is_quick,
            ),
            Goal("peak memory of dlt's steps", PEAK_MB, files.peak_mb, unit="MB"),
        ],
        notes=NOTES,
    )


def _alone(env: BenchmarkEnv, path: Path) -> tuple[Took, list[str]]:
    """Let DuckDB land it alone; return what it took and the checksum."""
    workspace = env.workspace("landing-duckdb")
    env.say("landing: DuckDB alone")
    took = env.call("baselines.plain:land_documents", workspace.duckdb, path)
    checksum: list[str] = env.call("baselines.plain:landed", workspace.duckdb).result
    workspace.remove()
    return took, checksum
