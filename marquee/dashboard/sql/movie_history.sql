SELECT valid_from, valid_to, status, budget_usd, revenue_usd, vote_average, popularity_score,
  runtime_minutes
FROM gold.movie_history
WHERE movie_id = ?
ORDER BY valid_from
