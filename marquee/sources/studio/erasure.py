"""What goes: a fan who asked to be forgotten, and the tokens of guests when their time is up.

Whoever made a table, dlt or SQLMesh, in whichever layer, version or environment: it is found by the
names of its columns. So a new model needs no entry here, only the customary names.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import dlt

from marquee.bronze.destination import BRONZE, Destination
from marquee.sources.studio.vault import SECURE, Vault

FAN = "fan_token"
# What a fan could be found by again, with the key and the clear value in hand.
PSEUDONYM_COLUMNS = (
    "email_token",
    "first_name_token",
    "last_name_token",
    "session_token",
    "ip_token",
)
GUEST_PSEUDONYM_COLUMNS = ("session_token", "ip_token")


def forget(destination: Destination, vault: Vault, fan_token: str, now: datetime) -> dict[str, int]:
    """Remove a fan from the vault and cut every row off the person.

    The rows stay and keep counting, under a random token in place of the fan's: it comes from no
    key and leads nowhere. The vault comes first: who is cut short there is found by the rows.

    Args:
        destination: the warehouse.
        vault: its vault.
        fan_token: the token under which the fan is known.
        now: from when on; what the fan did before does not land again.

    Returns:
        How many rows were removed (of the vault) or cut off, by table; empty if there were none.

    """
    random_token = secrets.token_hex(32)
    is_fan = f"{FAN} = '{fan_token}'"
    with _client(destination) as client:
        tables = [one for one in _tables_with(client, FAN) if _count(client, one[1], is_fan)]
        removed = vault.forget(fan_token, now, is_known=bool(tables))
        changed = {f"{SECURE}.pii_vault": removed} if removed else {}
        with client.begin_transaction():
            for name, table, columns in tables:
                assignments = [f"{FAN} = '{random_token}'"]
                assignments += [
                    f"{column} = NULL" for column in PSEUDONYM_COLUMNS if column in columns
                ]
                _change(client, changed, name, table, is_fan, assignments)
    return changed


def expire(destination: Destination, now: datetime) -> int:
    """Remove guests' tokens of session and address whose time is up; return of how many rows."""
    changed: dict[str, int] = {}
    with _client(destination) as client, client.begin_transaction():
        for name, table, columns in _tables_with(client, "expires_at"):
            pseudonyms = [column for column in GUEST_PSEUDONYM_COLUMNS if column in columns]
            if not pseudonyms:
                continue
            some_left = " OR ".join(f"NOT {column} IS NULL" for column in pseudonyms)
            is_due = (
                f"expires_at <= CAST('{now.isoformat(sep=' ')}' AS TIMESTAMP) AND ({some_left})"
            )
            assignments = [f"{column} = NULL" for column in pseudonyms]
            _change(client, changed, name, table, is_due, assignments)
    return changed.get("bronze.raw_fan_interactions", 0)


def _client(destination: Destination) -> Any:
    """Return dlt's client of the warehouse; the schema is empty, the statements name columns."""
    return dlt.dataset(destination.factory, BRONZE, schema=dlt.Schema(BRONZE)).sql_client


def _tables_with(client: Any, column: str) -> list[tuple[str, str, set[str]]]:
    """Find the tables outside the vault's schema that have a column: name, quoted name, columns."""
    rows = client.execute_sql(
        """
        SELECT present.table_schema, present.table_name, LOWER(present.column_name)
        FROM information_schema.columns AS present
        JOIN information_schema.tables AS known
          ON known.table_catalog = present.table_catalog
          AND known.table_schema = present.table_schema
          AND known.table_name = present.table_name
        WHERE known.table_type = 'BASE TABLE' AND known.table_catalog = CURRENT_DATABASE()
        """
    )
    columns: dict[tuple[str, str], set[str]] = defaultdict(set)
    for schema, table, name in rows or ():
        columns[schema, table].add(name)
    return [
        (f"{schema}.{table}".lower(), f'"{schema}"."{table}"', found)
        for (schema, table), found in sorted(columns.items())
        if column in found and schema.lower() != SECURE
    ]


def _change(
    client: Any,
    changed: dict[str, int],
    name: str,
    table: str,
    condition: str,
    assignments: Sequence[str],
) -> None:
    """Update the rows of a condition and note how many they are, if any."""
    if count := _count(client, table, condition):
        client.execute_sql(
            f"UPDATE {table} SET {', '.join(assignments)} WHERE {condition}"  # noqa: S608
        )
        changed[name] = count


def _count(client: Any, table: str, condition: str) -> int:
    ((count,),) = client.execute_sql(
        f"SELECT COUNT(*) FROM {table} WHERE {condition}"  # noqa: S608
    )
    return int(count)
