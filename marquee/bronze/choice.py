"""Which destination bronze is in: DuckDB or Snowflake."""

from __future__ import annotations

from pathlib import Path

from marquee.bronze.destination import Destination, duckdb_destination


def choose_destination(name: str, path: Path, *, read_only: bool = False) -> Destination:
    """Describe the warehouse to load into; nothing is opened or created yet.

    Args:
        name: `duckdb` or `snowflake`.
        path: the DuckDB file, which Snowflake has no use for.
        read_only: open the file for reading alone, as on a dry run.

    Raises:
        MarqueeError: the file cannot serve, or no account is configured.
    """
    if name == "snowflake":
        # Imported only here: without an account it is not needed.
        from marquee.bronze.snowflake import snowflake_destination

        return snowflake_destination()
    return duckdb_destination(path, read_only=read_only)
