"""Properties of a model that only Snowflake knows; on DuckDB they vanish from the MODEL block."""

from sqlglot import exp
from sqlmesh import macro
from sqlmesh.core.macros import MacroEvaluator, RuntimeStage


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


@macro()
def today(evaluator: MacroEvaluator) -> exp.Expr:
    """The current day (UTC) for a model that may be a dynamic table.

    A refresh by SQLMesh takes the day of its execution. A dynamic table would keep that day in its
    definition for ever, so there it is the engine's own clock.
    """
    if is_dynamic(evaluator):
        clock = exp.ConvertTimezone(
            target_tz=exp.Literal.string("UTC"), timestamp=exp.CurrentTimestamp()
        )
        return exp.cast(clock, "DATE")
    return exp.cast(
        exp.Literal.string(str(evaluator.locals.get("execution_ds", "1970-01-01"))), "DATE"
    )


@macro()
def refresh_dynamic_table(evaluator: MacroEvaluator) -> exp.Expr | None:
    """After a model that may be a dynamic table: refresh it, so that its audits see its parents.

    Its parents have just changed, and its target lag may be an hour. A preview in a development
    environment, whose table ends in __dev, is an ordinary table and needs none.
    """
    is_evaluated = evaluator.locals.get("runtime_stage") == RuntimeStage.EVALUATING.value
    if not is_dynamic(evaluator) or not is_evaluated:
        return None
    table = evaluator.this_model
    if table.rstrip('"').lower().endswith("__dev"):
        return None
    return exp.Command(this="ALTER", expression=f"DYNAMIC TABLE {table} REFRESH")


def is_dynamic(evaluator: MacroEvaluator) -> bool:
    """Whether the models that may be dynamic tables are: the variable kpi_target_lag is set."""
    return bool(evaluator.var("kpi_target_lag"))
