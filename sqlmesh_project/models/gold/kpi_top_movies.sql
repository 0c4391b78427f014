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

/* The windows sort numbers alone; names and titles are joined to the result. */
WITH voted_movies AS (
  SELECT
    movie_id,
    release_year,
    revenue_usd,
    CASE WHEN budget_usd >= 1000000 THEN roi_pct END AS comparable_roi_pct, /* Percentages of tiny budgets say nothing. */
    popularity_score,
    vote_average,
    vote_count,
    @ratio(
      vote_count * vote_average + @min_vote_count * @ratio(SUM(@to_decimal(vote_average)) OVER (), COUNT(vote_average) OVER ()),
      vote_count + @min_vote_count
    ) AS weighted_rating
  FROM gold.fact_movies
  WHERE
    is_released AND vote_count >= @min_vote_count
), ranked AS (
  SELECT
    movie_id,
    weighted_rating,
    @rank_of_known(revenue_usd) AS revenue_rank,
    @rank_of_known(revenue_usd, release_year) AS revenue_rank_in_year,
    @rank_of_known(comparable_roi_pct) AS roi_rank,
    @rank_of_known(weighted_rating) AS weighted_rating_rank,
    @rank_of_known(popularity_score) AS popularity_rank
  FROM voted_movies
), by_rating AS (
  SELECT
    movie_id,
    RANK() OVER (ORDER BY vote_average DESC, vote_count DESC) AS rating_rank,
    PERCENT_RANK() OVER (ORDER BY vote_average) * 100 AS rating_percentile_pct,
    NTILE(10) OVER (ORDER BY vote_average DESC, vote_count DESC, movie_id) AS rating_decile
  FROM voted_movies
  WHERE
    NOT vote_average IS NULL
), by_revenue AS (
  SELECT
    movie_id,
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
  genre.genre_name::TEXT AS genre_name, /* Main genre; Unknown when it has none. */
  company.company_name::TEXT AS company_name, /* First production company; Unknown when it has none. */
  company.studio_tier::TEXT AS studio_tier, /* MAJOR, MINI_MAJOR, INDEPENDENT or UNKNOWN, of that company. */
  movie.original_language::TEXT AS original_language, /* ISO 639-1 code, and TMDb's own cn and xx. */
  movie.budget_tier::TEXT AS budget_tier, /* Range of the budget; UNKNOWN without one. */
  movie.budget_usd::BIGINT AS budget_usd, /* Production budget in whole US dollars; NULL when unknown. */
  movie.revenue_usd::BIGINT AS revenue_usd, /* Worldwide box office in whole US dollars; NULL when unknown. */
  movie.profit_usd::BIGINT AS profit_usd, /* revenue_usd - budget_usd; NULL unless both are known. */
  movie.roi_pct::DOUBLE AS roi_pct, /* profit_usd / budget_usd * 100; NULL unless both are known. */
  movie.popularity_score::DOUBLE AS popularity_score, /* TMDb's popularity. */
  movie.vote_average::DOUBLE AS vote_average, /* Mean vote, 0 to 10. */
  movie.vote_count::BIGINT AS vote_count, /* Number of votes. */
  ranked.weighted_rating::DOUBLE AS weighted_rating, /* Bayesian rating, IMDb's formula: (v * R + m * C) / (v + m), where R is vote_average, v vote_count, m min_vote_count and C the mean vote_average of all rows. */
  ranked.revenue_rank::INT AS revenue_rank, /* Rank by revenue of all time, 1 the highest; NULL when unknown, as in every rank. */
  ranked.revenue_rank_in_year::INT AS revenue_rank_in_year, /* Rank by revenue within the release year. */
  ranked.roi_rank::INT AS roi_rank, /* Rank by roi_pct among budgets of at least 1,000,000 dollars; NULL for others. */
  by_rating.rating_rank::INT AS rating_rank, /* Rank by vote_average, then vote_count. */
  ranked.weighted_rating_rank::INT AS weighted_rating_rank, /* Rank by weighted_rating. */
  ranked.popularity_rank::INT AS popularity_rank, /* Rank by popularity_score. */
  by_revenue.revenue_percentile_pct::DOUBLE AS revenue_percentile_pct, /* Percent of the other movies with a known revenue that earned less. */
  by_rating.rating_percentile_pct::DOUBLE AS rating_percentile_pct, /* Percent of the other rated movies with a lower vote_average. */
  by_revenue.revenue_decile::INT AS revenue_decile, /* Tenth by revenue among the known ones, 1 the highest. */
  by_rating.rating_decile::INT AS rating_decile /* Tenth by rating (as rating_rank), 1 the highest. */
FROM ranked
JOIN gold.fact_movies AS movie
  ON movie.movie_id = ranked.movie_id
JOIN gold.dim_genres AS genre
  ON genre.genre_sk = movie.genre_sk
JOIN gold.dim_production_companies AS company
  ON company.company_sk = movie.company_sk
LEFT JOIN by_rating
  ON by_rating.movie_id = ranked.movie_id
LEFT JOIN by_revenue
  ON by_revenue.movie_id = ranked.movie_id;

@refresh_dynamic_table()
