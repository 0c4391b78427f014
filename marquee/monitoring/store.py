"""Where the run log and the tables are read: a copy of the DuckDB file, or Snowflake.

Queries are in SQL that both engines read the same, so nothing has to translate them; a test
compares the two readings. A module of an engine is imported where its connection is made, because
it may be missing where the other engine is used.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from marquee.core.errors import MarqueeError, explain
from marquee.core.text import sql_text

LAYERS = ("bronze", "silver", "snapshots", "gold", "ops")


class MissingWarehouse(Exception):
    """There is nothing to read yet; the message says what to do."""


class Store(Protocol):
    """Answers queries."""

    def frame(self, sql: str, parameters: Sequence[Any] = ()) -> pd.DataFrame:
        """Return all rows of a query, its `?` filled in."""

    def tables(self) -> Mapping[str, set[str]]:
        """Return the columns of each table of the layers, by `schema.table`, in lower case."""
        found: dict[str, set[str]] = {}
        for schema, table, column in self.frame(TABLES).itertuples(index=False):
            found.setdefault(f"{schema}.{table}", set()).add(column)
        return found


def rows(store: Store, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
    """Return all rows of a query as plain values; NULL is None."""
    return records(store.frame(sql, parameters))


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table as plain values; NULL is None."""
    found = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in found]


SCHEMAS = ", ".join(f"'{layer}'" for layer in LAYERS)
TABLES = f"""
SELECT LOWER(table_schema) AS table_schema, LOWER(table_name) AS table_name,
  LOWER(column_name) AS column_name
FROM information_schema.columns
WHERE LOWER(table_schema) IN ({SCHEMAS})
"""  # noqa: S608 - names of this module


class DuckDBStore(Store):
    """A DuckDB file that nobody writes to; a connection a query, closed at once.

    The file is attached, not connected to: of a path that was connected to before, DuckDB would
    return the older file, although another one has replaced it.
    """

    def __init__(self, path: Path) -> None:
        """Take the file.

        Raises:
            MissingWarehouse: there is none.
        """
        import duckdb

        if not path.exists():
            raise MissingWarehouse(f"There is no warehouse at {path} yet: `make demo` makes one.")
        self._catalog = '"' + path.stem.replace('"', '""') + '"'
        self._connection = duckdb.connect(config={"temp_directory": f"{path}.tmp"})
        self._connection.execute(f"ATTACH {sql_text(path)} AS {self._catalog} (READ_ONLY)")

    def frame(self, sql: str, parameters: Sequence[Any] = ()) -> pd.DataFrame:
        """Return all rows of a query, its `?` filled in."""
        with self._connection.cursor() as cursor:
            cursor.execute(f"USE {self._catalog}")
            return cursor.execute(sql, list(parameters)).df()

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()


class SnowflakeStore(Store):
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

    def frame(self, sql: str, parameters: Sequence[Any] = ()) -> pd.DataFrame:
        """Return all rows of a query, its `?` filled in."""
        with self._connection.cursor() as cursor:
            cursor.execute(sql, list(parameters))
            names = [column.name.lower() for column in cursor.description]
            return pd.DataFrame(cursor.fetchall(), columns=names)

    def close(self) -> None:
        """Sign out."""
        self._connection.close()


class SnowparkStore(Store):
    """The database of a Streamlit app in Snowflake, read with the rights of the app's owner."""

    def __init__(self, session: Any) -> None:
        """Take the app's Snowpark session."""
        self._session = session

    def frame(self, sql: str, parameters: Sequence[Any] = ()) -> pd.DataFrame:
        """Return all rows of a query, its `?` filled in."""
        found: pd.DataFrame = self._session.sql(sql, params=list(parameters)).to_pandas()
        return found.rename(columns=str.lower)
