MODEL (
  name silver.stg_titles,
  kind INCREMENTAL_BY_UNIQUE_KEY (
    unique_key title_id
  ),
  grain title_id,
  description 'One row a title of the studio, as it was described last.',
  column_descriptions (
    title_id = 'The studio''s key of the title.',
    title_name = 'Name.',
    franchise = 'Franchise it belongs to; NULL when it stands alone.',
    genre = 'Genre, in the studio''s words.',
    sub_genre = 'Genre within the genre.',
    release_year = 'Year of the release.',
    runtime_minutes = 'Running time in minutes.',
    imdb_score = 'IMDb''s score, 0 to 10.',
    rating = 'Age rating.',
    budget_usd = 'Production budget in US dollars.',
    studio = 'Producing studio.',
    director = 'Director.',
    production_status = 'How far the production is, in capitals.',
    imdb_id = 'IMDb''s key of the movie (tt...), where known.',
    tmdb_id = 'TMDb''s number of the movie, where known.',
    _source_ingested_at = 'When the description was read (UTC).',
    _source_batch_id = 'Pipeline run that read it.',
    _source_load_number = 'Number of the load that brought it (studio_batches); tells what is news.',
    _loaded_at = 'When this row was written (UTC).'
  ),
  audits (
    not_null(columns := (title_id, _source_ingested_at)),
    duplicate_count("column" := title_id, blocking := TRUE),
    null_count("column" := title_name, threshold := 0),
    valid_imdb_score("column" := imdb_score),
    positive_revenue("column" := budget_usd),
    no_rows_lost(key := title_id, parent := bronze.raw_title_metadata, parent_key := title_id),
    forall(criteria := (runtime_minutes >= 0, release_year BETWEEN 1870 AND 2200))
  )
);

WITH batches_with_news AS (
  @batches_with_news('silver.stg_titles')
), titles_with_news AS (
  SELECT DISTINCT
    landed.title_id
  FROM bronze.raw_title_metadata AS landed
  JOIN batches_with_news AS batch
    ON batch.batch_id = landed.batch_id
), newest AS (
  SELECT
    landed.title_id,
    @said(landed.title_name) AS title_name,
    @said(landed.franchise) AS franchise,
    @said(landed.genre) AS genre,
    @said(landed.sub_genre) AS sub_genre,
    @count_of(landed.release_year) AS release_year,
    @count_of(landed.runtime_minutes) AS runtime_minutes,
    @score_of(landed.imdb_score) AS imdb_score,
    @said(landed.rating) AS rating,
    @money_of(landed.budget_usd) AS budget_usd,
    @said(landed.studio) AS studio,
    @said(landed.director) AS director,
    @said_code(landed.production_status) AS production_status,
    @said(landed.imdb_id) AS imdb_id,
    @count_of(landed.tmdb_id) AS tmdb_id,
    landed.ingested_at,
    landed.batch_id,
    batch.load_number
  FROM bronze.raw_title_metadata AS landed
  JOIN silver.studio_batches AS batch
    ON batch.batch_id = landed.batch_id
  JOIN titles_with_news AS news
    ON news.title_id = landed.title_id
  QUALIFY
    ROW_NUMBER() OVER (
      PARTITION BY landed.title_id
      ORDER BY landed.ingested_at DESC, landed.source_file DESC, landed.source_line DESC
    ) = 1
)
SELECT
  title_id::TEXT AS title_id,
  COALESCE(title_name, title_id)::TEXT AS title_name,
  franchise::TEXT AS franchise,
  genre::TEXT AS genre,
  sub_genre::TEXT AS sub_genre,
  CASE WHEN @is_release_year(release_year, ingested_at) THEN release_year END::INT AS release_year,
  runtime_minutes::BIGINT AS runtime_minutes,
  imdb_score::DOUBLE AS imdb_score,
  rating::TEXT AS rating,
  budget_usd::DECIMAL(18, 2) AS budget_usd,
  studio::TEXT AS studio,
  director::TEXT AS director,
  production_status::TEXT AS production_status,
  imdb_id::TEXT AS imdb_id,
  tmdb_id::BIGINT AS tmdb_id,
  ingested_at::TIMESTAMP AS _source_ingested_at,
  batch_id::TEXT AS _source_batch_id,
  load_number::BIGINT AS _source_load_number,
  @execution_dtntz::TIMESTAMP AS _loaded_at
FROM newest
