MODEL (
  name gold.fact_daily_performance,
  kind INCREMENTAL_BY_PARTITION,
  partitioned_by date_sk,
  depends_on (gold.dim_titles, gold.dim_dates),
  grain (title_sk, date_sk, region),
  references (title_sk, date_sk),
  @read_by_analysts(),
  description 'One row a title, day and market region in which a theatre reported or a fan did something. Days with news are made anew as a whole. Fans are distinct within the row only: never add them up.',
  column_descriptions (
    title_sk = 'The title, into dim_titles; the unknown title where an interaction names none.',
    date_sk = 'The day, into dim_dates.',
    region = 'Market region of the theatre or the fan; Unknown where none is named.',
    tickets_sold = 'Tickets.',
    gross_usd = 'Box office in US dollars.',
    theater_count = 'Theatres that reported.',
    screen_count = 'Screens that showed the title.',
    avg_ticket_price_usd = 'gross_usd / tickets_sold over the records in which both are known; NULL without tickets.',
    stream_count = 'Streams.',
    purchase_count = 'Purchases.',
    purchase_revenue_usd = 'Money from purchases in US dollars.',
    unique_fans = 'Distinct fans.',
    unique_verified_fans = 'Distinct verified fans.',
    unique_guests = 'Distinct guests.',
    _source_load_number = 'Number of the newest load that the row is made from (studio_batches); tells what is news.',
    _source_version = 'SQLMesh''s versions of the interactions and records that the row is made from; others tell that they were built anew, and all is news.'
  ),
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

WITH last_read AS (
  @last_read('gold.fact_daily_performance', 'silver.stg_fan_interactions', 'silver.stg_box_office')
), days_with_news AS (
  SELECT
    interaction.event_date AS day
  FROM silver.stg_fan_interactions AS interaction
  CROSS JOIN last_read
  WHERE
    NOT interaction.fan_class IS NULL AND interaction._source_load_number > last_read.load_number
  UNION
  SELECT
    record.report_date AS day
  FROM silver.stg_box_office AS record
  CROSS JOIN last_read
  WHERE
    record._source_load_number > last_read.load_number
), theatres AS (
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
    0 AS stream_count,
    0 AS purchase_count,
    0 AS purchase_revenue_usd,
    0 AS unique_fans,
    0 AS unique_verified_fans,
    0 AS unique_guests,
    MAX(record._source_load_number) AS load_number
  FROM silver.stg_box_office AS record
  JOIN days_with_news AS news
    ON news.day = record.report_date
  GROUP BY
    record.title_id,
    record.report_date,
    COALESCE(record.region, 'Unknown')
), fans AS (
  SELECT
    COALESCE(interaction.title_id, '-1') AS title_id,
    interaction.event_date AS day,
    COALESCE(interaction.region, 'Unknown') AS region,
    0 AS tickets_sold,
    0 AS gross_usd,
    0 AS theater_count,
    0 AS screen_count,
    0 AS priced_gross_usd,
    0 AS priced_tickets,
    COUNT_IF(interaction.event_type = 'STREAM') AS stream_count,
    COUNT_IF(interaction.event_type = 'PURCHASE') AS purchase_count,
    SUM(CASE WHEN interaction.event_type = 'PURCHASE' THEN interaction.amount_usd END) AS purchase_revenue_usd,
    COUNT(DISTINCT interaction.fan_token) AS unique_fans,
    COUNT(DISTINCT CASE WHEN interaction.fan_class = 'VERIFIED' THEN interaction.fan_token END) AS unique_verified_fans,
    COUNT(DISTINCT CASE WHEN interaction.fan_class = 'GUEST' THEN interaction.fan_token END) AS unique_guests,
    MAX(interaction._source_load_number) AS load_number
  FROM silver.stg_fan_interactions AS interaction
  JOIN days_with_news AS news
    ON news.day = interaction.event_date
  WHERE
    NOT interaction.fan_class IS NULL
  GROUP BY
    COALESCE(interaction.title_id, '-1'),
    interaction.event_date,
    COALESCE(interaction.region, 'Unknown')
), both_sides AS (
  SELECT
    title_id,
    day,
    region,
    tickets_sold,
    gross_usd,
    theater_count,
    screen_count,
    priced_gross_usd,
    priced_tickets,
    stream_count,
    purchase_count,
    purchase_revenue_usd,
    unique_fans,
    unique_verified_fans,
    unique_guests,
    load_number
  FROM theatres
  UNION ALL
  SELECT
    title_id,
    day,
    region,
    tickets_sold,
    gross_usd,
    theater_count,
    screen_count,
    priced_gross_usd,
    priced_tickets,
    stream_count,
    purchase_count,
    purchase_revenue_usd,
    unique_fans,
    unique_verified_fans,
    unique_guests,
    load_number
  FROM fans
)
SELECT
  @GENERATE_SURROGATE_KEY(both_sides.title_id)::TEXT AS title_sk,
  CAST(EXTRACT(YEAR FROM both_sides.day) * 10000 + EXTRACT(MONTH FROM both_sides.day) * 100 + EXTRACT(DAY FROM both_sides.day) AS INT) AS date_sk,
  both_sides.region::TEXT AS region,
  COALESCE(SUM(both_sides.tickets_sold), 0)::BIGINT AS tickets_sold,
  COALESCE(SUM(both_sides.gross_usd), 0)::DECIMAL(18, 2) AS gross_usd,
  SUM(both_sides.theater_count)::BIGINT AS theater_count,
  COALESCE(SUM(both_sides.screen_count), 0)::BIGINT AS screen_count,
  CAST(SUM(both_sides.priced_gross_usd) / NULLIF(SUM(both_sides.priced_tickets), 0) AS DOUBLE) AS avg_ticket_price_usd,
  SUM(both_sides.stream_count)::BIGINT AS stream_count,
  SUM(both_sides.purchase_count)::BIGINT AS purchase_count,
  COALESCE(SUM(both_sides.purchase_revenue_usd), 0)::DECIMAL(18, 2) AS purchase_revenue_usd,
  SUM(both_sides.unique_fans)::BIGINT AS unique_fans,
  SUM(both_sides.unique_verified_fans)::BIGINT AS unique_verified_fans,
  SUM(both_sides.unique_guests)::BIGINT AS unique_guests,
  MAX(both_sides.load_number)::BIGINT AS _source_load_number,
  @version_of('silver.stg_fan_interactions', 'silver.stg_box_office')::TEXT AS _source_version
FROM both_sides
GROUP BY
  both_sides.title_id,
  both_sides.day,
  both_sides.region
