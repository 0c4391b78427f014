"""DuckDB alone: the bound for what reads, transforms and writes the same rows."""

from __future__ import annotations

import json
import time
from pathlib import Path

import duckdb

# Columns that name a refresh or its time: the same rows built by another tool, or in other steps,
# have other values there.
OF_REFRESHES = {
    "_loaded_at",
    "_source_load_number",
    "_source_version",
    "correction_number",
    "measured_at",
    "recorded_at",
    "run_id",
    "superseded_at",
}


def transform(warehouse: Path, steps_file: Path, with_audits: bool, memory_limit: str) -> float:
    """Rebuild every model with its rendered query; return the seconds of audits.

    Raises:
        ValueError: an audit finds something.
    """
    auditing = 0.0
    with duckdb.connect(str(warehouse), config={"memory_limit": memory_limit}) as connection:
        steps = json.loads(steps_file.read_text())
        for schema in {step["schema"] for step in steps}:
            connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}")
        for step in steps:
            table = f"{step['schema']}.{step['name']}"
            if step["reads_itself"]:
                columns = ", ".join(f"{name} {of}" for name, of in step["columns"].items())
                connection.execute(f"CREATE TABLE {table} ({columns})")
                connection.execute(f"INSERT INTO {table} BY NAME {step['query']}")
            elif step["kind"] == "view":
                connection.execute(f"CREATE VIEW {table} AS {step['query']}")
            else:
                connection.execute(f"CREATE TABLE {table} AS {step['query']}")
            if with_audits:
                started_at = time.perf_counter()
                for audit in step["audits"]:
                    ((wrong,),) = connection.execute(f"SELECT count(*) FROM ({audit})").fetchall()
                    if wrong:
                        raise ValueError(f"{table}: {wrong} rows of {audit}")
                auditing += time.perf_counter() - started_at
    return auditing


def contents(warehouse: Path, steps_file: Path) -> dict[str, tuple[int, int]]:
    """Return rows and checksum of every table, whatever the order of its rows."""
    found = {}
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        for step in json.loads(steps_file.read_text()):
            table = f"{step['schema']}.{step['name']}"
            columns = ", ".join(one for one in step["columns"] if one not in OF_REFRESHES)
            (found[table],) = connection.execute(
                f"SELECT count(*), sum(hash({columns})::HUGEINT) FROM {table} "
                f"WHERE {_is_current(step['columns'])}"
            ).fetchall()
    return found


def _is_current(columns: dict[str, str]) -> str:
    """Return the condition of rows that hold now, so that a rebuild has them too."""
    conditions = {
        "is_current": "is_current",
        "is_withdrawn": "NOT is_withdrawn",
        "superseded_at": "superseded_at IS NULL",
    }
    return " AND ".join(sql for name, sql in conditions.items() if name in columns) or "TRUE"


def value(warehouse: Path, query: str) -> float:
    """Return the number that a query finds."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        ((found,),) = connection.execute(query).fetchall()
    return float(found)
