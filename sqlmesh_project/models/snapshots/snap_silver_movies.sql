MODEL (
  name snapshots.snap_silver_movies,
  kind SCD_TYPE_2_BY_COLUMN (
    unique_key (movie_id, valid_from, correction_number),
    columns (budget_usd, revenue_usd, vote_average, popularity_score, status, runtime_minutes, is_withdrawn),
    valid_from_name recorded_at,
    valid_to_name superseded_at,
    execution_time_as_valid_from TRUE,
    invalidate_hard_deletes FALSE
  ),
  grain (movie_id, valid_from, correction_number, recorded_at),
  references movie_id,
  @read_by_analysts(),
  description 'One row per movie, period in which TMDb reported the same money, votes, popularity, status and running time, and correction of that period. Two clocks: valid_from and valid_to, when TMDb reported it; recorded_at and superseded_at, when this warehouse did. The history as known now is gold.movie_history.',
  column_descriptions (
    movie_id = 'TMDb''s number of the movie.',
    budget_usd = 'In whole US dollars; NULL when unknown.',
    revenue_usd = 'Worldwide box office in whole US dollars; NULL when unknown.',
    vote_average = 'Mean vote of TMDb''s users, 0 to 10; NULL when nobody voted.',
    popularity_score = 'TMDb''s popularity.',
    status = 'TMDb''s production status.',
    runtime_minutes = 'NULL when unknown.',
    valid_from = 'When the first response with these values arrived (UTC), inclusive.',
    valid_to = 'When the first response with other values arrived (UTC), exclusive; NULL while they hold.',
    is_withdrawn = 'No response supports the period any more (late data): it is no longer reported.',
    correction_number = 'How often the period was corrected before.',
    recorded_at = 'From when on this warehouse reported the row (UTC), inclusive.',
    superseded_at = 'Until when it reported the row (UTC), exclusive; NULL while it does.',
    _source_batch_id = 'Pipeline run that loaded the first response of the period.',
    _source_load_number = 'Newest load of the refresh that recorded the row (silver_movie_observations).',
    _source_version = 'SQLMesh''s version of the observations; with another one they are all read again.'
  ),
  audits (
    not_null(
      columns := (movie_id, valid_from, is_withdrawn, correction_number, recorded_at),
      condition := @changed_rows()
    ),
    not_empty_if_parent_has_rows(parent := silver.silver_movie_observations, condition := NOT is_tombstone),
    unique_combination_of_columns(
      columns := (movie_id, valid_from, correction_number),
      condition := superseded_at IS NULL AND @changed_rows()
    ),
    forall(
      criteria := (
        recorded_at <= COALESCE(superseded_at, '9999-12-31'::TIMESTAMP)
      ),
      condition := @changed_rows()
    )
  )
);

WITH high_water_mark AS (
  @high_water_mark('snapshots.snap_silver_movies', 'silver.silver_movie_observations')
), changed_movies AS (
  SELECT
    observation.movie_id,
    MAX(observation._source_load_number) AS load_number
  FROM silver.silver_movie_observations AS observation
  CROSS JOIN high_water_mark
  WHERE
    observation._source_load_number > high_water_mark.load_number
  GROUP BY
    observation.movie_id
), observations AS (
  /* Of the responses of one moment the last. ROW_NUMBER() = 1 would find it, too, but DuckDB makes an
     aggregate of that, which holds all responses in memory; a window can work on disk. */
  SELECT
    movie_id,
    budget_usd,
    revenue_usd,
    vote_average,
    popularity_score,
    status,
    runtime_minutes,
    is_tombstone,
    observed_at,
    _source_batch_id
  FROM silver.silver_movie_observations
  WHERE
    movie_id IN (
      SELECT
        movie_id
      FROM changed_movies
    )
  QUALIFY
    COALESCE(
      LEAD(observed_at) OVER (PARTITION BY movie_id ORDER BY observed_at, _source_load_id, response_id) <> observed_at,
      TRUE
    )
), recorded AS (
  @period_changes(
    'snapshots.snap_silver_movies',
    changed_movies,
    observations,
    movie_id,
    (budget_usd, revenue_usd, vote_average, popularity_score, status, runtime_minutes),
    (
      _source_batch_id
    )
  )
)
SELECT
  movie_id::BIGINT AS movie_id,
  budget_usd::BIGINT AS budget_usd,
  revenue_usd::BIGINT AS revenue_usd,
  vote_average::DOUBLE AS vote_average,
  popularity_score::DOUBLE AS popularity_score,
  status::TEXT AS status,
  runtime_minutes::BIGINT AS runtime_minutes,
  valid_from::TIMESTAMP AS valid_from,
  valid_to::TIMESTAMP AS valid_to,
  is_withdrawn::BOOLEAN AS is_withdrawn,
  correction_number::INT AS correction_number,
  _source_batch_id::TEXT AS _source_batch_id,
  load_number::BIGINT AS _source_load_number,
  @snapshot_version('silver.silver_movie_observations')::TEXT AS _source_version
FROM recorded
