"""Sums that come out the same whatever the order."""

from sqlglot import exp
from sqlmesh import macro
from sqlmesh.core.macros import MacroEvaluator


@macro()
def to_decimal(evaluator: MacroEvaluator, measure: exp.Expr) -> exp.Expr:
    """DECIMAL with twelve places of a DOUBLE measure, to be summed or averaged.

    Adding floating-point numbers in another order, as threads do, changes the last digit; a refresh
    without new rows must not change a number of gold.
    """
    return exp.cast(measure, "DECIMAL(38, 12)")
