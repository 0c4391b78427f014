"""The vault: `secure.pii_vault`, the one place where clear values of fans are.

It is written by SQL over an open connection and not by a dlt load, which would put the values into
files of its working folder on the way (docs/decisions/0016-the-vault-is-written-without-files.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import dlt
import pyarrow as pa
from dlt.destinations.exceptions import DatabaseUndefinedRelation

from landing.destination import Destination
from landing.errors import MarqueeError
from studio_source.people import Person

SECURE = "secure"

TABLES = {
    "pii_vault": (
        "record_token TEXT",
        "fan_token TEXT",
        "fan_id TEXT",
        "email TEXT",
        "email_token TEXT",
        "first_name TEXT",
        "last_name TEXT",
        "ip_address TEXT",
        "ip_token TEXT",
        "first_seen_at TIMESTAMP",
        "batch_id TEXT",
    ),
    # Whose earlier events do not land again. The token of a fan, who left no other row with it.
    "forgotten_fans": ("fan_token TEXT", "forgotten_at TIMESTAMP"),
}
INCOMING = "incoming_people"


class VaultError(MarqueeError):
    """The vault could not be written; the database's own words may hold values and are left out."""


class Vault:
    """Reads and writes the vault; one connection from entering to leaving."""

    def __init__(self, destination: Destination) -> None:
        """Take the destination; nothing is opened yet."""
        self._destination = destination
        # The schema is empty on purpose: nothing is looked up, the queries name their columns.
        dataset = dlt.dataset(destination.factory, SECURE, schema=dlt.Schema(SECURE))
        self._open = contextmanager(lambda: _opened(dataset.sql_client))

    def create(self) -> None:
        """Make the schema and its tables, if they are not there yet."""
        with self._open() as client:
            if not client.has_dataset():
                client.create_dataset()
            for table, columns in TABLES.items():
                client.execute_sql(
                    f"CREATE TABLE IF NOT EXISTS {client.make_qualified_table_name(table)} "
                    f"({', '.join(columns)})"
                )

    def add(self, people: Sequence[Person], now: datetime, batch_id: str) -> int:
        """Add those that are not there yet.

        Returns:
            How many that were.

        Raises:
            VaultError: the database refused.

        """
        distinct = {person.record_token: person for person in people}
        if not distinct:
            return 0
        try:
            with self._open() as client, client.begin_transaction():
                vault = client.make_qualified_table_name("pii_vault")
                self._stage(client, list(distinct.values()))
                count = f"SELECT COUNT(*) FROM {vault}"  # noqa: S608
                ((before,),) = client.execute_sql(count)
                fields = ", ".join(f"incoming.{name}" for name in Person._fields)
                client.execute_sql(
                    f"""
                    INSERT INTO {vault}
                    SELECT {fields}, CAST('{now.isoformat(sep=" ")}' AS TIMESTAMP), '{batch_id}'
                    FROM {INCOMING} AS incoming
                    LEFT JOIN {vault} AS known ON known.record_token = incoming.record_token
                    WHERE known.record_token IS NULL
                    """  # noqa: S608 - names are ours
                )
                ((after,),) = client.execute_sql(count)
                client.execute_sql(
                    f"DROP {'VIEW' if self._destination.name == 'duckdb' else 'TABLE'} {INCOMING}"
                )
                return int(after) - int(before)
        except Exception as error:
            raise VaultError(
                f"The vault could not be written ({type(error).__name__}).",
                "Nothing of this piece landed; the next run reads it again.",
            ) from None

    def forgotten(self) -> dict[str, datetime]:
        """Return who asked to be forgotten, and when: token and time (UTC, without a zone)."""
        path = self._destination.path
        if path is not None and not path.exists():
            return {}  # asking would create the file
        with self._open() as client:
            try:
                rows = client.execute_sql(
                    "SELECT fan_token, MAX(forgotten_at) FROM "  # noqa: S608
                    f"{client.make_qualified_table_name('forgotten_fans')} GROUP BY fan_token"
                )
            except DatabaseUndefinedRelation:
                return {}
        return dict(rows or ())

    def _stage(self, client: Any, people: Sequence[Person]) -> None:
        """Make the people a relation of the open connection, in memory or on the server."""
        if self._destination.name == "duckdb":
            columns = zip(*people, strict=True)
            client.native_connection.register(
                INCOMING,
                pa.table(
                    [pa.array(column, pa.string()) for column in columns],
                    names=list(Person._fields),
                ),
            )
            return
        declared = ", ".join(f"{name} TEXT" for name in Person._fields)
        client.execute_sql(f"CREATE OR REPLACE TEMPORARY TABLE {INCOMING} ({declared})")
        with client.native_connection.cursor() as cursor:
            marks = ", ".join(["%s"] * len(Person._fields))
            cursor.executemany(
                f"INSERT INTO {INCOMING} VALUES ({marks})",  # noqa: S608
                [tuple(person) for person in people],
            )


def _opened(client: Any) -> Any:
    with client as opened:
        yield opened
