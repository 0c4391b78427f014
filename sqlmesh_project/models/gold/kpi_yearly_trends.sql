MODEL (
  name gold.kpi_yearly_trends,
  kind @IF(@kpi_target_lag = '', FULL, MANAGED),
  physical_properties (target_lag = @kpi_target_lag, refresh_mode = 'FULL'),
  grain release_year,
  @read_by_analysts(),
  description 'One row per release year from 1980 on with at least one released movie.',
  audits (
    not_null(columns := (release_year, movie_count)),
    unique_values(columns := (
      release_year
    )),
    accepted_range("column" := release_year, min_v := 1980, max_v := 2100),
    accepted_range("column" := pct_profitable, min_v := 0, max_v := 100),
    forall(
      criteria := (
        movie_count > 0,
        movie_count = english_movie_count + other_language_movie_count,
        movie_count = micro_budget_count + low_budget_count + medium_budget_count + high_budget_count + blockbuster_budget_count + unknown_budget_count,
        summer_movie_count + holiday_movie_count <= movie_count
      )
    ),
    yearly_totals_reconcile
  )
);

WITH by_year AS (
  SELECT
    release_year,
    COUNT(*) AS movie_count,
    COALESCE(COUNT_IF(original_language = 'en'), 0) AS english_movie_count,
    COALESCE(COUNT_IF(release_season = 'SUMMER'), 0) AS summer_movie_count,
    COALESCE(COUNT_IF(release_season = 'HOLIDAY'), 0) AS holiday_movie_count,
    COUNT(profit_usd) AS financially_complete_count,
    SUM(revenue_usd) AS total_revenue_usd,
    @mean(revenue_usd) AS avg_revenue_usd,
    @mean(budget_usd) AS avg_budget_usd,
    SUM(profit_usd) AS total_profit_usd,
    @mean(@to_decimal(roi_pct)) AS avg_roi_pct,
    MEDIAN(roi_pct) AS median_roi_pct,
    @ratio(COUNT_IF(profit_usd > 0) * 100, COUNT(profit_usd)) AS pct_profitable,
    @mean(@to_decimal(vote_average)) AS avg_vote_average,
    @mean(vote_count) AS avg_vote_count,
    @mean(@to_decimal(popularity_score)) AS avg_popularity_score,
    @mean(runtime_minutes) AS avg_runtime_minutes,
    COUNT_IF(budget_tier = 'MICRO') AS micro_budget_count,
    COUNT_IF(budget_tier = 'LOW') AS low_budget_count,
    COUNT_IF(budget_tier = 'MEDIUM') AS medium_budget_count,
    COUNT_IF(budget_tier = 'HIGH') AS high_budget_count,
    COUNT_IF(budget_tier = 'BLOCKBUSTER') AS blockbuster_budget_count,
    COUNT_IF(budget_tier = 'UNKNOWN') AS unknown_budget_count
  FROM gold.fact_movies
  WHERE
    is_released AND release_year >= 1980
  GROUP BY
    release_year
)
SELECT
  year.release_year::INT AS release_year, /* Year of the first release. */
  year.movie_count::BIGINT AS movie_count, /* Released movies. */
  year.english_movie_count::BIGINT AS english_movie_count, /* Released movies whose original language is English. */
  CAST(year.movie_count - year.english_movie_count AS BIGINT) AS other_language_movie_count, /* Released movies of another or an unknown original language. */
  year.summer_movie_count::BIGINT AS summer_movie_count, /* Released movies of June to August. */
  year.holiday_movie_count::BIGINT AS holiday_movie_count, /* Released movies of November and December. */
  year.financially_complete_count::BIGINT AS financially_complete_count, /* Released movies whose budget and revenue are both known. */
  year.total_revenue_usd::BIGINT AS total_revenue_usd, /* Sum of the known revenues. */
  year.avg_revenue_usd::DOUBLE AS avg_revenue_usd, /* Mean of the known revenues. */
  year.avg_budget_usd::DOUBLE AS avg_budget_usd, /* Mean of the known budgets. */
  year.total_profit_usd::BIGINT AS total_profit_usd, /* Sum of profit over the financially complete movies. */
  year.avg_roi_pct::DOUBLE AS avg_roi_pct, /* Mean roi_pct of the financially complete movies; a few tiny budgets pull it up. */
  year.median_roi_pct::DOUBLE AS median_roi_pct, /* Median roi_pct of the financially complete movies. */
  year.pct_profitable::DOUBLE AS pct_profitable, /* Share of the financially complete movies with a profit above 0, in percent. */
  year.avg_vote_average::DOUBLE AS avg_vote_average, /* Mean of vote_average over the rated movies. */
  year.avg_vote_count::DOUBLE AS avg_vote_count, /* Mean number of votes of the rated movies. */
  year.avg_popularity_score::DOUBLE AS avg_popularity_score, /* Mean popularity. */
  year.avg_runtime_minutes::DOUBLE AS avg_runtime_minutes, /* Mean of the known running times. */
  year.micro_budget_count::BIGINT AS micro_budget_count, /* Released movies of budget tier MICRO. */
  year.low_budget_count::BIGINT AS low_budget_count, /* Released movies of budget tier LOW. */
  year.medium_budget_count::BIGINT AS medium_budget_count, /* Released movies of budget tier MEDIUM. */
  year.high_budget_count::BIGINT AS high_budget_count, /* Released movies of budget tier HIGH. */
  year.blockbuster_budget_count::BIGINT AS blockbuster_budget_count, /* Released movies of budget tier BLOCKBUSTER. */
  year.unknown_budget_count::BIGINT AS unknown_budget_count, /* Released movies without a known budget. */
  @ratio((
    year.movie_count - before.movie_count
  ) * 100, before.movie_count)::DOUBLE AS movie_count_change_pct, /* Change of movie_count from the year before, in percent; NULL when that year has no row. */
  @ratio((
    year.total_revenue_usd - before.total_revenue_usd
  ) * 100, before.total_revenue_usd)::DOUBLE AS total_revenue_change_pct, /* Change of total_revenue_usd from the year before, in percent. */
  @ratio((
    year.avg_budget_usd - before.avg_budget_usd
  ) * 100, before.avg_budget_usd)::DOUBLE AS avg_budget_change_pct, /* Change of avg_budget_usd from the year before, in percent. */
  CAST(year.avg_vote_average - before.avg_vote_average AS DOUBLE) AS avg_vote_average_change, /* Change of avg_vote_average from the year before, in points. */
  @rank_of_known(year.total_revenue_usd)::INT AS revenue_rank, /* Rank by total_revenue_usd, 1 the highest; NULL without one. */
  @rank_of_known(year.movie_count)::INT AS volume_rank, /* Rank by movie_count. */
  @rank_of_known(year.avg_vote_average)::INT AS rating_rank, /* Rank by avg_vote_average. */
  @rank_of_known(year.median_roi_pct)::INT AS roi_rank /* Rank by median_roi_pct. */
FROM by_year AS year
LEFT JOIN by_year AS before
  ON before.release_year = year.release_year - 1;

@refresh_dynamic_table()
