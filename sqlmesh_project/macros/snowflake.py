"""Properties of a model that only Snowflake knows; on DuckDB they vanish from the MODEL block."""

from sqlglot import exp
from sqlmesh import macro
from sqlmesh.core.macros import MacroEvaluator


@macro()
def read_by_analysts(evaluator: MacroEvaluator) -> list[exp.Property]:
    """``grants (select = [role])`` for the role that the variable ``analyst_role`` names.

    Nothing where the variable is empty: DuckDB has no roles.
    """
    role = str(evaluator.var("analyst_role") or "")
    if not role:
        return []
    select = exp.EQ(
        this=exp.Literal.string("select"),
        expression=exp.Array(expressions=[exp.Literal.string(role)]),
    )
    return [exp.Property(this="grants", value=exp.Tuple(expressions=[select]))]
