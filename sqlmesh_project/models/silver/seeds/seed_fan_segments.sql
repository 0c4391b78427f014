MODEL (
  name silver.seed_fan_segments,
  kind SEED (
    path '$root/seeds/fan_segments.csv'
  ),
  columns (
    fan_segment TEXT,
    priority INT,
    max_recency_days INT,
    min_orders INT,
    min_revenue_usd DECIMAL(18, 2)
  ),
  grain fan_segment,
  description 'One row per segment of fans by recency, frequency and money. A fan is in the first one, by priority, whose three borders are met; the last one has none.',
  column_descriptions (
    fan_segment = 'Name of the segment.',
    priority = 'Order in which segments are tried, from 1.',
    max_recency_days = 'At most so many days since the last interaction, counted back from the newest one of all.',
    min_orders = 'At least so many purchases.',
    min_revenue_usd = 'At least so many US dollars.'
  ),
  audits (
    not_null(
      columns := (fan_segment, priority, max_recency_days, min_orders, min_revenue_usd)
    ),
    unique_values(columns := (fan_segment, priority)),
    number_of_rows(threshold := 1)
  )
)
