"""DuckDB alone: the bound for what reads, transforms and writes the same rows."""

from __future__ import annotations

import duckdb

RAW_TABLE = """
CREATE SCHEMA bronze;
CREATE TABLE bronze.raw_movies (
  movie_id BIGINT NOT NULL, raw_data JSON NOT NULL, source_url TEXT NOT NULL,
  ingested_at TIMESTAMP NOT NULL, batch_id TEXT NOT NULL, _dlt_load_id TEXT NOT NULL,
  _dlt_id TEXT NOT NULL
)
"""
RAW_INSERT = """
INSERT INTO bronze.raw_movies
SELECT
  movie_id,
  json,
  'http://127.0.0.1:8899/3/movie/' || movie_id,
  current_timestamp AT TIME ZONE 'UTC',
  'batch',
  'load',
  substr(md5(movie_id::TEXT), 1, 14)
FROM (
  SELECT (json ->> '$.id')::BIGINT AS movie_id, json
  FROM read_json_objects($path, format = 'newline_delimited')
)
"""
CHECKSUM = "SELECT count(*), bit_xor(md5_number(raw_data::TEXT || movie_id)) FROM bronze.raw_movies"


def land_documents(warehouse: str, path: str) -> None:
    """Read an NDJSON of documents into a table like `bronze.raw_movies`, in one statement."""
    with duckdb.connect(warehouse) as connection:
        connection.execute(RAW_TABLE)
        connection.execute(RAW_INSERT, {"path": path})


def landed(warehouse: str) -> list[str]:
    """Return how many rows bronze has, and a checksum over every byte of their documents."""
    with duckdb.connect(warehouse, read_only=True) as connection:
        count, digest = connection.execute(CHECKSUM).fetchall()[0]
    return [str(count), str(digest)]  # as texts: the digest has more digits than JSON's numbers
