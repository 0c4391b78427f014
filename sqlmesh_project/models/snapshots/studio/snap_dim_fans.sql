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
    _source_load_number = 'Number of the newest load that the fan''s periods are made from (studio_loads); tells what is news.',
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

WITH high_water_mark AS (
  @high_water_mark('snapshots.snap_dim_fans', 'silver.stg_fan_interactions')
), changed_fans AS (
  SELECT
    fan.fan_token,
    fan._source_load_number AS load_number
  FROM silver.fans AS fan
  CROSS JOIN high_water_mark
  WHERE
    fan._source_load_number > high_water_mark.load_number
), runs AS (
  SELECT
    batch_id,
    MIN(landed_at) AS landed_at
  FROM silver.studio_loads
  GROUP BY
    batch_id
), observations AS (
  /* All interactions of the changed fans, oldest first: late ones may change an old period. */
  SELECT
    interaction.fan_token,
    interaction.region,
    interaction.country_code,
    interaction.device_type,
    run.landed_at AS learned_at,
    LPAD(
      ROW_NUMBER() OVER (
        PARTITION BY interaction.fan_token
        ORDER BY interaction.event_at, interaction.interaction_id
      )::TEXT,
      12,
      '0'
    ) AS place
  FROM silver.stg_fan_interactions AS interaction
  JOIN runs AS run
    ON run.batch_id = interaction._source_batch_id
  WHERE
    NOT interaction.fan_class IS NULL
    AND interaction.fan_token IN (
      SELECT
        fan_token
      FROM changed_fans
    )
), load_events AS (
  /* A place before the value: the greatest text is the newest value. */
  SELECT
    fan_token,
    learned_at,
    MAX(place || region) AS region,
    MAX(place || country_code) AS country_code
  FROM observations
  GROUP BY
    fan_token,
    learned_at
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
), device_totals AS (
  SELECT
    event.fan_token,
    event.learned_at,
    used.device_type,
    SUM(used.use_count) AS use_count,
    MAX(used.last_place) AS last_place
  FROM load_events AS event
  JOIN device_uses AS used
    ON used.fan_token = event.fan_token AND used.learned_at <= event.learned_at
  GROUP BY
    event.fan_token,
    event.learned_at,
    used.device_type
), preferred_devices AS (
  SELECT
    fan_token,
    learned_at,
    device_type
  FROM device_totals
  QUALIFY
    ROW_NUMBER() OVER (PARTITION BY fan_token, learned_at ORDER BY use_count DESC, last_place DESC) = 1
), attribute_history AS (
  SELECT
    event.fan_token,
    SUBSTRING(MAX(event.region) OVER known_then, 13) AS region,
    SUBSTRING(MAX(event.country_code) OVER known_then, 13) AS country_code,
    preferred.device_type AS preferred_device,
    event.learned_at
  FROM load_events AS event
  LEFT JOIN preferred_devices AS preferred
    ON preferred.fan_token = event.fan_token AND preferred.learned_at = event.learned_at
  WINDOW known_then AS (
    PARTITION BY event.fan_token
    ORDER BY event.learned_at
    ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
  )
), change_events AS (
  SELECT
    fan_token,
    region,
    country_code,
    preferred_device,
    learned_at
  FROM attribute_history
  QUALIFY
    LAG(@GENERATE_SURROGATE_KEY(region, country_code, preferred_device), 1, '') OVER (PARTITION BY fan_token ORDER BY learned_at) <> @GENERATE_SURROGATE_KEY(region, country_code, preferred_device)
)
SELECT
  fan_token::TEXT AS fan_token,
  region::TEXT AS region,
  country_code::TEXT AS country_code,
  preferred_device::TEXT AS preferred_device,
  learned_at::TIMESTAMP AS valid_from,
  LEAD(learned_at) OVER (PARTITION BY fan_token ORDER BY learned_at)::TIMESTAMP AS valid_to,
  (
    SELECT
      MAX(load_number)
    FROM changed_fans
  )::BIGINT AS _source_load_number,
  @snapshot_version('silver.stg_fan_interactions')::TEXT AS _source_version
FROM change_events
