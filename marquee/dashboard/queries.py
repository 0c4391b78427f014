"""All queries of the dashboard and of the report, in SQL of both engines; pages only draw.

A filter is part of its query, so that a limit applies to what was requested. Each function takes
the store and returns a table with the columns of its SELECT, an empty one if a table is missing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pandas as pd

from marquee.monitoring.checks import is_unfinished
from marquee.monitoring.store import Store
from marquee.monitoring.thresholds import Thresholds

SAMPLE_ROWS = 20
LISTED = 500  # rows of a long list: movies, runs, loads
FOUND = 50  # movies of a search
ALL_JOBS = ""

# Every run counts, whatever is listed.
RUN_TOTALS = """
SELECT job, COUNT(*) AS run_count, COUNT_IF(status <> 'SUCCEEDED') AS without_success_count,
  SUM(request_count) AS request_count, SUM(retry_count) AS retry_count
FROM ops.run_log
GROUP BY job
ORDER BY job
"""
RUNS = f"""
SELECT run_id, tool, job, environment, status, started_at, ended_at,
  DATEDIFF('SECOND', started_at, ended_at) AS duration_seconds,
  row_count, byte_count, request_count, retry_count, error, command, code_revision, run_by, host,
  process_id
FROM ops.run_log
WHERE ? = '' OR CONTAINS(?, ',' || job || ',')
ORDER BY started_at DESC NULLS LAST
LIMIT {LISTED}
"""  # noqa: S608 - a number of this module
LOADS = f"""
SELECT load_id, run_id, pipeline_name, started_at, extract_seconds, normalize_seconds,
  load_seconds, row_count, byte_count
FROM ops.load_log
ORDER BY started_at DESC NULLS LAST
LIMIT {LISTED}
"""  # noqa: S608 - a number of this module
# The models of the newest plan or run.
LAST_BUILD = """
SELECT model.table_name, model.kind, model.status, model.started_at, model.duration_seconds,
  model.interval_count, model.row_count_before, model.row_count_after, model.error, model.run_id
FROM ops.model_log AS model
WHERE model.run_id = (SELECT run_id FROM ops.model_log ORDER BY started_at DESC NULLS LAST LIMIT 1)
ORDER BY model.duration_seconds DESC NULLS LAST
"""
# A run counts the tables that it knows, which are not all: of the others the count before holds.
# One count per hour, so that the limit is six weeks, however often a refresh runs.
LAYER_HISTORY = """
WITH moments AS (
  SELECT MAX(counted_at) AS counted_at
  FROM ops.row_counts
  GROUP BY DATE_TRUNC('HOUR', counted_at)
  ORDER BY counted_at DESC NULLS LAST
  LIMIT 1000
), names AS (
  SELECT DISTINCT table_name, SPLIT_PART(table_name, '.', 1) AS layer
  FROM ops.row_counts
  WHERE SPLIT_PART(table_name, '.', 1) IN ('bronze', 'silver', 'snapshots', 'gold', 'ops')
), newest_counts AS (
  SELECT table_name, row_count, DATE_TRUNC('HOUR', counted_at) AS counted_hour
  FROM ops.row_counts
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY table_name, DATE_TRUNC('HOUR', counted_at) ORDER BY counted_at DESC NULLS LAST
  ) = 1
), known AS (
  SELECT
    moments.counted_at,
    names.layer,
    LAST_VALUE(counts.row_count IGNORE NULLS) OVER (
      PARTITION BY names.table_name ORDER BY moments.counted_at
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS row_count
  FROM moments
  CROSS JOIN names
  LEFT JOIN newest_counts AS counts
    ON counts.counted_hour = DATE_TRUNC('HOUR', moments.counted_at)
    AND counts.table_name = names.table_name
)
SELECT layer, counted_at, CAST(SUM(row_count) AS BIGINT) AS row_count
FROM known
GROUP BY layer, counted_at
HAVING SUM(row_count) IS NOT NULL
ORDER BY counted_at, layer
"""
AUDITS = """
SELECT result.table_name, result.audit_name, result.is_blocking, result.is_passed,
  result.failing_row_count, result.audited_at, result.failing_rows_query, run.job, run.run_id
FROM ops.audit_results AS result
JOIN ops.run_log AS run ON run.run_id = result.run_id AND run.environment = 'prod'
QUALIFY result.audited_at = MAX(result.audited_at) OVER (PARTITION BY result.table_name)
ORDER BY result.is_passed, result.is_blocking DESC NULLS LAST, result.table_name, result.audit_name
"""
AUDIT_HISTORY = """
SELECT result.audited_at, COUNT(*) AS audit_count, COUNT_IF(NOT result.is_passed) AS failing_count
FROM ops.audit_results AS result
JOIN ops.run_log AS run ON run.run_id = result.run_id AND run.environment = 'prod'
GROUP BY result.audited_at
ORDER BY result.audited_at
"""
METRICS = """
SELECT table_name, column_name, metric_name, is_passed, measured_value, threshold, row_count,
  measured_at
FROM ops.data_quality_results
QUALIFY measured_at = MAX(measured_at) OVER ()
ORDER BY is_passed, table_name, column_name, metric_name
"""
METRIC_HISTORY = """
SELECT measured_at, measured_value, threshold, is_passed
FROM ops.data_quality_results
WHERE table_name = ? AND column_name = ? AND metric_name = ?
ORDER BY measured_at
"""
QUARANTINE = """
SELECT table_name, reason, quarantined_date, row_count, last_at, last_batch_id
FROM ops.quarantine_summary
ORDER BY quarantined_date DESC NULLS LAST, row_count DESC NULLS LAST
"""
GENRES = """
SELECT genre_name, genre_group, movie_count, financially_complete_count, total_revenue_usd,
  weighted_revenue_usd, revenue_per_budget_usd, avg_budget_usd, median_roi_pct, pct_profitable,
  avg_vote_average, revenue_rank, roi_rank
FROM gold.kpi_genre_performance
ORDER BY total_revenue_usd DESC NULLS LAST, genre_name
"""
YEARS = """
SELECT release_year, movie_count, total_revenue_usd, avg_budget_usd, median_roi_pct,
  avg_vote_average, movie_count_change_pct, total_revenue_change_pct, avg_budget_change_pct
FROM gold.kpi_yearly_trends
ORDER BY release_year
"""
TOP_MOVIE_YEARS = """
SELECT MIN(release_year) AS first_year, MAX(release_year) AS last_year, COUNT(*) AS movie_count
FROM gold.kpi_top_movies
"""
# A movie counts in each of its genres, as in kpi_genre_performance. A movie without a year is found
# as long as the years are not limited.
TOP_MOVIES = f"""
SELECT title, release_year, genre_name, company_name, budget_tier, revenue_usd, budget_usd,
  roi_pct, vote_average, vote_count, weighted_rating, popularity_score, movie_id,
  COUNT(*) OVER () AS found_count
FROM gold.kpi_top_movies AS movie
WHERE (
    ? = '' OR genre_name = ? OR movie_sk IN (
      SELECT bridge.movie_sk
      FROM gold.bridge_movie_genres AS bridge
      JOIN gold.dim_genres AS genre ON genre.genre_sk = bridge.genre_sk
      WHERE genre.genre_name = ?
    )
  )
  AND (? OR release_year BETWEEN ? AND ?)
  AND (? = '' OR CONTAINS(LOWER(title), LOWER(?)))
ORDER BY weighted_rating_rank, movie_id
LIMIT {LISTED}
"""  # noqa: S608 - a number of this module


def _movie_search(table: str, is_deleted: str) -> str:
    return f"""
SELECT movie_id, title, release_year, {is_deleted} AS is_deleted
FROM {table}
WHERE CONTAINS(LOWER(title), LOWER(?)) OR CAST(movie_id AS TEXT) = ?
ORDER BY LOWER(title) = LOWER(?) DESC NULLS LAST, vote_count DESC NULLS LAST, movie_id
LIMIT {FOUND}
"""  # noqa: S608 - names and a number of this module


# All movies, those too that nobody votes for or TMDb no longer has; a title in full comes first.
MOVIE_SEARCH = _movie_search("silver.silver_movies", "is_deleted")
# For a role that reads gold only.
MOVIE_SEARCH_IN_GOLD = _movie_search("gold.fact_movies", "FALSE")
MOVIE_HISTORY = """
SELECT valid_from, valid_to, status, budget_usd, revenue_usd, vote_average, popularity_score,
  runtime_minutes
FROM gold.movie_history
WHERE movie_id = ?
ORDER BY valid_from
"""
FRANCHISES = """
SELECT franchise, title_count, gross_usd, tmdb_revenue_usd, purchase_revenue_usd, tickets_sold,
  unique_fans, buyer_count, buyer_pct, budget_usd, avg_gross_per_title_usd, gross_rank
FROM gold.agg_franchise_performance
ORDER BY gross_rank, franchise
"""
LIFETIME_VALUE = """
SELECT acquisition_month, account_type, SUM(fan_count) AS fan_count,
  SUM(revenue_usd) AS revenue_usd,
  CAST(SUM(revenue_usd) AS DOUBLE) / NULLIF(SUM(fan_count), 0) AS revenue_per_fan_usd,
  CAST(SUM(active_30_days_count) * 100 AS DOUBLE) / NULLIF(SUM(fan_count), 0)
    AS active_30_days_pct
FROM gold.agg_fan_lifetime_value
GROUP BY acquisition_month, account_type
ORDER BY acquisition_month, account_type
"""
# The days of the last two months of the data: a release weekend shows.
STUDIO_REVENUE = """
WITH newest AS (
  SELECT MAX(day.full_date) AS newest_date
  FROM gold.fact_daily_performance AS fact
  JOIN gold.dim_dates AS day ON day.date_sk = fact.date_sk
)
SELECT day.full_date AS report_date, fact.region, SUM(fact.gross_usd) AS gross_usd,
  SUM(fact.purchase_revenue_usd) AS purchase_revenue_usd, SUM(fact.tickets_sold) AS tickets_sold
FROM gold.fact_daily_performance AS fact
JOIN gold.dim_dates AS day ON day.date_sk = fact.date_sk
JOIN newest ON day.full_date > newest.newest_date - INTERVAL '60 days'
GROUP BY day.full_date, fact.region
ORDER BY day.full_date, fact.region
"""
RETENTION = """
SELECT acquisition_month, months_since_first_seen, SUM(fan_count) AS fan_count,
  SUM(active_fan_count) AS active_fan_count,
  CAST(SUM(active_fan_count) * 100 AS DOUBLE) / NULLIF(SUM(fan_count), 0) AS retention_pct
FROM gold.agg_fan_retention
GROUP BY acquisition_month, months_since_first_seen
ORDER BY acquisition_month, months_since_first_seen
"""
SEGMENTS = ["champion", "loyal", "new_buyer", "engaged", "at_risk", "dormant"]
LIFETIME_VALUE_BY_REGION = f"""
SELECT region, SUM(fan_count) AS fan_count,
  CAST(SUM(revenue_usd) AS DOUBLE) / NULLIF(SUM(fan_count), 0) AS revenue_per_fan_usd,
  {", ".join(f"SUM({name}_count) AS {name}_count" for name in SEGMENTS)},
  SUM(order_count) AS order_count,
  CAST(SUM(active_30_days_count) * 100 AS DOUBLE) / NULLIF(SUM(fan_count), 0)
    AS active_30_days_pct
FROM gold.agg_fan_lifetime_value
GROUP BY region
ORDER BY revenue_per_fan_usd DESC NULLS LAST, region
"""  # noqa: S608 - names of this module
STUDIO_REJECTIONS = """
SELECT
  (SELECT COUNT(*) FROM ops.quarantine_fan_interactions) AS interaction_count,
  (SELECT COUNT(*) FROM ops.rejected_studio_values) AS value_count,
  (SELECT COUNT(*) FROM bronze.quarantine_studio) AS line_count
"""
# Why the rows of ops.quarantine_fan_interactions are there shows in their account type.
UNKNOWN_ACCOUNT_TYPES = """
SELECT interaction.account_type, COUNT(*) AS interaction_count
FROM ops.quarantine_fan_interactions AS interaction
LEFT JOIN silver.seed_account_types AS known ON known.account_type = interaction.account_type
WHERE known.account_type IS NULL AND interaction.account_type IS NOT NULL
GROUP BY interaction.account_type
ORDER BY interaction_count DESC NULLS LAST, interaction.account_type
"""
# Which day and batch of the sandboxes a warehouse has; `cli/demo.py` reads the commands.
SANDBOX_RUNS = """
SELECT job, command, status
FROM ops.run_log
WHERE job IN ('tmdb', 'studio') AND CONTAINS(command, '--sandbox')
"""
TOP_GROSSING = """
SELECT title, release_year, revenue_usd, roi_pct
FROM gold.fact_movies
WHERE is_released AND revenue_usd IS NOT NULL
ORDER BY revenue_usd DESC NULLS LAST, movie_id
LIMIT 10
"""
NEWEST_LOADS = """
SELECT DISTINCT batch_id FROM bronze.raw_movies ORDER BY batch_id DESC NULLS LAST LIMIT 2
"""
# Movies whose first response came with a load.
ADDED_MOVIES = """
SELECT movie.title
FROM silver.silver_movies AS movie
JOIN (
  SELECT movie_id FROM bronze.raw_movies GROUP BY movie_id HAVING MIN(batch_id) = ?
) AS added ON added.movie_id = movie.movie_id
ORDER BY movie.popularity_score DESC NULLS LAST, movie.movie_id
"""
DELETED_MOVIES = """
SELECT title
FROM silver.silver_movies
WHERE is_deleted AND _source_batch_id = ?
ORDER BY popularity_score DESC NULLS LAST, movie_id
"""
# Popularity moves every day and would hide the rest.
TRACKED = ["status", "budget_usd", "revenue_usd", "runtime_minutes", "vote_average"]
CHANGED_MOVIES = f"""
SELECT movie.title,
  {", ".join(f"older.{name} AS {name}_before, newer.{name} AS {name}_after" for name in TRACKED)}
FROM snapshots.snap_silver_movies AS newer
JOIN snapshots.snap_silver_movies AS older
  ON older.movie_id = newer.movie_id AND older.valid_to = newer.valid_from
JOIN silver.silver_movies AS movie ON movie.movie_id = newer.movie_id
WHERE newer._source_batch_id = ?
  AND newer.superseded_at IS NULL AND NOT newer.is_withdrawn
  AND older.superseded_at IS NULL AND NOT older.is_withdrawn
ORDER BY movie.popularity_score DESC NULLS LAST, movie.movie_id
"""  # noqa: S608 - column names of this module
# Fans who have another region since a moment, by where from and where to.
MOVED_FANS = """
SELECT older.region AS region_before, newer.region, COUNT(*) AS fans
FROM gold.fan_history AS newer
JOIN gold.fan_history AS older
  ON older.fan_token = newer.fan_token AND older.valid_to = newer.valid_from
WHERE newer.valid_from >= ? AND newer.region <> older.region
GROUP BY older.region, newer.region
ORDER BY fans DESC NULLS LAST, region_before, newer.region
"""
# Figures of the box office that arrived again since a moment, with what was reported before.
CORRECTED_BOX_OFFICE = """
SELECT COALESCE(title.title_name, record.title_id) AS title_name, record.report_date,
  record.local_currency,
  TRY_CAST(CAST(older.gross_revenue_local AS TEXT) AS DOUBLE) AS gross_before,
  record.gross_local
FROM silver.stg_box_office AS record
JOIN bronze.raw_box_office AS older
  ON older.title_id = record.title_id AND older.theater_id = record.theater_id
  AND older.report_date = CAST(record.report_date AS TEXT)
  AND older.ingested_at < record._source_ingested_at
LEFT JOIN gold.dim_titles AS title ON title.title_id = record.title_id
WHERE record._source_ingested_at >= ? AND gross_before > 0 AND record.gross_local > 0
QUALIFY ROW_NUMBER() OVER (
  PARTITION BY record.box_office_sk ORDER BY older.ingested_at DESC NULLS LAST
) = 1
ORDER BY record.report_date DESC NULLS LAST, record.gross_local DESC NULLS LAST,
  record.box_office_sk
"""
# Periods of the histories that began and ended since a moment, three times per table. An end that
# lies before the refresh before is late and has a row of its own, a correction.
NEW_PERIODS = " UNION ALL ".join(
    f"SELECT '{table}' AS table_name, "  # noqa: S608
    "COUNT(CASE WHEN recorded_at >= ? AND correction_number = 0 THEN 1 END) AS begun, "
    "COUNT(CASE WHEN valid_to >= ? OR recorded_at >= ? AND correction_number > 0 "
    "AND valid_to IS NOT NULL THEN 1 END) AS ended "
    f"FROM snapshots.{table} WHERE superseded_at IS NULL AND NOT is_withdrawn"
    for table in ("snap_silver_movies", "snap_dim_genres", "snap_dim_fans")
)
# What each query reads: without one of them its answer is empty.
REQUIRED_TABLES = {
    RUN_TOTALS: ["ops.run_log"],
    RUNS: ["ops.run_log"],
    LOADS: ["ops.load_log"],
    LAST_BUILD: ["ops.model_log"],
    LAYER_HISTORY: ["ops.row_counts"],
    AUDITS: ["ops.audit_results", "ops.run_log"],
    AUDIT_HISTORY: ["ops.audit_results", "ops.run_log"],
    METRICS: ["ops.data_quality_results"],
    METRIC_HISTORY: ["ops.data_quality_results"],
    QUARANTINE: ["ops.quarantine_summary"],
    GENRES: ["gold.kpi_genre_performance"],
    YEARS: ["gold.kpi_yearly_trends"],
    TOP_MOVIE_YEARS: ["gold.kpi_top_movies"],
    TOP_MOVIES: ["gold.kpi_top_movies", "gold.bridge_movie_genres", "gold.dim_genres"],
    MOVIE_SEARCH: ["silver.silver_movies"],
    MOVIE_SEARCH_IN_GOLD: ["gold.fact_movies"],
    MOVIE_HISTORY: ["gold.movie_history"],
    FRANCHISES: ["gold.agg_franchise_performance"],
    LIFETIME_VALUE: ["gold.agg_fan_lifetime_value"],
    STUDIO_REVENUE: ["gold.fact_daily_performance", "gold.dim_dates"],
    RETENTION: ["gold.agg_fan_retention"],
    LIFETIME_VALUE_BY_REGION: ["gold.agg_fan_lifetime_value"],
    STUDIO_REJECTIONS: [
        "ops.quarantine_fan_interactions",
        "ops.rejected_studio_values",
        "bronze.quarantine_studio",
    ],
    UNKNOWN_ACCOUNT_TYPES: ["ops.quarantine_fan_interactions", "silver.seed_account_types"],
    SANDBOX_RUNS: ["ops.run_log"],
    MOVED_FANS: ["gold.fan_history"],
    CORRECTED_BOX_OFFICE: [
        "silver.stg_box_office",
        "bronze.raw_box_office",
        "gold.dim_titles",
    ],
    NEW_PERIODS: [
        "snapshots.snap_silver_movies",
        "snapshots.snap_dim_genres",
        "snapshots.snap_dim_fans",
    ],
    TOP_GROSSING: ["gold.fact_movies"],
    NEWEST_LOADS: ["bronze.raw_movies"],
    ADDED_MOVIES: ["silver.silver_movies", "bronze.raw_movies"],
    DELETED_MOVIES: ["silver.silver_movies"],
    CHANGED_MOVIES: ["silver.silver_movies", "snapshots.snap_silver_movies"],
}


def answer(store: Store, query: str, *parameters: Any) -> pd.DataFrame:
    """Return the answer to a query of this module, an empty table where what it reads is missing.

    Args:
        store: the warehouse.
        query: one of `REQUIRED_TABLES`.
        parameters: the values of its question marks.

    """
    known = store.tables()
    if any(table not in known for table in REQUIRED_TABLES[query]):
        return pd.DataFrame()
    return store.frame(query, parameters)


def row_counts(store: Store) -> pd.DataFrame:
    """Count the rows of every table now: `layer`, `table_name`, `row_count`."""
    names = [
        name for name in sorted(store.tables()) if not name.partition(".")[2].startswith("_dlt")
    ]
    if not names:
        return pd.DataFrame(columns=["layer", "table_name", "row_count"])
    query = " UNION ALL ".join(
        f"SELECT '{name}' AS table_name, COUNT(*) AS row_count FROM {name}"  # noqa: S608
        for name in names
    )
    counts = store.frame(query)
    counts.insert(0, "layer", counts["table_name"].str.partition(".")[0])
    return counts


def growth(
    history: pd.DataFrame, layer: str, now: int, since: datetime | None = None
) -> tuple[int, datetime] | None:
    """Tell by how many rows a layer grew, and since when.

    Args:
        history: the answer to `LAYER_HISTORY`.
        layer: bronze, silver ...
        now: its rows.
        since: the moment to compare with; None for the last count that was another one.

    Returns:
        The change, and the moment of the count it is measured from: the last one at `since` or
        before it, or the first there is. None where there is none to compare with.

    """
    if history.empty:
        return None
    counts = history[history["layer"] == layer]
    is_before = counts["row_count"] != now if since is None else counts["counted_at"] <= since
    then = counts[is_before]
    before = then.iloc[-1] if len(then) else counts.iloc[0] if len(counts) else None
    if before is None:
        return None
    return now - int(before["row_count"]), before["counted_at"].to_pydatetime()


def find_movies(store: Store, text: str) -> pd.DataFrame:
    """Return the movies with a text in their title, or with that number; all for none of it."""
    is_whole = "silver.silver_movies" in store.tables()
    query = MOVIE_SEARCH if is_whole else MOVIE_SEARCH_IN_GOLD
    return answer(store, query, text.strip(), text.strip(), text.strip())


def runs(
    store: Store,
    thresholds: Thresholds,
    now: datetime,
    *,
    jobs: Sequence[str] = (),
    is_past: bool = False,
) -> pd.DataFrame:
    """Return the newest runs; one without an end that will have none is UNFINISHED.

    Args:
        store: the warehouse.
        thresholds: how long a run takes at most.
        now: this moment, UTC without a zone.
        jobs: only these; all if there are none.
        is_past: the warehouse is an old snapshot.

    """
    wanted = f",{','.join(jobs)}," if jobs else ALL_JOBS
    found = answer(store, RUNS, wanted, wanted)
    if not found.empty:
        plain = found.astype(object).where(found.notna(), None).to_dict("records")
        found["status"] = [
            "UNFINISHED"
            if is_unfinished({str(k): v for k, v in one.items()}, thresholds, now, is_past=is_past)
            else one["status"]
            for one in plain
        ]
    return found


def failing_rows(store: Store, query: str) -> pd.DataFrame:
    """Return some of the rows that an audit objects to, by the query it ran, in the engine's SQL.

    Empty if the table, the version of the model that failed, or a column of it no longer exists.
    """
    try:
        sample = f"SELECT * FROM ({query.rstrip(';')}) AS failing LIMIT {SAMPLE_ROWS}"  # noqa: S608
        return store.frame(sample)
    except Exception:  # each engine has its own for what does not exist
        return pd.DataFrame()


REPEATED = "{column} IN (SELECT {column} FROM {table} GROUP BY {column} HAVING COUNT(*) > 1)"
# The rows that break a metric, where a row can: what is wrong with a value is the metric's.
VIOLATIONS = {
    "null_count": "{column} IS NULL",
    "null_pct": "{column} IS NULL",
    "positive_revenue": "{column} < 0",
    "valid_imdb_score": "NOT {column} BETWEEN 0 AND 10",
    "valid_email_hash": (
        "(LENGTH({column}) <> 64 OR TRANSLATE({column}, '0123456789abcdef', '') <> '')"
    ),
    "valid_country_code": "NOT {column} IN (SELECT country_code FROM silver.seed_country_codes)",
    "referential_gap_pct": "NOT {column} IN (SELECT title_id FROM silver.stg_titles)",
    "unknown_account_type_count": (
        "({column} IS NULL OR NOT {column} IN (SELECT account_type FROM silver.seed_account_types))"
    ),
    "duplicate_count": REPEATED,
    "shared_key_count": REPEATED,
}


def violating_rows(store: Store, table: str, column: str, metric: str) -> pd.DataFrame:
    """Return some of the rows that break a metric; none where it is about no row."""
    known = store.tables()
    if metric not in VIOLATIONS or column not in known.get(table, ()):
        return pd.DataFrame()
    condition = VIOLATIONS[metric].format(table=table, column=column)
    if not known.keys() >= set(re.findall(r"silver\.\w+", condition)):
        return pd.DataFrame()
    return store.frame(f"SELECT * FROM {table} WHERE {condition} LIMIT {SAMPLE_ROWS}")  # noqa: S608


def top_movies(
    store: Store, *, genre: str = "", years: tuple[int, int] | None = None, title: str = ""
) -> pd.DataFrame:
    """Return the best-rated movies, and in `found_count` how many there are without the limit.

    Args:
        store: the warehouse.
        genre: one of the movie's genres; "" for all.
        years: the first and the last; None for all, and for movies without one.
        title: a part of it.

    """
    first, last = years or (0, 0)
    text = title.strip()
    return answer(store, TOP_MOVIES, genre, genre, genre, years is None, first, last, text, text)
