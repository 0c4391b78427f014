"""What the guards of prod would say to a plan, asked before anything is built."""

from __future__ import annotations

from sqlmesh.core.context import Context
from sqlmesh.core.environment import EnvironmentNamingInfo
from sqlmesh.core.plan import Plan
from sqlmesh.utils.errors import PlanError, SQLMeshError

# The statement of `before_all` that refuses; it reads, and writes nothing.
GUARD = "@check_plan()"


def refusal(context: Context, plan: Plan) -> str | None:
    """Ask the project's own guard as if the plan were prod's.

    Returns:
        Why prod would refuse the plan; None where it would not, or where the project has no guard.

    Raises:
        SQLMeshError: the guard itself fails.

    """
    for statements in plan.context_diff.environment_statements:
        if GUARD not in statements.before_all:
            continue
        try:
            statements.copy(update={"before_all": [GUARD]}).render_before_all(
                dialect=context.engine_adapter.dialect,
                default_catalog=context.default_catalog,
                snapshots={snapshot.name: snapshot for snapshot in plan.snapshots.values()},
                environment_naming_info=EnvironmentNamingInfo(name="prod"),
                engine_adapter=context.engine_adapter,
                start=plan.start,
                end=plan.end,
                execution_time=plan.execution_time,
            )
        except SQLMeshError as error:
            if reason := _refused(error):
                return reason
            raise
    return None


def _refused(error: BaseException) -> str | None:
    """What the guard said, among all that SQLMesh says about where it said it."""
    cause: BaseException | None = error
    while cause and not isinstance(cause, PlanError):
        cause = cause.__cause__ or cause.__context__
    return str(cause) if cause else None
