"""What the dashboard asks, without a browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from macros.quality import METRICS
from marquee.dashboard.queries import (
    FOUND,
    LISTED,
    VIOLATIONS,
    answer,
    find_movies,
    growth,
    runs,
    top_movies,
    violating_rows,
)
from marquee.monitoring.checks import jobs, row_counts, sources
from marquee.monitoring.store import DuckDBStore
from marquee.monitoring.thresholds import read_thresholds
from marquee.ops.log_tables import TABLES

TITLES = [(1, "It", 5), (2, "With It", 900), (3, "The Others", None), (4, "Über It", 7)]


@contextmanager
def store_of(folder: Path, *statements: str) -> Iterator[DuckDBStore]:
    """The store of a warehouse that the statements make."""
    path = folder / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE SCHEMA bronze; CREATE SCHEMA silver; CREATE SCHEMA gold")
        connection.execute("CREATE SCHEMA ops")
        for statement in statements:
            connection.execute(statement)
    store = DuckDBStore(path)
    yield store
    store.close()


MOVIES = [
    "CREATE TABLE silver.silver_movies AS SELECT movie_id, title, vote_count, "
    "2020 AS release_year, movie_id = 3 AS is_deleted FROM (VALUES "
    f"{', '.join(str((*row[:2], row[2] or 0)) for row in TITLES)}"
    ") AS movies(movie_id, title, vote_count)",
    "INSERT INTO silver.silver_movies "
    "SELECT 1000 + i, 'Sequel ' || i, 1, 2020, FALSE FROM range(200) AS numbers(i)",
    "CREATE TABLE silver.stg_fan_interactions AS SELECT * FROM (VALUES "
    "('I-1', 'GUEST'), ('I-2', 'TRIAL'), ('I-3', NULL)) AS rows(id, account_type)",
    "CREATE TABLE silver.stg_titles AS SELECT * FROM (VALUES "
    "('T-1', 1), ('T-2', 2), ('T-3', 1), ('T-4', NULL)) AS rows(title_id, tmdb_id)",
    "CREATE TABLE silver.seed_account_types AS SELECT 'GUEST' AS account_type",
    "CREATE TABLE ops.row_counts AS "
    "SELECT * FROM (VALUES "
    "('1', TIMESTAMP '2026-03-01 06:00:00', 'bronze.raw_movies', 100), "
    "('2', TIMESTAMP '2026-03-07 06:00:00', 'bronze.raw_movies', 140), "
    "('3', TIMESTAMP '2026-03-08 06:00:00', 'bronze.raw_movies', 150), "
    "('4', TIMESTAMP '2026-03-08 07:00:00', 'bronze.raw_movies', 150)"
    ") AS counts(run_id, counted_at, table_name, row_count)",
    "CREATE TABLE gold.dim_genres AS SELECT * FROM (VALUES (1, 'Drama'), "
    "(2, 'Science Fiction')) AS genres(genre_sk, genre_name)",
    # 700 dramas of 1900 to 2599, the last ten of them science fiction, too; one has no year.
    "CREATE TABLE gold.kpi_top_movies AS SELECT i AS movie_sk, i AS movie_id, "
    "'Film ' || i AS title, 1900 + i AS release_year, 'Drama' AS genre_name, "
    "'' AS company_name, '' AS budget_tier, 1 AS revenue_usd, 1 AS budget_usd, "
    "1 AS roi_pct,"
    " 5 AS vote_average, 100 AS vote_count, 5 AS weighted_rating, 1 AS popularity_score, "
    "i + 1 AS weighted_rating_rank FROM range(700) AS numbers(i)",
    "INSERT INTO gold.kpi_top_movies SELECT * REPLACE (900 AS movie_id, 900 AS movie_sk, "
    "NULL AS release_year, 'Lost' AS title, 900 AS weighted_rating_rank) "
    "FROM gold.kpi_top_movies LIMIT 1",
    "CREATE TABLE gold.bridge_movie_genres AS SELECT movie_sk, 1 AS genre_sk "
    "FROM gold.kpi_top_movies UNION ALL SELECT movie_sk, 2 FROM gold.kpi_top_movies "
    "WHERE movie_sk BETWEEN 690 AND 699",
    "CREATE TABLE ops.run_log AS SELECT i::TEXT AS run_id, 'dlt' AS tool, "
    "IF(i = 0, 'studio', 'tmdb') AS job, NULL AS environment, "
    "IF(i % 2 = 0, 'SUCCEEDED', 'FAILED') AS status, "
    "TIMESTAMP '2026-01-01' + INTERVAL (i) MINUTE AS started_at, "
    "TIMESTAMP '2026-01-02' AS ended_at, 1 AS row_count, 1 AS byte_count, "
    "2 AS request_count, 1 AS retry_count, NULL AS error, '' AS command, "
    "'' AS code_revision, '' AS run_by, 'host' AS host, 1 AS process_id "
    "FROM range(1200) AS numbers(i)",
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckDBStore]:
    with store_of(tmp_path_factory.mktemp("queries"), *MOVIES) as store:
        yield store


def test_top_movies_are_filtered_before_they_are_limited(store: DuckDBStore) -> None:
    every = top_movies(store)
    assert (len(every), every["found_count"][0]) == (LISTED, 701)
    (bounds,) = answer(store, "top_movie_years").itertuples(index=False)
    assert tuple(bounds) == (1900, 2599, 701)
    assert top_movies(store, title="film 699 ")["movie_id"].tolist() == [699]
    assert top_movies(store, years=(2598, 2599))["movie_id"].tolist() == [698, 699]
    assert top_movies(store, title="lost")["movie_id"].tolist() == [900]


def test_a_movie_is_found_in_each_of_its_genres(store: DuckDBStore) -> None:
    found = top_movies(store, genre="Science Fiction")
    assert found["movie_id"].tolist() == list(range(690, 700))
    assert set(found["genre_name"]) == {"Drama"}  # the main one
    assert top_movies(store, genre="Drama")["found_count"][0] == 701


def test_all_runs_count_and_those_of_a_job_are_found_behind_the_others(store: DuckDBStore) -> None:
    totals = answer(store, "run_totals").set_index("job")
    assert totals["run_count"].to_dict() == {"studio": 1, "tmdb": 1199}
    assert totals["without_success_count"].to_dict() == {"studio": 0, "tmdb": 600}
    assert totals["request_count"].sum() == 2400
    now = datetime(2026, 1, 3)
    assert len(runs(store, read_thresholds(), now)) == LISTED
    assert runs(store, read_thresholds(), now, jobs=["studio"])["run_id"].tolist() == ["0"]


def test_counts_that_repeat_hide_no_change_of_a_table(tmp_path: Path) -> None:
    """A refresh every ten minutes, and a load every day."""
    statements = (
        "CREATE TABLE ops.row_counts AS SELECT '' AS run_id, moment AS counted_at, "
        "'bronze.raw_movies' AS table_name, 1000 + 10 * DATE_DIFF('day', "
        "TIMESTAMP '2026-01-01', moment) AS row_count FROM range(TIMESTAMP '2026-01-01', "
        "TIMESTAMP '2026-01-20', INTERVAL 10 MINUTE) AS moments(moment)",
        "INSERT INTO ops.row_counts SELECT * REPLACE (row_count * 3 AS row_count, "
        "counted_at + INTERVAL 5 MINUTE AS counted_at) FROM ops.row_counts "
        "ORDER BY counted_at DESC LIMIT 1",
    )
    with store_of(tmp_path, *statements) as store:
        (result,) = row_counts(store, read_thresholds())
    assert not result.is_ok
    assert result.message.startswith("1,180 -> 3,540 rows")


def test_a_time_in_the_future_fails_the_check(tmp_path: Path) -> None:
    statements = (
        "CREATE TABLE bronze._dlt_loads AS SELECT * FROM (VALUES "
        "('1', 0, TIMESTAMPTZ '2026-03-03 12:00:00+00'), "
        "('2', 0, TIMESTAMPTZ '2026-03-01 12:02:00+00'), "
        "('3', 0, TIMESTAMPTZ '2026-03-05 12:00:00+00')"
        ") AS loads(load_id, status, inserted_at)",
        "CREATE TABLE bronze.raw_movies AS SELECT '1' AS _dlt_load_id",
        "CREATE TABLE bronze.studio_files AS SELECT '2' AS _dlt_load_id",
        f"CREATE TABLE ops.run_log ({TABLES['run_log']})",
        "INSERT INTO ops.run_log (run_id, tool, job, host, started_at, ended_at, status, error)"
        " VALUES ('ahead', 'dlt', 'tmdb', 'h', '2026-03-03 12:00', '2026-03-03', 'SUCCEEDED', "
        "NULL), ('now', 'dlt', 'tmdb', 'h', '2026-03-01 10:00', '2026-03-01', 'FAILED', 'no')",
    )
    with store_of(tmp_path, *statements) as store:
        found = [
            (one.subject, one.is_ok, one.message)
            for check in (sources, jobs)
            for one in check(store, read_thresholds(), datetime(2026, 3, 1, 12))
        ]
    assert found == [
        ("bronze.raw_movies", False, "newest row from 2 d in the future, expected within 30 h"),
        ("bronze.studio_files", True, "newest row from 0 min ago, expected within 30 h"),
        ("tmdb", False, "run ahead began 2 d in the future: a clock was wrong"),
        ("tmdb", False, "run now failed: no; none ever succeeded"),
    ]


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


def test_a_release_weekend_earns_three_times_the_best_of_the_four_before(tmp_path: Path) -> None:
    """A title that opens, one that comes back, one that always had its rows; ten weeks each."""
    statements = (
        "CREATE TABLE gold.dim_dates AS SELECT i AS date_sk, day::DATE AS full_date, "
        "ISODOW(day) AS day_of_week FROM (SELECT i, DATE '2026-03-02' + i::INT AS day "
        "FROM range(70) AS numbers(i)) AS days",
        "CREATE TABLE gold.dim_titles AS SELECT * FROM (VALUES (1, 'New'), (2, 'Back'), "
        "(3, 'Old')) AS titles(title_sk, title_name)",
        "CREATE TABLE gold.fact_daily_performance AS SELECT title_sk, date_sk, CASE "
        "WHEN title_sk = 1 THEN IF(date_sk < 32, 0, 500) "
        "WHEN title_sk = 2 THEN IF(date_sk BETWEEN 46 AND 48, 301, 100) "
        "ELSE IF(day_of_week > 4, 290, 100) END AS gross_usd "
        "FROM gold.dim_titles CROSS JOIN gold.dim_dates",
    )
    with store_of(tmp_path, *statements) as store:
        found = answer(store, "studio_releases")
    assert found["title_name"].tolist() == ["New", "Back"]
    assert found["release_date"].dt.strftime("%a %d %b").tolist() == ["Fri 03 Apr", "Fri 17 Apr"]


@pytest.mark.parametrize(
    ("since", "change", "day"),
    [
        (None, 10, 7),  # the run before the last brought the last changes
        (datetime(2026, 3, 7, 12), 10, 7),
        (datetime(2026, 3, 1, 12), 50, 1),
        (datetime(2026, 2, 1), 50, 1),  # younger than that: from the first count on
    ],
)
def test_growth_is_measured_from_the_last_count_of_its_time(
    store: DuckDBStore, since: datetime | None, change: int, day: int
) -> None:
    history = answer(store, "layer_history")
    assert growth(history, "bronze", 150, since) == (change, datetime(2026, 3, day, 6))


def test_growth_needs_something_to_compare_with(store: DuckDBStore) -> None:
    assert growth(pd.DataFrame(), "bronze", 1) is None
    assert growth(answer(store, "layer_history"), "gold", 1) is None


def test_a_metric_that_is_about_rows_shows_them(store: DuckDBStore) -> None:
    of_tables = {"row_count_loss_pct", "row_count_growth_pct", "days_since_newest"}
    assert {metric for _, _, metric, _ in METRICS} - of_tables == VIOLATIONS.keys()

    def breaking(table: str, column: str, metric: str) -> list[str]:
        return sorted(violating_rows(store, table, column, metric).iloc[:, 0])

    unknown = ("silver.stg_fan_interactions", "account_type", "unknown_account_type_count")
    assert breaking(*unknown) == ["I-2", "I-3"]
    assert breaking("silver.stg_titles", "tmdb_id", "shared_key_count") == ["T-1", "T-3"]
