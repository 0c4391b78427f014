SELECT quarantine.movie_id
FROM quarantine_tmdb AS quarantine
LEFT JOIN raw_movies AS loaded
  ON loaded.movie_id = quarantine.movie_id
WHERE quarantine.movie_id IS NOT NULL
GROUP BY quarantine.movie_id
HAVING
  MAX(loaded.ingested_at) IS NULL
  OR MAX(loaded.ingested_at) < MAX(quarantine.ingested_at)
ORDER BY quarantine.movie_id
