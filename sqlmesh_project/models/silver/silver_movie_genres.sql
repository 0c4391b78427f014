MODEL (
  name silver.silver_movie_genres,
  kind INCREMENTAL_BY_UNIQUE_KEY (
    unique_key (movie_id, genre_id)
  ),
  grain (movie_id, genre_id),
  references (movie_id, genre_id),
  description 'One row per movie and genre that it has or had. Readers take the rows with is_current: a pair that the newest response no longer lists stays and is not current.',
  column_descriptions (
    movie_id = 'TMDb''s number of the movie.',
    genre_id = 'TMDb''s number of the genre.',
    genre_position = 'Place in TMDb''s list, from 0; the last one, if not current.',
    is_primary_genre = 'First in the list: TMDb names the main genre first.',
    is_current = 'The newest response of the movie lists the genre.',
    _source_ingested_at = 'When that response arrived (UTC).',
    _source_load_number = 'The load of the movie that the row was computed from.'
  ),
  audits (
    not_null(
      columns := (movie_id, genre_id, genre_position, is_primary_genre, is_current),
      condition := @changed_rows()
    ),
    unique_combination_of_columns(columns := (movie_id, genre_id), condition := @changed_rows()),
    unique_combination_of_columns(columns := (movie_id, genre_position), condition := is_current AND @changed_rows()),
    forall(
      criteria := (
        is_primary_genre = (
          is_current AND genre_position = 0
        )
      ),
      condition := @changed_rows()
    ),
    no_position_gaps(
      key := movie_id,
      position := genre_position,
      condition := is_current AND @changed_rows()
    ),
    relationship(
      key := movie_id,
      parent := silver.silver_movies,
      parent_key := movie_id,
      condition := @changed_rows()
    )
  )
);

WITH high_water_mark AS (
  @high_water_mark('silver.silver_movie_genres')
), changed_movies AS (
  SELECT
    movie.movie_id,
    CASE WHEN NOT movie.is_deleted THEN movie.genres END AS genres,
    movie._source_ingested_at,
    movie._source_load_number
  FROM silver.silver_movies AS movie
  CROSS JOIN high_water_mark
  WHERE
    movie._source_load_number > high_water_mark.load_number
), entries AS (
  @json_entries(
    changed_movies,
    @json_array_of(genres),
    movie_id,
    _source_ingested_at,
    _source_load_number
  )
), identified AS (
  SELECT
    movie_id,
    @json_integer(entry, 'id') AS genre_id,
    entry_position,
    _source_ingested_at,
    _source_load_number
  FROM entries
), first_mentions AS (
  SELECT
    movie_id,
    genre_id,
    entry_position,
    _source_ingested_at,
    _source_load_number
  FROM identified
  WHERE
    genre_id > 0
  QUALIFY
    ROW_NUMBER() OVER (PARTITION BY movie_id, genre_id ORDER BY entry_position) = 1
), listed AS (
  SELECT
    movie_id,
    genre_id,
    ROW_NUMBER() OVER (PARTITION BY movie_id ORDER BY entry_position) - 1 AS genre_position,
    TRUE AS is_current,
    _source_ingested_at,
    _source_load_number
  FROM first_mentions
), removed AS (
  SELECT
    known.movie_id,
    known.genre_id,
    known.genre_position,
    FALSE AS is_current,
    movie._source_ingested_at,
    movie._source_load_number
  FROM silver.silver_movie_genres AS known
  JOIN changed_movies AS movie
    ON movie.movie_id = known.movie_id
  LEFT JOIN listed
    ON listed.movie_id = known.movie_id AND listed.genre_id = known.genre_id
  WHERE
    listed.movie_id IS NULL
), pairs AS (
  SELECT
    movie_id,
    genre_id,
    genre_position,
    is_current,
    _source_ingested_at,
    _source_load_number
  FROM listed
  UNION ALL
  SELECT
    movie_id,
    genre_id,
    genre_position,
    is_current,
    _source_ingested_at,
    _source_load_number
  FROM removed
)
SELECT
  movie_id::BIGINT AS movie_id,
  genre_id::BIGINT AS genre_id,
  genre_position::INT AS genre_position,
  CAST(is_current AND genre_position = 0 AS BOOLEAN) AS is_primary_genre,
  is_current::BOOLEAN AS is_current,
  _source_ingested_at::TIMESTAMP AS _source_ingested_at,
  _source_load_number::BIGINT AS _source_load_number
FROM pairs
