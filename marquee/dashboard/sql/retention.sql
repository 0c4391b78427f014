SELECT acquisition_month, months_since_first_seen, SUM(fan_count) AS fan_count,
  SUM(active_fan_count) AS active_fan_count,
  CAST(SUM(active_fan_count) * 100 AS DOUBLE) / NULLIF(SUM(fan_count), 0) AS retention_pct
FROM gold.agg_fan_retention
GROUP BY acquisition_month, months_since_first_seen
ORDER BY acquisition_month, months_since_first_seen
