MODEL (
  name ops.rejected_studio_values,
  kind INCREMENTAL_BY_UNIQUE_KEY (
    unique_key (_source_row_id, column_name)
  ),
  grain (_source_row_id, column_name),
  description 'One row a row of bronze and value that breaks a rule of the studio''s feeds, so that silver holds NULL (or another value, or no row) in its place. A log: a later record may have mended it.',
  column_descriptions (
    table_name = 'Table of bronze.',
    record_id = 'The studio''s key of the record.',
    column_name = 'Column of silver that lost the value.',
    rejected_value = 'What the record says.',
    reason = 'The rule it breaks.',
    source_file = 'File of the record.',
    source_line = 'Line in it.',
    _source_ingested_at = 'When the line was read (UTC).',
    _source_batch_id = 'Pipeline run that read it.',
    _source_load_number = 'Number of the load that brought it (studio_batches); tells what is news.',
    _source_row_id = 'The row in bronze: its _dlt_id.'
  ),
  audits (
    not_null(columns := (table_name, record_id, column_name, rejected_value, reason)),
    unique_combination_of_columns(columns := (_source_row_id, column_name))
  )
);

WITH batches_with_news AS (
  @batches_with_news('ops.rejected_studio_values')
), interactions AS (
  SELECT
    'raw_fan_interactions' AS table_name,
    landed.interaction_id,
    landed.country_code,
    landed.event_timestamp,
    landed.event_type,
    landed.account_type,
    landed.amount,
    landed.currency,
    country.country_code AS known_country,
    account.fan_class,
    rate.effective_from AS rated_from,
    landed.source_file,
    landed.source_line,
    landed.ingested_at,
    landed.batch_id,
    landed._dlt_id,
    batch.load_number
  FROM bronze.raw_fan_interactions AS landed
  JOIN batches_with_news AS batch
    ON batch.batch_id = landed.batch_id
  LEFT JOIN silver.seed_country_codes AS country
    ON country.country_code = @clean_code(landed.country_code)
  LEFT JOIN silver.seed_account_types AS account
    ON account.account_type = @clean_code(landed.account_type)
  LEFT JOIN (
    SELECT
      currency,
      MIN(effective_from) AS effective_from
    FROM silver.seed_exchange_rates
    GROUP BY
      currency
  ) AS rate
    ON rate.currency = @clean_code(landed.currency)
), titles AS (
  SELECT
    'raw_title_metadata' AS table_name,
    landed.title_id,
    landed.release_year,
    landed.runtime_minutes,
    landed.imdb_score,
    landed.budget_usd,
    landed.tmdb_id,
    landed.source_file,
    landed.source_line,
    landed.ingested_at,
    landed.batch_id,
    landed._dlt_id,
    batch.load_number
  FROM bronze.raw_title_metadata AS landed
  JOIN batches_with_news AS batch
    ON batch.batch_id = landed.batch_id
), box_office AS (
  SELECT
    'raw_box_office' AS table_name,
    landed.record_id AS box_office_record_id,
    landed.country,
    landed.report_date,
    landed.tickets_sold,
    landed.gross_revenue_local,
    landed.exchange_rate_usd,
    landed.gross_revenue_usd,
    landed.local_currency,
    landed.screen_count,
    landed.showtime_count,
    country.country_code AS known_country,
    @parse_amount(landed.gross_revenue_usd) AS reported_usd,
    ROUND(@parse_amount(landed.gross_revenue_local) * @parse_rate(landed.exchange_rate_usd), 2) AS converted_usd,
    landed.source_file,
    landed.source_line,
    landed.ingested_at,
    landed.batch_id,
    landed._dlt_id,
    batch.load_number
  FROM bronze.raw_box_office AS landed
  JOIN batches_with_news AS batch
    ON batch.batch_id = landed.batch_id
  LEFT JOIN silver.seed_country_codes AS country
    ON country.country_code = @clean_code(landed.country)
), rejected_interactions AS (
  @refused_values(
    interactions,
    interaction_id,
    ('account_type', account_type, fan_class IS NULL, 'unknown account type'),
    ('event_type', event_type, NOT @is_event_type(@clean_code(event_type)), 'unknown event type'),
    (
      'event_at',
      event_timestamp,
      @parse_timestamp(event_timestamp, ingested_at) IS NULL,
      'no moment up to a day after it was read'
    ),
    ('country_code', country_code, known_country IS NULL, 'no country'),
    ('amount', amount, @parse_amount(amount) IS NULL, 'no amount from 0 to a trillion'),
    (
      'amount_usd',
      currency,
      rated_from IS NULL OR @parse_timestamp(event_timestamp, ingested_at)::DATE < rated_from::DATE,
      'no exchange rate'
    ),
    ('amount_usd', amount, @clean_code(currency) IS NULL AND @parse_amount(amount) > 0, 'no currency')
  )
), rejected_titles AS (
  @refused_values(
    titles,
    title_id,
    (
      'release_year',
      release_year,
      NOT COALESCE(@is_release_year(@parse_count(release_year), ingested_at), FALSE),
      'no year from 1870 to ten years ahead'
    ),
    (
      'runtime_minutes',
      runtime_minutes,
      @parse_count(runtime_minutes) IS NULL,
      'no whole number of minutes from 0'
    ),
    ('imdb_score', imdb_score, @parse_score(imdb_score) IS NULL, 'no score from 0 to 10'),
    ('budget_usd', budget_usd, @parse_amount(budget_usd) IS NULL, 'no amount from 0 to a trillion'),
    ('tmdb_id', tmdb_id, @parse_count(tmdb_id) IS NULL, 'no whole number')
  )
), rejected_box_office AS (
  @refused_values(
    box_office,
    box_office_record_id,
    (
      'report_date',
      report_date,
      @parse_date(report_date, ingested_at) IS NULL,
      'no day up to the one after it was read'
    ),
    ('country_code', country, known_country IS NULL, 'no country'),
    (
      'tickets_sold',
      tickets_sold,
      @parse_count(tickets_sold) IS NULL,
      'no whole number from 0 to a trillion'
    ),
    (
      'gross_local',
      gross_revenue_local,
      @parse_amount(gross_revenue_local) IS NULL,
      'no amount from 0 to a trillion'
    ),
    (
      'exchange_rate_usd',
      exchange_rate_usd,
      @parse_rate(exchange_rate_usd) IS NULL,
      'no rate above 0 and below 10,000'
    ),
    (
      'local_currency',
      local_currency,
      @parse_rate(exchange_rate_usd) IS NULL AND reported_usd IS NULL,
      'no exchange rate'
    ),
    (
      'gross_usd',
      gross_revenue_usd,
      reported_usd IS NULL OR ABS(reported_usd - converted_usd) > GREATEST(1, converted_usd / 100),
      'no amount from 0 that fits local money and rate'
    ),
    (
      'gross_usd',
      gross_revenue_local,
      COALESCE(@clean_text(gross_revenue_usd), @clean_text(local_currency), @clean_text(exchange_rate_usd)) IS NULL
      AND @parse_amount(gross_revenue_local) > 0,
      'no currency'
    ),
    (
      'screen_count',
      screen_count,
      @parse_count(screen_count) IS NULL,
      'no whole number from 0 to a trillion'
    ),
    (
      'showtime_count',
      showtime_count,
      @parse_count(showtime_count) IS NULL,
      'no whole number from 0 to a trillion'
    )
  )
), rejected AS (
  SELECT
    table_name,
    record_id,
    column_name,
    rejected_value,
    reason,
    source_file,
    source_line,
    ingested_at,
    batch_id,
    _dlt_id,
    load_number
  FROM rejected_interactions
  UNION ALL
  SELECT
    table_name,
    record_id,
    column_name,
    rejected_value,
    reason,
    source_file,
    source_line,
    ingested_at,
    batch_id,
    _dlt_id,
    load_number
  FROM rejected_titles
  UNION ALL
  SELECT
    table_name,
    record_id,
    column_name,
    rejected_value,
    reason,
    source_file,
    source_line,
    ingested_at,
    batch_id,
    _dlt_id,
    load_number
  FROM rejected_box_office
)
SELECT
  table_name::TEXT AS table_name,
  record_id::TEXT AS record_id,
  column_name::TEXT AS column_name,
  rejected_value::TEXT AS rejected_value,
  reason::TEXT AS reason,
  source_file::TEXT AS source_file,
  source_line::BIGINT AS source_line,
  ingested_at::TIMESTAMP AS _source_ingested_at,
  batch_id::TEXT AS _source_batch_id,
  load_number::BIGINT AS _source_load_number,
  _dlt_id::TEXT AS _source_row_id
FROM rejected
