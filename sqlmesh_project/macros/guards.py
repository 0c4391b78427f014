"""Guards of a plan: what would lose history, or be dear by accident, has to be asked for.

`@refuse_losses()` is called before all else of a plan (`before_all` in config.yaml), when nothing
is written yet. It compares what stands in prod with what the plan would put there.
"""

import os
from typing import Any

from sqlglot import exp
from sqlmesh.core.environment import EnvironmentNamingInfo
from sqlmesh.core.macros import MacroEvaluator, RuntimeStage, macro
from sqlmesh.core.snapshot import Snapshot
from sqlmesh.utils.errors import PlanError

PROD = "prod"
# The schema of tables that say what was believed when.
HISTORY = "snapshots"


@macro()
def refuse_losses(evaluator: MacroEvaluator) -> None:
    """Stop a plan that would lose history, or build a large table anew.

    Names of models in MARQUEE_ALLOW, separated by commas, are let through.

    Raises:
        PlanError: a guard holds, with the reason and the way on.

    """
    if evaluator.locals["runtime_stage"] != RuntimeStage.BEFORE_ALL.value:
        return
    allowed = {name.strip() for name in os.environ.get("MARQUEE_ALLOW", "").split(",")}
    limit = int(str(evaluator.var("max_rebuild_rows")))
    snapshots = [snapshot for snapshot in evaluator.snapshots.values() if snapshot.is_model]
    losses = _large_rebuilds(evaluator.engine_adapter, snapshots, limit)
    if evaluator.this_env == PROD:
        losses |= _lost_histories(evaluator.engine_adapter, snapshots)
    losses = {name: reason for name, reason in losses.items() if name not in allowed}
    if losses:
        reasons = [f"{name} {reason}" for name, reason in sorted(losses.items())]
        names = ",".join(sorted(losses))
        raise PlanError(
            "This plan is stopped, nothing was written:\n  "
            + "\n  ".join(reasons)
            + f"\nIf that is meant: MARQUEE_ALLOW={names}"
        )


def _large_rebuilds(adapter: Any, snapshots: list[Snapshot], limit: int) -> dict[str, str]:
    """Incremental tables of prod with more rows than the limit that get a new table.

    A table that an environment has built already is taken over and not built again. A full table is
    made anew at each refresh anyhow.
    """
    found = {}
    for snapshot in snapshots:
        if not snapshot.is_incremental or adapter.table_exists(snapshot.table_name()):
            continue
        rows = _rows_in_prod(adapter, snapshot)
        if rows > limit:
            found[snapshot.model.name] = (
                f"would be built anew: {rows:,} rows, more than max_rebuild_rows ({limit:,})"
            )
    return found


def _lost_histories(adapter: Any, snapshots: list[Snapshot]) -> dict[str, str]:
    """Tables of the history that would go, lose a column, or begin anew."""
    found = {}
    kept = {snapshot.model.name: snapshot for snapshot in snapshots}
    for view in adapter.get_data_objects(HISTORY):
        name = f"{HISTORY}.{view.name.lower()}"
        if name not in kept:
            found[name] = "is no longer in the project: its history would go"
            continue
        snapshot = kept[name]
        columns = {column.lower() for column in snapshot.model.columns_to_types or {}}
        lost = [
            column
            for column in adapter.columns(_view(adapter, snapshot))
            if column.lower() not in columns
        ]
        if lost:
            found[name] = f"would lose the history of {', '.join(lost)}"
        elif snapshot.model.kind.is_scd_type_2 and not adapter.table_exists(snapshot.table_name()):
            found[name] = "keeps its history in its own table only, and would begin anew"
    return found


def _rows_in_prod(adapter: Any, snapshot: Snapshot) -> int:
    view = _view(adapter, snapshot)
    if not adapter.table_exists(view):
        return 0
    return int(adapter.fetchone(exp.select("COUNT(*)").from_(view))[0])


def _view(adapter: Any, snapshot: Snapshot) -> str:
    naming = EnvironmentNamingInfo(name=PROD)
    return str(snapshot.qualified_view_name.for_environment(naming, dialect=adapter.dialect))
