MODEL (
  name gold.fact_daily_performance,
  kind INCREMENTAL_BY_PARTITION,
  partitioned_by date_sk,
  depends_on (gold.dim_titles, gold.dim_dates),
  grain (title_sk, date_sk, region),
  references (title_sk, date_sk),
  @read_by_analysts(),
  description 'One row per title, day and market region in which a theatre reported or a fan did something. Days with changes are made again as a whole. Fans are distinct within the row only: never add them up.',
  audits (
    not_null(columns := (title_sk, date_sk, region, tickets_sold, gross_usd, purchase_revenue_usd)),
    unique_combination_of_columns(columns := (title_sk, date_sk, region)),
    relationship(key := title_sk, parent := gold.dim_titles, parent_key := title_sk),
    relationship(key := date_sk, parent := gold.dim_dates, parent_key := date_sk),
    positive_revenue("column" := gross_usd),
    positive_revenue("column" := purchase_revenue_usd),
    forall(
      criteria := (
        tickets_sold >= 0,
        unique_verified_fans <= unique_fans,
        unique_guests <= unique_fans,
        unique_fans <= unique_verified_fans + unique_guests
      )
    ),
    daily_totals_reconcile
  )
);

WITH high_water_mark AS (
  @high_water_mark('gold.fact_daily_performance', 'silver.stg_fan_interactions', 'silver.stg_box_office')
), changed_days AS (
  SELECT
    interaction.event_date AS day
  FROM silver.stg_fan_interactions AS interaction
  CROSS JOIN high_water_mark
  WHERE
    NOT interaction.fan_class IS NULL AND interaction._source_load_number > high_water_mark.load_number
  UNION
  SELECT
    record.report_date AS day
  FROM silver.stg_box_office AS record
  CROSS JOIN high_water_mark
  WHERE
    record._source_load_number > high_water_mark.load_number
), theaters AS (
  SELECT
    record.title_id,
    record.report_date AS day,
    COALESCE(record.region, 'Unknown') AS region,
    SUM(record.tickets_sold) AS tickets_sold,
    SUM(record.gross_usd) AS gross_usd,
    COUNT(DISTINCT record.theater_id) AS theater_count,
    SUM(record.screen_count) AS screen_count,
    SUM(CASE WHEN NOT record.tickets_sold IS NULL THEN record.gross_usd END) AS priced_gross_usd,
    SUM(CASE WHEN NOT record.gross_usd IS NULL THEN record.tickets_sold END) AS priced_tickets,
    MAX(record._source_load_number) AS load_number
  FROM silver.stg_box_office AS record
  JOIN changed_days AS changed
    ON changed.day = record.report_date
  GROUP BY
    record.title_id,
    record.report_date,
    COALESCE(record.region, 'Unknown')
), fans AS (
  SELECT
    COALESCE(interaction.title_id, '-1') AS title_id,
    interaction.event_date AS day,
    COALESCE(interaction.region, 'Unknown') AS region,
    COUNT_IF(interaction.event_type = 'STREAM') AS stream_count,
    COUNT_IF(interaction.event_type = 'PURCHASE') AS purchase_count,
    SUM(CASE WHEN interaction.event_type = 'PURCHASE' THEN interaction.amount_usd END) AS purchase_revenue_usd,
    COUNT(DISTINCT interaction.fan_token) AS unique_fans,
    COUNT(DISTINCT CASE WHEN interaction.fan_class = 'VERIFIED' THEN interaction.fan_token END) AS unique_verified_fans,
    COUNT(DISTINCT CASE WHEN interaction.fan_class = 'GUEST' THEN interaction.fan_token END) AS unique_guests,
    MAX(interaction._source_load_number) AS load_number
  FROM silver.stg_fan_interactions AS interaction
  JOIN changed_days AS changed
    ON changed.day = interaction.event_date
  WHERE
    NOT interaction.fan_class IS NULL
  GROUP BY
    COALESCE(interaction.title_id, '-1'),
    interaction.event_date,
    COALESCE(interaction.region, 'Unknown')
)
SELECT
  @GENERATE_SURROGATE_KEY(COALESCE(theaters.title_id, fans.title_id))::TEXT AS title_sk, /* The title, into dim_titles; the unknown title where an interaction names none. */
  CAST(EXTRACT(YEAR FROM COALESCE(theaters.day, fans.day)) * 10000 + EXTRACT(MONTH FROM COALESCE(theaters.day, fans.day)) * 100 + EXTRACT(DAY FROM COALESCE(theaters.day, fans.day)) AS INT) AS date_sk, /* The day, into dim_dates. */
  COALESCE(theaters.region, fans.region)::TEXT AS region, /* Market region of the theatre or the fan; Unknown where none is named. */
  COALESCE(theaters.tickets_sold, 0)::BIGINT AS tickets_sold, /* Tickets. */
  COALESCE(theaters.gross_usd, 0)::DECIMAL(18, 2) AS gross_usd, /* Box office in US dollars. */
  COALESCE(theaters.theater_count, 0)::BIGINT AS theater_count, /* Theatres that reported. */
  COALESCE(theaters.screen_count, 0)::BIGINT AS screen_count, /* Screens that showed the title. */
  @ratio(theaters.priced_gross_usd, theaters.priced_tickets)::DOUBLE AS avg_ticket_price_usd, /* gross_usd / tickets_sold over the records in which both are known; NULL without tickets. */
  COALESCE(fans.stream_count, 0)::BIGINT AS stream_count, /* Streams. */
  COALESCE(fans.purchase_count, 0)::BIGINT AS purchase_count, /* Purchases. */
  COALESCE(fans.purchase_revenue_usd, 0)::DECIMAL(18, 2) AS purchase_revenue_usd, /* Money from purchases in US dollars. */
  COALESCE(fans.unique_fans, 0)::BIGINT AS unique_fans, /* Distinct fans. */
  COALESCE(fans.unique_verified_fans, 0)::BIGINT AS unique_verified_fans, /* Distinct verified fans. */
  COALESCE(fans.unique_guests, 0)::BIGINT AS unique_guests, /* Distinct guests. */
  GREATEST(COALESCE(theaters.load_number, 0), COALESCE(fans.load_number, 0))::BIGINT AS _source_load_number, /* Number of the newest load that the row is made from (studio_loads); tells what is new. */
  @snapshot_version('silver.stg_fan_interactions', 'silver.stg_box_office')::TEXT AS _source_version /* SQLMesh's versions of the interactions and records that the row is made from; others tell that they were built again, and all is new. */
FROM theaters
FULL OUTER JOIN fans
  ON fans.title_id = theaters.title_id AND fans.day = theaters.day AND fans.region = theaters.region
