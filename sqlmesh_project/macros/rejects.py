"""Values that break a rule of their source, listed where the rule is applied."""

from collections.abc import Iterable

from sqlglot import exp, parse_one
from sqlmesh.core.macros import MacroEvaluator


def listed_rejects(
    evaluator: MacroEvaluator, rules: Iterable[tuple[str, exp.Expr, exp.Expr, str]]
) -> exp.Expr:
    """TEXT: JSON list with an object per broken rule; NULL where none is broken.

    Args:
        evaluator: Knows the dialect to write.
        rules: Each ``(column_name, value, is_broken, reason)``: the column of the model that has no
            value where the rule is broken; TEXT of the value; a condition; what the value is not.

    Returns:
        Objects with ``column_name``, ``rejected_value`` and ``reason``.
    """
    dialect = evaluator.dialect
    is_snowflake = dialect == "snowflake"
    construct = "OBJECT_CONSTRUCT_KEEP_NULL({})" if is_snowflake else "JSON_OBJECT({})::TEXT"
    entries = []
    for column_name, value, is_broken, reason in rules:
        entry = construct.format(
            f"'column_name', '{column_name}', 'rejected_value', {value.sql(dialect)}, "
            f"'reason', '{reason}'"
        )
        entries.append(f"CASE WHEN {is_broken.sql(dialect)} THEN {entry} END")
    listed = ", ".join(entries)
    if is_snowflake:
        return parse_one(
            f"NULLIF(TO_JSON(ARRAY_CONSTRUCT_COMPACT({listed})), '[]')", dialect=dialect
        )
    # Skips NULLs, and is NULL where there is nothing else.
    return parse_one(
        f"'[' || LIST_AGGREGATE([{listed}], 'string_agg', ',') || ']'", dialect=dialect
    )
