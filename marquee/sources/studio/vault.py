"""The vault: `secure.pii_vault`, the one place with plaintext personal data of fans.

On DuckDB that is a file of its own, so that no copy of the warehouse holds any; on Snowflake a
schema of the database. It is written by SQL over an open connection and not by a dlt load, which
would put the values into files of its working folder on the way
(docs/decisions/0016-the-vault-is-written-without-files.md).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import dlt
import pyarrow as pa
from dlt.destinations.exceptions import DatabaseUndefinedRelation

from marquee.bronze.destination import Destination, duckdb_destination
from marquee.core.errors import MarqueeError
from marquee.core.settings import Settings
from marquee.core.text import read_query
from marquee.sources.studio.encryption import (
    CATALOG,
    OWNER_ONLY,
    WrongKeyError,
    is_encrypted,
    open_vault,
    rewrite,
)
from marquee.sources.studio.pseudonymize import PiiRecord

SECURE = "secure"

SQL = Path(__file__).with_name("sql")
INCOMING = "incoming_people"


def vault_destination(warehouse: Destination, settings: Settings) -> Destination:
    """Describe where the vault of a warehouse is, read-only if that is; nothing is opened yet.

    Raises:
        MarqueeError: the file cannot serve, or is the warehouse.
    """
    if warehouse.path is None:
        return warehouse
    path = settings.vault_duckdb
    if path == warehouse.path:
        raise MarqueeError(
            f"The vault cannot be the warehouse, whose copies go to others: {path}",
            "Set MARQUEE_VAULT_DUCKDB to a file of its own.",
        )
    return duckdb_destination(
        path, read_only=warehouse.read_only, what="vault", variable="MARQUEE_VAULT_DUCKDB"
    )


class Erasure(NamedTuple):
    """An erasure as the vault has it.

    Attributes:
        number: counted from 1.
        fan_token: token of the fan.
        erased_at: the time up to which rows were read that it covers (UTC, without a zone).
        is_complete: both files are without the fan, free blocks included.
    """

    number: int
    fan_token: str
    erased_at: datetime
    is_complete: bool

    @property
    def mark(self) -> str:
        """Return what the warehouse has in place of the token, to recognize the erasure again."""
        return sha256(f"{self.number}:{self.fan_token}".encode()).hexdigest()


class Vault:
    """Reads and writes the vault; a connection a call."""

    def __init__(self, destination: Destination, key: str) -> None:
        """Take the destination and the key of its file; nothing is opened yet."""
        self._destination = destination
        self._key = key

    def check_exists(self) -> None:
        """Make sure that the vault is where it was: it knows, too, who requested erasure.

        Raises:
            MarqueeError: there is no such file.
        """
        path = self._destination.path
        if path is not None and not path.exists():
            raise MarqueeError(
                f"The vault of this warehouse is not at {path}.",
                "Set MARQUEE_VAULT_DUCKDB to where it is, or bring it back from a backup; without "
                "it those who were forgotten would land again. If it is lost: docs/runbook.md.",
            )

    def create(self, key_check: str) -> None:
        """Make the schema and its tables, if they are not there yet.

        Raises:
            MarqueeError: what the vault has is under another key.
        """
        with self._open() as client:
            if not client.has_dataset():
                client.create_dataset()
            for statement in read_query(SQL, "vault").split(";"):
                client.execute_sql(statement)
            kept = client.execute_sql("SELECT key_check FROM secure.token_key")
            if not kept:
                client.execute_sql("INSERT INTO secure.token_key VALUES (%s)", key_check)
            elif kept[0][0] != key_check:
                raise MarqueeError(
                    f"The vault ({self._destination.place}) belongs to another token key, and so "
                    "to another warehouse.",
                    "Set MARQUEE_VAULT_DUCKDB to a file of this warehouse's own.",
                )

    def add(self, people: Sequence[PiiRecord], now: datetime, batch_id: str) -> int:
        """Add those that are not there yet.

        Returns:
            How many that were.

        Raises:
            MarqueeError: the database rejected. Its own words may hold values and are left out.
        """
        distinct = {person.record_token: person for person in people}
        if not distinct:
            return 0
        try:
            with self._open() as client, client.begin_transaction():
                self._stage(client, list(distinct.values()))
                count = "SELECT COUNT(*) FROM secure.pii_vault"
                ((before,),) = client.execute_sql(count)
                client.execute_sql(
                    read_query(
                        SQL,
                        "add_people",
                        fields=", ".join(f"incoming.{name}" for name in PiiRecord._fields),
                        now=now.isoformat(sep=" "),
                        batch_id=batch_id,
                        incoming=INCOMING,
                    )
                )
                ((after,),) = client.execute_sql(count)
                client.execute_sql(
                    f"DROP {'VIEW' if self._destination.name == 'duckdb' else 'TABLE'} {INCOMING}"
                )
                return int(after) - int(before)
        except MarqueeError:
            raise
        except Exception as error:
            raise MarqueeError(
                f"The vault could not be written ({type(error).__name__}).",
                "Nothing of this chunk landed; the next run reads it again.",
            ) from None

    def forgotten(self) -> dict[str, datetime]:
        """Return who requested erasure, and when: token and time (UTC, without a zone)."""
        return dict(
            self._select(
                "SELECT fan_token, MAX(forgotten_at) FROM secure.forgotten_fans GROUP BY fan_token"
            )
        )

    def erasures(self) -> list[Erasure]:
        """Return all erasures in order."""
        rows = self._select(
            "SELECT erasure_number, fan_token, erased_at, completed_at IS NOT NULL "
            "FROM secure.erasures ORDER BY erasure_number"
        )
        return [Erasure(int(number), *rest) for number, *rest in rows]

    def key_check(self) -> str | None:
        """Return under which key the tokens are (`Tokens.key_check`), None if nobody knows."""
        rows = self._select("SELECT key_check FROM secure.token_key")
        return rows[0][0] if rows else None

    def values_of(self, fan_token: str) -> list[tuple[str | None, ...]]:
        """Return what is known of a fan: id, e-mail address, first and last name, IP address."""
        return self._select(
            "SELECT DISTINCT fan_id, email, first_name, last_name, ip_address "
            "FROM secure.pii_vault WHERE fan_token = %s",
            fan_token,
        )

    def _select(self, query: str, *values: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query; none where there is no vault yet."""
        path = self._destination.path
        if path is not None and not path.exists():
            return []  # asking would create the file
        with self._open() as client:
            try:
                return [tuple(row) for row in client.execute_sql(query, *values) or ()]
            except DatabaseUndefinedRelation:
                return []

    def forget(self, erasure: Erasure, covers_events_to: datetime) -> int:
        """Delete a fan, and note from when on the fan's earlier events do not land again.

        Args:
            erasure: the number and the time of it, and whose.
            covers_events_to: events up to this time do not land again.

        Returns:
            How many rows of `pii_vault` went.
        """
        token = erasure.fan_token
        with self._open() as client, client.begin_transaction():
            ((rows,),) = client.execute_sql(
                "SELECT COUNT(*) FROM secure.pii_vault WHERE fan_token = %s", token
            )
            ((before,),) = client.execute_sql(
                "SELECT MAX(forgotten_at) FROM secure.forgotten_fans WHERE fan_token = %s", token
            )
            until = max(covers_events_to, before or covers_events_to)
            for table in ("pii_vault", "forgotten_fans"):
                client.execute_sql(f"DELETE FROM {SECURE}.{table} WHERE fan_token = %s", token)  # noqa: S608
            client.execute_sql("INSERT INTO secure.forgotten_fans VALUES (%s, %s)", token, until)
            client.execute_sql(
                "INSERT INTO secure.erasures VALUES (%s, %s, %s, NULL)",
                erasure.number,
                token,
                erasure.erased_at,
            )
        return int(rows)

    def complete_erasures(self, now: datetime) -> None:
        """Remove what was deleted from the file's free blocks; note that all erasures are done."""
        if self._destination.path is not None:
            rewrite(self._destination.path, self._key, self._key)
        with self._open() as client:
            client.execute_sql(
                "UPDATE secure.erasures SET completed_at = %s WHERE completed_at IS NULL", now
            )

    def encrypt(self, old_key: str) -> bool:
        """Encrypt the file with the key: one that is not, or that has an older key.

        Returns:
            Whether there was anything to do.

        Raises:
            MarqueeError: there is no file, or it has neither key.
        """
        path = self._destination.path
        if path is None:
            raise MarqueeError("On Snowflake the vault is encrypted by Snowflake.")
        self.check_exists()
        if not is_encrypted(path):
            rewrite(path, None, self._key)
            path.chmod(OWNER_ONLY)
            return True
        try:
            with self._open():
                return False
        except WrongKeyError:
            if not old_key:
                raise
        rewrite(path, old_key, self._key)
        return True

    @contextmanager
    def _open(self) -> Iterator[Any]:
        """Open a connection; the file and what DuckDB puts beside it are their owner's alone."""
        path = self._destination.path
        if path is None:
            with self._destination.dataset(SECURE).sql_client as client:
                yield client
            return
        with open_vault(path, self._key, read_only=self._destination.read_only) as connection:
            opened = replace(self._destination, factory=dlt.destinations.duckdb(connection))
            with opened.dataset(SECURE).sql_client as client:
                client.execute_sql(f"USE {CATALOG}")  # dlt works on a connection of its own
                yield client

    def _stage(self, client: Any, people: Sequence[PiiRecord]) -> None:
        """Make the people a relation of the open connection, in memory or on the server."""
        if self._destination.name == "duckdb":
            columns = [pa.array(column, pa.string()) for column in zip(*people, strict=True)]
            table = pa.table(columns, names=list(PiiRecord._fields))
            client.native_connection.register(INCOMING, table)
            return
        # Not as values of an INSERT, which the account's query history would show for a year.
        declared = ", ".join(f"{name} TEXT" for name in PiiRecord._fields)
        client.execute_sql(f"CREATE OR REPLACE TEMPORARY TABLE {INCOMING} ({declared})")
        client.execute_sql(f"CREATE OR REPLACE TEMPORARY STAGE {INCOMING}")
        lines = "\n".join(json.dumps(person._asdict()) for person in people)
        with client.native_connection.cursor() as cursor:
            cursor.execute(
                f"PUT 'file://{INCOMING}.jsonl' @{INCOMING} AUTO_COMPRESS = FALSE",
                file_stream=BytesIO(lines.encode()),
            )
        client.execute_sql(
            f"COPY INTO {INCOMING} FROM @{INCOMING}/{INCOMING}.jsonl FILE_FORMAT = (TYPE = 'JSON') "
            "MATCH_BY_COLUMN_NAME='CASE_INSENSITIVE'"
        )
