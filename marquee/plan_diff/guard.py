"""Whether the plan guard of prod would reject a plan, checked before anything is built."""

from __future__ import annotations

from sqlmesh.core.context import Context
from sqlmesh.core.environment import EnvironmentNamingInfo
from sqlmesh.core.plan import Plan
from sqlmesh.utils.errors import PlanError, SQLMeshError

from marquee.core.errors import chain

# The statements of `before_all` that reject a plan; they read, and write nothing.
GUARDS = ("@check_plan()",)


def guard_error(context: Context, plan: Plan) -> str | None:
    """Ask the project's own guard why prod would reject the plan; None where it would not.

    Raises:
        SQLMeshError: the guard itself fails.
    """
    for statements in plan.context_diff.environment_statements:
        guards = [one for one in statements.before_all if one in GUARDS]
        if not guards:
            continue
        try:
            statements.copy(update={"before_all": guards}).render_before_all(
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
            # The guard's own message, without what SQLMesh adds about its place.
            for cause in chain(error):
                if isinstance(cause, PlanError):
                    return str(cause)
            raise
    return None
