-- Weekends, Friday to Sunday, that released a title or brought it back: it earned three times the
-- best of the four weekends before. On the first weekend of the data nothing is known.
WITH weekends AS (
  SELECT fact.title_sk, DATE_TRUNC('WEEK', day.full_date) AS week_date,
    MIN(day.full_date) AS release_date, SUM(fact.gross_usd) AS gross_usd
  FROM gold.fact_daily_performance AS fact
  JOIN gold.dim_dates AS day ON day.date_sk = fact.date_sk
  WHERE day.day_of_week >= 5
  GROUP BY fact.title_sk, DATE_TRUNC('WEEK', day.full_date)
), compared AS (
  SELECT *, MIN(week_date) OVER () AS first_week_date,
    MAX(gross_usd) OVER (
      PARTITION BY title_sk ORDER BY week_date ROWS BETWEEN 4 PRECEDING AND 1 PRECEDING
    ) AS best_before_usd
  FROM weekends
)
SELECT title.title_name, compared.release_date, compared.gross_usd
FROM compared
JOIN gold.dim_titles AS title ON title.title_sk = compared.title_sk
WHERE compared.gross_usd > 3 * COALESCE(compared.best_before_usd, 0)
  AND compared.week_date > compared.first_week_date
ORDER BY compared.release_date, title.title_name
