MODEL (
  name silver.fans,
  kind INCREMENTAL_BY_UNIQUE_KEY (
    unique_key fan_token
  ),
  grain fan_token,
  description 'One row per fan: what all the accepted interactions of the fan add up to. Only fans with new interactions are added up again.',
  audits (
    not_null(
      columns := (fan_token, account_type, fan_class, first_seen_at, last_seen_at, revenue_usd),
      condition := @changed_rows()
    ),
    duplicate_count("column" := fan_token, blocking := TRUE, condition := @changed_rows()),
    null_count("column" := account_type, condition := @changed_rows()),
    positive_revenue("column" := revenue_usd, condition := @changed_rows()),
    forall(
      criteria := (first_seen_at <= last_seen_at, order_count <= interaction_count, priced_order_count <= order_count),
      condition := @changed_rows()
    ),
    no_rows_lost(
      key := fan_token,
      parent := silver.stg_fan_interactions,
      parent_key := fan_token,
      condition := NOT parent.fan_class IS NULL
    )
  )
);

WITH high_water_mark AS (
  @high_water_mark('silver.fans')
), changed_fans AS (
  SELECT DISTINCT
    interaction.fan_token
  FROM silver.stg_fan_interactions AS interaction
  CROSS JOIN high_water_mark
  WHERE
    NOT interaction.fan_class IS NULL AND interaction._source_load_number > high_water_mark.load_number
), newest_first AS (
  SELECT
    interaction.fan_token,
    interaction.account_type,
    interaction.fan_class,
    interaction.event_at,
    interaction.event_type,
    interaction.amount_usd,
    interaction._source_load_number,
    ROW_NUMBER() OVER (
      PARTITION BY interaction.fan_token
      ORDER BY interaction.event_at DESC, interaction.interaction_id DESC
    ) AS place
  FROM silver.stg_fan_interactions AS interaction
  JOIN changed_fans AS changed
    ON changed.fan_token = interaction.fan_token
  WHERE
    NOT interaction.fan_class IS NULL
)
SELECT
  fan_token::TEXT AS fan_token, /* Keyed token of the fan (HMAC-SHA256). */
  MAX(CASE WHEN place = 1 THEN account_type END)::TEXT AS account_type, /* Type of the account at the newest interaction. */
  MAX(CASE WHEN place = 1 THEN fan_class END)::TEXT AS fan_class, /* VERIFIED or GUEST, at the newest interaction. */
  MIN(event_at)::TIMESTAMP AS first_seen_at, /* Oldest interaction (UTC). */
  MAX(event_at)::TIMESTAMP AS last_seen_at, /* Newest interaction (UTC). */
  COUNT(*)::BIGINT AS interaction_count, /* Interactions. */
  COUNT_IF(event_type = 'PURCHASE')::BIGINT AS order_count, /* Purchases. */
  COUNT_IF(event_type = 'PURCHASE' AND NOT amount_usd IS NULL)::BIGINT AS priced_order_count, /* Purchases whose amount in US dollars is known. */
  COALESCE(SUM(CASE WHEN event_type = 'PURCHASE' THEN amount_usd END), 0)::DECIMAL(18, 2) AS revenue_usd, /* Money from purchases in US dollars. */
  MAX(_source_load_number)::BIGINT AS _source_load_number, /* Number of the load that brought the newest of what the row is made of (studio_loads); tells what is new. */
  @execution_dtntz::TIMESTAMP AS _loaded_at /* When this row was written (UTC). */
FROM newest_first
GROUP BY
  fan_token
