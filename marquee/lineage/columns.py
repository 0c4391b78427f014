"""Column lineage: which columns of other models a column, or a model's rows, are made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlglot import exp
from sqlglot.helper import ensure_list
from sqlglot.lineage import Node
from sqlglot.lineage import lineage as lineage_of_query
from sqlglot.optimizer.scope import Scope, build_scope
from sqlmesh.core.dialect import normalize_model_name
from sqlmesh.core.lineage import lineage
from sqlmesh.core.model import Model

# The full name of a model and the name of a column.
Column = tuple[str, str]


def reads_any(model: Model, columns: Iterable[Column]) -> bool:
    """Whether a model reads from the model of any of the columns; quick, unlike lineage."""
    parents = model.depends_on or set()
    return any(name in parents for name, _ in columns)


def column_logic(model: Model, column: str) -> list[str]:
    """How a column is made, from the last SELECT down to the tables."""
    return [
        node.expression.sql(comments=False) for node in _lineage(model, column) if node.downstream
    ]


def row_logic(model: Model) -> str:
    """What decides on a model's rows: its query with nothing selected."""
    query = model.render_query_or_raise().copy()
    for select in list(query.find_all(exp.Select)):
        select.set("expressions", [])
    return query.sql(comments=False)


def parents_of(model: Model, column: str) -> set[Column]:
    """Return the columns of other models that a column is made of."""
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


def row_columns(model: Model) -> set[Column]:
    """The columns of other models that decide on this model's rows."""
    root = build_scope(model.render_query_or_raise())
    found: set[Column] = set()
    for scope in root.traverse() if root else ():
        for column in _choosing_columns(scope.expression):
            found |= _sources(model, scope, column)
    return found


def _choosing_columns(select: exp.Expr) -> Iterator[exp.Column]:
    """The columns in the joins, filters and groupings of one SELECT, not of those within it."""
    for name in ("joins", "where", "group", "having", "qualify"):
        for clause in ensure_list(select.args.get(name)):
            for found in clause.walk(prune=lambda part: isinstance(part, exp.Query)):
                if isinstance(found, exp.Column):
                    yield found


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
