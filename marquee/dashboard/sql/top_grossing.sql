SELECT title, release_year, revenue_usd, roi_pct
FROM gold.fact_movies
WHERE is_released AND revenue_usd IS NOT NULL
ORDER BY revenue_usd DESC NULLS LAST, movie_id
LIMIT 10
