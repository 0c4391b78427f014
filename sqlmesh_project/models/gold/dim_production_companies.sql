MODEL (
  name gold.dim_production_companies,
  kind FULL,
  grain company_sk,
  references company_id,
  @read_by_analysts(),
  description 'One row per production company as it is now, and the unknown company.',
  audits (
    not_null(columns := (company_sk, company_id, company_name, region, studio_tier)),
    unique_values(columns := (company_sk, company_id)),
    not_empty_if_parent_has_rows(parent := silver.silver_production_companies, threshold := 1),
    has_unknown_member(key := company_id, member := -1),
    accepted_values("column" := studio_tier, is_in := ('MAJOR', 'MINI_MAJOR', 'INDEPENDENT', 'UNKNOWN')),
    no_rows_lost(key := company_id, parent := silver.silver_production_companies, parent_key := company_id)
  )
);

SELECT
  @GENERATE_SURROGATE_KEY(company.company_id)::TEXT AS company_sk, /* Key: hash of company_id; hash of -1 for the unknown company. */
  company.company_id::BIGINT AS company_id, /* TMDb's number of the company; -1 for the unknown company. */
  COALESCE(company.company_name, 'Unnamed')::TEXT AS company_name, /* Newest name. */
  company.origin_country::TEXT AS origin_country, /* Two-letter code of its country; NULL when TMDb gives none. */
  COALESCE(country.region, 'Unknown')::TEXT AS region, /* Market region of the country (seed_country_regions); Unknown without one. */
  COALESCE(studio.studio_tier, 'INDEPENDENT')::TEXT AS studio_tier /* MAJOR, MINI_MAJOR (seed_studio_tiers) or INDEPENDENT; UNKNOWN for the unknown company. */
FROM silver.silver_production_companies AS company
LEFT JOIN silver.seed_country_regions AS country
  ON country.country_code = company.origin_country
LEFT JOIN silver.seed_studio_tiers AS studio
  ON LOWER(studio.company_name) = LOWER(company.company_name)
UNION ALL
SELECT
  @GENERATE_SURROGATE_KEY(-1)::TEXT AS company_sk,
  CAST(-1 AS BIGINT) AS company_id,
  'Unknown'::TEXT AS company_name,
  NULL::TEXT AS origin_country,
  'Unknown'::TEXT AS region,
  'UNKNOWN'::TEXT AS studio_tier
