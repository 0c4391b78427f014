MODEL (
  name silver.silver_production_companies,
  kind FULL,
  grain company_id,
  description 'One row a production company, as the newest response of any movie that ever named it has it. A company that no movie names any more stays.',
  column_descriptions (
    company_id = 'TMDb''s number of the company.',
    company_name = 'Newest name; NULL when nobody names it.',
    origin_country = 'Two-letter code of its country; NULL when TMDb gives none.',
    _source_ingested_at = 'When the response with that name arrived (UTC).',
    _movies_loaded_at = 'Up to which _loaded_at silver_movies has been read (UTC); the next run goes on from there.'
  ),
  audits (not_null(columns := (company_id, _source_ingested_at)), unique_values(columns := (
      company_id
  )))
);

WITH responses AS (
  /* Of the movies loaded since this table was made last; an hour earlier, for a plan's clock stands
     still since the full minute, and clocks differ. */
  SELECT
    response.ingested_at,
    @json_fields(response.raw_data, production_companies)
  FROM silver.silver_movies AS movie
  JOIN bronze.raw_movies AS response
    ON response.movie_id = movie.movie_id
  WHERE
    movie._loaded_at >= (
      SELECT
        COALESCE(MAX(known._movies_loaded_at) - INTERVAL '1' HOUR, @first_day::TIMESTAMP) AS read_from
      FROM silver.silver_production_companies AS known
    )
), entries AS (
  @json_entries(responses, @json_array(production_companies), ingested_at)
), mentions AS (
  /* Every response of the movies with news, and what is known already. */
  SELECT
    @json_integer(entry, 'id') AS company_id,
    @json_text(entry, 'name') AS company_name,
    UPPER(@json_text(entry, 'origin_country')) AS origin_country,
    ingested_at
  FROM entries
  UNION ALL
  SELECT
    known.company_id,
    known.company_name,
    known.origin_country,
    known._source_ingested_at AS ingested_at
  FROM silver.silver_production_companies AS known
), newest_mentions AS (
  SELECT
    company_id,
    company_name,
    origin_country,
    ingested_at
  FROM mentions
  WHERE
    company_id > 0
  QUALIFY
    ROW_NUMBER() OVER (PARTITION BY company_id ORDER BY company_name IS NULL, ingested_at DESC, company_name, origin_country) = 1
)
SELECT
  company_id::BIGINT AS company_id,
  company_name::TEXT AS company_name,
  origin_country::TEXT AS origin_country,
  ingested_at::TIMESTAMP AS _source_ingested_at,
  (
    SELECT
      MAX(_loaded_at) AS read_until
    FROM silver.silver_movies
  )::TIMESTAMP AS _movies_loaded_at
FROM newest_mentions
