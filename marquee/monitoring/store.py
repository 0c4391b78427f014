"""Where the run log and the tables are read: a copy of the DuckDB file, or Snowflake."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

import duckdb
import pandas as pd
import sqlglot

from marquee.core.errors import MarqueeError, explain
from marquee.monitoring.layers import LAYERS as LAYERS
from marquee.monitoring.layers import MissingWarehouse as MissingWarehouse
from marquee.monitoring.snapshot import ATTEMPTS, current_snapshot, snapshot_age


class Store(Protocol):
    """Answers queries in DuckDB's SQL."""

    def frame(
        self, sql: str, parameters: Sequence[Any] = (), *, is_native: bool = False
    ) -> pd.DataFrame:
        """Return all rows of a query, its `?` filled in; a native one is in the engine's SQL."""

    def tables(self) -> Mapping[str, set[str]]:
        """Return the columns of each table of the layers, by `schema.table`, in lower case."""


@dataclass(frozen=True)
class WarehouseView:
    """A view at the warehouse: the store, and its age if it is a copy of what was, else None."""

    store: Store
    age: timedelta | None = None


def rows(store: Store, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
    """Return all rows of a query as plain values; NULL is None."""
    frame = store.frame(sql, parameters).astype(object)
    found = frame.where(frame.notna(), None).to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in found]


SCHEMAS = ", ".join(f"'{layer}'" for layer in LAYERS)
TABLES = f"""
SELECT LOWER(table_schema) AS table_schema, LOWER(table_name) AS table_name,
  LOWER(column_name) AS column_name
FROM information_schema.columns
WHERE LOWER(table_schema) IN ({SCHEMAS})
"""  # noqa: S608 - names of this module


def _tables(store: Store) -> Mapping[str, set[str]]:
    found: dict[str, set[str]] = {}
    for schema, table, column in store.frame(TABLES).itertuples(index=False):
        found.setdefault(f"{schema}.{table}", set()).add(column)
    return found


class DuckDBStore:
    """A DuckDB file that nobody writes to; a connection a query, closed at once."""

    def __init__(self, path: Path) -> None:
        """Take the file.

        Raises:
            MissingWarehouse: there is none.

        """
        if not path.exists():
            raise MissingWarehouse(f"There is no warehouse at {path} yet: `make demo` makes one.")
        self._connection = duckdb.connect(str(path), read_only=True)

    def frame(
        self, sql: str, parameters: Sequence[Any] = (), *, is_native: bool = False
    ) -> pd.DataFrame:
        """Return all rows of a query, its `?` filled in; a native one is in the engine's SQL."""
        with self._connection.cursor() as cursor:
            return cursor.execute(sql, list(parameters)).df()

    def tables(self) -> Mapping[str, set[str]]:
        """Return the columns of each table of the layers, by `schema.table`, in lower case."""
        return _tables(self)

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()


class SnowflakeStore:
    """The database that the environment names, as `config.yaml` reads it."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        """Sign in.

        Raises:
            MissingWarehouse: nothing to sign in with, or the account does not let us in.

        """
        # Only here: its packages take seconds to import.
        import snowflake.connector

        from marquee.bronze.snowflake import connect, names

        known = names(environ)
        try:
            self._connection = connect(
                environ,
                "monitoring",
                database=known["SNOWFLAKE_DATABASE"],
                warehouse=known["SNOWFLAKE_TRANSFORM_WAREHOUSE"],
                role=known["SNOWFLAKE_ROLE"],
                paramstyle="qmark",
                # A dashboard may stand idle for a night; a session ends after four hours of that.
                client_session_keep_alive=True,
            )
        except (MarqueeError, ValueError, TypeError, snowflake.connector.Error) as error:
            raise MissingWarehouse(explain(error)) from error

    def frame(
        self, sql: str, parameters: Sequence[Any] = (), *, is_native: bool = False
    ) -> pd.DataFrame:
        """Return all rows of a query, its `?` filled in; a native one is in the engine's SQL."""
        with self._connection.cursor() as cursor:
            cursor.execute(sql if is_native else as_snowflake(sql), list(parameters))
            names = [column.name.lower() for column in cursor.description]
            return pd.DataFrame(cursor.fetchall(), columns=names)

    def tables(self) -> Mapping[str, set[str]]:
        """Return the columns of each table of the layers, by `schema.table`, in lower case."""
        return _tables(self)

    def close(self) -> None:
        """Sign out."""
        self._connection.close()


def as_snowflake(sql: str) -> str:
    """Write a query as Snowflake reads it."""
    return sqlglot.transpile(sql, read="duckdb", write="snowflake")[0]


@contextmanager
def open_warehouse(
    duckdb_file: Path, environ: Mapping[str, str] = os.environ
) -> Iterator[WarehouseView]:
    """Open the warehouse that the environment names, for the block.

    Snowflake where `SQLMESH__DEFAULT_GATEWAY` says so, else a copy of the DuckDB file, so that
    nobody who writes to it is locked out.

    Raises:
        MissingWarehouse: there is none, it cannot be copied, or Snowflake does not let us in.

    """
    if environ.get("SQLMESH__DEFAULT_GATEWAY") == "snowflake":
        account = SnowflakeStore(environ)
        try:
            yield WarehouseView(account)
        finally:
            account.close()
        return
    # An old copy shows what is past: it is the last resort, not the second choice.
    copy = current_snapshot(duckdb_file, older_after=ATTEMPTS - 1)
    age = snapshot_age(duckdb_file, copy)
    store = DuckDBStore(copy)
    try:
        yield WarehouseView(store, age)
    finally:
        store.close()
