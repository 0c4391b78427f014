MODEL (
  name gold.kpi_top_movies,
  kind @IF(@kpi_target_lag = '', FULL, MANAGED),
  physical_properties (target_lag = @kpi_target_lag, refresh_mode = 'FULL'),
  grain movie_sk,
  references movie_id,
  @read_by_analysts(),
  description 'One row per released movie with at least 100 votes (min_vote_count), with its place among them by money, votes and popularity.',
  audits (
    not_null(columns := (movie_sk, movie_id, genre_name, company_name, vote_count)),
    unique_values(columns := (movie_sk, movie_id)),
    relationship(key := movie_sk, parent := gold.fact_movies, parent_key := movie_sk),
    accepted_range("column" := vote_count, min_v := @min_vote_count),
    accepted_range("column" := weighted_rating, min_v := 0, max_v := 10),
    accepted_range("column" := revenue_percentile_pct, min_v := 0, max_v := 100),
    accepted_range("column" := rating_percentile_pct, min_v := 0, max_v := 100),
    accepted_range("column" := revenue_decile, min_v := 1, max_v := 10),
    accepted_range("column" := rating_decile, min_v := 1, max_v := 10),
    forall(
      criteria := (
        revenue_rank_in_year <= revenue_rank,
        (
          revenue_rank IS NULL
        ) = (
          revenue_usd IS NULL
        ),
        roi_rank IS NULL OR budget_usd >= 1000000
      )
    )
  )
);

WITH voted_movies AS (
  SELECT
    movie.movie_sk,
    movie.movie_id,
    movie.title,
    movie.release_year,
    genre.genre_name,
    company.company_name,
    company.studio_tier,
    movie.original_language,
    movie.budget_tier,
    movie.budget_usd,
    movie.revenue_usd,
    movie.profit_usd,
    movie.roi_pct,
    CASE WHEN movie.budget_usd >= 1000000 THEN movie.roi_pct END AS comparable_roi_pct, /* Percentages of tiny budgets say nothing. */
    movie.popularity_score,
    movie.vote_average,
    movie.vote_count,
    @ratio(
      movie.vote_count * movie.vote_average + @min_vote_count * @ratio(SUM(@to_decimal(movie.vote_average)) OVER (), COUNT(movie.vote_average) OVER ()),
      movie.vote_count + @min_vote_count
    ) AS weighted_rating
  FROM gold.fact_movies AS movie
  JOIN gold.dim_genres AS genre
    ON genre.genre_sk = movie.genre_sk
  JOIN gold.dim_production_companies AS company
    ON company.company_sk = movie.company_sk
  WHERE
    movie.is_released AND movie.vote_count >= @min_vote_count
), by_rating AS (
  SELECT
    movie_sk,
    RANK() OVER (ORDER BY vote_average DESC, vote_count DESC) AS rating_rank,
    PERCENT_RANK() OVER (ORDER BY vote_average) * 100 AS rating_percentile_pct,
    NTILE(10) OVER (ORDER BY vote_average DESC, vote_count DESC, movie_id) AS rating_decile
  FROM voted_movies
  WHERE
    NOT vote_average IS NULL
), by_revenue AS (
  SELECT
    movie_sk,
    PERCENT_RANK() OVER (ORDER BY revenue_usd) * 100 AS revenue_percentile_pct,
    NTILE(10) OVER (ORDER BY revenue_usd DESC, movie_id) AS revenue_decile
  FROM voted_movies
  WHERE
    NOT revenue_usd IS NULL
)
SELECT
  movie.movie_sk::TEXT AS movie_sk, /* Movie, into fact_movies. */
  movie.movie_id::BIGINT AS movie_id, /* TMDb's number of the movie. */
  movie.title::TEXT AS title, /* Title. */
  movie.release_year::INT AS release_year, /* Year of the first release. */
  movie.genre_name::TEXT AS genre_name, /* Main genre; Unknown when it has none. */
  movie.company_name::TEXT AS company_name, /* First production company; Unknown when it has none. */
  movie.studio_tier::TEXT AS studio_tier, /* MAJOR, MINI_MAJOR, INDEPENDENT or UNKNOWN, of that company. */
  movie.original_language::TEXT AS original_language, /* ISO 639-1 code, and TMDb's own cn and xx. */
  movie.budget_tier::TEXT AS budget_tier, /* Range of the budget; UNKNOWN without one. */
  movie.budget_usd::BIGINT AS budget_usd, /* Production budget in whole US dollars; NULL when unknown. */
  movie.revenue_usd::BIGINT AS revenue_usd, /* Worldwide box office in whole US dollars; NULL when unknown. */
  movie.profit_usd::BIGINT AS profit_usd, /* revenue_usd - budget_usd; NULL unless both are known. */
  movie.roi_pct::DOUBLE AS roi_pct, /* profit_usd / budget_usd * 100; NULL unless both are known. */
  movie.popularity_score::DOUBLE AS popularity_score, /* TMDb's popularity. */
  movie.vote_average::DOUBLE AS vote_average, /* Mean vote, 0 to 10. */
  movie.vote_count::BIGINT AS vote_count, /* Number of votes. */
  movie.weighted_rating::DOUBLE AS weighted_rating, /* Bayesian rating, IMDb's formula: (v * R + m * C) / (v + m), where R is vote_average, v vote_count, m min_vote_count and C the mean vote_average of all rows. */
  @rank_of_known(movie.revenue_usd)::INT AS revenue_rank, /* Rank by revenue of all time, 1 the highest; NULL when unknown, as in every rank. */
  @rank_of_known(movie.revenue_usd, movie.release_year)::INT AS revenue_rank_in_year, /* Rank by revenue within the release year. */
  @rank_of_known(movie.comparable_roi_pct)::INT AS roi_rank, /* Rank by roi_pct among budgets of at least 1,000,000 dollars; NULL for others. */
  by_rating.rating_rank::INT AS rating_rank, /* Rank by vote_average, then vote_count. */
  @rank_of_known(movie.weighted_rating)::INT AS weighted_rating_rank, /* Rank by weighted_rating. */
  @rank_of_known(movie.popularity_score)::INT AS popularity_rank, /* Rank by popularity_score. */
  by_revenue.revenue_percentile_pct::DOUBLE AS revenue_percentile_pct, /* Percent of the other movies with a known revenue that earned less. */
  by_rating.rating_percentile_pct::DOUBLE AS rating_percentile_pct, /* Percent of the other rated movies with a lower vote_average. */
  by_revenue.revenue_decile::INT AS revenue_decile, /* Tenth by revenue among the known ones, 1 the highest. */
  by_rating.rating_decile::INT AS rating_decile /* Tenth by rating (as rating_rank), 1 the highest. */
FROM voted_movies AS movie
LEFT JOIN by_rating
  ON by_rating.movie_sk = movie.movie_sk
LEFT JOIN by_revenue
  ON by_revenue.movie_sk = movie.movie_sk;

@refresh_dynamic_table()
