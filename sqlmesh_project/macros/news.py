"""What is new since a model last ran."""

from sqlglot import exp, parse_one
from sqlmesh import macro
from sqlmesh.core.macros import MacroEvaluator


@macro()
def loaded_since(evaluator: MacroEvaluator, loaded_at: exp.Expr, model: exp.Expr) -> exp.Expr:
    """BOOLEAN: a row of the parent was written after the newest that ``model`` has read.

    Args:
        evaluator: Knows the dialect to write.
        loaded_at: The parent's ``_loaded_at``, which the model copies into its own.
        model: The model itself; while it is empty, everything is news.
    """
    parent = loaded_at.sql(evaluator.dialect)
    table = model.sql(evaluator.dialect)
    return parse_one(
        f"{parent} > COALESCE("  # noqa: S608 - names of the project's own
        f"(SELECT MAX(newest._loaded_at) FROM {table} AS newest), CAST('1970-01-01' AS TIMESTAMP)"
        f")",
        dialect=evaluator.dialect,
    )
