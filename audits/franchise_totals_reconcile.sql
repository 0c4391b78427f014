AUDIT (
  name franchise_totals_reconcile
);

/* The franchises add up to the days, and none has more fans than there are. */
WITH franchises AS (
  SELECT
    COALESCE(SUM(gross_usd), 0) AS gross_usd,
    COALESCE(SUM(purchase_revenue_usd), 0) AS purchase_revenue_usd,
    COALESCE(MAX(unique_fans), 0) AS most_fans
  FROM @this_model
), daily AS (
  SELECT
    COALESCE(SUM(gross_usd), 0) AS gross_usd,
    COALESCE(SUM(purchase_revenue_usd), 0) AS purchase_revenue_usd
  FROM gold.fact_daily_performance
), fans AS (
  SELECT
    COUNT(DISTINCT fan_token) AS fan_count
  FROM silver.stg_fan_interactions
  WHERE
    NOT fan_class IS NULL
)
SELECT
  franchises.gross_usd,
  daily.gross_usd AS daily_gross_usd,
  franchises.most_fans,
  fans.fan_count
FROM franchises
CROSS JOIN daily
CROSS JOIN fans
WHERE
  franchises.gross_usd <> daily.gross_usd
  OR franchises.purchase_revenue_usd <> daily.purchase_revenue_usd
  OR franchises.most_fans > fans.fan_count
