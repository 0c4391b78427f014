"""Bronze of a source before its first load: empty tables, where only the other one is loaded."""

from sqlglot import exp, parse_one
from sqlmesh import macro
from sqlmesh.core.macros import MacroEvaluator


@macro()
def ensure_bronze_tables(evaluator: MacroEvaluator) -> list[exp.Expr]:
    """Statements that create the tables that models read and no pipeline has loaded yet.

    Their columns are those that external_models.yaml declares.
    """
    # On Snowflake an administrator creates the schema. SQLMesh warns of a macro without statements.
    is_snowflake = evaluator.dialect == "snowflake"
    statements = ["SELECT 1" if is_snowflake else "CREATE SCHEMA IF NOT EXISTS bronze"]
    models = [snapshot for snapshot in evaluator.snapshots.values() if snapshot.is_model]
    read = {parent.name for snapshot in models for parent in snapshot.parents}
    for snapshot in models:
        name = snapshot.model.name
        if snapshot.is_external and snapshot.name in read and name.startswith("bronze."):
            columns = ", ".join(
                f"{column.lower()} {data_type.sql('duckdb')}"
                for column, data_type in snapshot.model.columns_to_types_or_raise.items()
            )
            statements.append(f"CREATE TABLE IF NOT EXISTS {name} ({columns})")
    return [parse_one(statement, dialect="duckdb") for statement in statements]
