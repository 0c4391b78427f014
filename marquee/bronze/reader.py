"""Queries on bronze: small ones, whose cost follows the change.

Rows are ordered by `ingested_at`. It is a sequence rather than a time of the day: a pipeline makes
each new one later than all that bronze has (`core.clock.Sequence`), also after the machine's clock
was set back. dlt's load ids are times of that clock and are no such sequence.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from dlt.destinations.exceptions import DatabaseUndefinedRelation

from marquee.bronze.destination import BRONZE, Destination
from marquee.core.errors import DatabaseFailed


class Newest(NamedTuple):
    """The newest response of a thing: its text, and when it arrived (UTC, without a zone)."""

    document: str
    ingested_at: datetime


class BronzeReader:
    """Reads bronze through dlt's own client, so that it works on each destination."""

    def __init__(self, destination: Destination) -> None:
        """Take the destination; nothing is opened yet."""
        self._destination = destination
        self._dataset = destination.dataset(BRONZE)

    def newest(self, table: str, key: str, ids: Iterable[int]) -> dict[int, Newest]:
        """Return the newest response of each of the ids that the table holds."""
        wanted = ", ".join(str(int(one)) for one in ids)
        if not wanted:
            return {}
        rows = self.select(
            f"""
            SELECT {key}, raw_data, ingested_at
            FROM (
              SELECT
                {key},
                raw_data,
                ingested_at,
                ROW_NUMBER() OVER (PARTITION BY {key} ORDER BY ingested_at DESC) AS newest_first
              FROM {table}
              WHERE {key} IN ({wanted})
            ) AS documents
            WHERE newest_first = 1
            """  # noqa: S608 - names are ours, ids are integers
        )
        return {int(one): Newest(str(document), at) for one, document, at in rows}

    def last(self, table: str, column: str) -> str | None:
        """Return the newest row's `column` as text, None if the table is empty or not there."""
        rows = self.select(
            f"SELECT {column} FROM {table} ORDER BY ingested_at DESC LIMIT 1"  # noqa: S608
        )
        return str(rows[0][0]) if rows else None

    def keys(self, table: str, key: str) -> list[int]:
        """Return the ids that the table holds, ascending; reads no documents."""
        rows = self.select(f"SELECT DISTINCT {key} FROM {table} ORDER BY {key}")  # noqa: S608
        return [int(one) for (one,) in rows]

    def newest_time(self, *tables: str) -> datetime | None:
        """Return the newest `ingested_at` of the tables, None if they are empty or missing."""
        times = [
            at
            for table in tables
            for (at,) in self.select(f"SELECT MAX(ingested_at) FROM {table}")  # noqa: S608
            if at is not None
        ]
        return max(times, default=None)

    def tombstones(self, table: str, key: str) -> list[int]:
        """Return the ids whose newest document is a tombstone, ascending.

        Reads each document once: one query per run. A million documents of 1.3 KB take 1.6 seconds
        of CPU time, 1.1 if they are in memory.
        """
        is_tombstone = self._destination.lacks_key("raw_data", "id")
        rows = self.select(
            f"""
            SELECT {key}
            FROM {table}
            GROUP BY {key}
            HAVING MAX(CASE WHEN {is_tombstone} THEN ingested_at END) = MAX(ingested_at)
            ORDER BY {key}
            """  # noqa: S608
        )
        return [int(one) for (one,) in rows]

    def quarantined(self, quarantine: str, table: str, key: str) -> list[int]:
        """Return the ids in quarantine of which the table has no later row, ascending."""
        rows = self.select(
            f"""
            SELECT quarantine.{key}
            FROM {quarantine} AS quarantine
            LEFT JOIN {table} AS loaded
              ON loaded.{key} = quarantine.{key}
            WHERE quarantine.{key} IS NOT NULL
            GROUP BY quarantine.{key}
            HAVING
              MAX(loaded.ingested_at) IS NULL
              OR MAX(loaded.ingested_at) < MAX(quarantine.ingested_at)
            ORDER BY quarantine.{key}
            """  # noqa: S608
        )
        return [int(one) for (one,) in rows]

    def quarantined_by(self, batch_id: str, quarantine: str, key: str) -> set[int]:
        """Return the ids that a run has put into quarantine."""
        rows = self.select(
            f"SELECT {key} FROM {quarantine} WHERE batch_id = '{batch_id}'"  # noqa: S608
        )
        return {int(one) for (one,) in rows if one is not None}

    def chunk(self, work: str, batch_id: str, number: int) -> tuple[list[int], str | None]:
        """Return a chunk of a run's work list: the ids, and the export that lacks them if any."""
        ((ids, export_url),) = self.select(
            f"""
            SELECT movie_ids, export_url
            FROM {work}
            WHERE batch_id = '{batch_id}' AND chunk = {number}
            """  # noqa: S608
        )
        return json.loads(ids), export_url

    def select(self, query: str) -> Sequence[tuple[Any, ...]]:
        """Return all rows of a query; none where the warehouse or a table is not there yet.

        Raises:
            DatabaseFailed: DuckDB cannot use the file; the cause is what DuckDB reports.

        """
        if self._destination.path is not None and not self._destination.path.exists():
            return []  # asking would create the file
        try:
            with self._dataset.sql_client as client, client.execute_query(query) as cursor:
                return cursor.fetchall()
        except DatabaseUndefinedRelation:
            return []  # before the first run
        except Exception as error:
            if self._destination.path is None:
                raise
            raise DatabaseFailed(self._destination.path) from error
