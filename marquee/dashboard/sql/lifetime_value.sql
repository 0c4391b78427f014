SELECT acquisition_month, account_type, region, country_code, SUM(fan_count) AS fan_count,
  SUM(revenue_usd) AS revenue_usd,
  CAST(SUM(revenue_usd) AS DOUBLE) / NULLIF(SUM(fan_count), 0) AS revenue_per_fan_usd,
  CAST(SUM(active_30_days_count) * 100 AS DOUBLE) / NULLIF(SUM(fan_count), 0)
    AS active_30_days_pct
FROM gold.agg_fan_lifetime_value
GROUP BY acquisition_month, account_type, region, country_code
ORDER BY acquisition_month, account_type, region, country_code
