-- A movie counts in each of its genres, as in kpi_genre_performance. A movie without a year is
-- found as long as the years are not limited.
SELECT title, release_year, genre_name, company_name, budget_tier, revenue_usd, budget_usd,
  roi_pct, vote_average, vote_count, weighted_rating, popularity_score, movie_id,
  COUNT(*) OVER () AS found_count
FROM gold.kpi_top_movies AS movie
WHERE (
    ? = '' OR genre_name = ? OR movie_sk IN (
      SELECT bridge.movie_sk
      FROM gold.bridge_movie_genres AS bridge
      JOIN gold.dim_genres AS genre ON genre.genre_sk = bridge.genre_sk
      WHERE genre.genre_name = ?
    )
  )
  AND (? OR release_year BETWEEN ? AND ?)
  AND (? = '' OR CONTAINS(LOWER(title), LOWER(?)))
ORDER BY weighted_rating_rank, movie_id
LIMIT {LISTED}
