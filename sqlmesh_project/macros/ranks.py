"""Ranks over measures that can be unknown."""

from sqlglot import exp, parse_one
from sqlmesh import macro
from sqlmesh.core.macros import MacroEvaluator


@macro()
def rank_of_known(
    evaluator: MacroEvaluator, measure: exp.Expr, within: exp.Expr | None = None
) -> exp.Expr:
    """INTEGER: 1 for the highest value of ``measure`` (of each ``within``), equal for equals.

    NULL where the measure (or its group) is unknown: an unknown is not the last of the known ones.
    """
    value = measure.sql(evaluator.dialect)
    group = within.sql(evaluator.dialect) if within else None
    known = f"NOT {value} IS NULL" + (f" AND NOT {group} IS NULL" if group else "")
    partition = f"PARTITION BY {group} " if group else ""
    return parse_one(
        f"CASE WHEN {known} THEN RANK() OVER ({partition}ORDER BY {value} DESC NULLS LAST) END",
        dialect=evaluator.dialect,
    )
