MODEL (
  name gold.kpi_genre_performance,
  kind @IF(@kpi_target_lag = '', FULL, MANAGED),
  physical_properties (target_lag = @kpi_target_lag, refresh_mode = 'FULL'),
  grain genre_sk,
  references genre_id,
  @read_by_analysts(),
  description 'One row per genre with at least one released movie; movies without a genre are left out. A movie counts in each genre it lists, so counts and totals of genres overlap; only the weighted columns add up to the totals of the movies.',
  audits (
    not_null(columns := (genre_sk, genre_id, genre_name, movie_count, financially_complete_count)),
    unique_values(columns := (genre_sk, genre_id)),
    relationship(key := genre_sk, parent := gold.dim_genres, parent_key := genre_sk),
    accepted_range("column" := pct_profitable, min_v := 0, max_v := 100),
    accepted_range("column" := avg_vote_average, min_v := 0, max_v := 10),
    forall(
      criteria := (
        movie_count > 0,
        financially_complete_count <= movie_count,
        movies_last_5_years <= movie_count,
        avg_revenue_usd <= max_revenue_usd,
        revenue_per_budget_usd >= 0,
        weighted_budget_usd >= 0
      )
    ),
    genre_totals_reconcile
  )
);

WITH released_movies AS (
  SELECT
    movie_sk,
    release_year,
    budget_usd,
    revenue_usd,
    profit_usd,
    roi_pct,
    runtime_minutes,
    popularity_score,
    vote_average,
    vote_count
  FROM gold.fact_movies
  WHERE
    is_released
), newest_year AS (
  /* Of the data, not of the clock: a warehouse of older movies has recent ones too. */
  SELECT
    MAX(release_year) AS release_year
  FROM released_movies
  WHERE
    release_year <= EXTRACT(YEAR FROM @today())
), by_genre AS (
  SELECT
    listed.genre_sk,
    COUNT(*) AS movie_count,
    COUNT(movie.profit_usd) AS financially_complete_count,
    SUM(movie.revenue_usd) AS total_revenue_usd,
    @mean(movie.revenue_usd) AS avg_revenue_usd,
    MEDIAN(movie.revenue_usd) AS median_revenue_usd,
    MAX(movie.revenue_usd) AS max_revenue_usd,
    @mean(movie.budget_usd) AS avg_budget_usd,
    SUM(movie.profit_usd) AS total_profit_usd,
    @mean(movie.profit_usd) AS avg_profit_usd,
    @mean(@to_decimal(movie.roi_pct)) AS avg_roi_pct,
    MEDIAN(movie.roi_pct) AS median_roi_pct,
    @ratio(COUNT_IF(movie.profit_usd > 0) * 100, COUNT(movie.profit_usd)) AS pct_profitable,
    @mean(@to_decimal(movie.vote_average)) AS avg_vote_average,
    ROUND(STDDEV_SAMP(movie.vote_average), 9) AS stddev_vote_average,
    MAX(movie.vote_average) AS max_vote_average,
    @mean(movie.vote_count) AS avg_vote_count,
    @mean(@to_decimal(movie.popularity_score)) AS avg_popularity_score,
    @mean(movie.runtime_minutes) AS avg_runtime_minutes,
    COALESCE(COUNT_IF(movie.release_year BETWEEN newest_year.release_year - 4 AND newest_year.release_year), 0) AS movies_last_5_years,
    SUM(@to_decimal(movie.revenue_usd * listed.weight)) AS weighted_revenue_usd,
    SUM(@to_decimal(movie.profit_usd * listed.weight)) AS weighted_profit_usd,
    SUM(@to_decimal(movie.budget_usd * listed.weight)) AS weighted_budget_usd,
    SUM(CASE WHEN NOT movie.profit_usd IS NULL THEN @to_decimal(movie.revenue_usd * listed.weight) END) AS complete_revenue_usd,
    SUM(CASE WHEN NOT movie.profit_usd IS NULL THEN @to_decimal(movie.budget_usd * listed.weight) END) AS complete_budget_usd
  FROM released_movies AS movie
  JOIN gold.bridge_movie_genres AS listed
    ON listed.movie_sk = movie.movie_sk
  CROSS JOIN newest_year
  GROUP BY
    listed.genre_sk
)
SELECT
  by_genre.genre_sk::TEXT AS genre_sk, /* Genre, into dim_genres. */
  genre.genre_id::BIGINT AS genre_id, /* TMDb's number of the genre. */
  genre.genre_name::TEXT AS genre_name, /* Name in TMDb's own casing. */
  genre.genre_group::TEXT AS genre_group, /* The family of genres it is reported with. */
  genre.is_blockbuster_genre::BOOLEAN AS is_blockbuster_genre, /* Whether big-budget franchises are typically of this genre. */
  by_genre.movie_count::BIGINT AS movie_count, /* Released movies. */
  by_genre.financially_complete_count::BIGINT AS financially_complete_count, /* Released movies whose budget and revenue are both known. */
  by_genre.total_revenue_usd::BIGINT AS total_revenue_usd, /* Sum of the known revenues. */
  by_genre.avg_revenue_usd::DOUBLE AS avg_revenue_usd, /* Mean of the known revenues. */
  by_genre.median_revenue_usd::DOUBLE AS median_revenue_usd, /* Median of the known revenues. */
  by_genre.max_revenue_usd::BIGINT AS max_revenue_usd, /* Largest revenue. */
  by_genre.avg_budget_usd::DOUBLE AS avg_budget_usd, /* Mean of the known budgets. */
  by_genre.total_profit_usd::BIGINT AS total_profit_usd, /* Sum of profit over the financially complete movies. */
  by_genre.avg_profit_usd::DOUBLE AS avg_profit_usd, /* Mean profit of the financially complete movies. */
  by_genre.avg_roi_pct::DOUBLE AS avg_roi_pct, /* Mean roi_pct of the financially complete movies; a few tiny budgets pull it up. */
  by_genre.median_roi_pct::DOUBLE AS median_roi_pct, /* Median roi_pct of the financially complete movies. */
  by_genre.pct_profitable::DOUBLE AS pct_profitable, /* Share of the financially complete movies with a profit above 0, in percent. */
  by_genre.avg_vote_average::DOUBLE AS avg_vote_average, /* Mean of vote_average over the rated movies. */
  by_genre.stddev_vote_average::DOUBLE AS stddev_vote_average, /* Sample standard deviation of vote_average. */
  by_genre.max_vote_average::DOUBLE AS max_vote_average, /* Highest vote_average. */
  by_genre.avg_vote_count::DOUBLE AS avg_vote_count, /* Mean number of votes of the rated movies. */
  by_genre.avg_popularity_score::DOUBLE AS avg_popularity_score, /* Mean popularity. */
  by_genre.avg_runtime_minutes::DOUBLE AS avg_runtime_minutes, /* Mean of the known running times. */
  by_genre.movies_last_5_years::BIGINT AS movies_last_5_years, /* Movies of the five years that end with the newest release year of any released movie, the current year at most. */
  by_genre.weighted_revenue_usd::DOUBLE AS weighted_revenue_usd, /* Revenue, each movie divided evenly among its genres. */
  by_genre.weighted_profit_usd::DOUBLE AS weighted_profit_usd, /* Profit, each movie divided evenly among its genres. */
  by_genre.weighted_budget_usd::DOUBLE AS weighted_budget_usd, /* Known budget, each movie divided evenly among its genres. */
  @ratio(by_genre.complete_revenue_usd, by_genre.complete_budget_usd)::DOUBLE AS revenue_per_budget_usd, /* Revenue per US dollar of budget: of the financially complete movies, each divided evenly among its genres. Large budgets count more; median_roi_pct is of the typical movie. */
  @rank_of_known(by_genre.median_roi_pct)::INT AS roi_rank, /* Rank by median_roi_pct, 1 the highest; NULL without one. */
  @rank_of_known(by_genre.total_revenue_usd)::INT AS revenue_rank, /* Rank by total_revenue_usd. */
  @rank_of_known(by_genre.avg_vote_average)::INT AS rating_rank, /* Rank by avg_vote_average. */
  @rank_of_known(by_genre.movie_count)::INT AS volume_rank /* Rank by movie_count. */
FROM by_genre
JOIN gold.dim_genres AS genre
  ON genre.genre_sk = by_genre.genre_sk
WHERE
  genre.genre_id <> -1;

@refresh_dynamic_table()
