"""The emulator computes, refreshes and matches as Snowflake's documentation states.

Each of these rules once hid a fault: the same statement gives another answer on plain DuckDB.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

import pytest
from snowflake.connector.errors import ProgrammingError
from sqlglot import exp, parse_one
from sqlmesh.core.context import Context
from sqlmesh.core.model import Model
from sqlmesh.core.snapshot import Snapshot

from tests.fakes.snowflake_emulator import Emulator, emulator
from tests.fakes.snowflake_stub import build, gateway
from tests.small_warehouse import Rows

pytestmark = pytest.mark.snowflake

SCHEMA = "MARQUEE_TEST.PUBLIC"


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """An account with one database."""
    with emulator(tmp_path_factory.mktemp("emulator") / "account") as running:
        running.run("CREATE DATABASE MARQUEE_TEST", f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
        yield running


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        # max(S1, min(S1 + 6, 12)) decimals, S1 being the dividend's.
        ("1.0 / 3", "0.3333333"),
        ("1 / 3", "0.333333"),
        ("CAST(1 AS NUMBER(18, 2)) / 3", "0.33333333"),
        ("CAST(1 AS NUMBER(38, 12)) / 3", "0.333333333333"),
        ("2 * 100.0 / 3", "66.6666667"),
        ("COUNT(*) * 100.0 / 3", "100"),
        ("SUM(n) / COUNT(*)", "1.333333"),
        # A double on either side makes it a double.
        ("CAST(1 AS DOUBLE) / 3", "0.333333333333333"),
        ("1 / CAST(3 AS DOUBLE)", "0.333333333333333"),
        # A mean is a sum divided by a count.
        ("AVG(n)", "1.333333"),
        ("AVG(CAST(n AS DOUBLE))", "1.333333333333333"),
        ("AVG(CAST(n AS NUMBER(38, 12)))", "1.333333333333"),
        ("SUM(AVG(n)) OVER ()", "1.333333"),
        ("AVG(SUM(n)) OVER ()", "4"),
        ("AVG(DISTINCT n)", "1.5"),
    ],
)
def test_quotients_and_means_of_numbers_are_rounded(
    account: Emulator, expression: str, value: str
) -> None:
    ((found,),) = account.run(f"SELECT {expression} FROM (VALUES (1), (1), (2)) AS t (n) LIMIT 1")
    assert round(Decimal(repr(float(found))), 15) == Decimal(value)


def test_weights_without_double_miss_one(account: Emulator) -> None:
    """The fault that the first plan on an account would have met, planted."""
    ((rounded, doubled),) = account.run(
        "SELECT SUM(CAST(w AS DOUBLE)), SUM(d) FROM (SELECT 1.0 / COUNT(*) OVER () AS w, "
        "CAST(1 AS DOUBLE) / COUNT(*) OVER () AS d FROM (VALUES (1), (2), (3)) AS t (n))"
    )
    assert abs(rounded - 1) > 1e-9
    assert abs(doubled - 1) < 1e-9


def test_a_division_by_zero_fails(account: Emulator) -> None:
    with pytest.raises(ProgrammingError, match="Division by zero"):
        account.run("SELECT n / (n - 1) FROM (VALUES (1)) AS t (n)")


def dynamic_table(mode: str) -> str:
    return (
        f"CREATE OR REPLACE DYNAMIC TABLE {SCHEMA}.KPI WAREHOUSE=W TARGET_LAG='1 hour' "
        f"{mode} AS SELECT SUM(N) AS TOTAL FROM {SCHEMA}.FACT"
    )


@pytest.mark.parametrize("mode", ["REFRESH_MODE=FULL", "REFRESH_MODE='FULL'"])
def test_a_dynamic_table_is_stale_until_it_is_refreshed(account: Emulator, mode: str) -> None:
    total = f"SELECT TOTAL FROM {SCHEMA}.KPI"
    account.run(f"CREATE OR REPLACE TABLE {SCHEMA}.FACT AS SELECT 1 AS N", dynamic_table(mode))
    account.run(f"CREATE OR REPLACE TABLE {SCHEMA}.FACT AS SELECT 2 AS N")
    assert account.run(total) == [(1,)]
    account.run(f"ALTER DYNAMIC TABLE {SCHEMA}.KPI REFRESH")
    assert account.run(total) == [(2,)]


def test_a_dynamic_table_that_is_not_full_loses_its_recreated_parent(account: Emulator) -> None:
    account.run(f"CREATE OR REPLACE TABLE {SCHEMA}.FACT AS SELECT 1 AS N", dynamic_table(""))
    account.run(f"INSERT INTO {SCHEMA}.FACT VALUES (2)")
    account.run(f"ALTER DYNAMIC TABLE {SCHEMA}.KPI REFRESH")
    assert account.run(f"SELECT TOTAL FROM {SCHEMA}.KPI") == [(3,)]
    account.run(f"CREATE OR REPLACE TABLE {SCHEMA}.FACT AS SELECT 2 AS N")
    with pytest.raises(ProgrammingError, match="091930"):
        account.run(f"ALTER DYNAMIC TABLE {SCHEMA}.KPI REFRESH")


def test_a_merge_never_matches_a_null_key(account: Emulator) -> None:
    table = f"{SCHEMA}.REJECTED"
    merge = (
        f"MERGE INTO {table} AS __MERGE_TARGET__ USING (SELECT 1 AS K, NULL AS V) AS "
        "__MERGE_SOURCE__ ON __MERGE_TARGET__.K = __MERGE_SOURCE__.K AND "
        "__MERGE_TARGET__.V = __MERGE_SOURCE__.V WHEN NOT MATCHED THEN INSERT (K, V) "
        "VALUES (__MERGE_SOURCE__.K, __MERGE_SOURCE__.V)"
    )
    account.run(f"CREATE OR REPLACE TABLE {table} (K INT, V TEXT)", merge, merge)
    assert account.run(f"SELECT COUNT(*) FROM {table}") == [(2,)]
    with_value = merge.replace("NULL AS V", "'v' AS V")
    account.run(with_value, with_value)
    assert account.run(f"SELECT COUNT(*) FROM {table}") == [(3,)]


@dataclass
class Models:
    """What SQLMesh sends for some models, to be run on the account one statement at a time."""

    account: Emulator
    context: Context
    snapshots: dict[str, Snapshot]
    statements: list[str]

    def run(self, *statements: str) -> Rows:
        """Run statements with the models' database, whose functions the emulator needs."""
        return self.account.run("USE DATABASE MARQUEE", *statements)

    def snapshot(self, name: str) -> Snapshot:
        return next(one for one in self.snapshots.values() if one.model.name == name)

    def sent(self, name: str, start: str) -> str:
        """The last statement that begins so and names the model's table; its parents exist then."""
        table = f'"{exp.to_table(self.snapshot(name).table_name()).name}"'
        found = [one for one in self.statements if one.startswith(start) and table in one]
        for parent in parse_one(found[-1], dialect="snowflake").find_all(exp.Table):
            self.create(parent)
        return found[-1]

    def create(self, table: exp.Table) -> None:
        """Create the table of a model, empty, if it is one and does not exist."""
        name, place = table.name.upper(), f"MARQUEE.{table.db.upper()}"
        if name in self.tables:
            types = self.tables[name].columns_to_types_or_raise.items()
            columns = ", ".join(f"{one.upper()} {kind.sql('snowflake')}" for one, kind in types)
            self.run(
                f"CREATE SCHEMA IF NOT EXISTS {place}",
                f"CREATE TABLE IF NOT EXISTS {place}.{name} ({columns})",
            )

    @cached_property
    def tables(self) -> dict[str, Model]:
        """The models by their tables; an external one is a table itself."""
        models = self.context.models.values()
        external = {one.name: one for one in models if one.kind.is_external}
        built = {self.table(one.name): one for one in models if one.fqn in self.snapshots}
        return {exp.to_table(one).name.upper(): model for one, model in (external | built).items()}

    def table(self, name: str) -> str:
        return self.snapshot(name).table_name().upper()

    def fill(self, name: str, **values: Any) -> None:
        """Insert a row into a model's table; of the other columns nothing is known."""
        row = ", ".join(str(one) for one in values.values())
        self.run(f"INSERT INTO {self.table(name)} ({', '.join(values)}) SELECT {row}")

    def failing(self, name: str, audit: str) -> list[str]:
        """The audits of this name that the model's table fails."""
        model = self.snapshot(name).model
        found = []
        for one, arguments in model.audits_with_args:
            if one.name == audit:
                given: dict[str, Any] = dict(arguments)
                query = model.render_audit_query(one, snapshots=self.snapshots, **given)
                for table in query.find_all(exp.Table):
                    self.create(table)
                if self.run(query.sql("snowflake")):
                    found.append(one.name)
        return found


PLANTED = ("gold.bridge_movie_genres", "gold.agg_franchise_performance", "ops.rejected_values")


@pytest.fixture(scope="module")
def models(account: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Models:
    """Three models with their parents in the account, the aggregate as a dynamic table."""
    account.run("CREATE DATABASE IF NOT EXISTS MARQUEE")
    folder = tmp_path_factory.mktemp("planted")
    with gateway(folder, MARQUEE_KPI_TARGET_LAG="1 hour") as (context, statements):
        snapshots = build(context, models=PLANTED)
    return Models(account, context, snapshots, statements)  # SQLMesh has left the connector alone


def test_a_quotient_that_is_planted_in_a_bridge_fails_its_audit(models: Models) -> None:
    bridge = "gold.bridge_movie_genres"
    create = models.sent(bridge, "CREATE OR REPLACE")
    models.fill("gold.fact_movies", movie_sk="'m'", movie_id=1)
    for genre in (1, 2, 3):
        models.fill("silver.silver_movie_genres", movie_id=1, genre_id=genre, is_current=True)
    models.run(create)
    assert models.failing(bridge, "weights_sum_to_one") == []
    planted = re.sub(r"CAST\(1 AS DOUBLE\) / NULLIF\((.+?\)), 0\)", r"1.0 / \1", create)
    assert planted != create
    models.run(planted)
    assert models.failing(bridge, "weights_sum_to_one") == ["weights_sum_to_one"]


def test_an_audit_before_the_refresh_of_a_dynamic_table_fails(models: Models) -> None:
    aggregate = "gold.agg_franchise_performance"
    create = models.sent(aggregate, "CREATE OR REPLACE DYNAMIC TABLE")
    models.fill("gold.dim_movies", movie_sk="'-1'", movie_id=-1)
    models.fill("gold.dim_titles", title_sk="'t'", title_id="'T'", franchise="'F'", movie_sk="'-1'")
    models.fill("gold.dim_dates", date_sk=20260101, full_date="DATE '2026-01-01'")
    day = {"title_sk": "'t'", "date_sk": 20260101, "purchase_revenue_usd": 0}
    models.fill("gold.fact_daily_performance", **day, gross_usd=5)
    models.run(create)
    assert models.failing(aggregate, "franchise_totals_reconcile") == []
    models.fill("gold.fact_daily_performance", **day, gross_usd=7)
    assert models.failing(aggregate, "franchise_totals_reconcile") == ["franchise_totals_reconcile"]
    models.run(models.sent(aggregate, "ALTER DYNAMIC TABLE"))
    assert models.failing(aggregate, "franchise_totals_reconcile") == []


def test_a_key_that_is_planted_as_null_is_doubled_and_fails_its_audit(models: Models) -> None:
    log = "ops.rejected_values"
    merge = models.sent(log, "MERGE INTO")
    models.fill(
        "silver.silver_movie_observations",
        movie_id=1,
        response_id="'r'",
        rejected_values="""PARSE_JSON('[{"column_name": "title", "reason": "none"}]')""",
        observed_at="TIMESTAMP '2026-02-01 00:00:00'",
        _loaded_at="TIMESTAMP '2026-02-01 00:00:00'",
        _source_load_number=1,
    )
    # Rows of a load that was read are not read again.
    again = f"UPDATE {models.table(log)} SET _source_load_number = 0"
    models.run(merge, again, merge)
    unique = "unique_combination_of_columns"
    assert models.run(f"SELECT COUNT(*) FROM {models.table(log)}") == [(1,)]
    assert models.failing(log, "not_null") == models.failing(log, unique) == []
    planted = re.sub(r"COALESCE\((\S*REJECTED_VALUE\S*), ''\)", r"\1", merge, flags=re.IGNORECASE)
    assert planted != merge
    models.run(again, planted, again, planted)
    assert models.run(f"SELECT COUNT(*) FROM {models.table(log)}") == [(3,)]
    assert models.failing(log, "not_null") == ["not_null"]
    assert models.failing(log, unique) == [unique]
