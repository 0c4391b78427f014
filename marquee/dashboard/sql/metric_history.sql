SELECT measured_at, measured_value, threshold, is_passed
FROM ops.data_quality_results
WHERE table_name = ? AND column_name = ? AND metric_name = ?
ORDER BY measured_at
