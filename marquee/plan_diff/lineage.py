"""Which columns a change affects, followed through the models by column-level lineage."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlglot import exp
from sqlglot.lineage import Node
from sqlglot.lineage import lineage as lineage_of_query
from sqlglot.optimizer.scope import Scope, build_scope
from sqlmesh.core.dialect import normalize_model_name
from sqlmesh.core.lineage import lineage
from sqlmesh.core.model import Model

from marquee.plan_diff.models import Change, ChangeType

Column = tuple[str, str]
# Columns of the base, and what read them: models with their columns.
Consumers = dict[Column, dict[str, list[str]]]
ROWS = "its rows"


def impacted_columns(models: Iterable[Model], changes: Iterable[Change]) -> dict[str, list[str]]:
    """The columns whose values a change can alter, by model.

    A column is impacted when its own expression differs, when it reads an impacted one, when the
    rows of its model are chosen by one (in a join, a filter or a grouping), or when it goes.

    Args:
        models: The models of the working tree, parents before children.
        changes: What differs from the base.

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
        if change and change.before and change.after:
            own = _changed_columns(change.before, change.after)
        else:
            own = set()
        if model.is_sql and _reads_any(model, impacted):
            if _row_columns(model) & impacted:
                own = set(columns)
            else:
                own |= {column for column in columns if _parents(model, column) & impacted}
        impacted |= {(model.fqn, column) for column in own}
        if model.name not in added:
            found[model.name] = [column for column in columns if column in own]
            found[model.name] += removed_columns.pop(model.name, [])
    return {name: columns for name, columns in {**found, **removed_columns}.items() if columns}


def consumers_of_removed(base: Iterable[Model], changes: Iterable[Change]) -> Consumers:
    """What read the columns that go, in the base.

    Args:
        base: The models of the base.
        changes: What differs from it.

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
        if not model.is_sql or not _reads_any(model, removed_columns):
            continue
        made_of = {column: _parents(model, column) for column in model.columns_to_types or {}}
        for column, parents in {**made_of, ROWS: _row_columns(model)}.items():
            for parent in sorted(parents & set(removed_columns)):
                found.setdefault(removed_columns[parent], {}).setdefault(model.name, []).append(
                    column
                )
    return found


def column_parents(model: Model) -> dict[str, set[Column]]:
    """The columns of other models that each column of a model is made of."""
    if not model.is_sql:
        return {}
    return {column: _parents(model, column) for column in model.columns_to_types or {}}


def _reads_any(model: Model, columns: Iterable[Column]) -> bool:
    """Whether a model reads from the model of any of the columns; quick, unlike lineage."""
    parents = model.depends_on or set()
    return any(name in parents for name, _ in columns)


def _changed_columns(before: Model, after: Model) -> set[str]:
    """The columns of a model whose own making differs; all of them where its rows do."""
    columns = set(after.columns_to_types or {})
    if not (before.is_sql and after.is_sql):
        return columns  # a seed: any value may be another one
    if _row_logic(before) != _row_logic(after):
        return columns
    old = {column: _column_logic(before, column) for column in before.columns_to_types or {}}
    return {column for column in columns if old.get(column) != _column_logic(after, column)}


def _column_logic(model: Model, column: str) -> list[str]:
    """How a column is made, from the last SELECT down to the tables."""
    return [
        node.expression.sql(comments=False) for node in _lineage(model, column) if node.downstream
    ]


def _row_logic(model: Model) -> str:
    """What decides on a model's rows: its query with nothing selected."""
    query = model.render_query_or_raise().copy()
    for select in list(query.find_all(exp.Select)):
        select.set("expressions", [])
    return query.sql(comments=False)


def _parents(model: Model, column: str) -> set[Column]:
    return {found for node in _lineage(model, column) for found in _table_column(model, node)}


def _lineage(model: Model, column: str) -> Iterator[Node]:
    return lineage(column, model, trim_selects=False).walk()


def _table_column(model: Model, node: Node) -> Iterator[Column]:
    """The column of a model or of bronze that a leaf of the lineage stands for."""
    table = None if node.downstream else node.expression.find(exp.Table)
    if table:
        yield _full_name(model, table), exp.to_column(node.name).name


def _full_name(model: Model, table: exp.Table) -> str:
    return normalize_model_name(table, default_catalog=None, dialect=model.dialect)


def _row_columns(model: Model) -> set[Column]:
    """The columns of other models that decide on this model's rows."""
    root = build_scope(model.render_query_or_raise())
    found: set[Column] = set()
    for scope in root.traverse() if root else ():
        for column in _choosing_columns(scope.expression):
            found |= _sources(model, scope, column)
    return found


def _choosing_columns(select: exp.Expr) -> Iterator[exp.Column]:
    """The columns in the joins, filters and groupings of one SELECT, not of those within it."""
    clauses = ("joins", "where", "group", "having", "qualify")
    for name in clauses:
        for clause in _listed(select.args.get(name)):
            for found in clause.walk(prune=lambda part: isinstance(part, exp.Query)):
                if isinstance(found, exp.Column):
                    yield found


def _listed(clause: exp.Expr | list[exp.Expr] | None) -> list[exp.Expr]:
    if clause is None:
        return []
    return clause if isinstance(clause, list) else [clause]


def _sources(model: Model, scope: Scope, column: exp.Column) -> set[Column]:
    """Follow a column of a clause to the columns of models."""
    source = scope.sources.get(column.table)
    if isinstance(source, exp.Table):
        return {(_full_name(model, source), column.name)}
    inner = source if isinstance(source, Scope) else scope  # no table: a name of this SELECT
    query = inner.expression
    if not isinstance(query, exp.Query) or column.name not in query.named_selects:
        return set()
    nodes = lineage_of_query(
        column.name,
        sql=query,
        scope=inner,
        trim_selects=False,
        dialect=model.dialect,
        copy=False,
    ).walk()
    return {found for node in nodes for found in _table_column(model, node)}
