MODEL (
  name silver.stg_titles,
  kind INCREMENTAL_BY_UNIQUE_KEY (
    unique_key title_id
  ),
  grain title_id,
  description 'One row per title of the studio, as it was described last.',
  audits (
    not_null(columns := (title_id, _source_ingested_at), condition := @changed_rows()),
    duplicate_count("column" := title_id, blocking := TRUE, condition := @changed_rows()),
    null_count("column" := title_name, threshold := 0, condition := @changed_rows()),
    valid_imdb_score("column" := imdb_score, condition := @changed_rows()),
    positive_revenue("column" := budget_usd, condition := @changed_rows()),
    no_rows_lost(
      key := title_id,
      parent := bronze.raw_title_metadata,
      parent_key := title_id,
      condition := parent.title_id = @parse_key(@clean_text(parent.title_id))
    ),
    forall(criteria := (runtime_minutes >= 0, release_year BETWEEN 1870 AND 2200), condition := @changed_rows())
  )
);

WITH new_loads AS (
  SELECT
    load._source_load_id,
    load._source_load_number
  FROM silver.studio_loads AS load
  CROSS JOIN (
    @high_water_mark('silver.stg_titles')
  ) AS high_water_mark
  WHERE
    load._source_load_number > high_water_mark.load_number
), descriptions AS (
  SELECT
    @clean_columns(
      description,
      title_id,
      title_name,
      franchise,
      genre,
      sub_genre,
      release_year,
      runtime_minutes,
      imdb_score,
      rating,
      budget_usd,
      studio,
      director,
      production_status,
      imdb_id,
      tmdb_id
    ),
    description.source_file,
    description.source_line,
    description.ingested_at,
    description.batch_id,
    load._source_load_number
  FROM bronze.raw_title_metadata AS description
  JOIN new_loads AS load
    ON load._source_load_id = description._dlt_load_id
)
SELECT
  @parse_key(title_id)::TEXT AS title_id, /* The studio's key of the title. */
  COALESCE(title_name, title_id)::TEXT AS title_name, /* Name. */
  @parse_name(franchise)::TEXT AS franchise, /* Franchise it belongs to; NULL when it stands alone. */
  genre::TEXT AS genre, /* Genre, in the studio's words. */
  sub_genre::TEXT AS sub_genre, /* Genre within the genre. */
  @parse_year(release_year, ingested_at)::INT AS release_year, /* Year of the release. */
  @parse_count(runtime_minutes)::BIGINT AS runtime_minutes, /* Running time in minutes. */
  @parse_score(imdb_score)::DOUBLE AS imdb_score, /* IMDb's score, 0 to 10. */
  rating::TEXT AS rating, /* Age rating. */
  @parse_amount(budget_usd)::DECIMAL(18, 2) AS budget_usd, /* Production budget in US dollars. */
  studio::TEXT AS studio, /* Producing studio. */
  director::TEXT AS director, /* Director. */
  UPPER(production_status)::TEXT AS production_status, /* How far the production is, in capitals. */
  imdb_id::TEXT AS imdb_id, /* IMDb's key of the movie (tt...), where known. */
  @parse_count(tmdb_id)::BIGINT AS tmdb_id, /* TMDb's number of the movie, where known. */
  ingested_at::TIMESTAMP AS _source_ingested_at, /* When the description was read (UTC). */
  batch_id::TEXT AS _source_batch_id, /* Pipeline run that read it. */
  _source_load_number::BIGINT AS _source_load_number, /* Number of the load that brought it (studio_loads); tells what is new. */
  @execution_dtntz::TIMESTAMP AS _loaded_at /* When this row was written (UTC). */
FROM descriptions
WHERE
  NOT @parse_key(title_id) IS NULL
QUALIFY
  ROW_NUMBER() OVER (PARTITION BY title_id ORDER BY ingested_at DESC, source_file DESC, source_line DESC) = 1
