MODEL (
  name gold.dim_movies,
  kind FULL,
  grain movie_sk,
  references movie_id,
  @read_by_analysts(),
  description 'One row per movie that TMDb has, and the unknown movie: fact_movies as a dimension, for facts of other sources.',
  audits (
    not_null(columns := (movie_sk, movie_id)),
    unique_values(columns := (movie_sk, movie_id)),
    has_unknown_member(key := movie_id, member := -1),
    no_rows_lost(key := movie_sk, parent := gold.fact_movies, parent_key := movie_sk)
  )
);

SELECT
  movie_sk::TEXT AS movie_sk, /* Key: hash of movie_id; hash of -1 for the unknown movie. */
  movie_id::BIGINT AS movie_id, /* TMDb's number of the movie; -1 for the unknown movie. */
  title::TEXT AS title, /* Title. */
  imdb_id::TEXT AS imdb_id, /* IMDb's key of the movie (tt...). */
  release_year::INT AS release_year, /* Year of the first release. */
  revenue_usd::BIGINT AS revenue_usd /* Worldwide box office in whole US dollars, as TMDb has it; NULL when unknown. */
FROM gold.fact_movies
UNION ALL
SELECT
  @GENERATE_SURROGATE_KEY(-1)::TEXT AS movie_sk,
  CAST(-1 AS BIGINT) AS movie_id,
  'Unknown'::TEXT AS title,
  NULL::TEXT AS imdb_id,
  NULL::INT AS release_year,
  NULL::BIGINT AS revenue_usd
