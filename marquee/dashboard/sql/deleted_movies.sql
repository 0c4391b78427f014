SELECT title
FROM silver.silver_movies
WHERE is_deleted AND _source_batch_id = ?
ORDER BY popularity_score DESC NULLS LAST, movie_id
