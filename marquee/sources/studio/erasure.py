"""What is removed: a fan who requested erasure, and the tokens of guests when their time is up.

A table of dlt or SQLMesh, in whichever layer, version or environment, is found by the
names of its columns. So a new model needs no entry here, only the customary names.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from dlt.destinations.exceptions import DatabaseUndefinedRelation

from marquee.bronze.destination import BRONZE, Destination
from marquee.core.errors import MarqueeError
from marquee.core.text import counted, read_query, sql_text
from marquee.sources.studio.domains import MASKED
from marquee.sources.studio.encryption import rewrite
from marquee.sources.studio.pseudonymize import event_time
from marquee.sources.studio.vault import SECURE, SQL, Erasure, Vault

FAN = "fan_token"
GUEST_PSEUDONYM_COLUMNS = ("session_token", "ip_token")
# What a fan could be found by again, with the key and the plaintext.
PSEUDONYM_COLUMNS = (
    *("email_token", "first_name_token", "last_name_token"),
    *GUEST_PSEUDONYM_COLUMNS,
)
READ_AT = ("ingested_at", "_source_ingested_at")
EVENT_AT = ("event_timestamp", "event_at")
FILE_COLUMNS = ("source_file", "_source_file")
REJECTED_VALUE = "rejected_value"
KEY = "interaction_id"
# Of the machinery: they hold nothing of a file.
UNTOUCHED = ("batch_id", "_source_batch_id", "_dlt_load_id", "_dlt_id", "_source_row_id")
MIN_CONTAINED = 6  # characters of a value that is looked for inside of others
# Clocks of devices are ahead, and a time without a zone can be of any: by a day at most.
MARGIN = timedelta(days=1)
ERASURES = "ops.studio_erasures"


def forget(
    destination: Destination,
    vault: Vault,
    fan_token: str,
    now: datetime,
    file_name: Callable[[str], str],
) -> dict[str, int] | None:
    """Remove a fan from the vault and cut every row off the person.

    The rows stay and keep counting, under a random token in place of the fan's: it comes from no
    key and leads nowhere. The vault comes first: after a crash it holds whose rows are left.

    Args:
        destination: the warehouse.
        vault: its vault.
        fan_token: the token under which the fan is known.
        now: this moment.
        file_name: masks the name of a file that contains the fan.

    Returns:
        How many rows were removed (of the vault) or cut off, by table; empty if the fan was
        forgotten before; None if no such fan was ever known.
    """
    known = vault.erasures()
    # Of an older vault: which erasure of the warehouse is repeated now, if it is one.
    missing = check_pair(destination, known, is_erasure=True)
    repeated = [
        number
        for number, mark in missing.items()
        if mark == Erasure(number, fan_token, now, is_complete=False).mark
    ]
    people = vault.values_of(fan_token)
    newest_event, newest_row = now, now
    with destination.dataset(BRONZE).sql_client as client:
        tables = [one for one in _tables_with(client, FAN) if _tokens_in(client, one, [fan_token])]
        for table in tables:
            newest_event = max([newest_event, *_times(client, table, EVENT_AT, fan_token)])
            newest_row = max([newest_row, *_times(client, table, READ_AT, fan_token)])
        if not tables and not people and not repeated:
            is_known = fan_token in {one.fan_token for one in known} | vault.forgotten().keys()
            return {} if is_known else None
        if destination.path is not None:  # on Snowflake the values would be in the query history
            with client.begin_transaction():
                _mask_remains(client, fan_token, people, file_name)
    number = max([0, *missing, *(one.number for one in known)]) + 1
    erasure = Erasure(min(repeated, default=number), fan_token, newest_row, is_complete=False)
    removed = vault.forget(erasure, min(newest_event, datetime.max - MARGIN) + MARGIN)
    changed = {f"{SECURE}.pii_vault": removed} if removed else {}
    return changed | apply_erasures(destination, vault, now, is_erasure=True)


def apply_erasures(
    destination: Destination, vault: Vault, now: datetime, *, is_erasure: bool = False
) -> dict[str, int]:
    """Have the warehouse be without all who requested erasure, and complete what is not.

    At every load: the warehouse may be an older one, and an erasure may have been interrupted.

    Args:
        destination: the warehouse.
        vault: its vault.
        now: this moment.
        is_erasure: allow a warehouse that is older than the vault.

    Returns:
        How many rows were cut off, by table.

    Raises:
        MarqueeError: warehouse and vault disagree on the erasures.
    """
    erasures = vault.erasures()
    check_pair(destination, erasures, is_erasure=is_erasure)
    if not erasures:
        return {}
    changed: dict[str, int] = {}
    with destination.dataset(BRONZE).sql_client as client, client.begin_transaction():
        tables = [
            (table, tokens)
            for table in _tables_with(client, FAN)
            if (tokens := _tokens_in(client, table, [one.fan_token for one in erasures]))
        ]
        # Who came back after the erasure is a new acquaintance. Where a table does not hold when a
        # row was read, bronze decides: it has newer rows of the fan, or none.
        returned = {
            one.fan_token
            for table, tokens in tables
            for one in erasures
            if one.fan_token in tokens and _has_newer(client, table, one)
        }
        for one in erasures:
            random_token = secrets.token_hex(32)
            for table, tokens in tables:
                if one.fan_token not in tokens:
                    continue
                condition = f"{FAN} = '{one.fan_token}'"
                if read_at := table.first(READ_AT):
                    condition += f" AND {read_at} <= {_timestamp(one.erased_at)}"
                elif one.fan_token in returned and one.is_complete:
                    continue
                assignments = [f"{FAN} = '{random_token}'"]
                assignments += [
                    f"{column} = NULL" for column in PSEUDONYM_COLUMNS if column in table.columns
                ]
                _change(client, changed, table, condition, assignments)
        if destination.path is not None:
            _note_erasures(client, erasures)
    is_pending = not all(one.is_complete for one in erasures)
    if destination.path is not None and (changed or is_pending):
        rewrite(destination.path)
    if is_pending:
        vault.complete_erasures(now)
    return changed


def check_pair(
    destination: Destination, erasures: Sequence[Erasure], *, is_erasure: bool = False
) -> dict[int, str]:
    """Make sure that the warehouse and its vault, two files, are of the same time.

    Args:
        destination: the warehouse.
        erasures: those that the vault has.
        is_erasure: allow the difference that an erasure is about to remove.

    Returns:
        The erasures that the warehouse has and the vault has not: their marks by number.

    Raises:
        MarqueeError: one of them is older than the other, or of another warehouse.
    """
    path = destination.path
    if path is None or not path.exists():  # one database holds both; or there is none yet
        return {}
    with destination.dataset(BRONZE).sql_client as client:
        try:
            rows = client.execute_sql(f"SELECT erasure_number, erased_at, mark FROM {ERASURES}")  # noqa: S608
        except DatabaseUndefinedRelation:
            rows = []
    in_warehouse = {int(number): (at, mark) for number, at, mark in rows or ()}
    in_vault = {one.number: one for one in erasures}
    if any(in_warehouse.get(n, ("", one.mark))[1] != one.mark for n, one in in_vault.items()):
        raise MarqueeError(
            "The vault and the warehouse have different erasures: they do not belong together.",
            "Set MARQUEE_DUCKDB and MARQUEE_VAULT_DUCKDB to a pair of files of the same time.",
        )
    missing = sorted(in_warehouse.keys() - in_vault.keys())
    if missing and not is_erasure:
        raise MarqueeError(
            f"The vault is older than the warehouse: it lacks {counted(len(missing), 'erasure')}, "
            f"the first of {in_warehouse[missing[0]][0]:%Y-%m-%d %H:%M} UTC. Fans who were "
            "forgotten since then would come back.",
            "Bring back the newest vault. If it is lost, repeat these erasures: "
            "python pipelines/studio.py --forget FAN_ID, once for each (docs/privacy.md).",
        )
    behind = [n for n, one in in_vault.items() if n not in in_warehouse and one.is_complete]
    if behind and not is_erasure:
        raise MarqueeError(
            f"The warehouse is older than the vault: it lacks {counted(len(behind), 'erasure')}, "
            "and may hold rows of fans who were forgotten.",
            "Bring back the newest warehouse, or apply the vault's erasures to this one: "
            "python pipelines/studio.py --apply-erasures",
        )
    return {number: in_warehouse[number][1] for number in missing}


def _note_erasures(client: Any, erasures: Sequence[Erasure]) -> None:
    """Have the warehouse carry numbers, times and marks of the erasures that the vault has."""
    client.execute_sql(f"CREATE SCHEMA IF NOT EXISTS {ERASURES.partition('.')[0]}")
    client.execute_sql(
        f"CREATE TABLE IF NOT EXISTS {ERASURES} "
        "(erasure_number BIGINT, erased_at TIMESTAMP, mark TEXT)"
    )
    rows = client.execute_sql(f"SELECT erasure_number, erased_at FROM {ERASURES}")  # noqa: S608
    known = {int(number): at for number, at in rows or ()}
    for one in erasures:
        if known.get(one.number) != one.erased_at:
            client.execute_sql(f"DELETE FROM {ERASURES} WHERE erasure_number = {one.number}")  # noqa: S608
            client.execute_sql(
                f"INSERT INTO {ERASURES} "  # noqa: S608
                f"VALUES ({one.number}, {_timestamp(one.erased_at)}, '{one.mark}')"
            )


def _mask_remains(
    client: Any,
    fan_token: str,
    people: Sequence[tuple[str | None, ...]],
    file_name: Callable[[str], str],
) -> None:
    """Mask what of a fan stands in other fields: rows of an earlier version have such values."""
    values = {value.strip().lower() for person in people for value in person if value}
    values |= {
        f"{first} {last}".strip().lower() for _, _, first, last, _ in people if first and last
    }
    values.discard("")
    if not values:
        return
    long = [value for value in values if len(value) >= MIN_CONTAINED]
    salt = secrets.token_hex(16)
    equal = ", ".join(map(sql_text, values))
    for table in _tables_with(client, None):
        columns = table.columns
        texts = [name for name, data_type in columns.items() if data_type == "VARCHAR"]
        whose = f"{FAN} = '{fan_token}'"
        if FAN not in columns:
            texts = [name for name in texts if name in FILE_COLUMNS or name == REJECTED_VALUE]
            whose = "TRUE"
        for column in texts:
            if column in (*PSEUDONYM_COLUMNS, FAN, *UNTOUCHED):
                continue
            contained = "".join(
                f" OR CONTAINS(LOWER({column}), {sql_text(value)})" for value in long
            )
            found = f"{whose} AND (LOWER(TRIM({column})) IN ({equal}){contained})"
            if column in FILE_COLUMNS:
                paths = client.execute_sql(
                    f"SELECT DISTINCT {column} FROM {table.quoted} WHERE {found}"  # noqa: S608
                )
                for (path,) in paths or ():
                    client.execute_sql(
                        f"UPDATE {table.quoted} SET {column} = {sql_text(file_name(path))} "  # noqa: S608
                        f"WHERE {column} = {sql_text(path)}"
                    )
                continue
            is_key = column == KEY
            masked = f"'{MASKED}-' || MD5('{salt}' || {column})" if is_key else f"'{MASKED}'"
            _change(client, {}, table, found, [f"{column} = {masked}"])


def _times(
    client: Any, table: FoundTable, columns: Sequence[str], fan_token: str
) -> Iterator[datetime]:
    """Yield the times in the first of the columns of a fan's rows, as far as they can be read."""
    column = table.first(columns)
    if column is None:
        return
    rows = client.execute_sql(
        f"SELECT DISTINCT {column} FROM {table.quoted} WHERE {FAN} = '{fan_token}'"  # noqa: S608
    )
    for (value,) in rows or ():
        at = value if isinstance(value, datetime) else event_time(value)
        if at is not None:
            yield at


def _has_newer(client: Any, table: FoundTable, erasure: Erasure) -> bool:
    times = _times(client, table, READ_AT, erasure.fan_token)
    return any(at > erasure.erased_at for at in times)


def _tokens_in(client: Any, table: FoundTable, tokens: Sequence[str]) -> set[str]:
    several = ", ".join(f"'{token}'" for token in sorted(set(tokens)))
    rows = client.execute_sql(
        f"SELECT DISTINCT {FAN} FROM {table.quoted} WHERE {FAN} IN ({several})"  # noqa: S608
    )
    return {token for (token,) in rows or ()}


def expire(destination: Destination, now: datetime) -> int:
    """Remove guests' tokens of session and address whose time is up; return of how many rows."""
    changed: dict[str, int] = {}
    with destination.dataset(BRONZE).sql_client as client, client.begin_transaction():
        for table in _tables_with(client, "expires_at"):
            pseudonyms = [column for column in GUEST_PSEUDONYM_COLUMNS if column in table.columns]
            if not pseudonyms:
                continue
            some_left = " OR ".join(f"NOT {column} IS NULL" for column in pseudonyms)
            is_due = f"expires_at <= {_timestamp(now)} AND ({some_left})"
            assignments = [f"{column} = NULL" for column in pseudonyms]
            _change(client, changed, table, is_due, assignments)
    return changed.get("bronze.raw_fan_interactions", 0)


class FoundTable(NamedTuple):
    """A table of the warehouse: its name, its name in SQL, its columns and their types."""

    name: str
    quoted: str
    columns: dict[str, str]

    def first(self, names: Sequence[str]) -> str | None:
        """Return the first of several columns that the table has."""
        return next((name for name in names if name in self.columns), None)


def _tables_with(client: Any, column: str | None) -> list[FoundTable]:
    """Find the tables outside the vault's schema, with a column if one is named."""
    rows = client.execute_sql(read_query(SQL, "columns"))
    columns: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for schema, table, name, data_type in rows or ():
        columns[schema, table][name] = data_type
    return [
        FoundTable(f"{schema}.{table}".lower(), f'"{schema}"."{table}"', found)
        for (schema, table), found in sorted(columns.items())
        if (column is None or column in found) and schema.lower() != SECURE
    ]


def _change(
    client: Any,
    changed: dict[str, int],
    table: FoundTable,
    condition: str,
    assignments: Sequence[str],
) -> None:
    """Update the rows of a condition and note how many they are, if any."""
    ((count,),) = client.execute_sql(
        f"SELECT COUNT(*) FROM {table.quoted} WHERE {condition}"  # noqa: S608
    )
    if count:
        client.execute_sql(
            f"UPDATE {table.quoted} SET {', '.join(assignments)} WHERE {condition}"  # noqa: S608
        )
        changed[table.name] = changed.get(table.name, 0) + int(count)


def _timestamp(at: datetime) -> str:
    return f"CAST('{at.isoformat(sep=' ')}' AS TIMESTAMP)"
