"""Tunes the process of `sqlmesh`, which imports this when it loads the project."""

from sqlglot import exp, parse_one
from sqlmesh import macro
from sqlmesh.core.macros import MacroEvaluator

from marquee.core.garbage import collect_rarely
from marquee.core.signals import end_forks_with_parent

collect_rarely()
end_forks_with_parent()


@macro()
def tune_garbage_collection(evaluator: MacroEvaluator) -> exp.Expr:
    """Do the same in `before_all`: `sqlmesh run` does not load the project."""
    collect_rarely()
    return parse_one("SELECT 1")
