"""What of the files has landed, as the warehouse itself says.

A load counts when dlt lists it as complete in `_dlt_loads`. Rows of a load that was interrupted are
in bronze all the same; they stay, and are not loaded again as long as the content is the same
(docs/decisions/0017-file-state-is-in-bronze.md).
"""

from __future__ import annotations

from typing import Any

from marquee.bronze.reader import BronzeReader
from marquee.bronze.tables import Table
from marquee.sources.studio.files import FileCheckpoint
from marquee.sources.studio.tables import STUDIO_FILES

COMPLETE = "SELECT load_id FROM _dlt_loads WHERE status = 0"


class FileManifest(BronzeReader):
    """Reads what bronze has of the studio."""

    def checkpoints(self) -> dict[str, FileCheckpoint]:
        """Return how far each file has landed."""
        rows = self.select(
            f"""
            SELECT source_file, size_bytes, modified_at, bytes_read, lines_read, fingerprint
            FROM {STUDIO_FILES.name}
            WHERE _dlt_load_id IN ({COMPLETE})
            QUALIFY ROW_NUMBER() OVER (PARTITION BY source_file ORDER BY ingested_at DESC) = 1
            """  # noqa: S608 - names are ours
        )
        return {path: FileCheckpoint(*rest) for path, *rest in rows}

    def orphaned_rows(self, table: Table) -> set[tuple[Any, ...]]:
        """Return the rows of interrupted loads, without the time and run of their load."""
        named = ", ".join(payload_columns(table))
        return set(
            self.select(
                f"SELECT {named} FROM {table.name} "  # noqa: S608 - names are ours
                f"WHERE NOT _dlt_load_id IN ({COMPLETE})"
            )
        )


def payload_columns(table: Table) -> list[str]:
    """Return the columns with the content of a line, rather than the time and run of its load."""
    return [
        column.name
        for column in table.columns
        if column.name not in ("ingested_at", "batch_id", "expires_at")
    ]
