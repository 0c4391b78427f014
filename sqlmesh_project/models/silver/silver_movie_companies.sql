MODEL (
  name silver.silver_movie_companies,
  kind INCREMENTAL_BY_UNIQUE_KEY (
    unique_key (movie_id, company_id)
  ),
  grain (movie_id, company_id),
  references (movie_id, company_id),
  description 'One row per movie and company that it has or had. Readers take the rows with is_current: a pair that the newest response no longer lists stays and is not current.',
  audits (
    not_null(
      columns := (movie_id, company_id, company_position, is_primary_company, is_current),
      condition := @changed_rows()
    ),
    unique_combination_of_columns(columns := (movie_id, company_id), condition := @changed_rows()),
    unique_combination_of_columns(columns := (movie_id, company_position), condition := is_current AND @changed_rows()),
    forall(
      criteria := (
        is_primary_company = (
          is_current AND company_position = 0
        )
      ),
      condition := @changed_rows()
    ),
    no_position_gaps(key := movie_id, position := company_position, condition := is_current AND @changed_rows()),
    relationship(key := movie_id, parent := silver.silver_movies, parent_key := movie_id, condition := @changed_rows())
  )
);

WITH pairs AS (
  @changed_pairs('silver.silver_movie_companies', production_companies, company_id)
)
SELECT
  movie_id::BIGINT AS movie_id, /* TMDb's number of the movie. */
  company_id::BIGINT AS company_id, /* TMDb's number of the company. */
  position::INT AS company_position, /* Place in TMDb's list, from 0. */
  CAST(is_current AND position = 0 AS BOOLEAN) AS is_primary_company, /* First in the list. */
  is_current::BOOLEAN AS is_current, /* The newest response of the movie lists the company. */
  _source_ingested_at::TIMESTAMP AS _source_ingested_at, /* When that response arrived (UTC). */
  _source_load_number::BIGINT AS _source_load_number /* The load of the movie that the row was computed from. */
FROM pairs
