"""Bronze of a source before its first load: empty tables, where only the other one is loaded."""

from sqlglot import exp, parse_one
from sqlmesh import macro
from sqlmesh.core.macros import MacroEvaluator


@macro()
def ensure_bronze_tables(evaluator: MacroEvaluator) -> list[exp.Expr]:
    """Statements that create the tables that models read and no pipeline has loaded yet.

    Their columns are those that external_models.yaml declares.
    """
    # On Snowflake an administrator creates the schema.
    statements = ["CREATE SCHEMA IF NOT EXISTS bronze"]
    if evaluator.dialect == "snowflake":
        statements = ["SELECT 1"]
    models = [snapshot for snapshot in evaluator.snapshots.values() if snapshot.is_model]
    read = {parent.name for snapshot in models for parent in snapshot.parents}
    for snapshot in models:
        if snapshot.is_external and snapshot.name in read and "bronze." in snapshot.model.name:
            columns = ", ".join(
                f"{name.lower()} {data_type.sql('duckdb')}"
                for name, data_type in snapshot.model.columns_to_types_or_raise.items()
            )
            statements.append(f"CREATE TABLE IF NOT EXISTS {snapshot.model.name} ({columns})")
    return [parse_one(statement, dialect="duckdb") for statement in statements]
