MODEL (
  name gold.agg_fan_lifetime_value,
  kind @IF(@kpi_target_lag = '', FULL, MANAGED),
  physical_properties (target_lag = @kpi_target_lag, refresh_mode = 'FULL'),
  depends_on (
    silver.stg_fan_interactions
  ),
  grain (region, country_code, account_type, acquisition_month),
  @read_by_analysts(),
  description 'One row per region, country, account type and month in which fans were first seen. Money is what those fans have paid up to now, from purchases. Activity is measured against the newest interaction of all, never the clock.',
  audits (
    not_null(columns := (region, country_code, account_type, acquisition_month, revenue_usd, revenue_per_fan_usd)),
    unique_combination_of_columns(columns := (region, country_code, account_type, acquisition_month)),
    positive_revenue("column" := revenue_usd),
    lifetime_totals_reconcile,
    forall(
      criteria := (
        fan_count > 0,
        active_7_days_count <= active_30_days_count,
        active_30_days_count <= fan_count,
        fan_count = champion_count + loyal_count + new_buyer_count + engaged_count + at_risk_count + dormant_count
      )
    ),
    accepted_range("column" := retained_month_1_pct, min_v := 0, max_v := 100)
  )
);

WITH newest AS (
  SELECT
    MAX(last_seen_at)::DATE AS newest_day
  FROM silver.fans
), fans AS (
  SELECT
    fan.fan_token,
    dimension.region,
    dimension.country_code,
    fan.account_type,
    DATE_TRUNC('MONTH', fan.first_seen_at)::DATE AS acquisition_month,
    dimension.preferred_device,
    fan.interaction_count,
    fan.order_count,
    fan.priced_order_count,
    fan.revenue_usd,
    newest.newest_day - fan.last_seen_at::DATE AS recency_days,
    segment.fan_segment
  FROM silver.fans AS fan
  JOIN gold.dim_fans AS dimension
    ON dimension.fan_token = fan.fan_token
  CROSS JOIN newest
  JOIN silver.seed_fan_segments AS segment
    ON newest.newest_day - fan.last_seen_at::DATE <= segment.max_recency_days
    AND fan.order_count >= segment.min_orders
    AND fan.revenue_usd >= segment.min_revenue_usd
  QUALIFY
    ROW_NUMBER() OVER (PARTITION BY fan.fan_token ORDER BY segment.priority) = 1
), groups AS (
  SELECT
    region,
    country_code,
    account_type,
    acquisition_month,
    COUNT(*) AS fan_count,
    SUM(revenue_usd) AS revenue_usd,
    SUM(order_count) AS order_count,
    SUM(priced_order_count) AS priced_order_count,
    SUM(interaction_count) AS interaction_count,
    COUNT_IF(recency_days < 7) AS active_7_days_count,
    COUNT_IF(recency_days < 30) AS active_30_days_count,
    COUNT_IF(fan_segment = 'CHAMPION') AS champion_count,
    COUNT_IF(fan_segment = 'LOYAL') AS loyal_count,
    COUNT_IF(fan_segment = 'NEW_BUYER') AS new_buyer_count,
    COUNT_IF(fan_segment = 'ENGAGED') AS engaged_count,
    COUNT_IF(fan_segment = 'AT_RISK') AS at_risk_count,
    COUNT_IF(fan_segment = 'DORMANT') AS dormant_count
  FROM fans
  GROUP BY
    1,
    2,
    3,
    4
), devices AS (
  SELECT
    region,
    country_code,
    account_type,
    acquisition_month,
    preferred_device
  FROM fans
  GROUP BY
    1,
    2,
    3,
    4,
    5
  QUALIFY
    ROW_NUMBER() OVER (
      PARTITION BY region, country_code, account_type, acquisition_month
      ORDER BY COUNT(*) DESC, preferred_device
    ) = 1
), retained AS (
  SELECT
    region,
    country_code,
    account_type,
    acquisition_month,
    MAX(CASE WHEN months_since_first_seen = 1 THEN retention_pct END) AS month_1_pct,
    MAX(CASE WHEN months_since_first_seen = 3 THEN retention_pct END) AS month_3_pct,
    MAX(CASE WHEN months_since_first_seen = 6 THEN retention_pct END) AS month_6_pct
  FROM gold.agg_fan_retention
  GROUP BY
    1,
    2,
    3,
    4
)
SELECT
  groups.region::TEXT AS region, /* Market region of the fans now; Unknown where none is named. */
  groups.country_code::TEXT AS country_code, /* ISO 3166-1 alpha-3 of the fans now; Unknown where none is named. */
  groups.account_type::TEXT AS account_type, /* Type of account. */
  groups.acquisition_month::DATE AS acquisition_month, /* First day of the month in which the fans were first seen. */
  groups.fan_count::BIGINT AS fan_count, /* Fans. */
  groups.revenue_usd::DECIMAL(18, 2) AS revenue_usd, /* Money from purchases in US dollars. */
  @ratio(groups.revenue_usd, groups.fan_count)::DOUBLE AS revenue_per_fan_usd, /* revenue_usd / fan_count: the lifetime value. */
  groups.order_count::BIGINT AS order_count, /* Purchases. */
  @ratio(groups.revenue_usd, groups.priced_order_count)::DOUBLE AS avg_order_value_usd, /* revenue_usd a purchase whose amount in US dollars is known; NULL without one. */
  groups.interaction_count::BIGINT AS interaction_count, /* Interactions of any kind. */
  groups.active_7_days_count::BIGINT AS active_7_days_count, /* Fans seen in the last 7 days of the data. */
  groups.active_30_days_count::BIGINT AS active_30_days_count, /* Fans seen in the last 30 days of the data. */
  retained.month_1_pct::DOUBLE AS retained_month_1_pct, /* Share of the fans seen in the month after the first; NULL while that has not begun. All months: agg_fan_retention. */
  retained.month_3_pct::DOUBLE AS retained_month_3_pct, /* The same of the third month. */
  retained.month_6_pct::DOUBLE AS retained_month_6_pct, /* The same of the sixth month. */
  groups.champion_count::BIGINT AS champion_count, /* Fans in the segment CHAMPION (seed_fan_segments). */
  groups.loyal_count::BIGINT AS loyal_count, /* Fans in the segment LOYAL. */
  groups.new_buyer_count::BIGINT AS new_buyer_count, /* Fans in the segment NEW_BUYER. */
  groups.engaged_count::BIGINT AS engaged_count, /* Fans in the segment ENGAGED. */
  groups.at_risk_count::BIGINT AS at_risk_count, /* Fans in the segment AT_RISK. */
  groups.dormant_count::BIGINT AS dormant_count, /* Fans in the segment DORMANT. */
  devices.preferred_device::TEXT AS top_device /* Preferred device of most of the fans. */
FROM groups
JOIN devices
  ON devices.region = groups.region
  AND devices.country_code = groups.country_code
  AND devices.account_type = groups.account_type
  AND devices.acquisition_month = groups.acquisition_month
JOIN retained
  ON retained.region = groups.region
  AND retained.country_code = groups.country_code
  AND retained.account_type = groups.account_type
  AND retained.acquisition_month = groups.acquisition_month;

@refresh_dynamic_table()
