MODEL (
  name ops.rejected_values,
  kind INCREMENTAL_BY_UNIQUE_KEY (
    unique_key (_source_response_id, column_name, rejected_value)
  ),
  grain (_source_response_id, column_name, rejected_value),
  references movie_id,
  description 'One row per response and value that breaks a rule of the source, so that silver holds NULL (or no row) in its place. A log: where the movie was corrected since, silver_movies stands on another response.',
  audits (
    not_null(columns := (column_name, rejected_value, reason, _source_response_id, _source_ingested_at)),
    unique_combination_of_columns(columns := (_source_response_id, column_name, rejected_value)),
    relationship(
      key := _source_response_id,
      parent := silver.silver_movie_observations,
      parent_key := response_id,
      condition := NOT movie_id IS NULL
    )
  )
);

/* By load number and by time: many loads leave no row here, so the highest number alone says little,
   and the time alone is that of the hour in which the last refresh began. */
WITH new_observations AS (
  SELECT
    observation.movie_id,
    observation.genres,
    observation.production_companies,
    observation.rejected_values,
    observation.observed_at,
    observation._source_batch_id,
    observation._source_load_number,
    observation.response_id
  FROM silver.silver_movie_observations AS observation
  CROSS JOIN (
    @high_water_mark('ops.rejected_values')
  ) AS high_water_mark
  WHERE
    observation._loaded_at >= @start_dtntz
    AND observation._source_load_number > high_water_mark.load_number
), rejects AS (
  @json_entries(
    new_observations,
    @json_array_of(rejected_values),
    movie_id,
    observed_at,
    _source_batch_id,
    _source_load_number,
    response_id
  )
), lists AS (
  SELECT
    movie_id,
    'genre_id' AS column_name,
    genres AS list,
    observed_at,
    _source_batch_id,
    _source_load_number,
    response_id
  FROM new_observations
  UNION ALL
  SELECT
    movie_id,
    'company_id' AS column_name,
    production_companies AS list,
    observed_at,
    _source_batch_id,
    _source_load_number,
    response_id
  FROM new_observations
), list_entries AS (
  @json_entries(
    lists,
    @json_array_of(list),
    movie_id,
    column_name,
    observed_at,
    _source_batch_id,
    _source_load_number,
    response_id
  )
), genre_list_entries AS (
  @json_entries(bronze.raw_genres, @json_array(raw_data, 'genres'), ingested_at, batch_id, _dlt_id)
), entries AS (
  SELECT
    movie_id,
    column_name,
    entry,
    observed_at,
    _source_batch_id,
    _source_load_number,
    response_id
  FROM list_entries
  UNION ALL
  SELECT
    NULL::BIGINT AS movie_id,
    'genre_id' AS column_name,
    entry,
    ingested_at AS observed_at,
    batch_id AS _source_batch_id,
    NULL::BIGINT AS _source_load_number,
    _dlt_id AS response_id
  FROM genre_list_entries
), rejected AS (
  SELECT
    movie_id,
    @json_text(entry, 'column_name') AS column_name,
    @json_text(entry, 'rejected_value') AS rejected_value,
    @json_text(entry, 'reason') AS reason,
    observed_at,
    _source_batch_id,
    _source_load_number,
    response_id
  FROM rejects
  UNION ALL
  SELECT DISTINCT
    movie_id,
    column_name,
    COALESCE(entry::TEXT, 'null') AS rejected_value,
    'entry without a number' AS reason,
    observed_at,
    _source_batch_id,
    _source_load_number,
    response_id
  FROM entries
  WHERE
    COALESCE(@json_integer(entry, 'id'), 0) <= 0
)
SELECT
  movie_id::BIGINT AS movie_id, /* TMDb's number of the movie; NULL for an entry of the genre list. */
  column_name::TEXT AS column_name, /* Column of silver that lost the value. */
  COALESCE(rejected_value, '')::TEXT AS rejected_value, /* The value in the response, as text. */
  reason::TEXT AS reason, /* The rule it breaks. */
  observed_at::TIMESTAMP AS _source_ingested_at, /* When the response arrived (UTC). */
  _source_batch_id::TEXT AS _source_batch_id, /* Pipeline run that loaded it. */
  _source_load_number::BIGINT AS _source_load_number, /* Number of the load that brought it; NULL for an entry of the genre list. */
  response_id::TEXT AS _source_response_id /* The response: bronze's _dlt_id. */
FROM rejected
