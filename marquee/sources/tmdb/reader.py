"""Queries on TMDb's tables of bronze: small ones, whose cost follows the change."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from marquee.bronze.reader import BronzeReader
from marquee.core.text import read_query

SQL = Path(__file__).with_name("sql")


class Newest(NamedTuple):
    """The newest response of a movie: its text, and when it arrived (UTC, without a zone)."""

    document: str
    ingested_at: datetime


class MovieReader(BronzeReader):
    """Reads what bronze has of TMDb."""

    def newest(self, ids: Iterable[int]) -> dict[int, Newest]:
        """Return the newest response of each of the movies that bronze has."""
        wanted = ", ".join(str(int(one)) for one in ids)
        rows = self.select(read_query(SQL, "newest", ids=wanted)) if wanted else ()
        return {int(one): Newest(str(document), at) for one, document, at in rows}

    def last(self, table: str, column: str) -> str | None:
        """Return the newest row's `column` as text, None if the table is empty or not there."""
        rows = self.select(
            f"SELECT {column} FROM {table} ORDER BY ingested_at DESC LIMIT 1"  # noqa: S608
        )
        return str(rows[0][0]) if rows else None

    def movie_ids(self) -> list[int]:
        """Return the movies that bronze has, tombstones included, ascending."""
        return self._ids("SELECT DISTINCT movie_id FROM raw_movies ORDER BY movie_id")

    def tombstones(self) -> list[int]:
        """Return the movies whose newest document is a tombstone, ascending."""
        is_tombstone = self.destination.lacks_key("raw_data", "id")
        return self._ids(read_query(SQL, "tombstones", is_tombstone=is_tombstone))

    def quarantined(self) -> list[int]:
        """Return the movies in quarantine that were not loaded since, ascending."""
        return self._ids(read_query(SQL, "quarantined"))

    def quarantined_by(self, batch_id: str) -> set[int]:
        """Return the movies that a run has put into quarantine."""
        return set(
            self._ids(
                f"SELECT movie_id FROM quarantine_tmdb WHERE batch_id = '{batch_id}' "  # noqa: S608
                "AND movie_id IS NOT NULL"
            )
        )

    def chunk(self, batch_id: str, number: int) -> tuple[list[int], str | None]:
        """Return a chunk of a run's work list: the ids, and the export that lacks them if any."""
        ((ids, export_url),) = self.select(
            "SELECT movie_ids, export_url FROM work_tmdb "  # noqa: S608
            f"WHERE batch_id = '{batch_id}' AND chunk = {number}"
        )
        return json.loads(ids), export_url

    def _ids(self, query: str) -> list[int]:
        return [int(one) for (one,) in self.select(query)]
