MODEL (
  name silver.stg_fan_interactions,
  kind INCREMENTAL_BY_UNIQUE_KEY (
    unique_key interaction_id
  ),
  grain interaction_id,
  references (fan_token, title_id),
  description 'One row per interaction of a fan, however often it was delivered: the first delivery that can be routed, else the first one. Says where it is routed to, or why it is quarantined.',
  audits (
    not_null(columns := (interaction_id, fan_token, _source_row_id, _loaded_at), condition := @changed_rows()),
    duplicate_count("column" := interaction_id, blocking := TRUE, condition := @changed_rows()),
    valid_country_code("column" := country_code, condition := @changed_rows()),
    no_rows_lost(
      key := interaction_id,
      parent := bronze.raw_fan_interactions,
      parent_key := interaction_id,
      condition := parent.interaction_id = @parse_key(@clean_text(parent.interaction_id))
    ),
    accepted_values("column" := fan_class, is_in := ('VERIFIED', 'GUEST'), condition := @changed_rows()),
    forall(
      criteria := (
        (
          fan_class IS NULL
        ) <> (
          quarantine_reason IS NULL
        ),
        fan_class IS NULL OR NOT event_at IS NULL,
        amount >= 0,
        event_date = event_at::DATE
      ),
      condition := @changed_rows()
    )
  )
);

WITH new_loads AS (
  SELECT
    load._source_load_id,
    load._source_load_number
  FROM silver.studio_loads AS load
  CROSS JOIN (
    @high_water_mark('silver.stg_fan_interactions')
  ) AS high_water_mark
  WHERE
    load._source_load_number > high_water_mark.load_number
), deliveries AS (
  SELECT
    @clean_columns(
      interaction,
      interaction_id,
      account_type,
      title_id,
      region,
      country_code,
      device_type,
      event_type,
      event_timestamp,
      amount,
      currency
    ),
    interaction.fan_token,
    interaction.source_file,
    interaction.source_line,
    interaction.ingested_at,
    interaction.batch_id,
    interaction._dlt_id,
    load._source_load_number
  FROM bronze.raw_fan_interactions AS interaction
  JOIN new_loads AS load
    ON load._source_load_id = interaction._dlt_load_id
), parsed AS (
  SELECT
    interaction_id,
    fan_token,
    UPPER(account_type) AS account_type,
    @parse_key(title_id) AS title_id,
    @parse_name(region) AS region,
    UPPER(country_code) AS country_code,
    @parse_name(UPPER(device_type)) AS device_type,
    UPPER(event_type) AS event_type,
    @parse_timestamp(event_timestamp, ingested_at) AS event_at,
    @parse_amount(amount) AS amount,
    UPPER(currency) AS currency,
    source_file,
    source_line,
    ingested_at,
    batch_id,
    _dlt_id,
    _source_load_number
  FROM deliveries
  WHERE
    NOT @parse_key(interaction_id) IS NULL
), routed AS (
  SELECT
    delivery.*,
    account.fan_class,
    CASE
      WHEN account.fan_class IS NULL
      THEN 'unknown account type'
      WHEN NOT COALESCE(@is_event_type(delivery.event_type), FALSE)
      THEN 'unknown event type'
      WHEN delivery.event_at IS NULL
      THEN @rule_of(parse_timestamp)
    END AS quarantine_reason
  FROM parsed AS delivery
  LEFT JOIN silver.seed_account_types AS account
    ON account.account_type = delivery.account_type
  QUALIFY
    ROW_NUMBER() OVER (
      PARTITION BY delivery.interaction_id
      ORDER BY quarantine_reason IS NULL DESC, delivery.ingested_at, delivery.source_file, delivery.source_line
    ) = 1
), rates AS (
  @rate_periods()
)
SELECT
  routed.interaction_id::TEXT AS interaction_id, /* The studio's key of the interaction. */
  routed.fan_token::TEXT AS fan_token, /* Keyed token of the fan (HMAC-SHA256). */
  CASE WHEN routed.quarantine_reason IS NULL THEN routed.fan_class END::TEXT AS fan_class, /* VERIFIED or GUEST (seed_account_types): the interaction is accepted and in stg_fan_verified or stg_fan_guest; NULL when it is quarantined. */
  routed.quarantine_reason::TEXT AS quarantine_reason, /* Why it is quarantined; NULL when it is accepted. */
  routed.account_type::TEXT AS account_type, /* Type of the account, in capitals. */
  routed.title_id::TEXT AS title_id, /* The studio's key of the title. */
  routed.region::TEXT AS region, /* Market region, as the feed says. */
  country.country_code::TEXT AS country_code, /* ISO 3166-1 alpha-3; NULL when it is no country. */
  routed.device_type::TEXT AS device_type, /* Device, in capitals. */
  routed.event_type::TEXT AS event_type, /* STREAM, PURCHASE, REVIEW, WISHLIST or TRAILER_VIEW, or what else the feed says. */
  routed.event_at::TIMESTAMP AS event_at, /* When it happened (UTC); NULL when the feed gives no moment up to a day after it was read. */
  routed.event_at::DATE AS event_date, /* Day of event_at. */
  routed.amount::DECIMAL(18, 2) AS amount, /* Money paid, in the currency; NULL when none is given or it is below 0. */
  routed.currency::TEXT AS currency, /* ISO 4217. */
  ROUND(@to_usd(routed.amount, rate.rate_usd), 2)::DECIMAL(18, 2) AS amount_usd, /* Money paid in US dollars at the rate of the day (seed_exchange_rates), rounded to cents; NULL without a rate. */
  routed.source_file::TEXT AS _source_file, /* File of the delivery. */
  routed.source_line::BIGINT AS _source_line, /* Line in it. */
  routed.ingested_at::TIMESTAMP AS _source_ingested_at, /* When the line was read (UTC). */
  routed.batch_id::TEXT AS _source_batch_id, /* Pipeline run that read it. */
  routed._dlt_id::TEXT AS _source_row_id, /* The row in bronze: its _dlt_id. */
  routed._source_load_number::BIGINT AS _source_load_number, /* Number of the load that brought it (studio_loads); tells what is new. */
  @execution_dtntz::TIMESTAMP AS _loaded_at /* When this row was written (UTC). */
FROM routed
LEFT JOIN silver.seed_country_codes AS country
  ON country.country_code = routed.country_code
LEFT JOIN rates AS rate
  ON rate.currency = routed.currency
  AND routed.event_at::DATE >= rate.effective_from
  AND (
    rate.effective_below IS NULL OR routed.event_at::DATE < rate.effective_below
  )
LEFT JOIN silver.stg_fan_interactions AS known
  ON known.interaction_id = routed.interaction_id
WHERE
  known.interaction_id IS NULL
  OR (
    known.fan_class IS NULL AND routed.quarantine_reason IS NULL
  )
  OR @start_ds <= @first_day
