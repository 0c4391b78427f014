MODEL (
  name ops.quarantine_summary,
  kind FULL,
  grain (table_name, reason, quarantined_date),
  description 'One row per quarantine (or log of rejected values), reason and day, with what it took in on that day. Whether it has been fixed since is not reported here.',
  audits (
    not_null(columns := (table_name, reason, quarantined_date, row_count)),
    unique_combination_of_columns(columns := (table_name, reason, quarantined_date)),
    forall(criteria := (
      first_at <= last_at
    ))
  )
);

WITH quarantined AS (
  SELECT
    'bronze.quarantine_tmdb' AS table_name,
    reason,
    ingested_at,
    batch_id
  FROM bronze.quarantine_tmdb
  UNION ALL
  SELECT
    'bronze.quarantine_studio' AS table_name,
    feed || ': ' || reason AS reason,
    ingested_at,
    batch_id
  FROM bronze.quarantine_studio
  UNION ALL
  SELECT
    'ops.quarantine_fan_interactions' AS table_name,
    quarantine_reason AS reason,
    _source_ingested_at AS ingested_at,
    _source_batch_id AS batch_id
  FROM ops.quarantine_fan_interactions
  UNION ALL
  SELECT
    'ops.rejected_values' AS table_name,
    column_name || ': ' || reason AS reason,
    _source_ingested_at AS ingested_at,
    _source_batch_id AS batch_id
  FROM ops.rejected_values
  UNION ALL
  SELECT
    'ops.rejected_studio_values' AS table_name,
    column_name || ': ' || reason AS reason,
    _source_ingested_at AS ingested_at,
    _source_batch_id AS batch_id
  FROM ops.rejected_studio_values
)
SELECT
  table_name::TEXT AS table_name, /* Where the rows are. */
  reason::TEXT AS reason, /* Why they are there, as that table says it; of a rejected value, the column before it. */
  ingested_at::DATE AS quarantined_date, /* Day on which they arrived (UTC). */
  COUNT(*)::BIGINT AS row_count, /* Rows. */
  MIN(ingested_at)::TIMESTAMP AS first_at, /* When the first of them arrived (UTC). */
  MAX(ingested_at)::TIMESTAMP AS last_at, /* When the last of them arrived (UTC). */
  MAX(batch_id)::TEXT AS last_batch_id /* The newest pipeline run that brought some. */
FROM quarantined
GROUP BY
  table_name,
  reason,
  ingested_at::DATE
