AUDIT (
  name yearly_totals_reconcile
);

/* Counts and revenue of the years are those of the released movies from 1980 on. */
WITH by_year AS (
  SELECT
    COALESCE(SUM(movie_count), 0) AS movie_count,
    COALESCE(SUM(total_revenue_usd), 0) AS revenue_usd
  FROM @this_model
), whole AS (
  SELECT
    COUNT(*) AS movie_count,
    COALESCE(SUM(revenue_usd), 0) AS revenue_usd
  FROM gold.fact_movies
  WHERE
    is_released AND release_year >= 1980
)
SELECT
  whole.movie_count,
  whole.revenue_usd,
  by_year.movie_count AS movie_count_by_year,
  by_year.revenue_usd AS revenue_usd_by_year
FROM whole
CROSS JOIN by_year
WHERE
  whole.movie_count <> by_year.movie_count OR whole.revenue_usd <> by_year.revenue_usd
