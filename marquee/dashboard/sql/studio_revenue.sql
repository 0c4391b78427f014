-- The last half year of the data.
WITH newest AS (
  SELECT MAX(day.full_date) AS newest_date
  FROM gold.fact_daily_performance AS fact
  JOIN gold.dim_dates AS day ON day.date_sk = fact.date_sk
)
SELECT day.full_date AS report_date, fact.region, SUM(fact.gross_usd) AS gross_usd,
  SUM(fact.purchase_revenue_usd) AS purchase_revenue_usd, SUM(fact.tickets_sold) AS tickets_sold
FROM gold.fact_daily_performance AS fact
JOIN gold.dim_dates AS day ON day.date_sk = fact.date_sk
JOIN newest ON day.full_date > newest.newest_date - INTERVAL '180 days'
GROUP BY day.full_date, fact.region
ORDER BY day.full_date, fact.region
