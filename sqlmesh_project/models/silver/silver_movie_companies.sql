MODEL (
  name silver.silver_movie_companies,
  kind FULL,
  grain (movie_id, company_id),
  references (movie_id, company_id),
  description 'One row a movie and production company, as the newest response of the movie lists them. Made anew each time from the lists in silver_movies, so that a pair the movie no longer has is gone.',
  column_descriptions (
    movie_id = 'TMDb''s number of the movie.',
    company_id = 'TMDb''s number of the company.',
    company_position = 'Place in TMDb''s list, from 0.',
    is_primary_company = 'First in the list.',
    _source_ingested_at = 'When the response arrived (UTC).'
  ),
  audits (
    not_null(columns := (movie_id, company_id, company_position, is_primary_company)),
    unique_combination_of_columns(columns := (movie_id, company_id)),
    unique_combination_of_columns(columns := (movie_id, company_position)),
    forall(criteria := (
      is_primary_company = (
        company_position = 0
      )
    )),
    no_position_gaps(key := movie_id, position := company_position),
    relationship(key := movie_id, parent := silver.silver_movies, parent_key := movie_id)
  )
);

WITH movies AS (
  SELECT
    movie_id,
    production_companies,
    _source_ingested_at
  FROM silver.silver_movies
  WHERE
    NOT is_deleted
), entries AS (
  @json_entries(movies, @json_array_of(production_companies), movie_id, _source_ingested_at)
), listed_companies AS (
  SELECT
    movie_id,
    @json_integer(entry, 'id') AS company_id,
    entry_position,
    _source_ingested_at
  FROM entries
), first_mentions AS (
  SELECT
    movie_id,
    company_id,
    entry_position,
    _source_ingested_at
  FROM listed_companies
  WHERE
    company_id > 0
  QUALIFY
    ROW_NUMBER() OVER (PARTITION BY movie_id, company_id ORDER BY entry_position) = 1
), ranked AS (
  SELECT
    movie_id,
    company_id,
    ROW_NUMBER() OVER (PARTITION BY movie_id ORDER BY entry_position) - 1 AS company_position,
    _source_ingested_at
  FROM first_mentions
)
SELECT
  movie_id::BIGINT AS movie_id,
  company_id::BIGINT AS company_id,
  company_position::INT AS company_position,
  CAST(company_position = 0 AS BOOLEAN) AS is_primary_company,
  _source_ingested_at::TIMESTAMP AS _source_ingested_at
FROM ranked
