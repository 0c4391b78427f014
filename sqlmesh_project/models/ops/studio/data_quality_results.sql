MODEL (
  name ops.data_quality_results,
  kind INCREMENTAL_BY_UNIQUE_KEY (
    unique_key (run_id, table_name, column_name, metric_name),
    forward_only TRUE,
    disable_restatement TRUE,
    on_destructive_change WARN
  ),
  grain (run_id, table_name, column_name, metric_name),
  description 'One row per refresh and metric of data quality, passed or not; what is measured is declared in macros/quality.py. A log that no rebuild can make again, so no plan replaces it.',
  audits (
    not_null(columns := (
      run_id
    ), condition := measured_at >= '2026-11-28'::TIMESTAMP),
    not_null(columns := (measured_at, table_name, column_name, metric_name, measured_value, threshold, is_passed)),
    unique_combination_of_columns(columns := (run_id, table_name, column_name, metric_name), condition := NOT run_id IS NULL),
    newest_metrics_pass
  )
);

WITH recent_row_counts AS (
  /* The counts that stood at some time of the last 12 hours: a plan and the run after it are one
     refresh, and what the first of them lost, the second is to tell too. */
  SELECT
    earlier.table_name,
    earlier.row_count
  FROM ops.data_quality_results AS earlier
  QUALIFY
    COALESCE(
      LEAD(earlier.measured_at) OVER (PARTITION BY earlier.table_name ORDER BY earlier.measured_at) >= (
        CURRENT_TIMESTAMP AT TIME ZONE 'UTC'
      )::TIMESTAMP - INTERVAL '12' HOUR,
      TRUE
    )
), rows_before AS (
  SELECT
    table_name,
    MAX(row_count) AS most_rows,
    MIN(row_count) AS least_rows
  FROM recent_row_counts
  GROUP BY
    table_name
), metrics AS (
  @measured_quality(@execution_ds)
), measured AS (
  SELECT
    table_name,
    column_name,
    metric_name,
    COALESCE(measured_value, 0) AS measured_value,
    threshold,
    row_count
  FROM metrics
)
SELECT
  @measuring_run()::TEXT AS run_id, /* The plan or run that measured (ops.run_log); NULL in rows from before this column was. */
  (
    CURRENT_TIMESTAMP AT TIME ZONE 'UTC'
  )::TIMESTAMP AS measured_at, /* When it measured (UTC): every row of a run bears the same time. */
  table_name::TEXT AS table_name, /* Table. */
  column_name::TEXT AS column_name, /* Column. */
  metric_name::TEXT AS metric_name, /* valid_imdb_score, valid_email_hash, valid_country_code, positive_revenue, null_count, duplicate_count; shared_key_count (of a key that is not the table's own), unknown_account_type_count (of the last week), null_pct, referential_gap_pct, row_count_loss_pct and row_count_growth_pct (since the refresh before, reported for 12 hours), days_since_newest. */
  measured_value::DOUBLE AS measured_value, /* How many values are wrong; a share in percent (_pct), or days. */
  threshold::DOUBLE AS threshold, /* The most that is tolerated. */
  CAST(measured_value <= threshold AS BOOLEAN) AS is_passed, /* measured_value is not above threshold. */
  row_count::BIGINT AS row_count /* Rows of the table at the time. */
FROM measured
