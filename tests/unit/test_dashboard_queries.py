"""What the dashboard asks, without a browser."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import duckdb
import pandas as pd
import pytest

from macros.quality import METRICS
from marquee.dashboard.queries import (
    FOUND,
    LAYER_HISTORY,
    VIOLATIONS,
    answer,
    find_movies,
    growth,
    violating_rows,
)
from marquee.monitoring.store import DuckDBStore

TITLES = [(1, "It", 5), (2, "With It", 900), (3, "The Others", None), (4, "Über It", 7)]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckDBStore]:
    path = tmp_path_factory.mktemp("asked") / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE SCHEMA silver")
        connection.execute(
            "CREATE TABLE silver.silver_movies AS SELECT movie_id, title, vote_count, "
            "2020 AS release_year, movie_id = 3 AS is_deleted FROM (VALUES "
            f"{', '.join(str((*row[:2], row[2] or 0)) for row in TITLES)}"
            ") AS movies(movie_id, title, vote_count)"
        )
        connection.execute(
            "INSERT INTO silver.silver_movies "
            "SELECT 1000 + i, 'Sequel ' || i, 1, 2020, FALSE FROM range(200) AS numbers(i)"
        )
        connection.execute(
            "CREATE TABLE silver.stg_fan_interactions AS SELECT * FROM (VALUES "
            "('I-1', 'GUEST'), ('I-2', 'TRIAL'), ('I-3', NULL)) AS rows(id, account_type)"
        )
        connection.execute(
            "CREATE TABLE silver.stg_titles AS SELECT * FROM (VALUES "
            "('T-1', 1), ('T-2', 2), ('T-3', 1), ('T-4', NULL)) AS rows(title_id, tmdb_id)"
        )
        connection.execute(
            "CREATE TABLE silver.seed_account_types AS SELECT 'GUEST' AS account_type"
        )
        connection.execute("CREATE SCHEMA ops")
        connection.execute(
            "CREATE TABLE ops.row_counts AS "
            "SELECT * FROM (VALUES "
            "('1', TIMESTAMP '2026-03-01 06:00:00', 'bronze.raw_movies', 100), "
            "('2', TIMESTAMP '2026-03-07 06:00:00', 'bronze.raw_movies', 140), "
            "('3', TIMESTAMP '2026-03-08 06:00:00', 'bronze.raw_movies', 150), "
            "('4', TIMESTAMP '2026-03-08 07:00:00', 'bronze.raw_movies', 150)"
            ") AS counts(run_id, counted_at, table_name, row_count)"
        )
    open_warehouse = DuckDBStore(path)
    yield open_warehouse
    open_warehouse.close()


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("it", [1, 2, 4]),  # a title in full comes first, then the best known
        (" OTHERS ", [3]),  # deleted, and nobody voted
        ("über", [4]),
        ("1007", [1007]),
        ("'; --", []),
    ],
)
def test_any_movie_is_found_by_its_title_or_number(
    store: DuckDBStore, text: str, ids: list[int]
) -> None:
    assert find_movies(store, text)["movie_id"].tolist() == ids


def test_a_search_returns_no_more_than_people_look_at(store: DuckDBStore) -> None:
    assert len(find_movies(store, "")) == FOUND == len(find_movies(store, "sequel"))


@pytest.mark.parametrize(
    ("since", "change", "day"),
    [
        (None, 10, 7),  # the run before the last brought the last news
        (datetime(2026, 3, 7, 12), 10, 7),
        (datetime(2026, 3, 1, 12), 50, 1),
        (datetime(2026, 2, 1), 50, 1),  # younger than that: from the first count on
    ],
)
def test_growth_is_measured_from_the_last_count_of_its_time(
    store: DuckDBStore, since: datetime | None, change: int, day: int
) -> None:
    history = answer(store, LAYER_HISTORY)
    assert growth(history, "bronze", 150, since) == (change, datetime(2026, 3, day, 6))


def test_growth_needs_something_to_compare_with(store: DuckDBStore) -> None:
    assert growth(pd.DataFrame(), "bronze", 1) is None
    assert growth(answer(store, LAYER_HISTORY), "gold", 1) is None


def test_a_metric_that_is_about_rows_shows_them(store: DuckDBStore) -> None:
    of_tables = {"row_count_loss_pct", "row_count_growth_pct", "days_since_newest"}
    assert {metric for _, _, metric, _ in METRICS} - of_tables == VIOLATIONS.keys()

    def breaking(table: str, column: str, metric: str) -> list[str]:
        return sorted(violating_rows(store, table, column, metric).iloc[:, 0])

    unknown = ("silver.stg_fan_interactions", "account_type", "unknown_account_type_count")
    assert breaking(*unknown) == ["I-2", "I-3"]
    assert breaking("silver.stg_titles", "tmdb_id", "shared_key_count") == ["T-1", "T-3"]
