AUDIT (
  name genre_totals_reconcile
);

/* The weighted totals of the genres, with the movies that have none, are the totals of the movies. */
WITH divided AS (
  SELECT
    COALESCE(SUM(weighted_revenue_usd), 0) AS revenue_usd,
    COALESCE(SUM(weighted_profit_usd), 0) AS profit_usd
  FROM @this_model
), without_genre AS (
  SELECT
    COALESCE(SUM(movie.revenue_usd), 0) AS revenue_usd,
    COALESCE(SUM(movie.profit_usd), 0) AS profit_usd
  FROM gold.fact_movies AS movie
  JOIN gold.dim_genres AS genre
    ON genre.genre_sk = movie.genre_sk
  WHERE
    movie.is_released AND genre.genre_id = -1
), whole AS (
  SELECT
    COALESCE(SUM(revenue_usd), 0) AS revenue_usd,
    COALESCE(SUM(profit_usd), 0) AS profit_usd
  FROM gold.fact_movies
  WHERE
    is_released
)
SELECT
  whole.revenue_usd,
  whole.profit_usd,
  divided.revenue_usd + without_genre.revenue_usd AS divided_revenue_usd,
  divided.profit_usd + without_genre.profit_usd AS divided_profit_usd
FROM whole
CROSS JOIN divided
CROSS JOIN without_genre
WHERE
  ABS(whole.revenue_usd - divided.revenue_usd - without_genre.revenue_usd) >= 1
  OR ABS(whole.profit_usd - divided.profit_usd - without_genre.profit_usd) >= 1
