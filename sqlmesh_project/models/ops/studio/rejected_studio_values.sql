MODEL (
  name ops.rejected_studio_values,
  kind INCREMENTAL_BY_UNIQUE_KEY (
    unique_key (_source_row_id, column_name)
  ),
  grain (_source_row_id, column_name),
  description 'One row per row of bronze and value that breaks a rule of the studio''s feeds, so that silver holds NULL (or another value, or no row) in its place. A log: a later record may have fixed it.',
  audits (
    not_null(columns := (table_name, record_id, column_name, rejected_value, reason, _source_row_id)),
    unique_combination_of_columns(columns := (_source_row_id, column_name))
  )
);

WITH new_loads AS (
  SELECT
    load._source_load_id,
    load._source_load_number
  FROM silver.studio_loads AS load
  CROSS JOIN (
    @high_water_mark('ops.rejected_studio_values')
  ) AS high_water_mark
  WHERE
    load._source_load_number > high_water_mark.load_number
), records AS (
  @rejected_values(
    (
      bronze.raw_fan_interactions,
      interaction_id,
      ('interaction_id', interaction_id, required_key),
      (
        'account_type',
        account_type,
        NOT UPPER(account_type) IN (
          SELECT
            account.account_type
          FROM silver.seed_account_types AS account
        ),
        'unknown account type'
      ),
      ('event_type', event_type, NOT @is_event_type(UPPER(event_type)), 'unknown event type'),
      ('event_at', event_timestamp, parse_timestamp),
      ('title_id', title_id, parse_key),
      ('region', region, parse_name),
      (
        'country_code',
        country_code,
        NOT UPPER(country_code) IN (
          SELECT
            country.country_code
          FROM silver.seed_country_codes AS country
        ),
        'not a country code of ISO 3166-1 alpha-3'
      ),
      ('device_type', device_type, parse_name),
      ('amount', amount, parse_amount),
      (
        'amount_usd',
        currency,
        NOT UPPER(currency) IN (
          SELECT
            rate.currency
          FROM silver.seed_exchange_rates AS rate
        )
        OR parsed_event_at < (
          SELECT
            MIN(rate.effective_from)::TIMESTAMP
          FROM silver.seed_exchange_rates AS rate
          WHERE
            rate.currency = UPPER(currency)
        ),
        'no exchange rate'
      ),
      ('amount_usd', amount, currency IS NULL AND parsed_amount > 0, 'no currency')
    ),
    (
      bronze.raw_title_metadata,
      title_id,
      ('title_id', title_id, required_key),
      ('franchise', franchise, parse_name),
      ('release_year', release_year, parse_year),
      ('runtime_minutes', runtime_minutes, parse_count),
      ('imdb_score', imdb_score, parse_score),
      ('budget_usd', budget_usd, parse_amount),
      ('tmdb_id', tmdb_id, parse_count)
    ),
    (
      bronze.raw_box_office,
      record_id,
      ('title_id', title_id, required_key),
      ('theater_id', theater_id, required_key),
      ('report_date', report_date, parse_date),
      ('region', region, parse_name),
      (
        'country_code',
        country,
        NOT UPPER(country) IN (
          SELECT
            known.country_code
          FROM silver.seed_country_codes AS known
        ),
        'not a country code of ISO 3166-1 alpha-3'
      ),
      ('tickets_sold', tickets_sold, parse_count),
      ('gross_local', gross_revenue_local, parse_local_gross),
      ('exchange_rate_usd', exchange_rate_usd, parse_rate),
      (
        'local_currency',
        local_currency,
        parsed_exchange_rate_usd IS NULL AND parsed_gross_usd IS NULL,
        'no exchange rate'
      ),
      ('gross_usd', gross_revenue_usd, parse_amount),
      (
        'gross_usd',
        gross_revenue_usd,
        NOT @is_reported_usd(parsed_gross_usd, @to_usd(parsed_gross_local, parsed_exchange_rate_usd)),
        'does not fit the local gross and its rate'
      ),
      (
        'gross_usd',
        gross_revenue_local,
        @plausible_usd(COALESCE(@to_usd(parsed_gross_local, parsed_exchange_rate_usd), 0)) IS NULL,
        'more than a billion US dollars'
      ),
      (
        'gross_usd',
        gross_revenue_local,
        COALESCE(gross_revenue_usd, local_currency, exchange_rate_usd) IS NULL AND parsed_gross_local > 0,
        'no currency'
      ),
      ('screen_count', screen_count, parse_count),
      ('showtime_count', showtime_count, parse_count)
    )
  )
), entries AS (
  @json_entries(
    records,
    @json_array_of(rejected_values),
    table_name,
    record_id,
    source_file,
    source_line,
    ingested_at,
    batch_id,
    _source_load_number,
    _dlt_id
  )
), rejected AS (
  SELECT
    *,
    @json_text(entry, 'rejected_value') AS rejected_value
  FROM entries
)
SELECT
  table_name::TEXT AS table_name, /* Table of bronze. */
  record_id::TEXT AS record_id, /* The studio's key of the record. */
  @json_text(entry, 'column_name')::TEXT AS column_name, /* Column of silver that lost the value. */
  COALESCE(@kept_text(table_name, rejected_value), '')::TEXT AS rejected_value, /* What the record says; of the fan feed type and length only, because the text may be about a person. */
  @json_text(entry, 'reason')::TEXT AS reason, /* The rule it breaks. */
  source_file::TEXT AS source_file, /* File of the record. */
  source_line::BIGINT AS source_line, /* Line in it. */
  ingested_at::TIMESTAMP AS _source_ingested_at, /* When the line was read (UTC). */
  batch_id::TEXT AS _source_batch_id, /* Pipeline run that read it. */
  _source_load_number::BIGINT AS _source_load_number, /* Number of the load that brought it (studio_loads); tells what is new. */
  _dlt_id::TEXT AS _source_row_id /* The row in bronze: its _dlt_id. */
FROM rejected
