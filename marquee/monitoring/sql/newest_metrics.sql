-- The metrics of the newest refresh.
SELECT table_name, column_name, metric_name, measured_value, threshold, is_passed
FROM ops.data_quality_results
QUALIFY measured_at = MAX(measured_at) OVER ()
ORDER BY table_name, column_name, metric_name
