MODEL (
  name silver.silver_movie_observations,
  kind INCREMENTAL_BY_UNIQUE_KEY (
    unique_key response_id
  ),
  grain response_id,
  references movie_id,
  description 'One row per response of TMDb''s /movie/{id}, typed and cleaned. The only model that parses a movie''s document: the others read it here.',
  audits (
    not_null(
      columns := (response_id, movie_id, is_tombstone, observed_at, _source_load_number),
      condition := @changed_rows()
    ),
    unique_values(columns := (
      response_id
    ), condition := @changed_rows()),
    forall(
      criteria := (
        budget_usd > 0,
        revenue_usd > 0,
        runtime_minutes > 0,
        vote_count > 0,
        vote_average BETWEEN 0 AND 10,
        popularity_score >= 0
      ),
      condition := @changed_rows()
    )
  )
);

@DEF(fields, [
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
]);

WITH new_loads AS (
  @new_loads('silver.silver_movie_observations', 'tmdb', bronze.raw_movies)
), documents AS (
  SELECT
    response._dlt_id AS response_id,
    response.movie_id,
    @json_fields(response.raw_data, id, @fields),
    response.ingested_at,
    response.batch_id,
    new_load.load_id,
    new_load.row_count,
    new_load.load_number
  FROM bronze.raw_movies AS response
  JOIN new_loads AS new_load
    ON new_load.load_id = response._dlt_load_id
), fields AS (
  SELECT
    *,
    @movie_texts(@fields),
    @movie_whole_numbers(budget, revenue, runtime, vote_count),
    @movie_numbers(popularity, vote_average),
    @json_integer(belongs_to_collection, 'id') AS collection_id
  FROM documents
)
SELECT
  response_id::TEXT AS response_id, /* The response: bronze's _dlt_id. */
  movie_id::BIGINT AS movie_id, /* TMDb's number of the movie that was requested. */
  @movie_text(title)::TEXT AS title, /* NULL where TMDb gives none. */
  @movie_text(original_title)::TEXT AS original_title, /* Title in the original language. */
  @movie_text(tagline)::TEXT AS tagline, /* Advertising line. */
  @movie_text(overview)::TEXT AS overview, /* Synopsis. */
  @movie_text(status)::TEXT AS status, /* Rumored, Planned, In Production, Post Production, Released or Canceled, as TMDb has it. */
  @movie_text(homepage)::TEXT AS homepage, /* Web address. */
  @movie_text(imdb_id)::TEXT AS imdb_id, /* IMDb's key of the movie (tt...). */
  @movie_text(original_language)::TEXT AS original_language, /* ISO 639-1 code, and TMDb's own cn and xx. */
  collection_id::BIGINT AS collection_id, /* TMDb's number of the collection (franchise). */
  @json_text(belongs_to_collection, 'name')::TEXT AS collection_name, /* Name of the collection. */
  @movie_release_date(release_date, status, ingested_at)::DATE AS release_date, /* Day of the first release; NULL where it is no plausible date. */
  @movie_amount(budget)::BIGINT AS budget_usd, /* Production budget in whole US dollars; NULL when unknown. */
  @movie_amount(revenue)::BIGINT AS revenue_usd, /* Worldwide box office in whole US dollars; NULL when unknown. */
  @movie_amount(runtime)::BIGINT AS runtime_minutes, /* Running time; NULL when unknown. */
  @movie_popularity(popularity)::DOUBLE AS popularity_score, /* TMDb's popularity on the day of the response. */
  @movie_vote_average(vote_average)::DOUBLE AS vote_average, /* Mean vote of TMDb's users, 0 to 10; NULL when nobody voted. */
  @movie_amount(vote_count)::BIGINT AS vote_count, /* Number of votes; NULL when TMDb knows of none. */
  @movie_flag(adult)::BOOLEAN AS is_adult_content, /* TMDb's adult flag. */
  @json_source(genres)::TEXT AS genres, /* The list as JSON, in the order of the response. */
  @json_source(production_companies)::TEXT AS production_companies, /* The list as JSON, in the order of the response. */
  CASE WHEN NOT @json_source(id) IS NULL THEN @movie_rejected_values() END::TEXT AS rejected_values, /* JSON list of the values that break a rule and are NULL here; NULL when there is none (ops.rejected_values). */
  CAST(@json_source(id) IS NULL AS BOOLEAN) AS is_tombstone, /* TMDb no longer has the movie; everything else is NULL. */
  ingested_at::TIMESTAMP AS observed_at, /* When the response arrived (UTC). */
  batch_id::TEXT AS _source_batch_id, /* Pipeline run that loaded the response. */
  load_id::TEXT AS _source_load_id, /* dlt's load. */
  row_count::BIGINT AS _source_row_count, /* Movie responses of that load when it was read. */
  load_number::BIGINT AS _source_load_number, /* One higher for each refresh that found new loads; the other models read by it. */
  @execution_dtntz::TIMESTAMP AS _loaded_at /* When this row was written (UTC). */
FROM fields
