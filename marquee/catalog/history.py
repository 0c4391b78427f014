"""What the run log (`ops`) knows of each table: when it was built, how, and its rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from marquee.core.text import read_query
from marquee.monitoring.store import Store, rows

SQL = Path(__file__).with_name("sql")


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
    tables: dict[str, TableHistory] = defaultdict(TableHistory)
    known = store.tables()
    if "ops.model_log" in known:
        for row in rows(store, read_query(SQL, "newest_builds")):
            one = tables[row["table_name"]]
            one.built_at, one.status = row["started_at"], row["status"]
            one.seconds = row["duration_seconds"]
    if "ops.row_counts" in known:
        for row in rows(store, read_query(SQL, "newest_counts")):
            one = tables[row["table_name"]]
            one.counted_at = row["counted_at"]
            one.counts.append(int(row["row_count"]))
    if "ops.audit_results" in known:
        for row in rows(store, read_query(SQL, "newest_audits")):
            tables[row["table_name"]].failing[row["audit_name"]] = int(row["failing_row_count"])
    runs = rows(store, read_query(SQL, "newest_run")) if "ops.run_log" in known else []
    return History(tables, runs[0] if runs else None)
