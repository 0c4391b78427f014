"""Values that break a rule of their source, listed where the rule is applied."""

from sqlglot import exp, parse_one
from sqlmesh.core.macros import MacroEvaluator


def listed_rejects(
    evaluator: MacroEvaluator, rules: list[tuple[str, str, exp.Expr, str]]
) -> exp.Expr:
    """TEXT: JSON list with an object per broken rule; NULL where none is broken.

    Args:
        evaluator: Knows the dialect to write.
        rules: Each ``(column_name, field, is_valid, reason)``: the column of the model that has no
            value where the rule is broken; the field, whose text is in the column
            ``<field>_text`` and which must have one for the rule to count, or '' for always; a
            condition that is never NULL; what the value is not.

    Returns:
        Objects with ``column_name``, ``rejected_value`` and ``reason``.

    """
    dialect = evaluator.dialect
    is_snowflake = dialect == "snowflake"
    entries = []
    for column_name, field, is_valid, reason in rules:
        value: exp.Expr = exp.cast(exp.null(), "TEXT")
        condition: exp.Expr = is_valid.not_()
        if field:
            value = exp.column(f"{field}_text")
            condition = exp.and_(value.is_(exp.null()).not_(), condition)
        entry = (
            f"'column_name', '{column_name}', 'rejected_value', {value.sql(dialect)}, "
            f"'reason', '{reason}'"
        )
        entry = (
            f"OBJECT_CONSTRUCT_KEEP_NULL({entry})"
            if is_snowflake
            else f"JSON_OBJECT({entry})::TEXT"
        )
        entries.append(f"CASE WHEN {condition.sql(dialect)} THEN {entry} END")
    listed = ", ".join(entries)
    if is_snowflake:
        return parse_one(
            f"NULLIF(TO_JSON(ARRAY_CONSTRUCT_COMPACT({listed})), '[]')", dialect=dialect
        )
    # Skips NULLs, and is NULL where there is nothing else.
    return parse_one(
        f"'[' || LIST_AGGREGATE([{listed}], 'string_agg', ',') || ']'", dialect=dialect
    )
