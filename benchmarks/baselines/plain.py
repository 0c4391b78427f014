"""DuckDB alone: the bound for what reads, transforms and writes the same rows."""

from __future__ import annotations

import json
import time
from pathlib import Path

import duckdb

# Columns that name a run or a moment of it.
OF_THE_RUN = ("_loaded_at", "_movies_loaded_at", "run_id", "measured_at")

READ = "read_json_objects($path, format = 'newline_delimited')"
CHECKSUM = "SELECT count(*), bit_xor(md5_number(raw_data::TEXT || movie_id)) FROM bronze.raw_movies"


def checksum(path: str) -> list[str]:
    """Return the same of an NDJSON of documents."""
    lines = f"(SELECT json AS raw_data, json ->> '$.id' AS movie_id FROM {READ})"
    with duckdb.connect() as connection:
        query = CHECKSUM.replace("bronze.raw_movies", lines)
        count, digest = connection.execute(query, {"path": path}).fetchall()[0]
    return [str(count), str(digest)]


def landed(warehouse: str) -> list[str]:
    """Return how many rows bronze has, and a checksum over every byte of their documents."""
    with duckdb.connect(warehouse, read_only=True) as connection:
        count, digest = connection.execute(CHECKSUM).fetchall()[0]
    return [str(count), str(digest)]  # as texts: the digest has more digits than JSON's numbers


def transform(warehouse: str, steps_file: str, with_audits: bool, memory_limit: str) -> float:
    """Build every model with its rendered query, one after the other; return the seconds of audits.

    Raises:
        ValueError: an audit finds something.

    """
    auditing = 0.0
    with duckdb.connect(warehouse, config={"memory_limit": memory_limit}) as connection:
        for step in json.loads(Path(steps_file).read_text()):
            table = f"{step['schema']}.{step['name']}"
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {step['schema']}")
            if step["reads_itself"]:
                columns = ", ".join(f"{name} {of}" for name, of in step["columns"].items())
                connection.execute(f"CREATE TABLE {table} ({columns})")
                connection.execute(f"INSERT INTO {table} {step['query']}")
            else:
                connection.execute(f"CREATE TABLE {table} AS {step['query']}")
            if with_audits:
                begun = time.perf_counter()
                for audit in step["audits"]:
                    ((wrong,),) = connection.execute(f"SELECT count(*) FROM ({audit})").fetchall()
                    if wrong:
                        raise ValueError(f"{table}: {wrong} rows of {audit}")
                auditing += time.perf_counter() - begun
    return auditing


def contents(warehouse: str, steps_file: str) -> dict[str, list[str]]:
    """Return rows and checksum of every table, whatever the order of its rows."""
    found = {}
    with duckdb.connect(warehouse, read_only=True) as connection:
        for step in json.loads(Path(steps_file).read_text()):
            table = f"{step['schema']}.{step['name']}"
            columns = ", ".join(name for name in step["columns"] if name not in OF_THE_RUN)
            ((count, digest),) = connection.execute(
                f"SELECT count(*), sum(hash({columns})::HUGEINT) FROM {table}"
            ).fetchall()
            found[table] = [str(count), str(digest)]
    return found


def copy_bronze(source: str, target: str) -> None:
    """Make a warehouse that has the bronze of another one and nothing else."""
    with duckdb.connect(target) as connection:
        connection.execute(f"ATTACH '{source}' AS source_of_bronze (READ_ONLY)")
        connection.execute("CREATE SCHEMA bronze")
        tables = connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE database_name = 'source_of_bronze' "
            "AND schema_name = 'bronze' AND NOT starts_with(table_name, '_dlt')"
        ).fetchall()
        for (table,) in tables:
            connection.execute(
                f"CREATE TABLE bronze.{table} AS FROM source_of_bronze.bronze.{table}"
            )


def count(warehouse: str, table: str) -> int:
    """Return how many rows a table has."""
    with duckdb.connect(warehouse, read_only=True) as connection:
        ((rows,),) = connection.execute(f"SELECT count(*) FROM {table}").fetchall()
    return int(rows)
