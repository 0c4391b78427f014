MODEL (
  name silver.silver_movie_companies,
  kind INCREMENTAL_BY_UNIQUE_KEY (
    unique_key (movie_id, company_id)
  ),
  grain (movie_id, company_id),
  references (movie_id, company_id),
  description 'One row per movie and company that it has or had. Readers take the rows with is_current: a pair that the newest response no longer lists stays and is not current.',
  column_descriptions (
    movie_id = 'TMDb''s number of the movie.',
    company_id = 'TMDb''s number of the company.',
    company_position = 'Place in TMDb''s list, from 0; the last one, if not current.',
    is_primary_company = 'First in the list.',
    is_current = 'The newest response of the movie lists the company.',
    _source_ingested_at = 'When that response arrived (UTC).',
    _source_load_number = 'The load of the movie that the row was computed from.'
  ),
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
    no_position_gaps(
      key := movie_id,
      position := company_position,
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
  @high_water_mark('silver.silver_movie_companies')
), changed_movies AS (
  SELECT
    movie.movie_id,
    CASE WHEN NOT movie.is_deleted THEN movie.production_companies END AS production_companies,
    movie._source_ingested_at,
    movie._source_load_number
  FROM silver.silver_movies AS movie
  CROSS JOIN high_water_mark
  WHERE
    movie._source_load_number > high_water_mark.load_number
), entries AS (
  @json_entries(
    changed_movies,
    @json_array_of(production_companies),
    movie_id,
    _source_ingested_at,
    _source_load_number
  )
), identified AS (
  SELECT
    movie_id,
    @json_integer(entry, 'id') AS company_id,
    entry_position,
    _source_ingested_at,
    _source_load_number
  FROM entries
), first_mentions AS (
  SELECT
    movie_id,
    company_id,
    entry_position,
    _source_ingested_at,
    _source_load_number
  FROM identified
  WHERE
    company_id > 0
  QUALIFY
    ROW_NUMBER() OVER (PARTITION BY movie_id, company_id ORDER BY entry_position) = 1
), listed AS (
  SELECT
    movie_id,
    company_id,
    ROW_NUMBER() OVER (PARTITION BY movie_id ORDER BY entry_position) - 1 AS company_position,
    TRUE AS is_current,
    _source_ingested_at,
    _source_load_number
  FROM first_mentions
), removed AS (
  SELECT
    known.movie_id,
    known.company_id,
    known.company_position,
    FALSE AS is_current,
    movie._source_ingested_at,
    movie._source_load_number
  FROM silver.silver_movie_companies AS known
  JOIN changed_movies AS movie
    ON movie.movie_id = known.movie_id
  LEFT JOIN listed
    ON listed.movie_id = known.movie_id AND listed.company_id = known.company_id
  WHERE
    listed.movie_id IS NULL
), pairs AS (
  SELECT
    movie_id,
    company_id,
    company_position,
    is_current,
    _source_ingested_at,
    _source_load_number
  FROM listed
  UNION ALL
  SELECT
    movie_id,
    company_id,
    company_position,
    is_current,
    _source_ingested_at,
    _source_load_number
  FROM removed
)
SELECT
  movie_id::BIGINT AS movie_id,
  company_id::BIGINT AS company_id,
  company_position::INT AS company_position,
  CAST(is_current AND company_position = 0 AS BOOLEAN) AS is_primary_company,
  is_current::BOOLEAN AS is_current,
  _source_ingested_at::TIMESTAMP AS _source_ingested_at,
  _source_load_number::BIGINT AS _source_load_number
FROM pairs
