"""The emulator computes, refreshes and matches as Snowflake's documentation states.

Each of these rules once hid a fault: the same statement gives another answer on plain DuckDB.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from snowflake.connector.errors import ProgrammingError

from tests.fakes.snowflake_emulator import Emulator, emulator

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
