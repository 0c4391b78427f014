MODEL (
  name silver.silver_genres,
  kind FULL,
  grain genre_id,
  description 'One row a genre: those of TMDb''s list, and those that only movies mention (10769 Foreign). The list''s name wins over a movie''s, a newer one over an older.',
  column_descriptions (
    genre_id = 'TMDb''s number of the genre.',
    genre_name = 'Name in TMDb''s own casing; Unnamed when nobody names it.',
    first_genre_name = 'Name by which it was first seen.',
    is_listed = 'TMDb''s newest genre list has it.',
    was_listed = 'The name is of a genre list, the newest or an older one.',
    first_seen_at = 'When a response first named it (UTC).',
    _source_ingested_at = 'When the response with that name arrived (UTC).',
    _movies_loaded_at = 'Up to which _loaded_at silver_movies has been read (UTC); the next run goes on from there.'
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

WITH newest_list AS (
  SELECT
    raw_data
  FROM bronze.raw_genres
  QUALIFY
    ROW_NUMBER() OVER (ORDER BY ingested_at DESC, _dlt_id DESC) = 1
), newest_entries AS (
  @json_entries(newest_list, @json_array(raw_data, 'genres'), raw_data)
), listed_now AS (
  SELECT DISTINCT
    @json_integer(entry, 'id') AS genre_id
  FROM newest_entries
), list_entries AS (
  @json_entries(bronze.raw_genres, @json_array(raw_data, 'genres'), ingested_at)
), responses AS (
  /* Of the movies loaded since this table was made last; an hour earlier, for a plan's clock stands
     still since the full minute, and clocks differ. */
  SELECT
    response.ingested_at,
    @json_fields(response.raw_data, genres)
  FROM silver.silver_movies AS movie
  JOIN bronze.raw_movies AS response
    ON response.movie_id = movie.movie_id
  WHERE
    movie._loaded_at >= (
      SELECT
        COALESCE(MAX(known._movies_loaded_at) - INTERVAL '1' HOUR, @first_day::TIMESTAMP) AS read_from
      FROM silver.silver_genres AS known
    )
), movie_entries AS (
  @json_entries(responses, @json_array(genres), ingested_at)
), mentions AS (
  SELECT
    @json_integer(entry, 'id') AS genre_id,
    @json_text(entry, 'name') AS genre_name,
    @json_text(entry, 'name') AS first_genre_name,
    TRUE AS is_of_a_list,
    ingested_at AS first_seen_at,
    ingested_at AS last_seen_at
  FROM list_entries
  UNION ALL
  SELECT
    @json_integer(entry, 'id') AS genre_id,
    @json_text(entry, 'name') AS genre_name,
    @json_text(entry, 'name') AS first_genre_name,
    FALSE AS is_of_a_list,
    ingested_at AS first_seen_at,
    ingested_at AS last_seen_at
  FROM movie_entries
  UNION ALL
  SELECT
    known.genre_id,
    known.genre_name,
    known.first_genre_name,
    known.was_listed AS is_of_a_list,
    known.first_seen_at,
    known._source_ingested_at AS last_seen_at
  FROM silver.silver_genres AS known
), best_mentions AS (
  SELECT
    genre_id,
    genre_name,
    FIRST_VALUE(first_genre_name) OVER (
      PARTITION BY genre_id
      ORDER BY first_seen_at, is_of_a_list DESC, first_genre_name
      ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
    ) AS first_genre_name,
    is_of_a_list,
    MIN(first_seen_at) OVER (PARTITION BY genre_id) AS first_seen_at,
    last_seen_at
  FROM mentions
  WHERE
    genre_id > 0
  QUALIFY
    ROW_NUMBER() OVER (PARTITION BY genre_id ORDER BY genre_name IS NULL, is_of_a_list DESC, last_seen_at DESC, genre_name) = 1
)
SELECT
  best.genre_id::BIGINT AS genre_id,
  COALESCE(best.genre_name, 'Unnamed')::TEXT AS genre_name,
  COALESCE(best.first_genre_name, 'Unnamed')::TEXT AS first_genre_name,
  CAST(NOT now.genre_id IS NULL AS BOOLEAN) AS is_listed,
  best.is_of_a_list::BOOLEAN AS was_listed,
  best.first_seen_at::TIMESTAMP AS first_seen_at,
  best.last_seen_at::TIMESTAMP AS _source_ingested_at,
  (
    SELECT
      MAX(_loaded_at) AS read_until
    FROM silver.silver_movies
  )::TIMESTAMP AS _movies_loaded_at
FROM best_mentions AS best
LEFT JOIN listed_now AS now
  ON now.genre_id = best.genre_id
