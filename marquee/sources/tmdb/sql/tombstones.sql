-- Reads each document once: a million documents of 1.3 KB take 1.6 seconds of CPU time, 1.1 if they
-- are in memory.
SELECT movie_id
FROM raw_movies
GROUP BY movie_id
HAVING MAX(CASE WHEN {is_tombstone} THEN ingested_at END) = MAX(ingested_at)
ORDER BY movie_id
