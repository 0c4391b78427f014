"""The project's models and audits as plain SQL, rendered by SQLMesh so that it can't drift."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sqlglot import exp
from sqlmesh.core.context import Context
from sqlmesh.core.model import Model, SCDType2ByColumnKind
from sqlmesh.utils import CorrelationId


def render(project: Path, execution_time: str, out: Path) -> None:
    """Write one step per model, in the order of their dependencies, as JSON.

    A step has `schema`, `name`, `kind` (`table`, `incremental` or `view`), `key`, `columns` (name
    to DuckDB type), `query`, `audits` (queries that return what is wrong) and `reads_itself`. The
    queries are those of a first build: the whole interval.

    Args:
        project: the folder of `config.yaml`.
        execution_time: when the build is meant to happen, as `sqlmesh plan --execution-time`.
        out: the file to write.
    """
    context = Context(paths=[str(project)])
    try:
        steps = []
        for fqn in context.dag.sorted:
            model = context.get_model(fqn)
            if model and not model.kind.is_external:
                steps.append(_step(context, model, execution_time))
    finally:
        context.close()
    out.write_text(json.dumps(steps))


def _step(context: Context, model: Model, execution_time: str) -> dict[str, Any]:
    times: dict[str, Any] = {
        "start": context.config.model_defaults.start,
        "end": execution_time,
        "execution_time": execution_time,
    }
    # Audits want to know the run.
    adapter = context.engine_adapter.with_settings(correlation_id=CorrelationId.from_run_id("peer"))
    query: Any = (
        context.render(model, **times)
        if model.kind.is_seed
        else model.render_query_or_raise(**times, engine_adapter=adapter)
    )
    if isinstance(model.kind, SCDType2ByColumnKind):
        # The kind adds its clock: at a first build all rows are recorded now, none is superseded.
        query = exp.select(
            "*",
            f"CAST('{execution_time}' AS TIMESTAMP) AS {model.kind.valid_from_name.name}",
            f"CAST(NULL AS TIMESTAMP) AS {model.kind.valid_to_name.name}",
        ).from_(query.subquery("computed"))
    table = exp.to_table(model.name)
    parents = {(one.db, one.name) for one in query.find_all(exp.Table)}
    return {
        "schema": table.db,
        "name": table.name,
        "kind": _kind(model),
        "key": [one.name for one in [*model.unique_key, *model.partitioned_by]],
        "columns": {
            name: data_type.sql(dialect="duckdb")
            for name, data_type in model.columns_to_types_or_raise.items()
        },
        "query": _sql(query),
        "audits": [
            _sql(model.render_audit_query(audit, **{**times, **arguments}))
            for audit, arguments in model.audits_with_args
            if not audit.skip
        ],
        "reads_itself": (table.db, table.name) in parents,
    }


def _kind(model: Model) -> str:
    if model.kind.is_view:
        return "view"
    return "table" if model.kind.is_full or model.kind.is_seed else "incremental"


def _sql(query: exp.Expr) -> str:
    """Write a query without catalogs: each workspace has a file of its own."""
    query = query.copy()
    for table in query.find_all(exp.Table):
        table.set("catalog", None)
    return query.sql(dialect="duckdb", comments=False)
