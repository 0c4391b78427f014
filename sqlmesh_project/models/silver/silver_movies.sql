MODEL (
  name silver.silver_movies,
  kind INCREMENTAL_BY_UNIQUE_KEY (
    unique_key movie_id
  ),
  grain movie_id,
  description 'One row a movie: the newest response of TMDb''s /movie/{id}, typed and cleaned. A deleted movie keeps its last known values.',
  column_descriptions (
    movie_id = 'TMDb''s number of the movie.',
    title = 'Title; the original one where TMDb gives no other, NULL where it gives none.',
    original_title = 'Title in the original language.',
    tagline = 'Advertising line.',
    overview = 'Synopsis.',
    status = 'Rumored, Planned, In Production, Post Production, Released or Canceled, as TMDb says.',
    homepage = 'Web address of the movie.',
    imdb_id = 'IMDb''s key of the movie (tt...).',
    original_language = 'ISO 639-1 code, and TMDb''s own cn and xx.',
    collection_id = 'TMDb''s number of the collection (franchise) the movie belongs to.',
    collection_name = 'Name of the collection.',
    release_date = 'Day of the first release.',
    release_year = 'Year of release_date.',
    release_month = 'Month of release_date, 1 to 12.',
    release_quarter = 'Quarter of release_date, 1 to 4.',
    release_season = 'SUMMER, HOLIDAY, WINTER, SPRING or FALL (seed_months).',
    budget_usd = 'Production budget in whole US dollars; NULL when unknown.',
    revenue_usd = 'Worldwide box office in whole US dollars; NULL when unknown.',
    profit_usd = 'revenue_usd - budget_usd; NULL unless both are known.',
    roi_pct = 'profit_usd / budget_usd * 100; NULL unless both are known.',
    runtime_minutes = 'Running time in minutes; NULL when unknown.',
    popularity_score = 'TMDb''s popularity on the day of the response.',
    vote_average = 'Mean vote of TMDb''s users, 0 to 10; NULL when nobody voted.',
    vote_count = 'Number of votes; NULL when TMDb knows of none.',
    is_adult_content = 'TMDb''s adult flag.',
    genres = 'The list of genres, as the response has it, in JSON; silver_movie_genres has a row for each.',
    production_companies = 'The list of companies, as the response has it, in JSON; silver_movie_companies has a row for each.',
    is_deleted = 'TMDb no longer has the movie.',
    _source = 'System the row comes from.',
    _source_ingested_at = 'When the newest response arrived (UTC).',
    _source_batch_id = 'Pipeline run that landed the newest response.',
    _source_response_id = 'The newest response: bronze''s _dlt_id.',
    _source_response_count = 'Number of responses in bronze; tells which movies have news.',
    _loaded_at = 'When this row was written (UTC).'
  ),
  audits (
    not_null(columns := (movie_id, is_deleted, _source_ingested_at, _source_response_count)),
    unique_values(columns := (
      movie_id
    )),
    not_empty_if_parent_has_rows(parent := bronze.raw_movies, condition := NOT @json_integer(raw_data, 'id') IS NULL),
    forall(criteria := (budget_usd > 0, revenue_usd > 0, runtime_minutes > 0, vote_count > 0)),
    accepted_range("column" := vote_average, min_v := 0, max_v := 10),
    accepted_range("column" := popularity_score, min_v := 0),
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
        )
      )
    ),
    forall(criteria := (
      release_year = EXTRACT(YEAR FROM release_date)
    )),
    accepted_values("column" := release_season, is_in := ('SUMMER', 'HOLIDAY', 'WINTER', 'SPRING', 'FALL'))
  )
);

WITH movies_with_news AS (
  /* A response counts as news until silver has counted it, however late it landed and whatever time
     it bears. A first build and a restatement begin at the first day, and read every movie. */
  SELECT
    response.movie_id,
    COUNT(*) AS response_count
  FROM bronze.raw_movies AS response
  LEFT JOIN silver.silver_movies AS known
    ON known.movie_id = response.movie_id
  GROUP BY
    response.movie_id
  HAVING
    COUNT(*) <> COALESCE(MAX(known._source_response_count), 0) OR @start_ds <= @first_day
), responses AS (
  SELECT
    response.movie_id,
    response.ingested_at,
    response.batch_id,
    response._dlt_id,
    news.response_count,
    @json_integer(response.raw_data, 'id') IS NULL AS is_tombstone
  FROM bronze.raw_movies AS response
  JOIN movies_with_news AS news
    ON news.movie_id = response.movie_id
), newest_responses AS (
  SELECT
    movie_id,
    ingested_at,
    batch_id,
    _dlt_id,
    response_count,
    is_tombstone
  FROM responses
  QUALIFY
    ROW_NUMBER() OVER (PARTITION BY movie_id ORDER BY ingested_at DESC, _dlt_id DESC) = 1
), newest_documents AS (
  SELECT
    movie_id,
    _dlt_id
  FROM responses
  WHERE
    NOT is_tombstone
  QUALIFY
    ROW_NUMBER() OVER (PARTITION BY movie_id ORDER BY ingested_at DESC, _dlt_id DESC) = 1
), documents AS (
  /* Only here are the documents themselves fetched: sorting them would mean holding them all. */
  SELECT
    newest.movie_id,
    response.ingested_at,
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
  FROM newest_documents AS newest
  JOIN bronze.raw_movies AS response
    ON response.movie_id = newest.movie_id AND response._dlt_id = newest._dlt_id
), cleaned AS (
  SELECT
    newest.movie_id,
    @json_text(document.title) AS title,
    @json_text(document.original_title) AS original_title,
    @json_text(document.tagline) AS tagline,
    @json_text(document.overview) AS overview,
    @json_text(document.status) AS status,
    @json_text(document.homepage) AS homepage,
    @json_text(document.imdb_id) AS imdb_id,
    @json_text(document.original_language) AS original_language,
    @json_integer(document.belongs_to_collection, 'id') AS collection_id,
    @json_text(document.belongs_to_collection, 'name') AS collection_name,
    @movie_release_date(document.release_date, document.ingested_at) AS release_date,
    @movie_amount(document.budget) AS budget_usd,
    @movie_amount(document.revenue) AS revenue_usd,
    @movie_amount(document.runtime) AS runtime_minutes,
    @movie_popularity(document.popularity) AS popularity_score,
    @movie_vote_average(document.vote_average, document.vote_count) AS vote_average,
    @movie_amount(document.vote_count) AS vote_count,
    @json_boolean(document.adult) AS is_adult_content,
    @json_source(document.genres) AS genres,
    @json_source(document.production_companies) AS production_companies,
    newest.is_tombstone,
    newest.ingested_at,
    newest.batch_id,
    newest._dlt_id,
    newest.response_count
  FROM newest_responses AS newest
  JOIN documents AS document
    ON document.movie_id = newest.movie_id
)
SELECT
  cleaned.movie_id::BIGINT AS movie_id,
  COALESCE(cleaned.title, cleaned.original_title)::TEXT AS title,
  cleaned.original_title::TEXT AS original_title,
  cleaned.tagline::TEXT AS tagline,
  cleaned.overview::TEXT AS overview,
  cleaned.status::TEXT AS status,
  cleaned.homepage::TEXT AS homepage,
  cleaned.imdb_id::TEXT AS imdb_id,
  cleaned.original_language::TEXT AS original_language,
  cleaned.collection_id::BIGINT AS collection_id,
  cleaned.collection_name::TEXT AS collection_name,
  cleaned.release_date::DATE AS release_date,
  EXTRACT(YEAR FROM cleaned.release_date)::INT AS release_year,
  month_of_release.calendar_month::INT AS release_month,
  EXTRACT(QUARTER FROM cleaned.release_date)::INT AS release_quarter,
  month_of_release.release_season::TEXT AS release_season,
  cleaned.budget_usd::BIGINT AS budget_usd,
  cleaned.revenue_usd::BIGINT AS revenue_usd,
  CAST(cleaned.revenue_usd - cleaned.budget_usd AS BIGINT) AS profit_usd,
  CAST((
    cleaned.revenue_usd - cleaned.budget_usd
  ) * 100.0 / cleaned.budget_usd AS DOUBLE) AS roi_pct,
  cleaned.runtime_minutes::BIGINT AS runtime_minutes,
  cleaned.popularity_score::DOUBLE AS popularity_score,
  cleaned.vote_average::DOUBLE AS vote_average,
  cleaned.vote_count::BIGINT AS vote_count,
  cleaned.is_adult_content::BOOLEAN AS is_adult_content,
  cleaned.genres::TEXT AS genres,
  cleaned.production_companies::TEXT AS production_companies,
  cleaned.is_tombstone::BOOLEAN AS is_deleted,
  'tmdb'::TEXT AS _source,
  cleaned.ingested_at::TIMESTAMP AS _source_ingested_at,
  cleaned.batch_id::TEXT AS _source_batch_id,
  cleaned._dlt_id::TEXT AS _source_response_id,
  cleaned.response_count::BIGINT AS _source_response_count,
  @execution_dtntz::TIMESTAMP AS _loaded_at
FROM cleaned
LEFT JOIN silver.seed_months AS month_of_release
  ON month_of_release.calendar_month = EXTRACT(MONTH FROM cleaned.release_date)
