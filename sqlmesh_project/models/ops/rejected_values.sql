MODEL (
  name ops.rejected_values,
  kind INCREMENTAL_BY_UNIQUE_KEY (
    unique_key (_source_response_id, column_name, rejected_value)
  ),
  grain (_source_response_id, column_name, rejected_value),
  references movie_id,
  description 'One row a response and value that breaks a rule of the source, so that silver holds NULL (or no row) in its place. A log: where a movie was mended since, silver_movies stands on another response.',
  column_descriptions (
    movie_id = 'TMDb''s number of the movie.',
    column_name = 'Column of silver that lost the value.',
    rejected_value = 'What the response says, as text.',
    reason = 'The rule it breaks.',
    _source_ingested_at = 'When the response arrived (UTC).',
    _source_batch_id = 'Pipeline run that landed it.',
    _source_response_id = 'The response: bronze''s _dlt_id.'
  ),
  audits (
    not_null(columns := (movie_id, column_name, reason, _source_ingested_at)),
    unique_combination_of_columns(columns := (_source_response_id, column_name, rejected_value)),
    relationship(key := movie_id, parent := silver.silver_movies, parent_key := movie_id)
  )
);

WITH newest_documents AS (
  SELECT
    movie.movie_id,
    response.ingested_at,
    movie._source_batch_id,
    movie._source_response_id,
    @json_fields(
      response.raw_data,
      title,
      original_title,
      tagline,
      overview,
      status,
      homepage,
      imdb_id,
      original_language,
      belongs_to_collection,
      release_date,
      budget,
      revenue,
      runtime,
      popularity,
      vote_average,
      vote_count,
      adult,
      genres,
      production_companies
    )
  FROM silver.silver_movies AS movie
  JOIN bronze.raw_movies AS response
    ON response.movie_id = movie.movie_id AND response._dlt_id = movie._source_response_id
  WHERE
    movie._loaded_at >= @start_dtntz AND NOT movie.is_deleted
), rejected AS (
  @broken_rules(
    newest_documents,
    ('title', NULL, COALESCE(@json_text(title), @json_text(original_title)) IS NULL, 'no title'),
    ('title', 'title', @json_text(title) IS NULL, 'no text'),
    ('original_title', 'original_title', @json_text(original_title) IS NULL, 'no text'),
    ('tagline', 'tagline', @json_text(tagline) IS NULL, 'no text'),
    ('overview', 'overview', @json_text(overview) IS NULL, 'no text'),
    ('status', 'status', @json_text(status) IS NULL, 'no text'),
    ('homepage', 'homepage', @json_text(homepage) IS NULL, 'no text'),
    ('imdb_id', 'imdb_id', @json_text(imdb_id) IS NULL, 'no text'),
    ('original_language', 'original_language', @json_text(original_language) IS NULL, 'no text'),
    (
      'release_date',
      'release_date',
      @movie_release_date(release_date, ingested_at) IS NULL,
      'no date from 1870 to ten years ahead'
    ),
    ('budget_usd', 'budget', COALESCE(@json_integer(budget), -1) < 0, 'no whole number of dollars from 0'),
    (
      'revenue_usd',
      'revenue',
      COALESCE(@json_integer(revenue), -1) < 0,
      'no whole number of dollars from 0'
    ),
    (
      'runtime_minutes',
      'runtime',
      COALESCE(@json_integer(runtime), -1) < 0,
      'no whole number of minutes from 0'
    ),
    ('vote_count', 'vote_count', COALESCE(@json_integer(vote_count), -1) < 0, 'no whole number from 0'),
    (
      'vote_average',
      'vote_average',
      @json_integer(vote_count) > 0 AND @movie_vote_average(vote_average, vote_count) IS NULL,
      'no vote from 0 to 10'
    ),
    ('popularity_score', 'popularity', @movie_popularity(popularity) IS NULL, 'no number from 0'),
    ('is_adult_content', 'adult', @json_boolean(adult) IS NULL, 'neither true nor false'),
    (
      'collection_id',
      'belongs_to_collection',
      @json_integer(belongs_to_collection, 'id') IS NULL,
      'no collection with a number'
    ),
    ('genre_id', 'genres', @json_array(genres) IS NULL, 'no list'),
    ('company_id', 'production_companies', @json_array(production_companies) IS NULL, 'no list')
  )
), lists AS (
  SELECT
    movie_id,
    'genre_id' AS column_name,
    genres AS list,
    _source_ingested_at AS ingested_at,
    _source_batch_id,
    _source_response_id
  FROM silver.silver_movies
  WHERE
    _loaded_at >= @start_dtntz AND NOT is_deleted
  UNION ALL
  SELECT
    movie_id,
    'company_id' AS column_name,
    production_companies AS list,
    _source_ingested_at AS ingested_at,
    _source_batch_id,
    _source_response_id
  FROM silver.silver_movies
  WHERE
    _loaded_at >= @start_dtntz AND NOT is_deleted
), listed_entries AS (
  @json_entries(lists, @json_array_of(list), movie_id, column_name, ingested_at, _source_batch_id, _source_response_id)
), rejected_entries AS (
  SELECT DISTINCT
    movie_id,
    column_name,
    COALESCE(entry::TEXT, 'null') AS rejected_value,
    'entry without a number' AS reason,
    ingested_at,
    _source_batch_id,
    _source_response_id
  FROM listed_entries
  WHERE
    COALESCE(@json_integer(entry, 'id'), 0) <= 0
), all_rejected AS (
  SELECT
    movie_id,
    column_name,
    rejected_value,
    reason,
    ingested_at,
    _source_batch_id,
    _source_response_id
  FROM rejected
  UNION ALL
  SELECT
    movie_id,
    column_name,
    rejected_value,
    reason,
    ingested_at,
    _source_batch_id,
    _source_response_id
  FROM rejected_entries
)
SELECT
  movie_id::BIGINT AS movie_id,
  column_name::TEXT AS column_name,
  COALESCE(rejected_value, '')::TEXT AS rejected_value,
  reason::TEXT AS reason,
  ingested_at::TIMESTAMP AS _source_ingested_at,
  _source_batch_id::TEXT AS _source_batch_id,
  _source_response_id::TEXT AS _source_response_id
FROM all_rejected
