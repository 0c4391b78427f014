"""Gold as files: `make export`, or `python pipelines/export.py`.

One Parquet and one CSV file per table, and a data dictionary as CSV. They are read from a snapshot
of the warehouse, so that no run is locked out.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import duckdb

from marquee.cli.base import command_parser
from marquee.core.csv_cells import neutralized
from marquee.core.settings import ROOT, Settings, gateway
from marquee.core.text import counted
from marquee.monitoring.snapshot import current_snapshot
from marquee.monitoring.store import MissingWarehouse

DICTIONARY = "data_dictionary.csv"
COLUMNS = """
SELECT
  columns.table_name, views.comment AS table_description, columns.column_name, columns.data_type,
  columns.comment AS column_description
FROM duckdb_columns() AS columns
JOIN duckdb_views() AS views
  ON views.schema_name = columns.schema_name AND views.view_name = columns.table_name
WHERE columns.schema_name = 'gold'
ORDER BY columns.table_name, columns.column_index
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Write the files; return the exit code."""
    parser = command_parser(
        "python pipelines/export.py",
        "Write gold as Parquet and CSV, with a data dictionary. Text that a "
        "spreadsheet would run as a formula gets an apostrophe in front, in the CSV files only.",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=ROOT / ".cache" / "export",
        metavar="FOLDER",
        help="where to (default: .cache/export)",
    )
    options = parser.parse_args(argv)
    if gateway() == "snowflake":
        print("On Snowflake, COPY INTO a stage writes tables as files.", file=sys.stderr)
        return 1
    try:
        names = export(current_snapshot(Settings.from_environment().duckdb), options.out)
    except MissingWarehouse as error:
        print(error, file=sys.stderr)
        return 1
    if not names:
        print("There is no gold layer yet: `make refresh` builds it.", file=sys.stderr)
        return 1
    print(f"{counted(len(names), 'table')} as .parquet and .csv, and {DICTIONARY}: {options.out}")
    return 0


def export(warehouse: Path, folder: Path) -> list[str]:
    """Write the tables of gold into a folder, which is created; return the names of the tables.

    Args:
        warehouse: a DuckDB file that nobody writes to.
        folder: files of these names in it are replaced.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        described = connection.execute(COLUMNS)
        head = [column[0] for column in described.description or []]
        columns = described.fetchall()
        write_csv(folder / DICTIONARY, head, columns)
        names = sorted({table for table, *_ in columns})
        for name in names:
            target = str(folder / f"{name}.parquet").replace("'", "''")
            # Sorted, so that equal tables are equal files, however they were built.
            query = f"SELECT * FROM gold.{name} ORDER BY ALL"  # noqa: S608 - of the catalog
            connection.execute(f"COPY ({query}) TO '{target}' (FORMAT parquet)")
            rows = connection.execute(query)
            head = [column[0] for column in rows.description or []]
            write_csv(folder / f"{name}.csv", head, iter(rows.fetchone, None))
    return names


def write_csv(path: Path, head: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write rows as CSV, with the mark by which Excel knows UTF-8."""
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        writer.writerows([neutralized(value) for value in row] for row in rows)
