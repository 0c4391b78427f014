-- A title in full comes first.
SELECT movie_id, title, release_year, {is_deleted} AS is_deleted
FROM {table}
WHERE CONTAINS(LOWER(title), LOWER(?)) OR CAST(movie_id AS TEXT) = ?
ORDER BY LOWER(title) = LOWER(?) DESC NULLS LAST, vote_count DESC NULLS LAST, movie_id
LIMIT {FOUND}
