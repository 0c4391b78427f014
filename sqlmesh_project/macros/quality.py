"""What good data is, by name: the metrics of the studio's tables, declared once.

Each metric counts what is wrong in a column. `ops.data_quality_results` measures all that `METRICS`
lists at every refresh. The audits of the same names, attached to the same columns, find the rows;
they warn, and stop a refresh only where a model says `blocking := TRUE` (decision 30;
tests/test_studio_warehouse.py holds the two against each other). On Snowflake
`snowflake/studio_data_metric_functions.sql` has the same six.
"""

from datetime import datetime, timezone
from typing import Any

from sqlglot import exp, parse_one
from sqlmesh import macro
from sqlmesh.core.macros import MacroEvaluator

HMAC_PATTERN = "^[0-9a-f]{64}$"  # HMAC-SHA256 in hexadecimal
HIGHEST_SCORE = 10
RESULTS = "ops.data_quality_results"

# Table, column, metric, the most that is tolerated.
METRICS: list[list[Any]] = [
    ["silver.stg_titles", "imdb_score", "valid_imdb_score", 0],
    ["gold.dim_titles", "imdb_score", "valid_imdb_score", 0],
    ["silver.stg_fan_verified", "email_token", "valid_email_hash", 0],
    ["silver.stg_fan_verified", "fan_token", "valid_email_hash", 0],
    ["silver.stg_fan_guest", "fan_token", "valid_email_hash", 0],
    ["silver.stg_fan_interactions", "country_code", "valid_country_code", 0],
    ["silver.stg_box_office", "country_code", "valid_country_code", 0],
    ["snapshots.snap_dim_fans", "country_code", "valid_country_code", 0],
    ["silver.stg_titles", "budget_usd", "positive_revenue", 0],
    ["silver.stg_box_office", "gross_usd", "positive_revenue", 0],
    ["silver.stg_box_office", "gross_local", "positive_revenue", 0],
    ["silver.fans", "revenue_usd", "positive_revenue", 0],
    ["gold.fact_daily_performance", "gross_usd", "positive_revenue", 0],
    ["gold.fact_daily_performance", "purchase_revenue_usd", "positive_revenue", 0],
    ["gold.agg_franchise_performance", "gross_usd", "positive_revenue", 0],
    ["gold.agg_fan_lifetime_value", "revenue_usd", "positive_revenue", 0],
    ["silver.stg_titles", "title_name", "null_count", 0],
    ["silver.stg_box_office", "theater_id", "null_count", 0],
    ["silver.fans", "account_type", "null_count", 0],
    ["silver.stg_fan_interactions", "interaction_id", "duplicate_count", 0],
    ["silver.stg_fan_verified", "interaction_id", "duplicate_count", 0],
    ["silver.stg_fan_guest", "interaction_id", "duplicate_count", 0],
    ["silver.stg_titles", "title_id", "duplicate_count", 0],
    ["silver.stg_box_office", "box_office_sk", "duplicate_count", 0],
    ["silver.fans", "fan_token", "duplicate_count", 0],
    ["gold.dim_fans", "fan_token", "duplicate_count", 0],
    ["gold.agg_franchise_performance", "franchise", "duplicate_count", 0],
    # These have no audit: they are the source's to fix, or ours to look at.
    ["silver.stg_titles", "tmdb_id", "shared_key_count", 0],
    ["silver.stg_box_office", "title_id", "referential_gap_pct", 5],
    ["silver.stg_fan_interactions", "title_id", "referential_gap_pct", 5],
    ["silver.stg_fan_interactions", "fan_class", "null_pct", 5],
    # Of the last week: reported until somebody has decided what the type is, and not for ever if
    # nobody does and it comes no more.
    ["silver.stg_fan_interactions", "account_type", "unknown_account_type_count", 0],
    # Since the refresh before (of the last 12 hours' counts the worst). Nothing ever leaves these
    # two, so no loss is right. They do grow, by half in a release weekend, but do not double, as
    # where all is loaded again under other keys.
    ["silver.stg_fan_interactions", "interaction_id", "row_count_loss_pct", 0],
    ["silver.stg_fan_interactions", "interaction_id", "row_count_growth_pct", 90],
    ["silver.stg_box_office", "box_office_sk", "row_count_loss_pct", 0],
    ["silver.stg_box_office", "box_office_sk", "row_count_growth_pct", 90],
    ["silver.studio_loads", "landed_at", "days_since_newest", 7],
]


@macro()
def violates_valid_imdb_score(evaluator: MacroEvaluator, column: exp.Expr) -> exp.Expr:
    """BOOLEAN: a score outside 0 to 10."""
    return exp.not_(exp.paren(column.copy().between(0, HIGHEST_SCORE)))


@macro()
def violates_valid_email_hash(evaluator: MacroEvaluator, column: exp.Expr) -> exp.Expr:
    """BOOLEAN: a token that is none: nothing but 64 hexadecimal digits is."""
    pattern = exp.Literal.string(HMAC_PATTERN)
    return exp.not_(exp.RegexpLike(this=column.copy(), expression=pattern))


@macro()
def violates_valid_country_code(evaluator: MacroEvaluator, column: exp.Expr) -> exp.Expr:
    """BOOLEAN: a code that no country has (seed_country_codes)."""
    countries = exp.select("country_code").from_("silver.seed_country_codes")
    return exp.not_(exp.In(this=column.copy(), query=exp.Subquery(this=countries)))


@macro()
def violates_positive_revenue(evaluator: MacroEvaluator, column: exp.Expr) -> exp.Expr:
    """BOOLEAN: money below 0."""
    return exp.LT(this=column.copy(), expression=exp.Literal.number(0))


@macro()
def measuring_run(evaluator: MacroEvaluator) -> exp.Expr:
    """TEXT: the plan or run at work, as ops.run_log names it; NULL where there is none."""
    adapter = evaluator.locals.get("engine_adapter")  # absent while models are loaded
    job = adapter.correlation_id if adapter else None
    return exp.convert(job.job_id) if job else exp.null()


def measure_after_failure(adapter: Any, snapshots: dict[str, Any]) -> None:
    """Measure what SQLMesh left out, because an audit stopped a model that it reads.

    That is when the figures are wanted most. The query is the model's own, and it reads the tables
    as they are after the failure.

    Args:
        adapter: of the plan or run that failed.
        snapshots: its models, by name.
    """
    (log,) = [one for one in snapshots.values() if one.is_model and one.model.name == RESULTS]
    tables = [snapshots[name].table_name() for name in [log.name, *log.model.depends_on]]
    if not all(adapter.table_exists(table) for table in tables):
        return  # a plan of tables that never came to be; prod is as it was
    now = datetime.now(timezone.utc)
    query = log.model.render_query_or_raise(
        snapshots=snapshots, execution_time=now, engine_adapter=adapter
    )
    adapter.insert_append(log.table_name(), query, log.model.columns_to_types)


@macro()
def measured_quality(evaluator: MacroEvaluator, today: exp.Expr) -> exp.Expr:
    """One row per metric of `METRICS`: what it measures on the day given, and what is tolerated.

    Of a table without rows it may measure NULL.
    """
    rules = {
        "valid_imdb_score": violates_valid_imdb_score,
        "valid_email_hash": violates_valid_email_hash,
        "positive_revenue": violates_positive_revenue,
    }
    # What a value must be found in.
    known = {
        "valid_country_code": "SELECT country_code AS known FROM silver.seed_country_codes",
        "referential_gap_pct": "SELECT title_id AS known FROM silver.stg_titles",
        "unknown_account_type_count": "SELECT account_type AS known FROM silver.seed_account_types",
    }
    share = "CAST({} * 100 AS DOUBLE) / NULLIF({}, 0)"
    selects = []
    for table, name, metric, threshold in METRICS:
        column = f"measured.{name}"
        if metric in rules:
            wrong = rules[metric](evaluator, exp.column(name, "measured"))
            value = f"COUNT_IF({wrong.sql()})"
        else:
            repeated = f"COUNT({column}) - COUNT(DISTINCT {column})"
            unknown = f"COUNT_IF(NOT {column} IS NULL AND reference.known IS NULL)"
            most, least = "MAX(reference.most_rows)", "MAX(reference.least_rows)"
            is_of_week = f"{today.sql()}::DATE - measured._source_ingested_at::DATE <= 7"
            value = {
                "null_count": f"COUNT_IF({column} IS NULL)",
                "null_pct": share.format(f"COUNT_IF({column} IS NULL)", "COUNT(*)"),
                "duplicate_count": repeated,
                "valid_country_code": unknown,
                "shared_key_count": repeated,
                "referential_gap_pct": share.format(unknown, "COUNT(*)"),
                "unknown_account_type_count": f"COUNT_IF(reference.known IS NULL AND {is_of_week})",
                "row_count_loss_pct": share.format(f"GREATEST({most} - COUNT(*), 0)", most),
                "row_count_growth_pct": share.format(f"GREATEST(COUNT(*) - {least}, 0)", least),
                "days_since_newest": f"{today.sql()}::DATE - MAX({column})::DATE",
            }[metric]
        source = f"{table} AS measured"
        if metric.startswith("row_count"):
            source += f" LEFT JOIN rows_before AS reference ON reference.table_name = '{table}'"
        elif metric in known:
            source += f" LEFT JOIN ({known[metric]}) AS reference ON reference.known = {column}"
        selects.append(
            f"""
            SELECT
              '{table}' AS table_name,
              '{name}' AS column_name,
              '{metric}' AS metric_name,
              CAST({value} AS DOUBLE) AS measured_value,
              {threshold} AS threshold,
              COUNT(*) AS row_count
            FROM {source}
            """  # noqa: S608 - the names are those of METRICS
        )
    return parse_one(" UNION ALL ".join(selects), dialect="duckdb")
