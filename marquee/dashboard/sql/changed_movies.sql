SELECT movie.title,
  older.status AS status_before, newer.status AS status_after,
  older.budget_usd AS budget_usd_before, newer.budget_usd AS budget_usd_after,
  older.revenue_usd AS revenue_usd_before, newer.revenue_usd AS revenue_usd_after,
  older.runtime_minutes AS runtime_minutes_before, newer.runtime_minutes AS runtime_minutes_after,
  older.vote_average AS vote_average_before, newer.vote_average AS vote_average_after
FROM snapshots.snap_silver_movies AS newer
JOIN snapshots.snap_silver_movies AS older
  ON older.movie_id = newer.movie_id AND older.valid_to = newer.valid_from
JOIN silver.silver_movies AS movie ON movie.movie_id = newer.movie_id
WHERE newer._source_batch_id = ?
  AND newer.superseded_at IS NULL AND NOT newer.is_withdrawn
  AND older.superseded_at IS NULL AND NOT older.is_withdrawn
ORDER BY movie.popularity_score DESC NULLS LAST, movie.movie_id
