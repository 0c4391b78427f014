MODEL (
  name silver.silver_movie_genres,
  kind FULL,
  grain (movie_id, genre_id),
  references (movie_id, genre_id),
  description 'One row a movie and genre, as the newest response of the movie lists them. Made anew each time from the lists in silver_movies, so that a pair the movie no longer has is gone.',
  column_descriptions (
    movie_id = 'TMDb''s number of the movie.',
    genre_id = 'TMDb''s number of the genre.',
    genre_position = 'Place in TMDb''s list, from 0.',
    is_primary_genre = 'First in the list: TMDb names the main genre first.',
    _source_ingested_at = 'When the response arrived (UTC).'
  ),
  audits (
    not_null(columns := (movie_id, genre_id, genre_position, is_primary_genre)),
    unique_combination_of_columns(columns := (movie_id, genre_id)),
    unique_combination_of_columns(columns := (movie_id, genre_position)),
    forall(criteria := (
      is_primary_genre = (
        genre_position = 0
      )
    )),
    no_position_gaps(key := movie_id, position := genre_position),
    relationship(key := movie_id, parent := silver.silver_movies, parent_key := movie_id)
  )
);

WITH movies AS (
  SELECT
    movie_id,
    genres,
    _source_ingested_at
  FROM silver.silver_movies
  WHERE
    NOT is_deleted
), entries AS (
  @json_entries(movies, @json_array_of(genres), movie_id, _source_ingested_at)
), listed_genres AS (
  SELECT
    movie_id,
    @json_integer(entry, 'id') AS genre_id,
    entry_position,
    _source_ingested_at
  FROM entries
), first_mentions AS (
  SELECT
    movie_id,
    genre_id,
    entry_position,
    _source_ingested_at
  FROM listed_genres
  WHERE
    genre_id > 0
  QUALIFY
    ROW_NUMBER() OVER (PARTITION BY movie_id, genre_id ORDER BY entry_position) = 1
), ranked AS (
  SELECT
    movie_id,
    genre_id,
    ROW_NUMBER() OVER (PARTITION BY movie_id ORDER BY entry_position) - 1 AS genre_position,
    _source_ingested_at
  FROM first_mentions
)
SELECT
  movie_id::BIGINT AS movie_id,
  genre_id::BIGINT AS genre_id,
  genre_position::INT AS genre_position,
  CAST(genre_position = 0 AS BOOLEAN) AS is_primary_genre,
  _source_ingested_at::TIMESTAMP AS _source_ingested_at
FROM ranked
