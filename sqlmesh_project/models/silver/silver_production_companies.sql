MODEL (
  name silver.silver_production_companies,
  kind INCREMENTAL_BY_UNIQUE_KEY (
    unique_key company_id
  ),
  grain company_id,
  description 'One row a production company, by the newest response of any movie that names it. A company that no movie names any more stays.',
  column_descriptions (
    company_id = 'TMDb''s number of the company.',
    company_name = 'Newest name.',
    origin_country = 'Two-letter code of its country; NULL when TMDb gives none.',
    _source_ingested_at = 'When the response with that name arrived (UTC).',
    _loaded_at = 'When a movie that names it was last read (UTC).'
  ),
  audits (not_null(columns := (company_id, _source_ingested_at)), unique_values(columns := (
      company_id
  )))
);

WITH companies_with_news AS (
  SELECT DISTINCT
    company_id
  FROM silver.silver_movie_companies
  WHERE
    @loaded_since(_loaded_at, silver.silver_production_companies) OR @start_ds <= @first_day
), newest_mentions AS (
  SELECT
    mention.company_id,
    mention.company_name,
    mention.origin_country,
    mention._source_ingested_at,
    MAX(mention._loaded_at) OVER (PARTITION BY mention.company_id) AS _loaded_at
  FROM silver.silver_movie_companies AS mention
  JOIN companies_with_news AS news
    ON news.company_id = mention.company_id
  QUALIFY
    ROW_NUMBER() OVER (
      PARTITION BY mention.company_id
      ORDER BY mention.company_name IS NULL, mention._source_ingested_at DESC, mention.movie_id DESC
    ) = 1
)
SELECT
  company_id::BIGINT AS company_id,
  company_name::TEXT AS company_name,
  origin_country::TEXT AS origin_country,
  _source_ingested_at::TIMESTAMP AS _source_ingested_at,
  _loaded_at::TIMESTAMP AS _loaded_at
FROM newest_mentions
