MODEL (
  name silver.silver_production_companies,
  kind FULL,
  grain company_id,
  description 'One row per production company, as the newest response of any movie that ever named it has it. FULL, because it carries over what it knew: a merge that is killed halfway would lose that (decision 31).',
  audits (not_null(columns := (company_id, _source_ingested_at)), unique_values(columns := (
      company_id
  )))
);

WITH high_water_mark AS (
  SELECT
    COALESCE(MAX(known._source_load_number), 0) AS load_number
  FROM silver.silver_production_companies AS known
), observations AS (
  SELECT
    observation.production_companies,
    observation.observed_at
  FROM silver.silver_movie_observations AS observation
  CROSS JOIN high_water_mark
  WHERE
    observation._source_load_number > high_water_mark.load_number
), entries AS (
  @json_entries(observations, @json_array_of(production_companies), observed_at)
), sightings AS (
  SELECT
    @json_integer(entry, 'id') AS company_id,
    @json_text(entry, 'name') AS company_name,
    UPPER(@json_text(entry, 'origin_country')) AS origin_country,
    observed_at
  FROM entries
  UNION ALL
  SELECT
    known.company_id,
    known.company_name,
    known.origin_country,
    known._source_ingested_at AS observed_at
  FROM silver.silver_production_companies AS known
), newest_sightings AS (
  SELECT
    company_id,
    company_name,
    origin_country,
    observed_at
  FROM sightings
  WHERE
    company_id > 0
  QUALIFY
    ROW_NUMBER() OVER (PARTITION BY company_id ORDER BY company_name IS NULL, observed_at DESC, company_name, origin_country) = 1
)
SELECT
  company_id::BIGINT AS company_id, /* TMDb's number of the company. */
  company_name::TEXT AS company_name, /* Newest name; NULL when there is none. */
  origin_country::TEXT AS origin_country, /* Two-letter code of its country; NULL when TMDb gives none. */
  observed_at::TIMESTAMP AS _source_ingested_at, /* When the response with that name arrived (UTC). */
  (
    SELECT
      MAX(_source_load_number) AS load_number
    FROM silver.silver_movie_observations
  )::BIGINT AS _source_load_number /* Up to which load silver_movie_observations has been read. */
FROM newest_sightings
