"""The list of broken rules, read as a list."""

from sqlglot import exp
from sqlmesh import macro
from sqlmesh.core.macros import MacroEvaluator

from macros.json import text_at

SUSPECTS = "suspects"


@macro()
def broken_rules(evaluator: MacroEvaluator, documents: exp.Expr, *rules: exp.Expr) -> exp.Expr:
    """One row a document and rule that it breaks.

    Args:
        evaluator: Knows the dialect to write.
        documents: A CTE of opened documents, a JSON column a field.
        rules: Each ``(column_name, field, is_broken, reason)``: a rule is asked only where the
            document has a value under ``field``, or always where ``field`` is NULL.

    Returns:
        The document's keys, and ``column_name``, ``rejected_value``, ``reason``.
    """
    conditions = []
    rejected = []
    for rule in rules:
        column_name, field, is_broken, reason = rule.expressions
        value: exp.Expr = exp.cast(exp.null(), "TEXT")
        condition = is_broken
        if not isinstance(field, exp.Null):
            value = text_at(evaluator, exp.column(field.name))
            condition = exp.and_(value.is_(exp.null()).not_(), is_broken)
        conditions.append(condition)
        rejected.append(
            exp.select(
                "movie_id",
                exp.alias_(column_name, "column_name"),
                exp.alias_(value, "rejected_value"),
                exp.alias_(reason, "reason"),
                "ingested_at",
                "_source_batch_id",
                "_source_response_id",
            )
            .from_(SUSPECTS)
            .where(condition)
        )
    # Nearly all documents break no rule: one reading finds the few that are asked rule by rule.
    suspects = exp.select("*").from_(documents).where(exp.or_(*conditions))
    return exp.union(*rejected, distinct=False).with_(SUSPECTS, as_=suspects)
