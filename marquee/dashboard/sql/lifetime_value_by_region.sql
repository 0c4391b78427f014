SELECT region, SUM(fan_count) AS fan_count,
  CAST(SUM(revenue_usd) AS DOUBLE) / NULLIF(SUM(fan_count), 0) AS revenue_per_fan_usd,
  SUM(champion_count) AS champion_count, SUM(loyal_count) AS loyal_count,
  SUM(new_buyer_count) AS new_buyer_count, SUM(engaged_count) AS engaged_count,
  SUM(at_risk_count) AS at_risk_count, SUM(dormant_count) AS dormant_count,
  SUM(order_count) AS order_count,
  CAST(SUM(active_30_days_count) * 100 AS DOUBLE) / NULLIF(SUM(fan_count), 0)
    AS active_30_days_pct
FROM gold.agg_fan_lifetime_value
GROUP BY region
ORDER BY revenue_per_fan_usd DESC NULLS LAST, region
