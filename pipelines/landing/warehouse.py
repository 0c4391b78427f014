"""What bronze holds already, asked in small questions whose cost follows the change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import dlt
from dlt.destinations.exceptions import DatabaseUndefinedRelation

from landing.destination import BRONZE, Destination


class Warehouse:
    """Reads bronze through dlt's own client, so that it works on each destination."""

    def __init__(self, destination: Destination) -> None:
        """Take the destination; nothing is opened yet."""
        self._destination = destination
        # The schema is empty on purpose: nothing is looked up, these queries name their columns.
        self._dataset = dlt.dataset(destination.factory, BRONZE, schema=dlt.Schema(BRONZE))

    def check(self) -> None:
        """Open the warehouse, if there is one, as a load will.

        Raises:
            Exception: what the database says when another process holds it, or it is no database;
                `errors.explain` puts it into words.

        """
        self._select("SELECT 1")

    def newest(self, table: str, key: str, ids: Iterable[int]) -> dict[int, str]:
        """Return the newest `raw_data` (text) of each of the ids that the table holds."""
        wanted = ", ".join(str(int(one)) for one in ids)
        if not wanted:
            return {}
        rows = self._select(
            f"""
            SELECT {key}, raw_data
            FROM (
              SELECT
                {key},
                raw_data,
                ROW_NUMBER() OVER (PARTITION BY {key} ORDER BY ingested_at DESC) AS newest_first
              FROM {table}
              WHERE {key} IN ({wanted})
            ) AS documents
            WHERE newest_first = 1
            """  # noqa: S608 - names are ours, ids are integers
        )
        return {int(one): str(document) for one, document in rows}

    def last(self, table: str, column: str) -> str | None:
        """Return the newest row's `column` as text, None if the table is empty or not there."""
        rows = self._select(
            f"SELECT {column} FROM {table} ORDER BY ingested_at DESC LIMIT 1"  # noqa: S608
        )
        return str(rows[0][0]) if rows else None

    def living(self, table: str, key: str) -> list[int]:
        """Return the ids, ascending, whose newest document has an `id`: those not tombstoned."""
        has_id = {
            "duckdb": "json_exists(raw_data, '$.id')",
            "snowflake": "raw_data:id IS NOT NULL",
        }[self._destination.name]
        rows = self._select(
            f"""
            SELECT {key}
            FROM (
              SELECT
                {key},
                {has_id} AS is_living,
                ROW_NUMBER() OVER (PARTITION BY {key} ORDER BY ingested_at DESC) AS newest_first
              FROM {table}
            ) AS documents
            WHERE newest_first = 1 AND is_living
            ORDER BY {key}
            """  # noqa: S608
        )
        return [int(one) for (one,) in rows]

    def _select(self, query: str) -> Sequence[tuple[Any, ...]]:
        if self._destination.path is not None and not self._destination.path.exists():
            return []  # asking would create the file
        with self._dataset.sql_client as client:
            try:
                with client.execute_query(query) as cursor:
                    return cursor.fetchall()
            except DatabaseUndefinedRelation:
                return []  # before the first run
