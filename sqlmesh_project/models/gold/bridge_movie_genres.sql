MODEL (
  name gold.bridge_movie_genres,
  kind FULL,
  grain (movie_sk, genre_sk),
  references (movie_sk, genre_sk),
  @read_by_analysts(),
  description 'One row per movie and genre. The weights of a movie sum to 1, so weighted totals by genre add up to the totals of the movies; a movie without genres has the unknown genre.',
  audits (
    not_null(columns := (movie_sk, genre_sk, position, weight)),
    unique_combination_of_columns(columns := (movie_sk, genre_sk)),
    not_empty_if_parent_has_rows(parent := gold.fact_movies),
    relationship(key := movie_sk, parent := gold.fact_movies, parent_key := movie_sk),
    relationship(key := genre_sk, parent := gold.dim_genres, parent_key := genre_sk),
    no_rows_lost(key := movie_sk, parent := gold.fact_movies, parent_key := movie_sk),
    weights_sum_to_one(key := movie_sk)
  )
);

SELECT
  movie.movie_sk::TEXT AS movie_sk, /* Movie, into fact_movies. */
  genre.genre_sk::TEXT AS genre_sk, /* Genre, into dim_genres. */
  COALESCE(listed.genre_position, 0)::INT AS position, /* Place in TMDb's list, from 0. */
  @ratio(1, COUNT(*) OVER (PARTITION BY movie.movie_id))::DOUBLE AS weight /* Share of the movie that falls to the genre: 1 / number of its genres. */
FROM gold.fact_movies AS movie
LEFT JOIN silver.silver_movie_genres AS listed
  ON listed.movie_id = movie.movie_id AND listed.is_current
LEFT JOIN gold.dim_genres AS genre
  ON genre.genre_id = COALESCE(listed.genre_id, -1)
