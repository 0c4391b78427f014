MODEL (
  name snapshots.snap_dim_fans,
  kind SCD_TYPE_2_BY_COLUMN (
    unique_key (fan_token, valid_from, correction_number),
    columns (region, country_code, preferred_device, is_withdrawn),
    valid_from_name recorded_at,
    valid_to_name superseded_at,
    execution_time_as_valid_from TRUE,
    invalidate_hard_deletes FALSE
  ),
  depends_on (
    silver.seed_country_codes
  ),
  grain (fan_token, valid_from, correction_number, recorded_at),
  references fan_token,
  @read_by_analysts(),
  description 'One row per fan, period with the same region, country and preferred device, and correction of that period. Two clocks: valid_from and valid_to, when a run brought the values; recorded_at and superseded_at, when this warehouse reported the row. The history as known now is gold.fan_history.',
  column_descriptions (
    fan_token = 'Keyed token of the fan (HMAC-SHA256).',
    region = 'Market region at the newest interaction known then that names one.',
    country_code = 'Country (ISO 3166-1 alpha-3) at the newest interaction known then that names one.',
    preferred_device = 'The device of most interactions known then; of the newest among equals.',
    valid_from = 'When the first run with these values landed (UTC), inclusive.',
    valid_to = 'When a run with other values landed (UTC), exclusive; NULL while they hold.',
    is_withdrawn = 'No interaction supports the period any more: it is no longer reported.',
    correction_number = 'How often the period was corrected before.',
    recorded_at = 'From when on this warehouse reported the row (UTC), inclusive.',
    superseded_at = 'Until when it reported the row (UTC), exclusive; NULL while it does.',
    _source_load_number = 'Newest load of the refresh that recorded the row (studio_loads).',
    _source_version = 'SQLMesh''s version of the interactions; with another one they are all read again.'
  ),
  audits (
    not_null(
      columns := (fan_token, valid_from, is_withdrawn, correction_number, recorded_at),
      condition := @changed_rows()
    ),
    unique_combination_of_columns(
      columns := (fan_token, valid_from, correction_number),
      condition := superseded_at IS NULL AND @changed_rows()
    ),
    forall(
      criteria := (
        recorded_at < COALESCE(superseded_at, '9999-12-31'::TIMESTAMP)
      ),
      condition := @changed_rows()
    ),
    valid_country_code("column" := country_code),
    no_rows_lost(key := fan_token, parent := silver.fans, parent_key := fan_token) /* Here and not in gold.fan_history: a plan builds that view before a run brings new fans. */
  )
);

WITH high_water_mark AS (
  @high_water_mark('snapshots.snap_dim_fans', 'silver.stg_fan_interactions', 'silver.fans')
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
  /* All interactions of the changed fans. A late one has its place among the older ones. */
  SELECT
    interaction.fan_token,
    interaction.region,
    interaction.country_code,
    interaction.device_type,
    run.landed_at,
    LPAD(
      ROW_NUMBER() OVER (PARTITION BY interaction.fan_token ORDER BY interaction.event_at, interaction.interaction_id)::TEXT,
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
), candidates AS (
  /* With its rank in front of it, the greatest text is the value that holds: by place, a device by
     the number of its uses up to that run. */
  SELECT
    fan_token,
    landed_at,
    place || region AS region,
    place || country_code AS country_code,
    LPAD(
      COUNT(*) OVER (
        PARTITION BY fan_token, device_type
        ORDER BY landed_at
        RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
      )::TEXT,
      12,
      '0'
    ) || MAX(place) OVER (
      PARTITION BY fan_token, device_type
      ORDER BY landed_at
      RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) || device_type AS device
  FROM observations
), load_events AS (
  SELECT
    fan_token,
    landed_at,
    MAX(region) AS region,
    MAX(country_code) AS country_code,
    MAX(device) AS device
  FROM candidates
  GROUP BY
    fan_token,
    landed_at
), attribute_history AS (
  SELECT
    fan_token,
    SUBSTRING(
      MAX(region) OVER (PARTITION BY fan_token ORDER BY landed_at ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW),
      13
    ) AS region,
    SUBSTRING(
      MAX(country_code) OVER (PARTITION BY fan_token ORDER BY landed_at ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW),
      13
    ) AS country_code,
    SUBSTRING(
      MAX(device) OVER (PARTITION BY fan_token ORDER BY landed_at ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW),
      25
    ) AS preferred_device,
    FALSE AS is_tombstone,
    landed_at AS observed_at
  FROM load_events
), recorded AS (
  @period_changes(
    'snapshots.snap_dim_fans',
    changed_fans,
    attribute_history,
    fan_token,
    (region, country_code, preferred_device),
    ()
  )
)
SELECT
  fan_token::TEXT AS fan_token,
  region::TEXT AS region,
  country_code::TEXT AS country_code,
  preferred_device::TEXT AS preferred_device,
  valid_from::TIMESTAMP AS valid_from,
  valid_to::TIMESTAMP AS valid_to,
  is_withdrawn::BOOLEAN AS is_withdrawn,
  correction_number::INT AS correction_number,
  load_number::BIGINT AS _source_load_number,
  @snapshot_version('silver.stg_fan_interactions', 'silver.fans')::TEXT AS _source_version
FROM recorded
