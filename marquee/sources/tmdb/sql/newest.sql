SELECT movie_id, raw_data, ingested_at
FROM (
  SELECT
    movie_id,
    raw_data,
    ingested_at,
    ROW_NUMBER() OVER (PARTITION BY movie_id ORDER BY ingested_at DESC) AS newest_first
  FROM raw_movies
  WHERE movie_id IN ({ids})
) AS documents
WHERE newest_first = 1
