"""The numbers on 4,803 real movies, against plain DuckDB SQL over the documents themselves.

The documents are not part of the project (TMDb's terms); the tests are skipped where they are not
at hand. Nothing of the project's models is used to work out what is expected.
"""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import duckdb
import pytest

from marquee.core.settings import ROOT
from pipelines import tmdb
from tests.small_warehouse import OF_TMDB, Rows, Warehouse

MOVIES = Path(
    os.environ.get("MARQUEE_REAL_MOVIES", ROOT.parent / "shared" / "data" / "tmdb_5000.ndjson.gz")
)

pytestmark = pytest.mark.skipif(
    not MOVIES.exists(), reason=f"real movies are not at hand: {MOVIES} (MARQUEE_REAL_MOVIES)"
)

DOCUMENTS = """
CREATE VIEW movies AS
SELECT
  id, title, status, genres, production_companies, original_language, vote_count, vote_average,
  TRY_CAST(NULLIF(release_date, '') AS DATE) AS release_date,
  NULLIF(budget, 0) AS budget,
  NULLIF(revenue, 0) AS revenue
FROM read_json('{path}', format = 'newline_delimited', columns = {{
  id: 'BIGINT', title: 'VARCHAR', status: 'VARCHAR', original_language: 'VARCHAR',
  vote_count: 'BIGINT', vote_average: 'DOUBLE', release_date: 'VARCHAR',
  budget: 'BIGINT', revenue: 'BIGINT',
  genres: 'STRUCT(id BIGINT, "name" VARCHAR)[]',
  production_companies: 'STRUCT(id BIGINT, "name" VARCHAR)[]'
}});
CREATE VIEW released AS FROM movies WHERE status = 'Released' OR status IS NULL;
"""


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """The 4,803 movies, served by the sandbox, through the pipeline, planned into gold."""
    folder = tmp_path_factory.mktemp("real_movies")
    warehouse = Warehouse(folder, selected=OF_TMDB)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("MARQUEE_DUCKDB", str(warehouse.duckdb))
        environment.setenv("MARQUEE_DLT_DIR", str(folder / "dlt"))
        environment.setenv("DLT_DATA_DIR", str(folder / "dlt"))
        assert tmdb.main(["--sandbox", "--catalog", str(MOVIES), "--pages", "500"]) == 0
    warehouse.plan()
    return warehouse


@pytest.fixture(scope="module")
def documents() -> duckdb.DuckDBPyConnection:
    """The documents as SQL sees them, without Marquee."""
    connection = duckdb.connect()
    connection.execute(DOCUMENTS.format(path=MOVIES))
    return connection


def expected(documents: duckdb.DuckDBPyConnection, sql: str) -> Rows:
    rows = documents.execute(sql).fetchall()
    assert rows
    return rows


def test_bronze_holds_every_document_number_for_number(warehouse: Warehouse) -> None:
    with gzip.open(MOVIES) as lines:
        served = {document["id"]: document for document in map(exactly, lines)}
    landed = warehouse.query("SELECT movie_id, raw_data FROM bronze.raw_movies")

    assert len(landed) == len(served) == 4803
    for movie_id, raw_data in landed:
        assert exactly(raw_data) == served[movie_id]


def exactly(document: bytes | str) -> Any:
    """A JSON value in which 7, 7.0 and 7.00 all differ."""
    return json.loads(document, parse_float=lambda text: ("float", text))


def test_a_refresh_without_news_changes_no_number_of_gold(warehouse: Warehouse) -> None:
    before = warehouse.rows_of("gold", "snapshots")
    warehouse.refresh()
    assert warehouse.rows_of("gold", "snapshots") == before


def test_every_movie_is_one_row_of_the_fact(warehouse: Warehouse) -> None:
    assert warehouse.query("SELECT count(*), count(DISTINCT movie_id) FROM gold.fact_movies") == [
        (4803, 4803)
    ]


def test_totals_are_exact_to_the_dollar(
    warehouse: Warehouse, documents: duckdb.DuckDBPyConnection
) -> None:
    assert warehouse.query(
        """
        SELECT sum(revenue_usd), sum(budget_usd), sum(profit_usd), count(profit_usd),
               count_if(profitability_flag = 'PROFITABLE'), count_if(is_released)
        FROM gold.fact_movies
        """
    ) == expected(
        documents,
        """
        SELECT sum(revenue), sum(budget), sum(revenue - budget), count(revenue - budget),
               count_if(revenue > budget), count_if(status = 'Released' OR status IS NULL)
        FROM movies
        """,
    )


def test_the_primary_genre_and_company_are_the_first_listed(
    warehouse: Warehouse, documents: duckdb.DuckDBPyConnection
) -> None:
    assert warehouse.query(
        """
        SELECT movie_id, genre_id, company_id FROM gold.fact_movies
        JOIN gold.dim_genres USING (genre_sk) JOIN gold.dim_production_companies USING (company_sk)
        ORDER BY movie_id
        """
    ) == expected(
        documents,
        """
        SELECT id, coalesce(genres[1].id, -1), coalesce(production_companies[1].id, -1)
        FROM movies ORDER BY id
        """,
    )


def test_the_bridges_hold_every_listed_pair_and_no_other(
    warehouse: Warehouse, documents: duckdb.DuckDBPyConnection
) -> None:
    for silver, key, listed in (
        ("silver_movie_genres", "genre_id", "genres"),
        ("silver_movie_companies", "company_id", "production_companies"),
    ):
        assert warehouse.query(
            f"SELECT movie_id, {key} FROM silver.{silver} WHERE is_current ORDER BY ALL"
        ) == expected(
            documents, f"SELECT DISTINCT id, unnest({listed}).id FROM movies ORDER BY ALL"
        )


def test_the_genre_table_is_right(
    warehouse: Warehouse, documents: duckdb.DuckDBPyConnection
) -> None:
    found = warehouse.query(
        """
        SELECT genre_name, movie_count, financially_complete_count, total_revenue_usd,
               total_profit_usd, max_revenue_usd,
               round(median_revenue_usd, 2), round(median_roi_pct, 6), round(avg_roi_pct, 6),
               round(pct_profitable, 6), round(avg_vote_average, 6)
        FROM gold.kpi_genre_performance ORDER BY genre_name
        """
    )
    assert len(found) == 20
    assert found == expected(
        documents,
        """
        SELECT
          genre, count(*), count(revenue - budget), sum(revenue), sum(revenue - budget),
          max(revenue), round(median(revenue), 2),
          round(median(100.0 * (revenue - budget) / budget), 6),
          round(avg(100.0 * (revenue - budget) / budget), 6),
          round(100.0 * count_if(revenue > budget) / nullif(count(revenue - budget), 0), 6),
          round(avg(CASE WHEN vote_count > 0 THEN vote_average END), 6)
        FROM (SELECT *, unnest(genres).name AS genre FROM released)
        GROUP BY genre ORDER BY genre
        """,
    )


def test_weighted_revenue_of_the_genres_adds_up_to_the_movies(
    warehouse: Warehouse, documents: duckdb.DuckDBPyConnection
) -> None:
    ((weighted,),) = warehouse.query(
        "SELECT sum(weighted_revenue_usd) FROM gold.kpi_genre_performance"
    )
    ((total,),) = expected(documents, "SELECT sum(revenue) FROM released WHERE len(genres) > 0")
    assert round(weighted) == total


def test_the_years_are_right(warehouse: Warehouse, documents: duckdb.DuckDBPyConnection) -> None:
    assert warehouse.query(
        """
        SELECT release_year, movie_count, english_movie_count, summer_movie_count,
               total_revenue_usd, round(median_roi_pct, 6)
        FROM gold.kpi_yearly_trends ORDER BY release_year
        """
    ) == expected(
        documents,
        """
        SELECT year(release_date) AS y, count(*), count_if(original_language = 'en'),
               count_if(month(release_date) BETWEEN 6 AND 8), sum(revenue),
               round(median(100.0 * (revenue - budget) / budget), 6)
        FROM released WHERE y >= 1980 GROUP BY y ORDER BY y
        """,
    )


@pytest.mark.parametrize(
    ("rank", "measure", "condition"),
    [
        ("revenue_rank", "revenue", "revenue IS NOT NULL"),
        ("roi_rank", "(revenue - budget) / budget", "budget >= 1000000 AND revenue IS NOT NULL"),
        ("rating_rank", "vote_average", "true"),
    ],
)
def test_the_top_tens_are_right(
    warehouse: Warehouse,
    documents: duckdb.DuckDBPyConnection,
    rank: str,
    measure: str,
    condition: str,
) -> None:
    assert warehouse.query(
        f"SELECT title FROM gold.kpi_top_movies WHERE {rank} <= 10 ORDER BY {rank}, title"
    ) == expected(
        documents,
        f"""
        SELECT title FROM released WHERE vote_count >= 100 AND {condition}
        ORDER BY {measure} DESC, vote_count DESC LIMIT 10
        """,
    )
