"""Snowflake as SQLMesh sees it, without Snowflake: a connection that writes down what it hears."""

from __future__ import annotations

import os
from collections.abc import Container, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import pandas as pd
from sqlglot import exp, parse_one
from sqlmesh.core.context import Context
from sqlmesh.core.environment import EnvironmentNamingInfo
from sqlmesh.core.snapshot import DeployabilityIndex, Snapshot, SnapshotChangeCategory

from marquee.core.settings import ROOT
from tests.small_warehouse import CachedLoader

ANSWERS = {"CURRENT_DATABASE()": "MARQUEE", "CURRENT_WAREHOUSE()": "MARQUEE_TRANSFORM_WH"}
CREATE = "CREATE TABLE IF NOT EXISTS "


class Connection:
    """Answers like an empty account; it is its own cursor."""

    description = None
    rowcount = 0
    sfqid = "0"

    def __init__(self) -> None:
        self.statements: list[str] = []

    def cursor(self) -> Connection:
        return self

    def commit(self) -> None: ...

    def rollback(self) -> None: ...

    def close(self) -> None: ...

    def execute(self, sql: str, *_: Any, **__: Any) -> None:
        self.statements.append(sql)

    def fetchone(self) -> tuple[str] | None:
        expression = self.statements[-1].removeprefix("SELECT ")
        return (ANSWERS[expression],) if expression in ANSWERS else None

    def fetchall(self) -> list[Any]:
        """The columns of a table that is described, as it was created; no rows of anything else."""
        last = self.statements[-1]
        table = last.removeprefix("DESCRIBE TABLE ")
        if table == last:
            return []
        created = next(
            one for one in reversed(self.statements) if one.startswith(CREATE) and table in one
        )
        schema = parse_one(created, dialect="snowflake").this
        return [(one.name, one.kind.sql("snowflake")) for one in schema.find_all(exp.ColumnDef)]

    def fetch_pandas_all(self) -> pd.DataFrame:
        return pd.DataFrame()


@contextmanager
def gateway(folder: Path, **variables: str) -> Iterator[tuple[Context, list[str]]]:
    """The project on its gateway `snowflake`, and the statements it sends there.

    Args:
        folder: for SQLMesh's state.
        variables: further environment variables.
    """
    connection = Connection()
    environment = {
        "SQLMESH__DEFAULT_GATEWAY": "snowflake",
        "MARQUEE_STATE_DUCKDB": str(folder / "state.duckdb"),
        "SNOWFLAKE_ACCOUNT": "nowhere",
        "SNOWFLAKE_USER": "nobody",
        "SNOWFLAKE_PASSWORD": "none",
        **variables,
    }
    with (
        mock.patch.dict(os.environ, environment),
        mock.patch("snowflake.connector.connect", return_value=connection),
    ):
        context = Context(paths=[str(ROOT)], loader=CachedLoader)
        try:
            yield context, connection.statements
        finally:
            context.close()


def build(
    context: Context, *environments: str, models: Container[str] | None = None
) -> dict[str, Snapshot]:
    """Send what a plan sends: make each table, fill it, refresh it, point views at it.

    Seeds are left out: their rows travel as files, through the connector's `write_pandas`.

    Args:
        context: the project on `gateway`.
        environments: whose views are made.
        models: the names of those that are built; None for all.

    Returns:
        All models by name, with the tables that they have.
    """
    snapshots = [one for one in context.snapshots.values() if one.is_model and not one.is_symbolic]
    for snapshot in snapshots:
        snapshot.categorize_as(SnapshotChangeCategory.BREAKING)
    by_name = {snapshot.name: snapshot for snapshot in snapshots}
    by_id = {snapshot.snapshot_id: snapshot for snapshot in snapshots}
    wanted = [one for one in snapshots if models is None or one.model.name in models]
    tables = [one for one in wanted if not one.model.kind.is_seed]
    evaluator, deployable = context.snapshot_evaluator, DeployabilityIndex.all_deployable()

    def fill(snapshot: Snapshot) -> None:
        evaluator.evaluate(
            snapshot,
            start="2026-01-01",
            end="2026-03-01",
            execution_time="2026-03-02",
            snapshots=by_name,
            deployability_index=deployable,
        )

    evaluator.create(tables, by_id, deployability_index=deployable)
    for snapshot in tables:
        fill(snapshot)
        if snapshot.is_incremental:
            snapshot.add_interval("2026-01-01", "2026-03-01")
            fill(snapshot)
    for environment in environments:
        evaluator.promote(
            wanted,
            EnvironmentNamingInfo(name=environment),
            deployability_index=deployable,
            snapshots=by_id,
            table_mapping={},
        )
    return by_name
