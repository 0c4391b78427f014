MODEL (
  name silver.stg_box_office,
  kind INCREMENTAL_BY_UNIQUE_KEY (
    unique_key box_office_sk
  ),
  grain box_office_sk,
  references title_id,
  description 'One row a title, theatre and day: the record that arrived last, for corrections are later rows. A record without a day is left out (ops.rejected_studio_values).',
  column_descriptions (
    box_office_sk = 'Key: hash of title, theatre and day.',
    record_id = 'The studio''s key of the record.',
    title_id = 'The studio''s key of the title.',
    theater_id = 'The studio''s key of the theatre.',
    theater_name = 'Name of the theatre.',
    region = 'Market region of the theatre.',
    country_code = 'ISO 3166-1 alpha-3; NULL when it is no country.',
    report_date = 'The day.',
    tickets_sold = 'Tickets; NULL when it is no number from 0.',
    gross_local = 'Gross in the local currency; NULL when it is no number from 0.',
    local_currency = 'ISO 4217.',
    exchange_rate_usd = 'US dollars a unit of the local currency, as reported.',
    gross_usd = 'Gross in US dollars: as reported, if that is within a percent (or a dollar) of local money times rate, else that product; NULL without either.',
    is_gross_usd_reported = 'Whether gross_usd is as reported.',
    screen_count = 'Screens that showed the title.',
    showtime_count = 'Showings.',
    _source_file = 'File of the record.',
    _source_line = 'Line in it.',
    _source_ingested_at = 'When the line was read (UTC).',
    _source_batch_id = 'Pipeline run that read it.',
    _source_load_number = 'Number of the load that brought it (studio_batches); tells what is news.',
    _loaded_at = 'When this row was written (UTC).'
  ),
  audits (
    not_null(columns := (box_office_sk, record_id, title_id, theater_id, report_date)),
    duplicate_count("column" := box_office_sk, blocking := TRUE),
    null_count("column" := theater_id),
    positive_revenue("column" := gross_usd),
    positive_revenue("column" := gross_local),
    valid_country_code("column" := country_code),
    forall(
      criteria := (
        tickets_sold >= 0,
        screen_count >= 0,
        showtime_count >= 0,
        gross_local IS NULL
        OR exchange_rate_usd IS NULL
        OR ABS(gross_usd - ROUND(gross_local * exchange_rate_usd, 2)) <= GREATEST(1, ROUND(gross_local * exchange_rate_usd, 2) / 100)
      )
    )
  )
);

WITH batches_with_news AS (
  @batches_with_news('silver.stg_box_office')
), reported AS (
  SELECT
    @GENERATE_SURROGATE_KEY(@clean_text(record.title_id), @clean_text(record.theater_id), @parse_date(record.report_date, record.ingested_at)) AS box_office_sk,
    record.record_id,
    @clean_text(record.title_id) AS title_id,
    @clean_text(record.theater_id) AS theater_id,
    @clean_text(record.name) AS theater_name,
    @clean_text(record.region) AS region,
    @clean_code(record.country) AS country_code,
    @parse_date(record.report_date, record.ingested_at) AS report_date,
    @parse_count(record.tickets_sold) AS tickets_sold,
    @parse_amount(record.gross_revenue_local) AS gross_local,
    @clean_code(record.local_currency) AS local_currency,
    @parse_rate(record.exchange_rate_usd) AS exchange_rate_usd,
    @parse_amount(record.gross_revenue_usd) AS reported_usd,
    @parse_count(record.screen_count) AS screen_count,
    @parse_count(record.showtime_count) AS showtime_count,
    record.source_file,
    record.source_line,
    record.ingested_at,
    record.batch_id,
    batch.load_number
  FROM bronze.raw_box_office AS record
  JOIN batches_with_news AS batch
    ON batch.batch_id = record.batch_id
), latest AS (
  SELECT
    box_office_sk,
    record_id,
    title_id,
    theater_id,
    theater_name,
    region,
    country_code,
    report_date,
    tickets_sold,
    gross_local,
    local_currency,
    exchange_rate_usd,
    reported_usd,
    ROUND(gross_local * exchange_rate_usd, 2) AS converted_usd,
    screen_count,
    showtime_count,
    source_file,
    source_line,
    ingested_at,
    batch_id,
    load_number
  FROM reported
  WHERE
    NOT report_date IS NULL
  QUALIFY
    ROW_NUMBER() OVER (PARTITION BY box_office_sk ORDER BY ingested_at DESC, source_file DESC, source_line DESC) = 1
), checked AS (
  SELECT
    box_office_sk,
    record_id,
    title_id,
    theater_id,
    theater_name,
    region,
    country_code,
    report_date,
    tickets_sold,
    gross_local,
    local_currency,
    exchange_rate_usd,
    reported_usd,
    converted_usd,
    NOT reported_usd IS NULL
    AND (
      converted_usd IS NULL OR ABS(reported_usd - converted_usd) <= GREATEST(1, converted_usd / 100)
    ) AS is_gross_usd_reported,
    screen_count,
    showtime_count,
    source_file,
    source_line,
    ingested_at,
    batch_id,
    load_number
  FROM latest
)
SELECT
  checked.box_office_sk::TEXT AS box_office_sk,
  checked.record_id::TEXT AS record_id,
  checked.title_id::TEXT AS title_id,
  checked.theater_id::TEXT AS theater_id,
  checked.theater_name::TEXT AS theater_name,
  checked.region::TEXT AS region,
  country.country_code::TEXT AS country_code,
  checked.report_date::DATE AS report_date,
  checked.tickets_sold::BIGINT AS tickets_sold,
  checked.gross_local::DECIMAL(18, 2) AS gross_local,
  checked.local_currency::TEXT AS local_currency,
  checked.exchange_rate_usd::DECIMAL(18, 8) AS exchange_rate_usd,
  CASE WHEN checked.is_gross_usd_reported THEN checked.reported_usd ELSE checked.converted_usd END::DECIMAL(18, 2) AS gross_usd,
  checked.is_gross_usd_reported::BOOLEAN AS is_gross_usd_reported,
  checked.screen_count::BIGINT AS screen_count,
  checked.showtime_count::BIGINT AS showtime_count,
  checked.source_file::TEXT AS _source_file,
  checked.source_line::BIGINT AS _source_line,
  checked.ingested_at::TIMESTAMP AS _source_ingested_at,
  checked.batch_id::TEXT AS _source_batch_id,
  checked.load_number::BIGINT AS _source_load_number,
  @execution_dtntz::TIMESTAMP AS _loaded_at
FROM checked
LEFT JOIN silver.seed_country_codes AS country
  ON country.country_code = checked.country_code
LEFT JOIN silver.stg_box_office AS known
  ON known.box_office_sk = checked.box_office_sk
WHERE
  known.box_office_sk IS NULL
  OR checked.ingested_at > known._source_ingested_at
  OR (
    checked.ingested_at = known._source_ingested_at
    AND (
      checked.source_file > known._source_file
      OR (
        checked.source_file = known._source_file AND checked.source_line > known._source_line
      )
    )
  )
  OR @start_ds <= @first_day
