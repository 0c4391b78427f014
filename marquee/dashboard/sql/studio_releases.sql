-- Titles by their first day in theaters. One that the first day of the data has opened before it.
WITH days AS (
  SELECT fact.title_sk, day.full_date
  FROM gold.fact_daily_performance AS fact
  JOIN gold.dim_dates AS day ON day.date_sk = fact.date_sk
  WHERE fact.gross_usd > 0
), first_days AS (
  SELECT title_sk, MIN(full_date) AS release_date
  FROM days
  GROUP BY title_sk
)
SELECT title.title_name, first_days.release_date
FROM first_days
JOIN gold.dim_titles AS title ON title.title_sk = first_days.title_sk
WHERE first_days.release_date > (SELECT MIN(full_date) FROM days)
ORDER BY first_days.release_date, title.title_name
