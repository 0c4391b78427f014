MODEL (
  name gold.bridge_movie_companies,
  kind FULL,
  grain (movie_sk, company_sk),
  references (movie_sk, company_sk),
  @read_by_analysts(),
  description 'One row per movie and production company. The weights of a movie sum to 1, so weighted totals by company add up to the totals of the movies; a movie without companies has the unknown company.',
  audits (
    not_null(columns := (movie_sk, company_sk, position, weight)),
    unique_combination_of_columns(columns := (movie_sk, company_sk)),
    not_empty_if_parent_has_rows(parent := gold.fact_movies),
    relationship(key := movie_sk, parent := gold.fact_movies, parent_key := movie_sk),
    relationship(key := company_sk, parent := gold.dim_production_companies, parent_key := company_sk),
    no_rows_lost(key := movie_sk, parent := gold.fact_movies, parent_key := movie_sk),
    weights_sum_to_one(key := movie_sk)
  )
);

SELECT
  movie.movie_sk::TEXT AS movie_sk, /* Movie, into fact_movies. */
  company.company_sk::TEXT AS company_sk, /* Company, into dim_production_companies. */
  COALESCE(listed.company_position, 0)::INT AS position, /* Place in TMDb's list, from 0. */
  @ratio(1, COUNT(*) OVER (PARTITION BY movie.movie_id))::DOUBLE AS weight /* Share of the movie that falls to the company: 1 / number of its companies. */
FROM gold.fact_movies AS movie
LEFT JOIN silver.silver_movie_companies AS listed
  ON listed.movie_id = movie.movie_id AND listed.is_current
LEFT JOIN gold.dim_production_companies AS company
  ON company.company_id = COALESCE(listed.company_id, -1)
