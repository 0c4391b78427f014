"""Queries on bronze.

Rows are ordered by `ingested_at`. It is a sequence rather than a time of the day: a pipeline makes
each new one later than all that bronze has (`core.clock.Sequence`), also after the machine's clock
was set back. dlt's load ids are times of that clock and are no such sequence.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from dlt.destinations.exceptions import DatabaseUndefinedRelation

from marquee.bronze.destination import BRONZE, Destination
from marquee.bronze.tables import Table
from marquee.core.errors import DatabaseFailed


class BronzeReader:
    """Reads bronze through dlt's own client, so that it works on each destination."""

    def __init__(self, destination: Destination) -> None:
        """Take the destination; nothing is opened yet."""
        self.destination = destination
        self._dataset = destination.dataset(BRONZE)

    def newest_time(self, tables: Iterable[Table]) -> datetime | None:
        """Return the newest `ingested_at` of the tables, None if they are empty or missing."""
        times = [
            at
            for table in tables
            for (at,) in self.select(f"SELECT MAX(ingested_at) FROM {table.name}")  # noqa: S608
            if at is not None
        ]
        return max(times, default=None)

    def select(self, query: str) -> Sequence[tuple[Any, ...]]:
        """Return all rows of a query; none where the warehouse or a table is not there yet.

        Raises:
            DatabaseFailed: DuckDB cannot use the file; the cause is what DuckDB reports.
        """
        path = self.destination.path
        if path is not None and not path.exists():
            return []  # asking would create the file
        try:
            with self._dataset.sql_client as client, client.execute_query(query) as cursor:
                return cursor.fetchall()
        except DatabaseUndefinedRelation:
            return []  # before the first run
        except Exception as error:
            if path is None:
                raise
            raise DatabaseFailed(path) from error
