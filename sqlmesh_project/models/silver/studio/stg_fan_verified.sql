MODEL (
  name silver.stg_fan_verified,
  kind INCREMENTAL_BY_UNIQUE_KEY (
    unique_key interaction_id
  ),
  depends_on (
    silver.seed_account_types
  ),
  grain interaction_id,
  references (fan_token, title_id),
  description 'One row per accepted interaction of a verified fan (account types VERIFIED and VERIFIED_LINKED). Who the tokens are stands in secure.pii_vault only.',
  audits (
    not_null(columns := (interaction_id, fan_token, event_at), condition := @changed_rows()),
    duplicate_count("column" := interaction_id, blocking := TRUE, condition := @changed_rows()),
    valid_email_hash("column" := email_token, blocking := TRUE, condition := @changed_rows()),
    valid_email_hash("column" := fan_token, blocking := TRUE, condition := @changed_rows()),
    routed_by_account_type(fan_class := 'VERIFIED', condition := @changed_rows()),
    no_rows_lost(
      key := interaction_id,
      parent := silver.stg_fan_interactions,
      parent_key := interaction_id,
      condition := parent.fan_class = 'VERIFIED'
    )
  )
);

WITH high_water_mark AS (
  @high_water_mark('silver.stg_fan_verified')
), new_loads AS (
  SELECT DISTINCT
    interaction._source_load_number AS load_number
  FROM silver.stg_fan_interactions AS interaction
  CROSS JOIN high_water_mark
  WHERE
    interaction.fan_class = 'VERIFIED' AND interaction._source_load_number > high_water_mark.load_number
)
SELECT
  interaction.interaction_id::TEXT AS interaction_id, /* The studio's key of the interaction. */
  interaction.fan_token::TEXT AS fan_token, /* Keyed token of the fan (HMAC-SHA256). */
  landed.email_token::TEXT AS email_token, /* Keyed token of the e-mail address; the same for fans who share one. NULL where the account type was unknown when the line was read. */
  interaction.account_type::TEXT AS account_type, /* VERIFIED, VERIFIED_LINKED, or another that is a verified fan's (seed_account_types). */
  interaction.title_id::TEXT AS title_id, /* The studio's key of the title. */
  interaction.region::TEXT AS region, /* Market region, as the feed says. */
  interaction.country_code::TEXT AS country_code, /* ISO 3166-1 alpha-3; NULL when it is no country. */
  interaction.device_type::TEXT AS device_type, /* Device, in capitals. */
  interaction.event_type::TEXT AS event_type, /* STREAM, PURCHASE, REVIEW, WISHLIST or TRAILER_VIEW. */
  interaction.event_at::TIMESTAMP AS event_at, /* When it happened (UTC). */
  landed.session_token::TEXT AS session_token, /* Keyed token of the session. */
  landed.ip_token::TEXT AS ip_token, /* Keyed token of the IP address. */
  interaction.amount::DECIMAL(18, 2) AS amount, /* Money paid, in the currency. */
  interaction.currency::TEXT AS currency, /* ISO 4217. */
  interaction.amount_usd::DECIMAL(18, 2) AS amount_usd, /* Money paid in US dollars. */
  interaction._source_ingested_at::TIMESTAMP AS _source_ingested_at, /* When the line was read (UTC). */
  interaction._source_batch_id::TEXT AS _source_batch_id, /* Pipeline run that read it. */
  interaction._source_load_number::BIGINT AS _source_load_number, /* Number of the load that brought it (studio_loads); tells what is new. */
  @execution_dtntz::TIMESTAMP AS _loaded_at /* When this row was written (UTC). */
FROM silver.stg_fan_interactions AS interaction
JOIN bronze.raw_fan_interactions AS landed
  ON landed._dlt_id = interaction._source_row_id AND landed.batch_id = interaction._source_batch_id
WHERE
  interaction.fan_class = 'VERIFIED'
  AND interaction._source_load_number IN (
    SELECT
      load_number
    FROM new_loads
  )
