"""Which columns a change affects, followed through the models by column-level lineage."""

from __future__ import annotations

from collections.abc import Iterable

from sqlmesh.core.model import Model

from marquee.lineage.columns import (
    Column,
    column_logic,
    parents_of,
    reads_any,
    row_columns,
    row_logic,
)
from marquee.plan_diff.models import Change, ChangeType

# Columns of the base, and what read them: models with their columns.
Consumers = dict[Column, dict[str, list[str]]]
ROWS = "its rows"


def impacted_columns(models: Iterable[Model], changes: Iterable[Change]) -> dict[str, list[str]]:
    """The columns whose values a change can alter, by model.

    A column is impacted when its own expression differs, when it reads an impacted one, when the
    rows of its model are chosen by one (in a join, a filter or a grouping), or when it goes. The
    models are those of the working tree, parents before children.

    Returns:
        Names of models with their impacted columns, in the order of the columns, and after them
        those that go; removed models last. Models without any are left out, and so are models that
        are new.
    """
    changes = list(changes)
    direct = {change.name: change for change in changes if change.change_type is ChangeType.DIRECT}
    added = {change.name for change in changes if change.change_type is ChangeType.ADDED}
    removed_columns = {change.name: list(change.columns.removed) for change in changes}
    impacted: set[Column] = set()
    found: dict[str, list[str]] = {}
    for model in models:
        columns = list(model.columns_to_types or {})
        change = direct.get(model.name)
        own: set[str] = set()
        if change and change.before and change.after:
            own = _changed_columns(change.before, change.after)
        if model.is_sql and reads_any(model, impacted):
            if row_columns(model) & impacted:
                own = set(columns)
            else:
                own |= {column for column in columns if parents_of(model, column) & impacted}
        impacted |= {(model.fqn, column) for column in own}
        if model.name not in added:
            found[model.name] = [column for column in columns if column in own]
            found[model.name] += removed_columns.pop(model.name, [])
    return {name: columns for name, columns in {**found, **removed_columns}.items() if columns}


def consumers_of_removed(base: Iterable[Model], changes: Iterable[Change]) -> Consumers:
    """What read the columns that go, in the base.

    Returns:
        For each column that goes and was read, by the names of its model and its own, the models
        that read it with the columns that they made of it; `ROWS` where it chose their rows.
    """
    removed_columns = {
        (change.before.fqn, column): (change.name, column)
        for change in changes
        if change.before
        for column in change.columns.removed
    }
    found: Consumers = {}
    for model in sorted(base, key=lambda model: model.name):
        if not model.is_sql or not reads_any(model, removed_columns):
            continue
        made_of = {column: parents_of(model, column) for column in model.columns_to_types or {}}
        for column, parents in {**made_of, ROWS: row_columns(model)}.items():
            for parent in sorted(parents & set(removed_columns)):
                found.setdefault(removed_columns[parent], {}).setdefault(model.name, []).append(
                    column
                )
    return found


def _changed_columns(before: Model, after: Model) -> set[str]:
    """The columns of a model whose own making differs; all of them where its rows do."""
    columns = set(after.columns_to_types or {})
    if not (before.is_sql and after.is_sql):
        return columns  # a seed: any value may be another one
    if row_logic(before) != row_logic(after):
        return columns
    old = {column: column_logic(before, column) for column in before.columns_to_types or {}}
    return {column for column in columns if old.get(column) != column_logic(after, column)}
