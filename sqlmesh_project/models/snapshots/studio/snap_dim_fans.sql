MODEL (
  name snapshots.snap_dim_fans,
  kind INCREMENTAL_BY_PARTITION,
  partitioned_by fan_token,
  depends_on (
    silver.seed_country_codes
  ),
  grain (fan_token, valid_from),
  references fan_token,
  @read_by_analysts(),
  description 'One row a fan and period in which we believed the same of the fan''s region, country and preferred device (SCD type 2). A pure function of the accepted interactions and the runs that brought them: it can be dropped and made again, row for row. Beliefs change when a run lands, not when something happens.',
  column_descriptions (
    fan_token = 'Keyed token of the fan (HMAC-SHA256).',
    region = 'Market region at the newest interaction known then that names one.',
    country_code = 'Country (ISO 3166-1 alpha-3) at the newest interaction known then that names one.',
    preferred_device = 'The device of most interactions known then; of the newest among equals.',
    valid_from = 'When the run that said so first landed (UTC), inclusive.',
    valid_to = 'When a run said otherwise (UTC), exclusive; NULL while it holds.',
    _source_load_number = 'Number of the newest load that the fan''s periods are made from (studio_batches); tells what is news.',
    _source_version = 'SQLMesh''s version of the interactions that the periods are made from; another one tells that they were built anew, and all is news.'
  ),
  audits (
    not_null(columns := (fan_token, valid_from)),
    unique_combination_of_columns(columns := (fan_token, valid_from)),
    forall(criteria := (
      valid_from < COALESCE(valid_to, '9999-12-31'::TIMESTAMP)
    )),
    periods_do_not_overlap(key := fan_token),
    one_open_period(key := fan_token),
    relationship(key := fan_token, parent := silver.fans, parent_key := fan_token),
    no_rows_lost(key := fan_token, parent := silver.fans, parent_key := fan_token),
    valid_country_code("column" := country_code)
  )
);

WITH last_read AS (
  @last_read('snapshots.snap_dim_fans', 'silver.stg_fan_interactions')
), fans_with_news AS (
  SELECT
    fan.fan_token
  FROM silver.fans AS fan
  CROSS JOIN last_read
  WHERE
    fan._source_load_number > last_read.load_number
), observations AS (
  /* All interactions of the fans with news, oldest first: late ones may change a belief long held. */
  SELECT
    interaction.fan_token,
    interaction.region,
    interaction.country_code,
    interaction.device_type,
    batch.landed_at AS learned_at,
    fan._source_load_number,
    ROW_NUMBER() OVER (PARTITION BY interaction.fan_token ORDER BY interaction.event_at, interaction.interaction_id) AS place
  FROM silver.stg_fan_interactions AS interaction
  JOIN silver.fans AS fan
    ON fan.fan_token = interaction.fan_token
  JOIN silver.studio_batches AS batch
    ON batch.batch_id = interaction._source_batch_id
  WHERE
    NOT interaction.fan_class IS NULL
    AND interaction.fan_token IN (
      SELECT
        fan_token
      FROM fans_with_news
    )
), arrivals AS (
  SELECT
    fan_token,
    learned_at,
    MAX(_source_load_number) AS _source_load_number,
    MAX(CASE WHEN NOT region IS NULL THEN place END) AS region_place,
    MAX(CASE WHEN NOT country_code IS NULL THEN place END) AS country_place
  FROM observations
  GROUP BY
    fan_token,
    learned_at
), newest_known AS (
  SELECT
    fan_token,
    learned_at,
    _source_load_number,
    MAX(region_place) OVER (PARTITION BY fan_token ORDER BY learned_at ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS region_place,
    MAX(country_place) OVER (PARTITION BY fan_token ORDER BY learned_at ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS country_place
  FROM arrivals
), device_uses AS (
  SELECT
    fan_token,
    device_type,
    learned_at,
    COUNT(*) AS use_count,
    MAX(place) AS last_place
  FROM observations
  WHERE
    NOT device_type IS NULL
  GROUP BY
    fan_token,
    device_type,
    learned_at
), devices AS (
  SELECT DISTINCT
    fan_token,
    device_type
  FROM device_uses
), uses_known AS (
  SELECT
    arrival.fan_token,
    arrival.learned_at,
    device.device_type,
    SUM(used.use_count) OVER (
      PARTITION BY arrival.fan_token, device.device_type
      ORDER BY arrival.learned_at
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS use_count,
    MAX(used.last_place) OVER (
      PARTITION BY arrival.fan_token, device.device_type
      ORDER BY arrival.learned_at
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS last_place
  FROM arrivals AS arrival
  JOIN devices AS device
    ON device.fan_token = arrival.fan_token
  LEFT JOIN device_uses AS used
    ON used.fan_token = arrival.fan_token
    AND used.device_type = device.device_type
    AND used.learned_at = arrival.learned_at
), preferred AS (
  SELECT
    fan_token,
    learned_at,
    device_type
  FROM uses_known
  WHERE
    use_count > 0
  QUALIFY
    ROW_NUMBER() OVER (PARTITION BY fan_token, learned_at ORDER BY use_count DESC, last_place DESC) = 1
), beliefs AS (
  SELECT
    known.fan_token,
    place_of_region.region,
    place_of_country.country_code,
    preferred.device_type AS preferred_device,
    known.learned_at,
    known._source_load_number
  FROM newest_known AS known
  LEFT JOIN observations AS place_of_region
    ON place_of_region.fan_token = known.fan_token AND place_of_region.place = known.region_place
  LEFT JOIN observations AS place_of_country
    ON place_of_country.fan_token = known.fan_token AND place_of_country.place = known.country_place
  LEFT JOIN preferred
    ON preferred.fan_token = known.fan_token AND preferred.learned_at = known.learned_at
), fingerprints AS (
  SELECT
    fan_token,
    region,
    country_code,
    preferred_device,
    learned_at,
    _source_load_number,
    CONCAT(COALESCE(region, '-'), '|', COALESCE(country_code, '-'), '|', COALESCE(preferred_device, '-')) AS fingerprint
  FROM beliefs
), changes AS (
  SELECT
    fan_token,
    region,
    country_code,
    preferred_device,
    learned_at,
    _source_load_number
  FROM fingerprints
  QUALIFY
    LAG(fingerprint, 1, '') OVER (PARTITION BY fan_token ORDER BY learned_at) <> fingerprint
)
SELECT
  fan_token::TEXT AS fan_token,
  region::TEXT AS region,
  country_code::TEXT AS country_code,
  preferred_device::TEXT AS preferred_device,
  learned_at::TIMESTAMP AS valid_from,
  LEAD(learned_at) OVER (PARTITION BY fan_token ORDER BY learned_at)::TIMESTAMP AS valid_to,
  _source_load_number::BIGINT AS _source_load_number,
  @version_of('silver.stg_fan_interactions')::TEXT AS _source_version
FROM changes
