"""What goes: a fan who asked to be forgotten, and the tokens of guests when their time is up.

Whoever made a table, dlt or SQLMesh, in whichever layer, version or environment: it is found by the
names of its columns. So a new model needs no entry here, only the customary names.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from datetime import datetime
from typing import Any

import dlt

from landing.destination import Destination
from studio_source.vault import SECURE, Vault

FAN = "fan_token"
# What a fan could be found by again, with the key and the clear value in hand.
TRACES = ("email_token", "first_name_token", "last_name_token", "session_token", "ip_token")
GUEST_TRACES = ("session_token", "ip_token")


def forget(destination: Destination, fan_token: str, now: datetime) -> dict[str, int]:
    """Remove a fan from the vault and cut every row off the person.

    The rows stay and keep counting, under a random token in place of the fan's: it comes from no
    key and leads nowhere.

    Args:
        destination: the warehouse.
        fan_token: the token under which the fan is known.
        now: from when on; what the fan did before does not land again.

    Returns:
        How many rows were removed (of the vault) or cut off, by table; empty if there were none.

    """
    nobody = secrets.token_hex(32)
    Vault(destination).create()
    changed: dict[str, int] = {}
    dataset = dlt.dataset(destination.factory, SECURE, schema=dlt.Schema(SECURE))
    with dataset.sql_client as client:
        with client.begin_transaction():
            vault = client.make_qualified_table_name("pii_vault")
            forgotten = client.make_qualified_table_name("forgotten_fans")
            is_fan = f"{FAN} = '{fan_token}'"
            _change(
                client,
                changed,
                f"{SECURE}.pii_vault",
                vault,
                is_fan,
                f"DELETE FROM {vault}",  # noqa: S608
            )
            for name, table, columns in _tables_with(client, FAN):
                cut = [f"{FAN} = '{nobody}'"]
                cut += [f"{column} = NULL" for column in TRACES if column in columns]
                update = f"UPDATE {table} SET {', '.join(cut)}"  # noqa: S608
                _change(client, changed, name, table, is_fan, update)
            if changed:
                client.execute_sql(f"DELETE FROM {forgotten} WHERE {is_fan}")  # noqa: S608
                client.execute_sql(
                    f"INSERT INTO {forgotten} "  # noqa: S608
                    f"VALUES ('{fan_token}', CAST('{now.isoformat(sep=' ')}' AS TIMESTAMP))"
                )
        if changed and destination.name == "duckdb":
            _scrub(client, vault)
    return changed


def expire(destination: Destination, now: datetime) -> int:
    """Remove guests' tokens of session and address whose time is up; return of how many rows."""
    changed: dict[str, int] = {}
    dataset = dlt.dataset(destination.factory, SECURE, schema=dlt.Schema(SECURE))
    with dataset.sql_client as client, client.begin_transaction():
        for name, table, columns in _tables_with(client, "expires_at"):
            traces = [column for column in GUEST_TRACES if column in columns]
            if not traces:
                continue
            some_left = " OR ".join(f"NOT {column} IS NULL" for column in traces)
            is_due = (
                f"expires_at <= CAST('{now.isoformat(sep=' ')}' AS TIMESTAMP) AND ({some_left})"
            )
            cut = ", ".join(f"{column} = NULL" for column in traces)
            update = f"UPDATE {table} SET {cut}"  # noqa: S608
            _change(client, changed, name, table, is_due, update)
    return changed.get("bronze.raw_fan_interactions", 0)


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
    client: Any, changed: dict[str, int], name: str, table: str, condition: str, statement: str
) -> None:
    """Run a statement on the rows of a condition and note how many they are, if any."""
    ((count,),) = client.execute_sql(
        f"SELECT COUNT(*) FROM {table} WHERE {condition}"  # noqa: S608
    )
    if count:
        client.execute_sql(f"{statement} WHERE {condition}")
        changed[name] = int(count)


def _scrub(client: Any, vault: str) -> None:
    """Overwrite what DuckDB leaves of deleted rows in its file.

    A deleted row stays in its block, and a freed block keeps its bytes until it is used again. So
    the vault's table is made anew, and the free blocks are filled once with numbers.
    """
    anew = vault.replace("pii_vault", "pii_vault_anew")
    client.execute_sql(f"CREATE TABLE {anew} AS SELECT * FROM {vault}")  # noqa: S608
    client.execute_sql(f"DROP TABLE {vault}")
    client.execute_sql(f"ALTER TABLE {anew} RENAME TO pii_vault")
    client.execute_sql("CHECKPOINT")
    client.execute_sql("CHECKPOINT")  # what the first one freed is free for use after the second
    ((free_bytes,),) = client.execute_sql(
        "SELECT free_blocks * block_size FROM pragma_database_size() "
        "WHERE database_name = CURRENT_DATABASE()"
    )
    filling = vault.replace("pii_vault", "filling")
    client.execute_sql(
        f"CREATE TABLE {filling} AS "  # noqa: S608
        f"SELECT hash(i, random()) AS number FROM range({int(free_bytes) // 8 + 1}) AS numbers(i)"
    )
    client.execute_sql("CHECKPOINT")
    client.execute_sql(f"DROP TABLE {filling}")
    client.execute_sql("CHECKPOINT")
