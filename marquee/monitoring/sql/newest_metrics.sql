-- The metrics of the newest refresh, failing first.
SELECT table_name, column_name, metric_name, is_passed, measured_value, threshold, row_count,
  measured_at
FROM ops.data_quality_results
QUALIFY measured_at = MAX(measured_at) OVER ()
ORDER BY is_passed, table_name, column_name, metric_name
