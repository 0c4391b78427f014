"""Opens the warehouse that the environment names, for reading."""

from __future__ import annotations

from contextlib import AbstractContextManager, closing
from pathlib import Path

from marquee.core.settings import gateway
from marquee.monitoring import snapshot
from marquee.monitoring.store import DuckDBStore, SnowflakeStore, Store


def open_warehouse(duckdb_file: Path) -> AbstractContextManager[Store]:
    """Open the warehouse that the environment names, for a block.

    Snowflake where `SQLMESH__DEFAULT_GATEWAY` says so, else a snapshot of the DuckDB file, so
    that nobody who writes to it is locked out. An old snapshot is the last resort.

    Raises:
        MissingWarehouse: there is none, it cannot be copied, or Snowflake does not let us in.
    """
    if gateway() == "snowflake":
        return closing(SnowflakeStore())
    older_after = snapshot.ATTEMPTS - 1
    return closing(DuckDBStore(snapshot.current_snapshot(duckdb_file, older_after=older_after)))
