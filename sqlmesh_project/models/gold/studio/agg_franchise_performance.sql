MODEL (
  name gold.agg_franchise_performance,
  kind @IF(@kpi_target_lag = '', FULL, MANAGED),
  physical_properties (target_lag = @kpi_target_lag, refresh_mode = 'FULL'),
  grain franchise,
  @read_by_analysts(),
  description 'One row per franchise of the studio (Standalone for titles that belong to none), over all days. Fans are counted once however many of its titles and days they show up on.',
  audits (
    not_null(columns := (franchise, title_count, gross_usd, purchase_revenue_usd, unique_fans, gross_rank)),
    duplicate_count("column" := franchise, blocking := TRUE),
    positive_revenue("column" := gross_usd),
    no_rows_lost(key := franchise, parent := gold.dim_titles, parent_key := franchise, condition := parent.title_id <> '-1'),
    franchise_totals_reconcile,
    forall(
      criteria := (
        unique_fans <= unique_verified_fans + unique_guests,
        first_day <= last_day,
        tmdb_movie_count <= title_count,
        buyer_count <= LEAST(unique_fans, purchase_count)
      )
    )
  )
);

WITH titles AS (
  SELECT
    title.title_sk,
    title.title_id,
    title.franchise,
    title.budget_usd,
    movie.movie_id,
    movie.revenue_usd
  FROM gold.dim_titles AS title
  JOIN gold.dim_movies AS movie
    ON movie.movie_sk = title.movie_sk
), described AS (
  SELECT
    franchise,
    COUNT_IF(title_id <> '-1') AS title_count,
    SUM(budget_usd) AS budget_usd
  FROM titles
  GROUP BY
    franchise
), movies AS (
  SELECT DISTINCT
    franchise,
    movie_id,
    revenue_usd
  FROM titles
  WHERE
    movie_id <> -1
), known_to_tmdb AS (
  SELECT
    franchise,
    COUNT(*) AS movie_count,
    SUM(revenue_usd) AS revenue_usd
  FROM movies
  GROUP BY
    franchise
), performed AS (
  SELECT
    title.franchise,
    SUM(fact.tickets_sold) AS tickets_sold,
    SUM(fact.gross_usd) AS gross_usd,
    SUM(fact.purchase_count) AS purchase_count,
    SUM(fact.purchase_revenue_usd) AS purchase_revenue_usd,
    SUM(fact.stream_count) AS stream_count,
    MIN(day.full_date) AS first_day,
    MAX(day.full_date) AS last_day
  FROM gold.fact_daily_performance AS fact
  JOIN titles AS title
    ON title.title_sk = fact.title_sk
  JOIN gold.dim_dates AS day
    ON day.date_sk = fact.date_sk
  GROUP BY
    title.franchise
), fans AS (
  SELECT
    title.franchise,
    COUNT(DISTINCT interaction.fan_token) AS unique_fans,
    COUNT(DISTINCT CASE WHEN interaction.fan_class = 'VERIFIED' THEN interaction.fan_token END) AS unique_verified_fans,
    COUNT(DISTINCT CASE WHEN interaction.fan_class = 'GUEST' THEN interaction.fan_token END) AS unique_guests,
    COUNT(DISTINCT CASE WHEN interaction.event_type = 'PURCHASE' THEN interaction.fan_token END) AS buyer_count
  FROM silver.stg_fan_interactions AS interaction
  JOIN titles AS title
    ON title.title_id = COALESCE(interaction.title_id, '-1')
  WHERE
    NOT interaction.fan_class IS NULL
  GROUP BY
    title.franchise
)
SELECT
  described.franchise::TEXT AS franchise, /* Franchise. */
  described.title_count::BIGINT AS title_count, /* Titles. */
  COALESCE(performed.tickets_sold, 0)::BIGINT AS tickets_sold, /* Tickets. */
  COALESCE(performed.gross_usd, 0)::DECIMAL(18, 2) AS gross_usd, /* Box office in US dollars, as theatres reported it. */
  COALESCE(performed.purchase_count, 0)::BIGINT AS purchase_count, /* Purchases. */
  COALESCE(performed.purchase_revenue_usd, 0)::DECIMAL(18, 2) AS purchase_revenue_usd, /* Money from purchases in US dollars. */
  COALESCE(performed.stream_count, 0)::BIGINT AS stream_count, /* Streams. */
  COALESCE(fans.unique_fans, 0)::BIGINT AS unique_fans, /* Distinct fans who did anything with any of its titles. */
  COALESCE(fans.unique_verified_fans, 0)::BIGINT AS unique_verified_fans, /* Distinct verified fans among them. */
  COALESCE(fans.unique_guests, 0)::BIGINT AS unique_guests, /* Distinct guests among them. */
  COALESCE(fans.buyer_count, 0)::BIGINT AS buyer_count, /* Distinct fans among them who purchased one of its titles. */
  @ratio(COALESCE(fans.buyer_count, 0) * 100, fans.unique_fans)::DOUBLE AS buyer_pct, /* buyer_count / unique_fans * 100; NULL without fans. */
  described.budget_usd::DECIMAL(18, 2) AS budget_usd, /* Sum of the known production budgets in US dollars; NULL when none is known. */
  performed.first_day::DATE AS first_day, /* First day on which a theatre reported or a fan did something. */
  performed.last_day::DATE AS last_day, /* Last such day. */
  @ratio(COALESCE(performed.gross_usd, 0), described.title_count)::DOUBLE AS avg_gross_per_title_usd, /* gross_usd / title_count. */
  RANK() OVER (ORDER BY COALESCE(performed.gross_usd, 0) DESC)::INT AS gross_rank, /* Place by gross_usd, 1 for the highest. */
  COALESCE(known_to_tmdb.movie_count, 0)::BIGINT AS tmdb_movie_count, /* Movies of TMDb that its titles are; one that two titles name counts once. */
  known_to_tmdb.revenue_usd::BIGINT AS tmdb_revenue_usd /* Worldwide box office of those in whole US dollars, as TMDb has it; NULL when it knows none. */
FROM described
LEFT JOIN known_to_tmdb
  ON known_to_tmdb.franchise = described.franchise
LEFT JOIN performed
  ON performed.franchise = described.franchise
LEFT JOIN fans
  ON fans.franchise = described.franchise
WHERE
  described.title_count > 0 OR NOT performed.franchise IS NULL;

@refresh_dynamic_table()
