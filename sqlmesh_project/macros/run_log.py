"""Writes the run log of plans and runs: what `before_all` and `after_all` call (decision 24).

The package is imported in the functions: SQLMesh copies what a module of macros imports from the
project's folder into its state, and a plan would then keep the log's code as it was.
"""

from sqlglot import exp, parse_one
from sqlmesh import macro
from sqlmesh.core.macros import MacroEvaluator

from macros.quality import measure_after_failure


@macro()
def log_run_start(evaluator: MacroEvaluator) -> exp.Expr:
    """Write the row of a plan or run that begins, and listen to SQLMesh's log."""
    from marquee.ops.sqlmesh_log import start

    # Named here: SQLMesh gives a macro the variables only that its own source names.
    start(evaluator, evaluator.gateway, measure_after_failure)
    return parse_one("SELECT 1")


@macro()
def log_run_end(evaluator: MacroEvaluator) -> exp.Expr:
    """Write how the plan or run ended, what became of each model, and the rows of each table."""
    from marquee.ops.sqlmesh_log import end

    end()
    return parse_one("SELECT 1")
