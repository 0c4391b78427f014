"""Which tables a model reads, so that it can tell that they were built anew."""

from sqlglot import exp
from sqlmesh import macro
from sqlmesh.core.macros import MacroEvaluator


@macro()
def version_of(evaluator: MacroEvaluator, *names: exp.Expr) -> exp.Expr:
    """TEXT: the versions of models; another one once a plan has built a model's table anew.

    For models of the kind INCREMENTAL_BY_PARTITION, which a plan never builds anew, whatever
    becomes of their parents (decision 19). Empty while models are loaded.
    """
    versions = {
        snapshot.model.name: snapshot.version
        for snapshot in evaluator.snapshots.values()
        if snapshot.is_model
    }
    found = [versions.get(name.name) for name in names]
    return exp.Literal.string(" ".join(filter(None, found)))
