MODEL (
  name gold.fact_movies,
  kind FULL,
  grain movie_sk,
  references (movie_id, date_sk, genre_sk, company_sk),
  @read_by_analysts(),
  description 'One row per movie that TMDb has, whatever its status, with its main genre and its first production company. Money is of the whole movie: join the bridges and use their weights to divide it.',
  audits (
    not_null(columns := (movie_sk, movie_id, date_sk, genre_sk, company_sk, is_released)),
    unique_values(columns := (movie_sk, movie_id)),
    not_empty_if_parent_has_rows(parent := silver.silver_movies, condition := NOT is_deleted),
    relationship(key := date_sk, parent := gold.dim_dates, parent_key := date_sk),
    relationship(key := genre_sk, parent := gold.dim_genres, parent_key := genre_sk),
    relationship(key := company_sk, parent := gold.dim_production_companies, parent_key := company_sk),
    no_rows_lost(key := movie_id, parent := silver.silver_movies, parent_key := movie_id, condition := NOT is_deleted),
    accepted_values("column" := profitability_flag, is_in := ('PROFITABLE', 'BREAK_EVEN', 'LOSS', 'UNKNOWN')),
    accepted_values("column" := budget_tier, is_in := ('MICRO', 'LOW', 'MEDIUM', 'HIGH', 'BLOCKBUSTER', 'UNKNOWN')),
    forall(
      criteria := (
        profit_usd = revenue_usd - budget_usd,
        (
          profitability_flag = 'UNKNOWN'
        ) = (
          profit_usd IS NULL
        ),
        (
          budget_tier = 'UNKNOWN'
        ) = (
          budget_usd IS NULL
        )
      )
    )
  )
);

SELECT
  @GENERATE_SURROGATE_KEY(movie.movie_id)::TEXT AS movie_sk, /* Key: hash of movie_id. */
  movie.movie_id::BIGINT AS movie_id, /* TMDb's number of the movie. */
  COALESCE(release_day.date_sk, -1)::INT AS date_sk, /* Day of the first release, into dim_dates; -1 when unknown. */
  genre.genre_sk::TEXT AS genre_sk, /* Main genre, into dim_genres; the unknown genre when it has none. */
  company.company_sk::TEXT AS company_sk, /* First production company, into dim_production_companies; the unknown company when it has none. */
  movie.title::TEXT AS title, /* Title. */
  movie.imdb_id::TEXT AS imdb_id, /* IMDb's key of the movie (tt...). */
  movie.original_language::TEXT AS original_language, /* ISO 639-1 code, and TMDb's own cn and xx. */
  movie.status::TEXT AS status, /* TMDb's production status. */
  movie.release_year::INT AS release_year, /* Year of the first release. */
  movie.release_month::INT AS release_month, /* Month of the first release, 1 to 12. */
  movie.release_season::TEXT AS release_season, /* SUMMER, HOLIDAY, WINTER, SPRING or FALL. */
  COALESCE(tier.budget_tier, 'UNKNOWN')::TEXT AS budget_tier, /* Range of the budget (seed_budget_tiers); UNKNOWN without one. */
  movie.budget_usd::BIGINT AS budget_usd, /* Production budget in whole US dollars; NULL when unknown. */
  movie.revenue_usd::BIGINT AS revenue_usd, /* Worldwide box office in whole US dollars; NULL when unknown. */
  movie.profit_usd::BIGINT AS profit_usd, /* revenue_usd - budget_usd; NULL unless both are known. */
  movie.roi_pct::DOUBLE AS roi_pct, /* profit_usd / budget_usd * 100; NULL unless both are known. */
  movie.runtime_minutes::BIGINT AS runtime_minutes, /* Running time in minutes; NULL when unknown. */
  movie.popularity_score::DOUBLE AS popularity_score, /* TMDb's popularity on the day of the newest response. */
  movie.vote_average::DOUBLE AS vote_average, /* Mean vote of TMDb's users, 0 to 10; NULL when nobody voted. */
  movie.vote_count::BIGINT AS vote_count, /* Number of votes; NULL when TMDb knows of none. */
  CASE
    WHEN movie.profit_usd > 0
    THEN 'PROFITABLE'
    WHEN movie.profit_usd = 0
    THEN 'BREAK_EVEN'
    WHEN movie.profit_usd < 0
    THEN 'LOSS'
    ELSE 'UNKNOWN'
  END::TEXT AS profitability_flag, /* PROFITABLE, BREAK_EVEN, LOSS, or UNKNOWN where profit_usd is. */
  CAST(COALESCE(movie.status, 'Released') = 'Released' AS BOOLEAN) AS is_released /* Status is Released or unknown. */
FROM silver.silver_movies AS movie
LEFT JOIN gold.dim_dates AS release_day
  ON release_day.full_date = movie.release_date
LEFT JOIN silver.silver_movie_genres AS primary_genre
  ON primary_genre.movie_id = movie.movie_id AND primary_genre.is_primary_genre
LEFT JOIN gold.dim_genres AS genre
  ON genre.genre_id = COALESCE(primary_genre.genre_id, -1)
LEFT JOIN silver.silver_movie_companies AS primary_company
  ON primary_company.movie_id = movie.movie_id AND primary_company.is_primary_company
LEFT JOIN gold.dim_production_companies AS company
  ON company.company_id = COALESCE(primary_company.company_id, -1)
LEFT JOIN silver.seed_budget_tiers AS tier
  ON movie.budget_usd >= tier.min_budget_usd
  AND (
    tier.below_budget_usd IS NULL OR movie.budget_usd < tier.below_budget_usd
  )
WHERE
  NOT movie.is_deleted
