"""The bronze tables of the studio, as `tables.yaml` declares them."""

from __future__ import annotations

from pathlib import Path

from marquee.bronze.tables import Table, read_tables

TABLES = read_tables(Path(__file__).with_name("tables.yaml"))
RAW_FAN_INTERACTIONS, RAW_TITLE_METADATA, RAW_BOX_OFFICE, QUARANTINE_STUDIO, STUDIO_FILES = TABLES

LINEAGE = ("source_file", "source_line", "ingested_at", "batch_id")


def payload_of(table: Table) -> tuple[str, ...]:
    """Return the columns of a table that a file has, without those of the lineage."""
    return tuple(column.name for column in table.columns if column.name not in LINEAGE)
