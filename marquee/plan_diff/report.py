"""The report as Markdown: a verdict first, the rest folded, narrow enough for a phone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from marquee.core.text import counted
from marquee.plan_diff.checks import CheckResults
from marquee.plan_diff.data import LINEAGE_PREFIX, TableChange
from marquee.plan_diff.failure import TITLE
from marquee.plan_diff.lineage import ROWS, Consumers
from marquee.plan_diff.markup import code, fenced, plain
from marquee.plan_diff.models import Change, ChangeType

# Both sides read what the working tree's pipelines loaded.
INGESTION_CHANGED = "**ingestion changed: its effect on bronze is not shown**"

# What the KPI tables of both domains are called: those of the films, those of the studio.
KPI_PREFIXES = ("kpi_", "agg_")

MAX_SHOWN_COLUMNS = 4
TEXT_WIDTH = 60
HASH = re.compile(r"[0-9a-f]{32,}")


@dataclass(frozen=True)
class WarehouseDiff:
    """All that a report says."""

    head: str  # the revision that was compared, for people
    base: str
    model_count: int = 0  # of the working tree
    changes: list[Change] = field(default_factory=list)
    # Columns that read what was changed, or that go, by model; on the sandbox's data their values
    # may be the same.
    impacted: dict[str, list[str]] = field(default_factory=dict)
    consumers: Consumers = field(default_factory=dict)
    tables: list[TableChange] = field(default_factory=list)  # those that were rebuilt
    row_counts: dict[str, int] = field(default_factory=dict)  # of added and of removed tables
    checks: CheckResults = field(default_factory=CheckResults)
    guard_error: str | None = None  # why prod's plan guard would reject the change
    max_rebuild_rows: int | None = None  # from which size on the guard asks before a rebuild
    error: str | None = None  # why the change could not be planned or built
    is_ingestion_changed: bool = False  # the pipelines differ, which loaded bronze for both sides

    @property
    def real_changes(self) -> list[Change]:
        """Those that are more than comments."""
        return [change for change in self.changes if change.change_type is not ChangeType.COMMENT]

    @property
    def differing_columns(self) -> set[tuple[str, str]]:
        """The columns of which a value differs, with their models."""
        return {(table.name, column) for table in self.tables for column in table.differing}

    @property
    def differing_tables(self) -> set[str]:
        """The tables of which a row differs."""
        return {table.name for table in self.tables if table.differs}

    @property
    def unaffected(self) -> list[Change]:
        """The models that read a change and have the same rows."""
        return [
            change
            for change in self.changes
            if change.change_type is ChangeType.INDIRECT
            and change.name not in self.differing_tables
            and (not change.is_compared or change.name in {table.name for table in self.tables})
        ]

    @property
    def rebuilt_tables(self) -> list[str]:
        """The tables that prod keeps and would fill from the beginning again."""
        return [
            change.name
            for change in self.changes
            if change.is_rebuilt
            and change.change_type in (ChangeType.DIRECT, ChangeType.INDIRECT)
            and change.after
            and change.after.kind.is_incremental
        ]

    @property
    def removed_columns(self) -> set[tuple[str, str]]:
        """The columns that go, with their models."""
        return {
            (change.name, column) for change in self.changes for column in change.columns.removed
        }

    @property
    def is_good(self) -> bool:
        """Whether the change could be built and no check failed."""
        return self.error is None and self.checks.passed


def markdown(diff: WarehouseDiff, seconds: float) -> str:
    """Write the report; the last line alone depends on the clock."""
    differing = f"; {len(diff.differing_columns) or 'none'} of them differ" if diff.tables else ""
    impacted = {
        name: [column for column in columns if not column.startswith(LINEAGE_PREFIX)]
        for name, columns in diff.impacted.items()
    }
    rows = {table.name: _rows(table) for table in diff.tables}
    same = {*rows, *(change.name for change in diff.unaffected)} - diff.differing_tables
    return REPORT.render(
        title=TITLE,
        verdict=verdict(diff),
        diff=diff,
        seconds=seconds,
        shown=[change for change in diff.real_changes if change not in diff.unaffected],
        rows={**rows, **{name: f"{count:,}" for name, count in diff.row_counts.items()}},
        impacted=impacted,
        impacted_count=counted(sum(map(len, impacted.values())), "column"),
        differing=differing,
        same=sorted(same),
        same_count=counted(len(same), "table"),
        most_columns=MAX_SHOWN_COLUMNS,
    )


def verdict(diff: WarehouseDiff) -> str:
    """The line to read when only one is read."""
    against = f"({code(diff.head)} against {code(diff.base)})"
    changes = diff.real_changes
    if diff.error:
        ingestion = f"; {INGESTION_CHANGED}" if diff.is_ingestion_changed else ""
        return f"**Does not build** {against}{ingestion}."
    if not changes and diff.is_ingestion_changed:
        return f"**No model changed** {against}; {INGESTION_CHANGED}."
    if not changes:
        only = [f"`{change.name}`" for change in diff.changes]
        return (
            f"**No change** {against}: {diff.model_count} models, columns and rows are the same"
            + (f"; only comments or format differ in {_and(only)}." if only else ".")
        )
    parts = _counts(changes, ChangeType.DIRECT, ChangeType.METADATA)
    if readers := {one.name for one in changes if one.change_type is ChangeType.INDIRECT}:
        differing = len(readers & diff.differing_tables) or "none"
        parts.append(f"{differing} of {counted(len(readers), 'model')} that read them changed")
    parts.append(f"SQLMesh's category: {_worst(changes)}")
    kept = [one for one in changes if one.is_forward_only and one.name in diff.differing_tables]
    if kept:
        parts.append(f"prod keeps the rows of {counted(len(kept), 'table')}")
    if count := sum(map(_is_kpi, diff.differing_columns)):
        parts.append(f"{counted(count, 'KPI column')} {'differs' if count == 1 else 'differ'}")
    if count := sum(map(_is_kpi, diff.removed_columns)):
        parts.append(f"**{counted(count, 'KPI column')} removed**")
    if not diff.checks.passed:
        failed = len(diff.checks.audits_failed) + len(diff.checks.tests_failed)
        parts.append(f"**{counted(failed, 'check')} failed**")
    if diff.guard_error:
        parts.append("**prod's plan guard would reject it**")
    if diff.is_ingestion_changed:
        parts.append(INGESTION_CHANGED)
    return f"**{_effect(diff)}** {against}: {'; '.join(parts)}."


def _is_kpi(column: tuple[str, str]) -> bool:
    """Whether a column, given with its model, is one of a KPI table."""
    return column[0].split(".")[-1].startswith(KPI_PREFIXES)


def _effect(diff: WarehouseDiff) -> str:
    """What differs: models, columns, rows, values. What only reads a change does not count."""
    changes = diff.real_changes
    whole = (ChangeType.ADDED, ChangeType.REMOVED)
    parts = _counts(changes, *whole)
    both = [change.columns for change in changes if change.change_type not in whole]
    for what in ("added", "removed", "renamed", "retyped"):
        if count := sum(len(getattr(columns, what)) for columns in both):
            parts.append(f"{counted(count, 'column')} {what}")
    for what in ("added", "removed"):
        if count := sum(getattr(table, what) for table in diff.tables):
            parts.append(f"{counted(count, 'row')} {what}")
    if columns := diff.differing_columns:
        values = sum(sum(table.differing.values()) for table in diff.tables)
        verb = "differs" if values == 1 else "differ"
        parts.append(f"{counted(values, 'value')} in {counted(len(columns), 'column')} {verb}")
    elif not any(table.differs for table in diff.tables):
        is_compared = diff.tables or not any(c.change_type is ChangeType.DIRECT for c in changes)
        parts.append("no value differs" if is_compared else "rows not compared")
    effect = ", ".join(parts)
    return effect[:1].upper() + effect[1:]


def _worst(changes: list[Change]) -> str:
    """The gravest category of all changes."""
    categories = {change.category for change in changes}
    for category in ("Breaking", "Forward-only", "Non-breaking", "Metadata"):
        if category in categories:
            return category
    return "Indirect"


def _counts(changes: list[Change], *types: ChangeType) -> list[str]:
    """How many models of each type there are, such as `2 models added`."""
    found = Counter(change.change_type for change in changes)
    return [f"{counted(found[one], 'model')} {one.value}" for one in types if found[one]]


def _rows(table: TableChange) -> str:
    parts = [
        f"{sign}{count:,}"
        for sign, count in (("+", table.added), ("-", table.removed), ("~", table.changed))
        if count
    ]
    return f"{table.rows_after:,} ({', '.join(parts) or 'the same'})"


def _readers(consumers: Mapping[str, list[str]]) -> str:
    """Who read a column that goes."""
    return _and(
        f"`{name}` ({', '.join(one if one == ROWS else f'`{one}`' for one in columns)})"
        for name, columns in consumers.items()
    )


def _key(key: Mapping[str, str]) -> str:
    """The columns of a key; of one that is a hash the beginning, which finds the row."""
    return ", ".join(
        f"{column} {_cell(f'{value[:8]}…' if HASH.fullmatch(value) else value)}"
        for column, value in key.items()
    )


def _cell(value: str) -> str:
    """A value of the data in one line of Markdown, where it may mean nothing to the renderer."""
    line = " ".join(value.split())
    return plain(line if len(line) <= TEXT_WIDTH else f"{line[: TEXT_WIDTH - 1]}…")


def _amount(value: str | None) -> str:
    """A number with its thousands apart, as exact as it was compared."""
    if value is None:
        return "none"
    try:
        return f"{Decimal(value):,}"
    except InvalidOperation:
        return value


def _and(names: Iterable[str]) -> str:
    *head, last = names
    return f"{', '.join(head)} and {last}" if head else last


TEMPLATES = Environment(  # noqa: S701 - Markdown: `_cell` and `fenced` mask what comes from data
    loader=FileSystemLoader(Path(__file__).parent),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
TEMPLATES.filters |= {
    "amount": _amount,
    "cell": _cell,
    "fenced": fenced,
    "key": _key,
    "names": lambda names: _and(f"`{name}`" for name in names),
    "number": "{:,}".format,
    "readers": _readers,
}
REPORT = TEMPLATES.get_template("report.md.jinja")
