"""Bronze of a source before its first load: empty tables, where only the other one is loaded."""

from sqlglot import exp, parse_one
from sqlmesh import macro
from sqlmesh.core.macros import MacroEvaluator

# As dlt makes them; a test holds them against external_models.yaml.
TABLES = [
    "_dlt_loads (load_id TEXT, schema_name TEXT, status BIGINT, inserted_at TIMESTAMPTZ,"
    " schema_version_hash TEXT)",
    "raw_fan_interactions (interaction_id TEXT, fan_token TEXT, account_type TEXT,"
    " email_token TEXT, first_name_token TEXT, last_name_token TEXT, region TEXT,"
    " country_code TEXT, device_type TEXT, title_id TEXT, event_type TEXT, event_timestamp TEXT,"
    " session_token TEXT, ip_token TEXT, amount TEXT, currency TEXT, expires_at TIMESTAMP,"
    " source_file TEXT, source_line BIGINT, ingested_at TIMESTAMP, batch_id TEXT,"
    " _dlt_load_id TEXT, _dlt_id TEXT)",
    "raw_title_metadata (title_id TEXT, title_name TEXT, franchise TEXT, genre TEXT,"
    " sub_genre TEXT, release_year TEXT, runtime_minutes TEXT, imdb_score TEXT, rating TEXT,"
    " budget_usd TEXT, studio TEXT, director TEXT, production_status TEXT, imdb_id TEXT,"
    " tmdb_id TEXT, source_file TEXT, source_line BIGINT, ingested_at TIMESTAMP, batch_id TEXT,"
    " _dlt_load_id TEXT, _dlt_id TEXT)",
    "raw_box_office (record_id TEXT, title_id TEXT, theater_id TEXT, name TEXT, region TEXT,"
    " country TEXT, report_date TEXT, tickets_sold TEXT, gross_revenue_local TEXT,"
    " local_currency TEXT, exchange_rate_usd TEXT, gross_revenue_usd TEXT, screen_count TEXT,"
    " showtime_count TEXT, source_file TEXT, source_line BIGINT, ingested_at TIMESTAMP,"
    " batch_id TEXT, _dlt_load_id TEXT, _dlt_id TEXT)",
    "raw_movies (movie_id BIGINT, raw_data JSON, source_url TEXT, ingested_at TIMESTAMP,"
    " batch_id TEXT, _dlt_load_id TEXT, _dlt_id TEXT)",
    "raw_genres (raw_data JSON, ingested_at TIMESTAMP, batch_id TEXT, _dlt_load_id TEXT,"
    " _dlt_id TEXT)",
    "quarantine_tmdb (movie_id BIGINT, body TEXT, reason TEXT, source_url TEXT,"
    " ingested_at TIMESTAMP, batch_id TEXT, _dlt_load_id TEXT, _dlt_id TEXT)",
    "quarantine_studio (feed TEXT, reason TEXT, source_file TEXT, source_line BIGINT,"
    " ingested_at TIMESTAMP, batch_id TEXT, _dlt_load_id TEXT, _dlt_id TEXT)",
]


@macro()
def ensure_bronze_tables(evaluator: MacroEvaluator) -> list[exp.Expr]:
    """Statements that create the tables that models read and no pipeline has loaded yet."""
    statements = [f"CREATE TABLE IF NOT EXISTS bronze.{table}" for table in TABLES]
    if evaluator.dialect != "snowflake":  # there the schema is made by an administrator
        statements.insert(0, "CREATE SCHEMA IF NOT EXISTS bronze")
    return [parse_one(statement, dialect="duckdb") for statement in statements]
