AUDIT (
  name newest_metrics_pass,
  blocking FALSE
);

/* A warning: what would stop a refresh is an audit of the table itself (blocking := TRUE). */
SELECT
  result.table_name,
  result.column_name,
  result.metric_name,
  result.measured_value
FROM @this_model AS result
JOIN (
  SELECT
    MAX(measured_at) AS measured_at
  FROM @this_model
) AS newest
  ON newest.measured_at = result.measured_at
WHERE
  NOT result.is_passed
