MODEL (
  name silver.stg_box_office,
  kind INCREMENTAL_BY_UNIQUE_KEY (
    unique_key box_office_sk
  ),
  grain box_office_sk,
  references title_id,
  description 'One row per title, theatre and day: the record that arrived last, for corrections are later rows. A record without a day is left out (ops.rejected_studio_values).',
  audits (
    not_null(columns := (box_office_sk, record_id, title_id, theater_id, report_date), condition := @changed_rows()),
    duplicate_count("column" := box_office_sk, blocking := TRUE, condition := @changed_rows()),
    null_count("column" := theater_id, condition := @changed_rows()),
    positive_revenue("column" := gross_usd, condition := @changed_rows()),
    positive_revenue("column" := gross_local, condition := @changed_rows()),
    valid_country_code("column" := country_code, condition := @changed_rows()),
    forall(
      criteria := (
        tickets_sold >= 0,
        screen_count >= 0,
        showtime_count >= 0,
        gross_local IS NULL
        OR exchange_rate_usd IS NULL
        OR ABS(gross_usd - ROUND(@to_usd(gross_local, exchange_rate_usd), 2)) <= GREATEST(1, @ratio(ROUND(@to_usd(gross_local, exchange_rate_usd), 2), 100))
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
    @high_water_mark('silver.stg_box_office')
  ) AS high_water_mark
  WHERE
    load._source_load_number > high_water_mark.load_number
), records AS (
  SELECT
    @clean_columns(
      record,
      title_id,
      theater_id,
      name,
      region,
      country,
      report_date,
      tickets_sold,
      gross_revenue_local,
      local_currency,
      exchange_rate_usd,
      gross_revenue_usd,
      screen_count,
      showtime_count
    ),
    COALESCE(@clean_text(record.record_id), record.record_id) AS record_id,
    record.source_file,
    record.source_line,
    record.ingested_at,
    record.batch_id,
    load._source_load_number
  FROM bronze.raw_box_office AS record
  JOIN new_loads AS load
    ON load._source_load_id = record._dlt_load_id
), parsed AS (
  SELECT
    record_id,
    @parse_key(title_id) AS title_id,
    theater_id,
    name,
    @parse_name(region) AS region,
    UPPER(country) AS country_code,
    @parse_date(report_date, ingested_at) AS report_day,
    @parse_count(tickets_sold) AS tickets_sold,
    @parse_local_gross(gross_revenue_local) AS gross_local,
    UPPER(local_currency) AS local_currency,
    @parse_rate(exchange_rate_usd) AS exchange_rate_usd,
    @parse_amount(gross_revenue_usd) AS reported_usd,
    @parse_count(screen_count) AS screen_count,
    @parse_count(showtime_count) AS showtime_count,
    source_file,
    source_line,
    ingested_at,
    batch_id,
    _source_load_number
  FROM records
), newest AS (
  SELECT
    *,
    @to_usd(gross_local, exchange_rate_usd) AS converted_usd
  FROM parsed
  WHERE
    NOT title_id IS NULL AND NOT @parse_key(theater_id) IS NULL AND NOT report_day IS NULL
  QUALIFY
    ROW_NUMBER() OVER (
      PARTITION BY title_id, theater_id, report_day
      ORDER BY ingested_at DESC, source_file DESC, source_line DESC
    ) = 1
)
/* The macro of the key joins its parts by |: one in a title's key must not move the border. */
SELECT
  @GENERATE_SURROGATE_KEY(
    REPLACE(REPLACE(record.title_id, '~', '~~'), '|', '~|'),
    record.theater_id,
    @date_text(record.report_day)
  )::TEXT AS box_office_sk, /* Key: hash of title, theatre and day. */
  record.record_id::TEXT AS record_id, /* The studio's key of the record. */
  record.title_id::TEXT AS title_id, /* The studio's key of the title. */
  record.theater_id::TEXT AS theater_id, /* The studio's key of the theatre. */
  record.name::TEXT AS theater_name, /* Name of the theatre. */
  record.region::TEXT AS region, /* Market region of the theatre. */
  country.country_code::TEXT AS country_code, /* ISO 3166-1 alpha-3; NULL when it is no country. */
  record.report_day::DATE AS report_date, /* The day. */
  record.tickets_sold::BIGINT AS tickets_sold, /* Tickets; NULL when it is no number from 0. */
  record.gross_local::DECIMAL(18, 2) AS gross_local, /* Gross in the local currency; NULL when it is no number from 0. */
  record.local_currency::TEXT AS local_currency, /* ISO 4217. */
  record.exchange_rate_usd::DECIMAL(18, 8) AS exchange_rate_usd, /* US dollars a unit of the local currency, as reported. */
  CASE
    WHEN @is_reported_usd(record.reported_usd, record.converted_usd)
    THEN record.reported_usd
    ELSE @plausible_usd(record.converted_usd)
  END::DECIMAL(18, 2) AS gross_usd, /* Gross in US dollars: as reported, if that is within a percent (or a dollar) of local money times rate, else that product; NULL without either. */
  @is_reported_usd(record.reported_usd, record.converted_usd)::BOOLEAN AS is_gross_usd_reported, /* Whether gross_usd is as reported. */
  record.screen_count::BIGINT AS screen_count, /* Screens that showed the title. */
  record.showtime_count::BIGINT AS showtime_count, /* Showings. */
  record.source_file::TEXT AS _source_file, /* File of the record. */
  record.source_line::BIGINT AS _source_line, /* Line in it. */
  record.ingested_at::TIMESTAMP AS _source_ingested_at, /* When the line was read (UTC). */
  record.batch_id::TEXT AS _source_batch_id, /* Pipeline run that read it. */
  record._source_load_number::BIGINT AS _source_load_number, /* Number of the load that brought it (studio_loads); tells what is new. */
  @execution_dtntz::TIMESTAMP AS _loaded_at /* When this row was written (UTC). */
FROM newest AS record
LEFT JOIN silver.seed_country_codes AS country
  ON country.country_code = record.country_code
