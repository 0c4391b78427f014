"""What a change does to the rows: SQLMesh's table diff, and totals of the measures."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp
from sqlmesh.core.context import Context
from sqlmesh.core.model import Model
from sqlmesh.core.table_diff import RowDiff

from marquee.monitoring.store import records
from marquee.plan_diff.build import ENVIRONMENT, Built
from marquee.plan_diff.models import Change, ChangeType

SAMPLE_ROWS = 3
RUN = "run_id"
# Columns that tell where a row comes from: load, response, version of a parent's table. They differ
# wherever a table is built again.
LINEAGE_PREFIX = "_"
# Doubles are compared and summed to so many digits after the point: the same on every run, and
# finer than any measure of a movie.
DECIMALS = 6

# Endings and beginnings of the names of measures that may be added up; of others the mean is shown.
ADDITIVE_ENDINGS = ("_usd", "_count")
ADDITIVE_BEGINNINGS = ("total_", "movies_")
NOT_ADDITIVE_BEGINNINGS = ("avg_", "mean_", "median_", "max_", "min_", "stddev_")


@dataclass(frozen=True)
class Total:
    """A measure before and after; NULL is None."""

    column: str
    statistic: str  # `total`, or `mean` where a total would say nothing
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Sample:
    """One row of a table: its key, and values or pairs of values."""

    key: dict[str, str]
    values: dict[str, tuple[str, str]]


@dataclass(frozen=True)
class TableChange:
    """The difference of one table; of rows and keys a few are listed."""

    name: str
    rows_before: int  # in prod of the base
    rows_after: int  # in the environment of the change
    added: int = 0  # rows whose key is new
    removed: int = 0  # rows whose key no longer exists
    # Rows of the same key with another value in some column that both sides have and that does not
    # tell where the row comes from.
    changed: int = 0
    differing: dict[str, int] = field(default_factory=dict)  # how many values, by column
    totals: list[Total] = field(default_factory=list)  # those that differ
    changed_rows: list[Sample] = field(default_factory=list)
    added_keys: list[dict[str, str]] = field(default_factory=list)
    removed_keys: list[dict[str, str]] = field(default_factory=list)

    @property
    def differs(self) -> bool:
        """Whether any row or any total is another one."""
        return bool(self.added or self.removed or self.changed or self.totals)


def table_changes(built: Built, changes: list[Change]) -> list[TableChange]:
    """Compare every table that was rebuilt, previews of those that prod keeps included.

    A log of what each run measured is left out: no row of it has its like in another run.
    """
    if built.error:
        return []
    compared = (ChangeType.DIRECT, ChangeType.INDIRECT)
    return [
        _compare(built.context, change.before, change.after, change.columns.renamed)
        for change in changes
        if change.change_type in compared
        and change.is_compared
        and change.before
        and change.after
        and RUN not in {column.name for column in _columns_of(change.before.grains)}
    ]


def row_counts(built: Built, changes: list[Change]) -> dict[str, int]:
    """Count the rows of added tables, and in prod of removed ones; by their names."""
    if built.error:
        return {}
    sides = [
        *((one.after, ENVIRONMENT) for one in changes if one.change_type is ChangeType.ADDED),
        *((one.before, "prod") for one in changes if one.change_type is ChangeType.REMOVED),
    ]
    return {
        model.name: _rows_of(built.context, view_of(model, environment))
        for model, environment in sides
        if model and not model.kind.is_symbolic
    }


def _rows_of(context: Context, view: exp.Table) -> int:
    ((count,),) = context.engine_adapter.fetchall(exp.select("COUNT(*)").from_(view))
    return int(count)


def view_of(model: Model, environment: str) -> exp.Table:
    """The view of a model in an environment; SQLMesh puts other environments into own schemas."""
    schema = model.schema_name if environment == "prod" else f"{model.schema_name}__{environment}"
    return exp.table_(model.view_name, db=schema, quoted=True)


def _compare(context: Context, before: Model, after: Model, renamed: dict[str, str]) -> TableChange:
    source, target = view_of(before, "prod"), view_of(after, ENVIRONMENT)
    key = [column.name for column in _columns_of(before.grains)]
    new_key = [renamed.get(column, column) for column in key]
    totals = _totals(context, before, after)
    if not set(new_key) <= set(after.columns_to_types or {}):  # no row finds its like
        removed, added = (_rows_of(context, view) for view in (source, target))
        return TableChange(after.name, removed, added, added=added, removed=removed, totals=totals)
    pairs = zip(key, new_key, strict=True)
    same_key = exp.and_(*(exp.column(old, "s").eq(exp.column(new, "t")) for old, new in pairs))
    (difference,) = context.table_diff(
        source.sql("duckdb"),
        target.sql("duckdb"),
        on=key if new_key == key else same_key,
        skip_columns=[
            column
            for column in before.columns_to_types or {}
            if column.startswith(LINEAGE_PREFIX) and column not in key
        ],
        limit=SAMPLE_ROWS,
        decimals=DECIMALS,
        show=False,
    )
    rows = difference.row_diff()
    return TableChange(
        name=after.name,
        rows_before=rows.source_count,
        rows_after=rows.target_count,
        added=rows.t_only_count,
        removed=rows.s_only_count,
        changed=rows.partial_match_count,
        differing=_differing(rows),
        totals=totals,
        changed_rows=[Sample(_key(row, key), _pairs(row)) for row in records(rows.joined_sample)],
        added_keys=[_key(row, new_key) for row in records(rows.t_sample)],
        removed_keys=[_key(row, key) for row in records(rows.s_sample)],
    )


def _differing(rows: RowDiff) -> dict[str, int]:
    """How many values differ, of the rows that both sides have."""
    counts = {
        str(column): round(rows.join_count * (100 - float(share)) / 100)
        for column, share in rows.column_stats["pct_match"].items()
        if not math.isnan(float(share))
    }
    return {column: count for column, count in counts.items() if count}


def _totals(context: Context, before: Model, after: Model) -> list[Total]:
    """The measures of both sides whose total or mean differs, exact to `DECIMALS` digits."""
    old = _measured(context, before, "prod")
    new = _measured(context, after, ENVIRONMENT)
    return [
        Total(column, statistic_of(column), old[column], new[column])
        for column in new
        if column in old and old[column] != new[column]
    ]


def _measured(context: Context, model: Model, environment: str) -> dict[str, str | None]:
    measures = _measures(model)
    if not measures:
        return {}
    exact = f"DECIMAL(38, {DECIMALS})"
    selects = [
        f'{"SUM" if statistic_of(column) == "total" else "AVG"}(TRY_CAST("{column}" AS {exact}))'
        for column in measures
    ]
    row = context.engine_adapter.fetchone(exp.select(*selects).from_(view_of(model, environment)))
    return {
        column: None if value is None else text(round(float(value), DECIMALS))
        for column, value in zip(measures, row or (), strict=True)
    }


def _measures(model: Model) -> list[str]:
    """Numbers that are no key, no part of a calendar and no number of a row."""
    references = [reference.expression for reference in model.all_references]
    keys = {column.name for column in _columns_of([*model.grains, *references])}
    return [
        column
        for column, kind in (model.columns_to_types or {}).items()
        if kind.is_type(*exp.DataType.NUMERIC_TYPES)
        and column not in keys
        and not column.startswith(LINEAGE_PREFIX)
        and not column.endswith(("_id", "_sk", "_year", "_month", "_quarter", "_position"))
    ]


def _columns_of(expressions: Iterable[exp.Expr]) -> list[exp.Column]:
    """The columns of keys; one of several columns is a tuple."""
    return [column for expression in expressions for column in expression.find_all(exp.Column)]


def statistic_of(column: str) -> str:
    """Whether a measure adds up: `total`, or `mean` of an average, a share, a rank, a rating."""
    adds_up = column.endswith(ADDITIVE_ENDINGS) or column.startswith(ADDITIVE_BEGINNINGS)
    return "total" if adds_up and not column.startswith(NOT_ADDITIVE_BEGINNINGS) else "mean"


def _key(row: dict[str, Any], key: list[str]) -> dict[str, str]:
    return {column: text(row.get(column, row.get(f"s__{column}"))) for column in key}


def _pairs(row: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """The values that differ, from SQLMesh's columns `s__x` (before) and `t__x` (after)."""
    columns = [name.removeprefix("s__") for name in row if name.startswith("s__")]
    pairs = {
        column: (text(row[f"s__{column}"]), text(row[f"t__{column}"]))
        for column in columns
        if f"t__{column}" in row
    }
    return {column: pair for column, pair in pairs.items() if pair[0] != pair[1]}


def text(value: Any) -> str:
    """A value for people: numbers without noise, NULL where there is none."""
    if value is None:
        return "NULL"
    if isinstance(value, float):
        return f"{int(value)}" if value.is_integer() else f"{value:.6f}".rstrip("0").rstrip(".")
    return str(value)
