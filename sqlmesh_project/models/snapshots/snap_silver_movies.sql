MODEL (
  name snapshots.snap_silver_movies,
  kind INCREMENTAL_BY_PARTITION,
  partitioned_by movie_id,
  clustered_by movie_id,
  grain (movie_id, valid_from),
  references movie_id,
  @read_by_analysts(),
  description 'One row a movie and period in which TMDb said the same of its money, votes, popularity, status and running time (SCD type 2). A pure function of bronze: it can be dropped and made again, row for row. A deleted movie has no open period.',
  column_descriptions (
    movie_id = 'TMDb''s number of the movie.',
    budget_usd = 'Production budget in whole US dollars; NULL when unknown.',
    revenue_usd = 'Worldwide box office in whole US dollars; NULL when unknown.',
    vote_average = 'Mean vote of TMDb''s users, 0 to 10; NULL when nobody voted.',
    popularity_score = 'TMDb''s popularity.',
    status = 'TMDb''s production status.',
    runtime_minutes = 'Running time in minutes; NULL when unknown.',
    valid_from = 'When the first response that said so arrived (UTC), inclusive.',
    valid_to = 'When the first response that said otherwise arrived (UTC), exclusive; NULL while it holds.',
    _source_batch_id = 'Pipeline run that landed the first response that said so.',
    _source_response_count = 'Number of responses of the movie in bronze; tells which movies have news.'
  ),
  audits (
    not_null(columns := (movie_id, valid_from)),
    unique_combination_of_columns(columns := (movie_id, valid_from)),
    not_empty_if_parent_has_rows(parent := bronze.raw_movies, condition := NOT @json_integer(raw_data, 'id') IS NULL),
    forall(criteria := (
      valid_from < COALESCE(valid_to, '9999-12-31'::TIMESTAMP)
    )),
    periods_do_not_overlap(key := movie_id),
    one_open_period(key := movie_id),
    relationship(key := movie_id, parent := silver.silver_movies, parent_key := movie_id)
  )
);

WITH movies_with_news AS (
  /* A response counts as news until the history has counted it. */
  SELECT
    movie.movie_id,
    movie._source_response_count AS response_count
  FROM silver.silver_movies AS movie
  LEFT JOIN snapshots.snap_silver_movies AS known
    ON known.movie_id = movie.movie_id
  GROUP BY
    movie.movie_id,
    movie._source_response_count
  HAVING
    movie._source_response_count <> COALESCE(MAX(known._source_response_count), 0)
    OR @start_ds <= @first_day
), responses AS (
  /* Every response of these movies, in bronze from the beginning: one that lands late may split a
     period that is long closed. All periods of these movies are replaced. */
  SELECT
    response.movie_id,
    response.ingested_at,
    response.batch_id,
    response._dlt_id,
    news.response_count,
    @json_fields(response.raw_data, id, budget, revenue, vote_average, vote_count, popularity, status, runtime)
  FROM bronze.raw_movies AS response
  JOIN movies_with_news AS news
    ON news.movie_id = response.movie_id
), observations AS (
  /* Of the responses of one moment the last. ROW_NUMBER() = 1 would find it, too, but DuckDB makes an
     aggregate of that, which holds all responses in memory; a window can work on disk. */
  SELECT
    movie_id,
    @movie_amount(budget) AS budget_usd,
    @movie_amount(revenue) AS revenue_usd,
    @movie_vote_average(vote_average, vote_count) AS vote_average,
    @movie_popularity(popularity) AS popularity_score,
    @json_text(status) AS status,
    @movie_amount(runtime) AS runtime_minutes,
    @json_integer(id) IS NULL AS is_tombstone,
    ingested_at,
    batch_id,
    response_count
  FROM responses
  QUALIFY
    COALESCE(LEAD(ingested_at) OVER (PARTITION BY movie_id ORDER BY ingested_at, _dlt_id) <> ingested_at, TRUE)
), fingerprints AS (
  SELECT
    movie_id,
    budget_usd,
    revenue_usd,
    vote_average,
    popularity_score,
    status,
    runtime_minutes,
    is_tombstone,
    ingested_at,
    batch_id,
    response_count,
    @GENERATE_SURROGATE_KEY(is_tombstone, budget_usd, revenue_usd, vote_average, popularity_score, status, runtime_minutes) AS fingerprint
  FROM observations
), changes AS (
  SELECT
    movie_id,
    budget_usd,
    revenue_usd,
    vote_average,
    popularity_score,
    status,
    runtime_minutes,
    is_tombstone,
    ingested_at,
    batch_id,
    response_count
  FROM fingerprints
  QUALIFY
    LAG(fingerprint, 1, '') OVER (PARTITION BY movie_id ORDER BY ingested_at) <> fingerprint
), periods AS (
  SELECT
    movie_id,
    budget_usd,
    revenue_usd,
    vote_average,
    popularity_score,
    status,
    runtime_minutes,
    is_tombstone,
    ingested_at AS valid_from,
    LEAD(ingested_at) OVER (PARTITION BY movie_id ORDER BY ingested_at) AS valid_to,
    batch_id,
    response_count
  FROM changes
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
  batch_id::TEXT AS _source_batch_id,
  response_count::BIGINT AS _source_response_count
FROM periods
WHERE
  NOT is_tombstone
