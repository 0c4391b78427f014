"""Opens the warehouse that the environment names, for reading."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from marquee.core.settings import gateway
from marquee.monitoring import snapshot
from marquee.monitoring.store import DuckDBStore, SnowflakeStore, Store


@dataclass(frozen=True)
class WarehouseView:
    """The warehouse, opened for reading."""

    store: Store
    age: timedelta | None = None  # of the snapshot, if the file has changed since it was made


@contextmanager
def open_warehouse(duckdb_file: Path) -> Iterator[WarehouseView]:
    """Open the warehouse that the environment names, for the block.

    Snowflake where `SQLMESH__DEFAULT_GATEWAY` says so, else a snapshot of the DuckDB file, so
    that nobody who writes to it is locked out.

    Raises:
        MissingWarehouse: there is none, it cannot be copied, or Snowflake does not let us in.
    """
    if gateway() == "snowflake":
        with closing(SnowflakeStore()) as account:
            yield WarehouseView(account)
        return
    # An old snapshot shows the past: it is the last resort.
    copy = snapshot.current_snapshot(duckdb_file, older_after=snapshot.ATTEMPTS - 1)
    age = snapshot.snapshot_age(duckdb_file)
    with closing(DuckDBStore(copy)) as store:
        yield WarehouseView(store, age)
