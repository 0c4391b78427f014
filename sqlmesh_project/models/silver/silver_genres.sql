MODEL (
  name silver.silver_genres,
  kind INCREMENTAL_BY_UNIQUE_KEY (
    unique_key genre_id
  ),
  grain genre_id,
  description 'One row a genre: those of TMDb''s list, and those that only movies mention (10769 Foreign). The list''s name wins over a movie''s, a newer one over an older.',
  column_descriptions (
    genre_id = 'TMDb''s number of the genre.',
    genre_name = 'Name in TMDb''s own casing; Unnamed when nobody names it.',
    first_genre_name = 'Name by which it was first seen.',
    is_listed = 'TMDb''s genre list has it.',
    first_seen_at = 'When a response first named it (UTC).',
    _source_ingested_at = 'When the response with that name arrived (UTC).',
    _loaded_at = 'When the last movie was read (UTC).'
  ),
  audits (
    not_null(columns := (genre_id, genre_name, is_listed, first_seen_at)),
    unique_values(columns := (
      genre_id
    )),
    forall(criteria := (
      first_seen_at <= _source_ingested_at
    ))
  )
);

WITH mentions AS (
  SELECT
    @json_integer(listed.entry, 'id') AS genre_id,
    @json_text(listed.entry, 'name') AS genre_name,
    @json_text(listed.entry, 'name') AS first_genre_name,
    TRUE AS is_listed,
    response.ingested_at AS first_seen_at,
    response.ingested_at AS last_seen_at
  FROM bronze.raw_genres AS response
  CROSS JOIN UNNEST(@json_array(response.raw_data, 'genres')) AS listed(entry)
  UNION ALL
  SELECT
    @json_integer(listed.entry, 'id') AS genre_id,
    @json_text(listed.entry, 'name') AS genre_name,
    @json_text(listed.entry, 'name') AS first_genre_name,
    FALSE AS is_listed,
    response.ingested_at AS first_seen_at,
    response.ingested_at AS last_seen_at
  FROM silver.silver_movies AS movie
  JOIN bronze.raw_movies AS response
    ON response.movie_id = movie.movie_id
  CROSS JOIN UNNEST(@json_array(response.raw_data, 'genres')) AS listed(entry)
  WHERE
    @loaded_since(movie._loaded_at, silver.silver_genres) OR @start_ds <= @first_day
  UNION ALL
  SELECT
    known.genre_id,
    known.genre_name,
    known.first_genre_name,
    known.is_listed,
    known.first_seen_at,
    known._source_ingested_at AS last_seen_at
  FROM silver.silver_genres AS known
), best_mentions AS (
  SELECT
    genre_id,
    genre_name,
    FIRST_VALUE(first_genre_name) OVER (
      PARTITION BY genre_id
      ORDER BY first_seen_at, is_listed DESC, first_genre_name
      ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
    ) AS first_genre_name,
    is_listed,
    MIN(first_seen_at) OVER (PARTITION BY genre_id) AS first_seen_at,
    last_seen_at
  FROM mentions
  WHERE
    genre_id > 0
  QUALIFY
    ROW_NUMBER() OVER (PARTITION BY genre_id ORDER BY genre_name IS NULL, is_listed DESC, last_seen_at DESC, genre_name) = 1
)
SELECT
  genre_id::BIGINT AS genre_id,
  COALESCE(genre_name, 'Unnamed')::TEXT AS genre_name,
  COALESCE(first_genre_name, 'Unnamed')::TEXT AS first_genre_name,
  is_listed::BOOLEAN AS is_listed,
  first_seen_at::TIMESTAMP AS first_seen_at,
  last_seen_at::TIMESTAMP AS _source_ingested_at,
  (
    SELECT
      MAX(movie._loaded_at)
    FROM silver.silver_movies AS movie
  )::TIMESTAMP AS _loaded_at
FROM best_mentions
