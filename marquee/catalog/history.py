"""What the run log (`ops`) knows of each table: when it was built, how, and its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from marquee.monitoring.store import Store, rows

# So many counts make a table's small curve.
COUNTS_KEPT = 30

NEWEST_BUILDS = """
SELECT table_name, started_at, status, duration_seconds FROM ops.model_log
QUALIFY ROW_NUMBER() OVER (PARTITION BY table_name ORDER BY started_at DESC) = 1
"""
COUNTS = """
SELECT table_name, counted_at, row_count FROM ops.row_counts
QUALIFY ROW_NUMBER() OVER (PARTITION BY table_name ORDER BY counted_at DESC) <= ?
ORDER BY table_name, counted_at
"""
# An audit that a model has twice, with other arguments, is one row: the log has its name only.
NEWEST_AUDITS = """
SELECT table_name, audit_name, failing_row_count FROM ops.audit_results
QUALIFY ROW_NUMBER() OVER (PARTITION BY table_name, audit_name ORDER BY audited_at DESC) = 1
"""
NEWEST_RUN = """
SELECT job, started_at, status FROM ops.run_log
WHERE tool = 'sqlmesh' ORDER BY started_at DESC LIMIT 1
"""


@dataclass
class TableHistory:
    """What is known of one table; moments are UTC."""

    built_at: datetime | None = None  # when its newest building began
    status: str = ""  # how that ended: SUCCEEDED or FAILED
    seconds: float | None = None  # how long it took, audits included
    counted_at: datetime | None = None
    counts: list[int] = field(default_factory=list)  # after the newest runs, the newest last
    failing: dict[str, int] = field(default_factory=dict)  # rows that break an audit, by its name

    @property
    def row_count(self) -> int | None:
        """The newest count."""
        return self.counts[-1] if self.counts else None


@dataclass(frozen=True)
class History:
    """What is known of all tables, and of the newest plan or run."""

    tables: Mapping[str, TableHistory] = field(default_factory=dict)
    newest_run: Mapping[str, Any] | None = None

    def of(self, name: str) -> TableHistory:
        """What is known of a table; nothing, of one that was never built."""
        return self.tables.get(name) or TableHistory()


def read_history(store: Store) -> History:
    """Read the run log of a warehouse; an empty history where it has none."""
    tables: dict[str, TableHistory] = {}

    def past(row: Mapping[str, Any]) -> TableHistory:
        return tables.setdefault(str(row["table_name"]), TableHistory())

    known = store.tables()
    if "ops.model_log" in known:
        for row in rows(store, NEWEST_BUILDS):
            one = past(row)
            one.built_at, one.status = row["started_at"], str(row["status"])
            one.seconds = row["duration_seconds"]
    if "ops.row_counts" in known:
        for row in rows(store, COUNTS, [COUNTS_KEPT]):
            one = past(row)
            one.counted_at = row["counted_at"]
            one.counts.append(int(row["row_count"]))
    if "ops.audit_results" in known:
        for row in rows(store, NEWEST_AUDITS):
            past(row).failing[str(row["audit_name"])] = int(row["failing_row_count"])
    runs = rows(store, NEWEST_RUN) if "ops.run_log" in known else []
    return History(tables, runs[0] if runs else None)
