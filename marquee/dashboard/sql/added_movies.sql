-- Movies whose first response came with a load.
SELECT movie.title
FROM silver.silver_movies AS movie
JOIN (
  SELECT movie_id FROM bronze.raw_movies GROUP BY movie_id HAVING MIN(batch_id) = ?
) AS added ON added.movie_id = movie.movie_id
ORDER BY movie.popularity_score DESC NULLS LAST, movie.movie_id
