MODEL (
  name silver.silver_movies,
  kind INCREMENTAL_BY_UNIQUE_KEY (
    unique_key movie_id
  ),
  grain movie_id,
  description 'One row per movie, as its newest response has it. A deleted movie keeps its last known values.',
  audits (
    not_null(
      columns := (movie_id, is_deleted, _source_ingested_at, _source_load_number),
      condition := @changed_rows()
    ),
    unique_values(columns := (
      movie_id
    ), condition := @changed_rows()),
    not_empty_if_parent_has_rows(parent := silver.silver_movie_observations, condition := NOT is_tombstone),
    accepted_values(
      "column" := release_season,
      is_in := ('SUMMER', 'HOLIDAY', 'WINTER', 'SPRING', 'FALL'),
      condition := @changed_rows()
    ),
    forall(
      criteria := (
        profit_usd = revenue_usd - budget_usd,
        (
          profit_usd IS NULL
        ) = (
          revenue_usd IS NULL OR budget_usd IS NULL
        ),
        (
          roi_pct IS NULL
        ) = (
          profit_usd IS NULL
        ),
        release_year = EXTRACT(YEAR FROM release_date)
      ),
      condition := @changed_rows()
    )
  )
);

WITH high_water_mark AS (
  @high_water_mark('silver.silver_movies')
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
), responses AS (
  SELECT
    movie_id,
    response_id,
    is_tombstone,
    observed_at,
    _source_batch_id,
    _source_load_id
  FROM silver.silver_movie_observations
  WHERE
    movie_id IN (
      SELECT
        movie_id
      FROM changed_movies
    )
), newest_responses AS (
  SELECT
    movie_id,
    response_id,
    is_tombstone,
    observed_at,
    _source_batch_id
  FROM responses
  QUALIFY
    ROW_NUMBER() OVER (PARTITION BY movie_id ORDER BY observed_at DESC, _source_load_id DESC, response_id DESC) = 1
), newest_documents AS (
  SELECT
    movie_id,
    response_id,
    observed_at
  FROM responses
  WHERE
    NOT is_tombstone
  QUALIFY
    ROW_NUMBER() OVER (PARTITION BY movie_id ORDER BY observed_at DESC, _source_load_id DESC, response_id DESC) = 1
)
SELECT
  document.movie_id::BIGINT AS movie_id, /* TMDb's number of the movie. */
  COALESCE(document.title, document.original_title)::TEXT AS title, /* Title; the original one where TMDb gives no other, NULL where it gives none. */
  document.original_title::TEXT AS original_title, /* Title in the original language. */
  document.tagline::TEXT AS tagline, /* Advertising line. */
  document.overview::TEXT AS overview, /* Synopsis. */
  document.status::TEXT AS status, /* Rumored, Planned, In Production, Post Production, Released or Canceled, as TMDb has it. */
  document.homepage::TEXT AS homepage, /* Web address. */
  document.imdb_id::TEXT AS imdb_id, /* IMDb's key of the movie (tt...). */
  document.original_language::TEXT AS original_language, /* ISO 639-1 code, and TMDb's own cn and xx. */
  document.collection_id::BIGINT AS collection_id, /* TMDb's number of the collection (franchise) the movie belongs to. */
  document.collection_name::TEXT AS collection_name, /* Name of the collection. */
  document.release_date::DATE AS release_date, /* Day of the first release. */
  EXTRACT(YEAR FROM document.release_date)::INT AS release_year, /* Year of release_date. */
  month_of_release.calendar_month::INT AS release_month, /* Month of release_date, 1 to 12. */
  EXTRACT(QUARTER FROM document.release_date)::INT AS release_quarter, /* Quarter of release_date, 1 to 4. */
  month_of_release.release_season::TEXT AS release_season, /* SUMMER, HOLIDAY, WINTER, SPRING or FALL (seed_months). */
  document.budget_usd::BIGINT AS budget_usd, /* Production budget in whole US dollars; NULL when unknown. */
  document.revenue_usd::BIGINT AS revenue_usd, /* Worldwide box office in whole US dollars; NULL when unknown. */
  CAST(document.revenue_usd - document.budget_usd AS BIGINT) AS profit_usd, /* revenue_usd - budget_usd; NULL unless both are known. */
  @ratio((
    document.revenue_usd - document.budget_usd
  ) * 100, document.budget_usd)::DOUBLE AS roi_pct, /* profit_usd / budget_usd * 100; NULL unless both are known. */
  document.runtime_minutes::BIGINT AS runtime_minutes, /* NULL when unknown. */
  document.popularity_score::DOUBLE AS popularity_score, /* TMDb's popularity on the day of the response. */
  document.vote_average::DOUBLE AS vote_average, /* Mean vote of TMDb's users, 0 to 10; NULL when nobody voted. */
  document.vote_count::BIGINT AS vote_count, /* NULL when TMDb knows of none. */
  document.is_adult_content::BOOLEAN AS is_adult_content, /* TMDb's adult flag. */
  document.genres::TEXT AS genres, /* The list as JSON; silver_movie_genres has a row for each. */
  document.production_companies::TEXT AS production_companies, /* The list as JSON; silver_movie_companies has a row for each. */
  newest.is_tombstone::BOOLEAN AS is_deleted, /* TMDb no longer has the movie. */
  'tmdb'::TEXT AS _source, /* System the row comes from. */
  newest.observed_at::TIMESTAMP AS _source_ingested_at, /* When the newest response arrived (UTC). */
  newest._source_batch_id::TEXT AS _source_batch_id, /* Pipeline run that loaded the newest response. */
  newest.response_id::TEXT AS _source_response_id, /* The newest response: bronze's _dlt_id. */
  changed.load_number::BIGINT AS _source_load_number, /* The newest load that has a response of the movie (silver_movie_observations). */
  @execution_dtntz::TIMESTAMP AS _loaded_at /* When this row was written (UTC). */
FROM newest_documents AS known
JOIN silver.silver_movie_observations AS document
  ON document.response_id = known.response_id
  AND document.movie_id = known.movie_id
  AND document.observed_at = known.observed_at
JOIN newest_responses AS newest
  ON newest.movie_id = known.movie_id
JOIN changed_movies AS changed
  ON changed.movie_id = known.movie_id
LEFT JOIN silver.seed_months AS month_of_release
  ON month_of_release.calendar_month = EXTRACT(MONTH FROM document.release_date)
