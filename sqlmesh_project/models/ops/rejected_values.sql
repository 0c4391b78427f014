MODEL (
  name ops.rejected_values,
  kind INCREMENTAL_BY_UNIQUE_KEY (
    unique_key (movie_id, column_name)
  ),
  grain (movie_id, column_name),
  references movie_id,
  description 'One row a movie and column whose value in the newest response breaks a rule of the source, so that silver holds NULL (or no row) in its place.',
  column_descriptions (
    movie_id = 'TMDb''s number of the movie.',
    column_name = 'Column of silver that lost the value.',
    rejected_value = 'What the response says, as text.',
    reason = 'The rule it breaks.',
    _source_ingested_at = 'When the response arrived (UTC).',
    _source_batch_id = 'Pipeline run that landed it.',
    _source_response_count = 'Responses of the movie known when the row was written.'
  ),
  audits (
    not_null(columns := (movie_id, column_name, reason, _source_ingested_at)),
    unique_combination_of_columns(columns := (movie_id, column_name)),
    references_resolve(key := movie_id, parent := silver.silver_movies, parent_key := movie_id)
  )
);

WITH newest_documents AS (
  SELECT
    movie.movie_id,
    response.raw_data,
    response.ingested_at,
    movie._source_batch_id,
    movie._source_response_count
  FROM silver.silver_movies AS movie
  JOIN bronze.raw_movies AS response
    ON response.movie_id = movie.movie_id AND response._dlt_id = movie._source_response_id
  WHERE
    movie._loaded_at >= @start_dtntz AND NOT movie.is_deleted
), broken_rules AS (
  SELECT
    movie_id,
    'title' AS column_name,
    NULL::TEXT AS rejected_value,
    'no title' AS reason,
    ingested_at,
    _source_batch_id,
    _source_response_count
  FROM newest_documents
  WHERE
    @json_text(raw_data, 'title') IS NULL AND @json_text(raw_data, 'original_title') IS NULL
  UNION ALL
  SELECT
    movie_id,
    'release_date' AS column_name,
    @json_text(raw_data, 'release_date') AS rejected_value,
    'no date from 1870 to ten years ahead' AS reason,
    ingested_at,
    _source_batch_id,
    _source_response_count
  FROM newest_documents
  WHERE
    NOT @json_text(raw_data, 'release_date') IS NULL
    AND @movie_release_date(raw_data, ingested_at) IS NULL
  UNION ALL
  SELECT
    movie_id,
    'budget_usd' AS column_name,
    @json_text(raw_data, 'budget') AS rejected_value,
    'no whole number of dollars from 0' AS reason,
    ingested_at,
    _source_batch_id,
    _source_response_count
  FROM newest_documents
  WHERE
    NOT @json_text(raw_data, 'budget') IS NULL AND COALESCE(@json_integer(raw_data, 'budget'), -1) < 0
  UNION ALL
  SELECT
    movie_id,
    'revenue_usd' AS column_name,
    @json_text(raw_data, 'revenue') AS rejected_value,
    'no whole number of dollars from 0' AS reason,
    ingested_at,
    _source_batch_id,
    _source_response_count
  FROM newest_documents
  WHERE
    NOT @json_text(raw_data, 'revenue') IS NULL AND COALESCE(@json_integer(raw_data, 'revenue'), -1) < 0
  UNION ALL
  SELECT
    movie_id,
    'runtime_minutes' AS column_name,
    @json_text(raw_data, 'runtime') AS rejected_value,
    'no whole number of minutes from 0' AS reason,
    ingested_at,
    _source_batch_id,
    _source_response_count
  FROM newest_documents
  WHERE
    NOT @json_text(raw_data, 'runtime') IS NULL AND COALESCE(@json_integer(raw_data, 'runtime'), -1) < 0
  UNION ALL
  SELECT
    movie_id,
    'vote_count' AS column_name,
    @json_text(raw_data, 'vote_count') AS rejected_value,
    'no whole number from 0' AS reason,
    ingested_at,
    _source_batch_id,
    _source_response_count
  FROM newest_documents
  WHERE
    NOT @json_text(raw_data, 'vote_count') IS NULL
    AND COALESCE(@json_integer(raw_data, 'vote_count'), -1) < 0
  UNION ALL
  SELECT
    movie_id,
    'vote_average' AS column_name,
    @json_text(raw_data, 'vote_average') AS rejected_value,
    'no vote from 0 to 10' AS reason,
    ingested_at,
    _source_batch_id,
    _source_response_count
  FROM newest_documents
  WHERE
    NOT @json_text(raw_data, 'vote_average') IS NULL
    AND @json_integer(raw_data, 'vote_count') > 0
    AND @movie_vote_average(raw_data) IS NULL
  UNION ALL
  SELECT
    movie_id,
    'popularity_score' AS column_name,
    @json_text(raw_data, 'popularity') AS rejected_value,
    'no number from 0' AS reason,
    ingested_at,
    _source_batch_id,
    _source_response_count
  FROM newest_documents
  WHERE
    NOT @json_text(raw_data, 'popularity') IS NULL AND @movie_popularity(raw_data) IS NULL
  UNION ALL
  SELECT
    movie_id,
    'is_adult_content' AS column_name,
    @json_text(raw_data, 'adult') AS rejected_value,
    'neither true nor false' AS reason,
    ingested_at,
    _source_batch_id,
    _source_response_count
  FROM newest_documents
  WHERE
    NOT @json_text(raw_data, 'adult') IS NULL AND @json_boolean(raw_data, 'adult') IS NULL
  UNION ALL
  SELECT
    movie_id,
    'collection_id' AS column_name,
    @json_text(raw_data, 'belongs_to_collection') AS rejected_value,
    'no collection with a number' AS reason,
    ingested_at,
    _source_batch_id,
    _source_response_count
  FROM newest_documents
  WHERE
    NOT @json_text(raw_data, 'belongs_to_collection') IS NULL
    AND @json_integer(raw_data, 'belongs_to_collection.id') IS NULL
  UNION ALL
  SELECT
    movie_id,
    'genre_id' AS column_name,
    COALESCE(MIN(listed.entry::TEXT), 'null') AS rejected_value,
    'entry without a number' AS reason,
    ingested_at,
    _source_batch_id,
    _source_response_count
  FROM newest_documents
  CROSS JOIN UNNEST(@json_array(raw_data, 'genres')) AS listed(entry)
  WHERE
    COALESCE(@json_integer(listed.entry, 'id'), 0) <= 0
  GROUP BY
    movie_id,
    ingested_at,
    _source_batch_id,
    _source_response_count
  UNION ALL
  SELECT
    movie_id,
    'genre_id' AS column_name,
    @json_text(raw_data, 'genres') AS rejected_value,
    'no list' AS reason,
    ingested_at,
    _source_batch_id,
    _source_response_count
  FROM newest_documents
  WHERE
    NOT @json_text(raw_data, 'genres') IS NULL AND @json_array(raw_data, 'genres') IS NULL
  UNION ALL
  SELECT
    movie_id,
    'company_id' AS column_name,
    COALESCE(MIN(listed.entry::TEXT), 'null') AS rejected_value,
    'entry without a number' AS reason,
    ingested_at,
    _source_batch_id,
    _source_response_count
  FROM newest_documents
  CROSS JOIN UNNEST(@json_array(raw_data, 'production_companies')) AS listed(entry)
  WHERE
    COALESCE(@json_integer(listed.entry, 'id'), 0) <= 0
  GROUP BY
    movie_id,
    ingested_at,
    _source_batch_id,
    _source_response_count
  UNION ALL
  SELECT
    movie_id,
    'company_id' AS column_name,
    @json_text(raw_data, 'production_companies') AS rejected_value,
    'no list' AS reason,
    ingested_at,
    _source_batch_id,
    _source_response_count
  FROM newest_documents
  WHERE
    NOT @json_text(raw_data, 'production_companies') IS NULL
    AND @json_array(raw_data, 'production_companies') IS NULL
)
SELECT
  movie_id::BIGINT AS movie_id,
  column_name::TEXT AS column_name,
  rejected_value::TEXT AS rejected_value,
  reason::TEXT AS reason,
  ingested_at::TIMESTAMP AS _source_ingested_at,
  _source_batch_id::TEXT AS _source_batch_id,
  _source_response_count::BIGINT AS _source_response_count
FROM broken_rules;

@drop_rows_of_older_responses()
