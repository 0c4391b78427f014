"""The list of broken rules, read as a list."""

from sqlglot import exp
from sqlmesh import macro
from sqlmesh.core.macros import MacroEvaluator

from macros.json import text_at


@macro()
def broken_rules(evaluator: MacroEvaluator, documents: exp.Expr, *rules: exp.Expr) -> exp.Expr:
    """One row a document and rule that it breaks.

    Args:
        evaluator: Knows the dialect to write.
        documents: A CTE with ``raw_data``.
        rules: Each ``(column_name, field, is_broken, reason)``: a rule is asked only where the
            document has a value under ``field``, or always where ``field`` is NULL.

    Returns:
        What the CTE has besides the document, and ``column_name``, ``rejected_value``, ``reason``.
    """
    raw_data = exp.column("raw_data")
    selects = []
    for rule in rules:
        column_name, field, is_broken, reason = rule.expressions
        value: exp.Expr = exp.cast(exp.null(), "TEXT")
        condition = is_broken
        if not isinstance(field, exp.Null):
            value = text_at(evaluator, raw_data, field.name)
            condition = exp.and_(value.is_(exp.null()).not_(), is_broken)
        selects.append(
            exp.select(
                "movie_id",
                exp.alias_(column_name, "column_name"),
                exp.alias_(value, "rejected_value"),
                exp.alias_(reason, "reason"),
                "ingested_at",
                "_source_batch_id",
                "_source_response_id",
            )
            .from_(documents)
            .where(condition)
        )
    return exp.union(*selects, distinct=False)
