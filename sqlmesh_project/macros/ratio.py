"""Quotients and means that are the same on both engines.

DuckDB divides in doubles; Snowflake divides fixed-point numbers as such and rounds the quotient, so
that the weights of a movie with three genres, 0.3333333 each, miss 1 by 1e-7.
"""

from sqlglot import exp
from sqlmesh import macro
from sqlmesh.core.macros import MacroEvaluator


@macro()
def ratio(evaluator: MacroEvaluator, dividend: exp.Expr, divisor: exp.Expr) -> exp.Expr:
    """The quotient as a DOUBLE; NULL where the divisor is 0 or NULL."""
    return exp.Div(
        this=exp.cast(dividend, "DOUBLE"),
        expression=exp.Nullif(this=divisor, expression=exp.Literal.number(0)),
        typed=False,
        safe=False,
    )


@macro()
def mean(evaluator: MacroEvaluator, measure: exp.Expr) -> exp.Expr:
    """The mean of the known values as a DOUBLE.

    The values are added up as they are. Doubles go through @to_decimal first, because adding them
    in another order, as threads do, changes the last digit.
    """
    return ratio(evaluator, exp.Sum(this=measure), exp.Count(this=measure.copy()))


@macro()
def date_text(evaluator: MacroEvaluator, day: exp.Expr) -> exp.Expr:
    """A date as YYYY-MM-DD, for a key: a plain cast follows the session's DATE_OUTPUT_FORMAT."""
    return exp.TimeToStr(this=day, format=exp.Literal.string("%Y-%m-%d"))
