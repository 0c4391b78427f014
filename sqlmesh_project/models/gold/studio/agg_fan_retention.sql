MODEL (
  name gold.agg_fan_retention,
  kind FULL,
  grain (region, country_code, account_type, acquisition_month, months_since_first_seen),
  @read_by_analysts(),
  description 'One row per group of agg_fan_lifetime_value and month since its fans were first seen, up to the newest month of the data.',
  audits (
    not_null(
      columns := (region, country_code, account_type, acquisition_month, months_since_first_seen, active_fan_count)
    ),
    unique_combination_of_columns(columns := (region, country_code, account_type, acquisition_month, months_since_first_seen)),
    accepted_range("column" := retention_pct, min_v := 0, max_v := 100),
    forall(
      criteria := (active_fan_count <= fan_count, months_since_first_seen > 0 OR active_fan_count = fan_count)
    )
  )
);

WITH fans AS (
  SELECT
    fan.fan_token,
    dimension.region,
    dimension.country_code,
    fan.account_type,
    DATE_TRUNC('MONTH', fan.first_seen_at)::DATE AS acquisition_month
  FROM silver.fans AS fan
  JOIN gold.dim_fans AS dimension
    ON dimension.fan_token = fan.fan_token
), groups AS (
  SELECT
    region,
    country_code,
    account_type,
    acquisition_month,
    COUNT(*) AS fan_count
  FROM fans
  GROUP BY
    region,
    country_code,
    account_type,
    acquisition_month
), months AS (
  SELECT DISTINCT
    DATE_TRUNC('MONTH', day.full_date)::DATE AS activity_month
  FROM gold.dim_dates AS day
  JOIN (
    SELECT
      MIN(first_seen_at)::DATE AS first_day,
      MAX(last_seen_at)::DATE AS last_day
    FROM silver.fans
  ) AS seen
    ON day.full_date BETWEEN seen.first_day AND seen.last_day
), active AS (
  SELECT
    fans.region,
    fans.country_code,
    fans.account_type,
    fans.acquisition_month,
    DATE_TRUNC('MONTH', interaction.event_date)::DATE AS activity_month,
    COUNT(DISTINCT interaction.fan_token) AS active_fan_count
  FROM silver.stg_fan_interactions AS interaction
  JOIN fans
    ON fans.fan_token = interaction.fan_token
  WHERE
    NOT interaction.fan_class IS NULL
  GROUP BY
    fans.region,
    fans.country_code,
    fans.account_type,
    fans.acquisition_month,
    DATE_TRUNC('MONTH', interaction.event_date)
)
SELECT
  groups.region::TEXT AS region, /* Market region of the fans now. */
  groups.country_code::TEXT AS country_code, /* ISO 3166-1 alpha-3 of the fans now. */
  groups.account_type::TEXT AS account_type, /* Type of account. */
  groups.acquisition_month::DATE AS acquisition_month, /* First day of the month in which the fans were first seen. */
  CAST((
    EXTRACT(YEAR FROM months.activity_month) - EXTRACT(YEAR FROM groups.acquisition_month)
  ) * 12 + EXTRACT(MONTH FROM months.activity_month) - EXTRACT(MONTH FROM groups.acquisition_month) AS INT) AS months_since_first_seen, /* Months since then, from 0. */
  groups.fan_count::BIGINT AS fan_count, /* Fans of the group. */
  COALESCE(active.active_fan_count, 0)::BIGINT AS active_fan_count, /* Fans of the group seen in that month. */
  @ratio(COALESCE(active.active_fan_count, 0) * 100, groups.fan_count)::DOUBLE AS retention_pct /* active_fan_count / fan_count * 100. */
FROM groups
JOIN months
  ON months.activity_month >= groups.acquisition_month
LEFT JOIN active
  ON active.region = groups.region
  AND active.country_code = groups.country_code
  AND active.account_type = groups.account_type
  AND active.acquisition_month = groups.acquisition_month
  AND active.activity_month = months.activity_month
