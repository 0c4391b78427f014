"""The project's own landing code, driven without HTTP, and the bronze that others start from."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta, timezone
from pathlib import Path

import dlt
import duckdb

from benchmarks import movies as generated
from marquee.bronze.destination import BRONZE, Destination, duckdb_destination
from marquee.bronze.loader import load, open_pipeline
from marquee.bronze.tables import Row, Table
from marquee.core.settings import Settings, configure_dlt
from marquee.sources.tmdb.run import PIPELINE
from marquee.sources.tmdb.state import Cursor, PipelineState
from marquee.sources.tmdb.tables import RAW_GENRES, RAW_MOVIES, TABLES

BASE_URL = "http://127.0.0.1:8899/3"
BATCH = "20260101T000000Z-bench"
LANDED_AT = time(3)  # of the day that a warehouse begins with

APPEND = """
INSERT INTO bronze.raw_movies
SELECT
  movie_id,
  document,
  '{url}/movie/' || movie_id,
  TIMESTAMP '{at}' + INTERVAL (movie_id) MICROSECOND + INTERVAL (version) DAY,
  '{batch}',
  (SELECT max(load_id) FROM bronze._dlt_loads),
  to_hex(hash(movie_id, version))
FROM ({documents})
"""


def land_chunks(path: str, chunk_size: int) -> None:
    """Land an NDJSON of documents as the pipeline lands what it fetched: one load per chunk."""
    _land_chunks(path, chunk_size, duckdb_destination(Settings.from_environment().duckdb))


def land_chunks_in_files(path: str, chunk_size: int, folder: str, chunks: int) -> None:
    """Do the same with some chunks and files for a database, so that all memory taken is dlt's."""
    warehouse = duckdb_destination(Settings.from_environment().duckdb)
    files = dlt.destinations.filesystem(bucket_url=folder)
    _land_chunks(path, chunk_size, replace(warehouse, factory=files, path=None), chunks)


def make_bronze(movies: int, day: str, days: int = 1) -> None:
    """Make a bronze as a full backfill on that day leaves it, and as the next run expects it.

    dlt lands the genres and the first movie, so that its tables and its state are real; the other
    movies follow in SQL. With more days, each movie has as many responses, of slim documents. The
    studio's tables are there and empty, for each baseline builds all models.
    """
    from macros.bronze import TABLES as READ_BY_MODELS  # here: it takes a second, others race

    begun = date.fromisoformat(day)
    settings = Settings.from_environment()
    configure_dlt(settings)
    destination = duckdb_destination(settings.duckdb)
    at = datetime.combine(begun, LANDED_AT) - timedelta(days=days - 1)
    with generated.generator() as generator:
        query = generated.documents(generated.all_movies(1), is_slim=days > 1)
        first = generator.execute(query).fetchall()[0][2]
    genres = ",".join(generated.genre_entries())
    rows: dict[Table, list[Row]] = {table: [] for table in TABLES}
    rows[RAW_MOVIES] = [_row(first, 1, at)]
    rows[RAW_GENRES] = [
        {"raw_data": f'{{"genres":[{genres}]}}', "ingested_at": at, "batch_id": BATCH}
    ]
    state = PipelineState(Cursor(begun, is_full=True))
    load(open_pipeline(PIPELINE, settings, destination), destination, rows, state.to_json())
    with duckdb.connect(str(settings.duckdb)) as connection:
        for table in READ_BY_MODELS:
            connection.execute(f"CREATE TABLE IF NOT EXISTS {BRONZE}.{table}")
    # All movies of a day, then those of the next one, as they would have come.
    rest = (
        f"SELECT range % {movies} + 1 AS movie_id, range // {movies} AS version "
        f"FROM range(1, {movies * days})"
    )
    _append(settings.duckdb, rest, at, is_slim=days > 1)


def add_day(movies: int, version: int, share: float) -> None:
    """Add one more response of a share of the movies, slim ones, as of now."""
    changed = generated.changed_movies(movies, version, share)
    now = datetime.now(timezone.utc).replace(tzinfo=None)
    at = now - timedelta(days=version)
    _append(Settings.from_environment().duckdb, changed, at, is_slim=True)


def _append(warehouse: Path, movies: str, at: datetime, *, is_slim: bool) -> None:
    """Append responses; version 0 arrived at that time, each later one a day after the other."""
    with generated.generator(warehouse) as connection:
        connection.execute(f"CREATE TEMP TABLE listed AS {movies}")
        connection.execute(
            APPEND.format(
                url=BASE_URL,
                at=at,
                batch=BATCH,
                documents=generated.documents("FROM listed", is_slim=is_slim),
            )
        )


def _land_chunks(
    path: str, chunk_size: int, destination: Destination, at_most: int | None = None
) -> None:
    settings = Settings.from_environment()
    configure_dlt(settings)
    pipeline = open_pipeline(PIPELINE, settings, destination)
    for number, chunk in enumerate(itertools.islice(_chunks(Path(path), chunk_size), at_most)):
        rows: dict[Table, list[Row]] = {} if number else {table: [] for table in TABLES}
        rows[RAW_MOVIES] = [_row(document, _movie_id(document)) for document in chunk]
        load(pipeline, destination, rows, {"chunks_done": number + 1})


def _chunks(path: Path, size: int) -> Iterator[list[str]]:
    with path.open(encoding="utf-8") as lines:
        while chunk := [line.rstrip("\n") for line in itertools.islice(lines, size)]:
            yield chunk


def _movie_id(document: str) -> int:
    """Find the id without parsing: that is done where a movie is fetched."""
    start = document.index(',"id":', document.index(',"homepage":')) + len(',"id":')
    return int(document[start : document.index(",", start)])


def _row(document: str, movie_id: int, at: datetime | None = None) -> Row:
    return {
        "movie_id": movie_id,
        "raw_data": document,
        "source_url": f"{BASE_URL}/movie/{movie_id}",
        "ingested_at": at or datetime.now(timezone.utc).replace(tzinfo=None),
        "batch_id": BATCH,
    }
