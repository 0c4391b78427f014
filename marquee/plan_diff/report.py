"""The report as Markdown: a verdict first, the rest folded, narrow enough for a phone."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from marquee.plan_diff.checks import CheckResults
from marquee.plan_diff.data import Sample, TableChange
from marquee.plan_diff.failure import TITLE
from marquee.plan_diff.lineage import ROWS, Consumers
from marquee.plan_diff.markup import code, fenced, folded, plain
from marquee.plan_diff.models import Change, ChangeType

NOTE = "Compared on the sandbox's data"
# Both sides read what the working tree's pipelines loaded.
INGESTION_CHANGED = "**ingestion changed: its effect on bronze is not shown**"

# What the KPI tables of both domains are called: those of the films, those of the studio.
KPI_PREFIXES = ("kpi_", "agg_")

MAX_SHOWN_COLUMNS = 4
TEXT_WIDTH = 60
HASH = re.compile(r"[0-9a-f]{32,}")


@dataclass(frozen=True)
class PlanDiff:
    """All that a report says.

    Attributes:
        head: The revision that was compared, for people.
        base: The base, for people.
        model_count: Models of the working tree.
        changes: The models that differ.
        impacted: Columns that a change can alter or that go, by model.
        consumers: What read the columns that go.
        tables: The differences of the tables that were rebuilt.
        row_counts: Rows of added and of removed tables.
        checks: How audits and tests went.
        guard_error: Why prod's plan guard would reject the change; None where it would not.
        max_rebuild_rows: From which size on prod's guard asks before a table is rebuilt.
        error: Why the change could not be planned or built; None when it could.
        is_ingestion_changed: Whether the pipelines differ, which loaded bronze for both sides.

    """

    head: str
    base: str
    model_count: int = 0
    changes: list[Change] = field(default_factory=list)
    impacted: dict[str, list[str]] = field(default_factory=dict)
    consumers: Consumers = field(default_factory=dict)
    tables: list[TableChange] = field(default_factory=list)
    row_counts: dict[str, int] = field(default_factory=dict)
    checks: CheckResults = field(default_factory=CheckResults)
    guard_error: str | None = None
    max_rebuild_rows: int | None = None
    error: str | None = None
    is_ingestion_changed: bool = False

    @property
    def real_changes(self) -> list[Change]:
        """Those that are more than comments."""
        return [change for change in self.changes if change.change_type is not ChangeType.COMMENT]

    @property
    def kpi_columns(self) -> dict[str, list[str]]:
        """The impacted columns of KPI tables."""
        return {
            name: columns
            for name, columns in self.impacted.items()
            if name.split(".")[-1].startswith(KPI_PREFIXES)
        }

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


def markdown(diff: PlanDiff, seconds: float) -> str:
    """Write the report; the last line alone depends on the clock."""
    parts = [TITLE, verdict(diff)]
    if diff.error:
        parts.append(folded("Why it does not build", fenced(diff.error)))
    if diff.guard_error:
        parts.append(folded("Why prod rejects it", fenced(diff.guard_error), is_open=True))
    parts += _sections(diff)
    parts.append(f"<sub>{NOTE}, in {seconds:.0f} s.</sub>")
    return "\n\n".join(parts) + "\n"


def verdict(diff: PlanDiff) -> str:
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
    said = [
        _count(changes, change_type)
        for change_type in ChangeType
        if any(c.change_type is change_type for c in changes)
    ]
    kpi_columns = sum(len(columns) for columns in diff.kpi_columns.values())
    if kpi_columns:
        said.append(f"{_number(kpi_columns, 'KPI column')} impacted{_of_them_removed(diff)}")
    differing = [table for table in diff.tables if table.differs]
    if differing:
        rows = sum(table.added + table.removed + table.changed for table in differing)
        said.append(f"{_number(rows, 'row')} in {_number(len(differing), 'table')} differ")
    elif diff.tables:
        said.append("no row differs")
    if not diff.checks.passed:
        failed = len(diff.checks.audits_failed) + len(diff.checks.tests_failed)
        said.append(f"**{_number(failed, 'check')} failed**")
    if diff.guard_error:
        said.append("**prod's plan guard would reject it**")
    if diff.is_ingestion_changed:
        said.append(INGESTION_CHANGED)
    return f"**{_worst(changes)}** {against}: {'; '.join(said)}."


def _of_them_removed(diff: PlanDiff) -> str:
    """How many of the impacted KPI columns go."""
    count = sum(
        (name, column) in diff.removed_columns
        for name, columns in diff.kpi_columns.items()
        for column in columns
    )
    return f", **{count:,} of them removed**" if count else ""


def _worst(changes: list[Change]) -> str:
    """The gravest category of all changes."""
    categories = {change.category for change in changes}
    for category in ("Breaking", "Forward-only", "Non-breaking", "Metadata"):
        if category in categories:
            return category
    return "Indirect"


def _count(changes: list[Change], change_type: ChangeType) -> str:
    count = sum(change.change_type is change_type for change in changes)
    return f"{_number(count, 'model')} {change_type.value}"


def _sections(diff: PlanDiff) -> list[str]:
    parts = []
    if diff.real_changes:
        parts += [_checks(diff.checks), _models(diff)]
    parts += [_definition(change) for change in diff.changes if change.diff]
    columns = [change for change in diff.changes if change.columns]
    if columns:
        listed = [_columns(change, diff.consumers) for change in columns]
        parts.append(folded("Columns", "\n".join(listed)))
    if diff.impacted:
        parts.append(_lineage(diff))
    parts += [_table(table) for table in diff.tables if table.differs]
    same = [f"`{table.name}`" for table in diff.tables if not table.differs]
    if same:
        title = f"Rebuilt with the same rows: {_number(len(same), 'table')}"
        parts.append(folded(title, f"{_and(same)}."))
    return parts


def _models(diff: PlanDiff) -> str:
    lines = ["| model | how | category | rows |", "|---|---|---|---|"]
    rows = {table.name: _rows(table) for table in diff.tables}
    rows |= {name: f"{count:,}" for name, count in diff.row_counts.items()}
    for change in diff.real_changes:
        lines.append(
            f"| `{change.name}` | {change.change_type.value} | {change.category} "
            f"| {rows.get(change.name) or _table_kept(change)}"
            f"{'; prod: new rows only' if change.is_forward_only else ''} |"
        )
    if diff.rebuilt_tables and diff.max_rebuild_rows:
        names = _and(f"`{name}`" for name in diff.rebuilt_tables)
        lines += [
            "",
            f"Prod rebuilds {names}, and asks first where one has more than "
            f"{diff.max_rebuild_rows:,} rows.",
        ]
    is_short = len(diff.real_changes) <= 5
    return folded("Models", "\n".join(lines), is_open=is_short)


def _table_kept(change: Change) -> str:
    """What becomes of a table that was not rebuilt."""
    if change.is_rebuilt or change.change_type in (ChangeType.REMOVED, ChangeType.METADATA):
        return ""
    return "shared with the base"


def _rows(table: TableChange) -> str:
    parts = [
        f"{sign}{count:,}"
        for sign, count in (("+", table.added), ("-", table.removed), ("~", table.changed))
        if count
    ]
    return f"{table.rows_after:,} ({', '.join(parts) or 'the same'})"


def _definition(change: Change) -> str:
    return folded(f"Definition of <code>{change.name}</code>", fenced(change.diff, "diff"))


def _columns(change: Change, consumers: Consumers) -> str:
    columns = change.columns
    lines = [f"**`{change.name}`**", ""]
    lines += [f"- `{old}` is now called `{new}`" for old, new in columns.renamed.items()]
    lines += [f"- added: `{name}` {kind}" for name, kind in columns.added.items()]
    lines += [
        f"- removed: `{name}` {kind}{_consumed_by(consumers.get((change.name, name), {}))}"
        for name, kind in columns.removed.items()
    ]
    lines += [f"- `{name}`: {old} → {new}" for name, (old, new) in columns.retyped.items()]
    return "\n".join(lines) + "\n"


def _consumed_by(consumers: dict[str, list[str]]) -> str:
    """Who read a column that goes."""
    said = [
        f"`{name}` ({', '.join(one if one == ROWS else f'`{one}`' for one in columns)})"
        for name, columns in consumers.items()
    ]
    return f", which was read by {_and(said)}" if said else ""


def _lineage(diff: PlanDiff) -> str:
    kpis = diff.kpi_columns
    lines = [
        f"- `{name}`: {', '.join(_impacted(diff, name, column) for column in columns)}"
        for name, columns in diff.impacted.items()
    ]
    title = f"Impacted by lineage: {_number(sum(map(len, diff.impacted.values())), 'column')}"
    if kpis:
        title += f", {sum(map(len, kpis.values()))} of them KPIs"
    return folded(title, "\n".join(lines))


def _impacted(diff: PlanDiff, model: str, column: str) -> str:
    return f"`{column}`{' (removed)' if (model, column) in diff.removed_columns else ''}"


def _table(table: TableChange) -> str:
    title = f"Rows of <code>{table.name}</code>: {_rows(table)}"
    lines = [
        f"{table.rows_before:,} rows before, {table.rows_after:,} after: {table.added:,} added, "
        f"{table.removed:,} removed, {table.changed:,} changed."
    ]
    if table.differing:
        lines += ["", "| column | values that differ |", "|---|--:|"]
        lines += [f"| `{column}` | {count:,} |" for column, count in table.differing.items()]
    if table.totals:
        lines += ["", "| measure | before | after |", "|---|--:|--:|"]
        lines += [
            f"| {total.statistic} `{total.column}` | {_amount(total.before)} "
            f"| {_amount(total.after)} |"
            for total in table.totals
        ]
    for name, samples in (
        ("Changed", [_sample(sample) for sample in table.changed_rows]),
        ("Added", [_key(key) for key in table.added_keys]),
        ("Removed", [_key(key) for key in table.removed_keys]),
    ):
        if samples:
            lines += ["", f"{name}, for example:", "", *(f"- {sample}" for sample in samples)]
    return folded(title, "\n".join(lines))


def _sample(sample: Sample) -> str:
    shown = list(sample.values.items())[:MAX_SHOWN_COLUMNS]
    more = len(sample.values) - len(shown)
    values = [f"`{column}` {_safe(old)} → {_safe(new)}" for column, (old, new) in shown]
    return f"{_key(sample.key)}: {', '.join(values)}{f' and {more} more' if more else ''}"


def _key(key: dict[str, str]) -> str:
    return ", ".join(f"{column} {_safe(_short(value))}" for column, value in key.items())


def _short(value: str) -> str:
    """A key that is a hash says nothing to people: its beginning finds the row."""
    return f"{value[:8]}…" if HASH.fullmatch(value) else value


def _checks(checks: CheckResults) -> str:
    failed = [*checks.audits_failed, *checks.tests_failed]
    good_audits = checks.audits_run - len(checks.audits_failed)
    good_tests = checks.tests_run - len(checks.tests_failed)
    line = (
        f"Audits: {good_audits} of {checks.audits_run} hold. "
        f"Unit tests: {good_tests} of {checks.tests_run} pass."
    )
    return "\n".join([line, *(["", *(f"- {_safe(name)}" for name in failed)] if failed else [])])


def _safe(value: str) -> str:
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


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _and(names: Iterable[str]) -> str:
    *head, last = names
    return f"{', '.join(head)} and {last}" if head else last
