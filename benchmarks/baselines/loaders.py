"""The project's own loader, driven without HTTP, and the bronze that others start from."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta, timezone
from pathlib import Path

import duckdb

from benchmarks import movies as generated
from marquee.bronze.destination import duckdb_destination
from marquee.bronze.loader import load, open_pipeline
from marquee.bronze.tables import Row, Table
from marquee.core.dlt_project import configure_dlt
from marquee.core.settings import Settings
from marquee.sandbox.genres import LISTED
from marquee.sources.studio.tables import TABLES as STUDIO_TABLES
from marquee.sources.tmdb.run import PIPELINE
from marquee.sources.tmdb.state import Cursor, PipelineState
from marquee.sources.tmdb.tables import RAW_GENRES, RAW_MOVIES, TABLES

SOURCE_URL = "http://127.0.0.1:8899/3/movie"
BATCH = "20260101T000000Z-bench"
LOADED_AT = time(3)  # of the day that a warehouse begins with

# All movies of a day, then those of the next one, as they would have arrived.
APPEND = f"""
INSERT INTO bronze.raw_movies
SELECT
  movie_id,
  document,
  '{SOURCE_URL}/' || movie_id,
  $first_at + INTERVAL (movie_id) MICROSECOND + INTERVAL (version) DAY,
  '{BATCH}',
  (SELECT max(load_id) FROM bronze._dlt_loads),
  to_hex(hash(movie_id, version))
FROM ({generated.documents("FROM listed")})
"""


def load_chunks(path: Path, chunk_size: int) -> None:
    """Load an NDJSON of documents as the pipeline loads what it fetched: one load per chunk."""
    settings = Settings.from_environment()
    configure_dlt(settings)
    destination = duckdb_destination(settings.duckdb)
    pipeline = open_pipeline(PIPELINE, settings, destination)
    for number, chunk in enumerate(_chunks(path, chunk_size)):
        rows: dict[Table, list[Row]] = {} if number else {table: [] for table in TABLES}
        now = datetime.now(timezone.utc).replace(tzinfo=None)
        rows[RAW_MOVIES] = [_row(document, _movie_id(document), now) for document in chunk]
        load(pipeline, destination, rows, {"chunks_done": number + 1})


def make_bronze(movies: int, day: str, days: int = 1) -> None:
    """Write a bronze as a full backfill on that day leaves it, and as the next run expects it.

    dlt loads the genres and the first movie, so that its tables and its state are real; the other
    movies follow in SQL, as rows of the same load. With more days, each movie has as many
    responses. The studio's tables are there and empty, for all models are built.
    """
    begins_on = date.fromisoformat(day)
    settings = Settings.from_environment()
    configure_dlt(settings)
    destination = duckdb_destination(settings.duckdb)
    first_at = datetime.combine(begins_on, LOADED_AT) - timedelta(days=days - 1)
    with generated.generator() as generator:
        query = generated.documents(generated.listed(1))
        ((_, _, first),) = generator.execute(query).fetchall()
    genres = [{"id": key, "name": name} for key, name in LISTED.items()]
    rows: dict[Table, list[Row]] = {table: [] for table in (*TABLES, *STUDIO_TABLES)}
    rows[RAW_MOVIES] = [_row(first, 1, first_at)]
    rows[RAW_GENRES] = [
        {"raw_data": json.dumps({"genres": genres}), "ingested_at": first_at, "batch_id": BATCH}
    ]
    state = PipelineState(Cursor(begins_on, is_full=True))
    load(open_pipeline(PIPELINE, settings, destination), destination, rows, state.to_json())
    with generated.generator(settings.duckdb) as connection:
        connection.execute(
            f"CREATE TEMP TABLE listed AS SELECT range % {movies} + 1 AS movie_id, "
            f"range // {movies} AS version FROM range(1, {movies * days})"
        )
        connection.execute(APPEND, {"first_at": first_at})


def checksums(path: Path, warehouse: Path) -> list[tuple[int, int]]:
    """Return rows and a checksum over every byte, of an NDJSON of documents and of bronze."""
    lines = f"(SELECT json, json ->> '$.id' FROM read_json_objects('{path}', format = 'nd'))"
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return [
            connection.execute(
                f"SELECT count(*), bit_xor(md5_number(document::TEXT || movie_id)) "
                f"FROM {source} AS loaded (document, movie_id)"
            ).fetchall()[0]
            for source in (lines, "(SELECT raw_data, movie_id FROM bronze.raw_movies)")
        ]


def _chunks(path: Path, size: int) -> Iterator[list[str]]:
    with path.open(encoding="utf-8") as lines:
        while chunk := [line.rstrip("\n") for line in itertools.islice(lines, size)]:
            yield chunk


def _movie_id(document: str) -> int:
    """Find the id without parsing: that is done where a movie is fetched."""
    start = document.index(',"id":', document.index(',"homepage":')) + len(',"id":')
    return int(document[start : document.index(",", start)])


def _row(document: str, movie_id: int, at: datetime) -> Row:
    return {
        "movie_id": movie_id,
        "raw_data": document,
        "source_url": f"{SOURCE_URL}/{movie_id}",
        "ingested_at": at,
        "batch_id": BATCH,
    }
