MODEL (
  name silver.silver_movie_genres,
  kind INCREMENTAL_BY_UNIQUE_KEY (
    unique_key (movie_id, genre_id)
  ),
  grain (movie_id, genre_id),
  references (movie_id, genre_id),
  description 'One row per movie and genre that it has or had. Readers take the rows with is_current: a pair that the newest response no longer lists stays and is not current.',
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
    no_position_gaps(key := movie_id, position := genre_position, condition := is_current AND @changed_rows()),
    relationship(key := movie_id, parent := silver.silver_movies, parent_key := movie_id, condition := @changed_rows())
  )
);

WITH pairs AS (
  @changed_pairs('silver.silver_movie_genres', genres, genre_id)
)
SELECT
  movie_id::BIGINT AS movie_id, /* TMDb's number of the movie. */
  genre_id::BIGINT AS genre_id, /* TMDb's number of the genre. */
  position::INT AS genre_position, /* Place in TMDb's list, from 0. */
  CAST(is_current AND position = 0 AS BOOLEAN) AS is_primary_genre, /* First in the list: TMDb names the main genre first. */
  is_current::BOOLEAN AS is_current, /* The newest response of the movie lists the genre. */
  _source_ingested_at::TIMESTAMP AS _source_ingested_at, /* When that response arrived (UTC). */
  _source_load_number::BIGINT AS _source_load_number /* The load of the movie that the row was computed from. */
FROM pairs
