AUDIT (
  name lifetime_totals_reconcile
);

/* The groups add up to all fans and all they paid, to the cent. */
WITH groups AS (
  SELECT
    COALESCE(SUM(fan_count), 0) AS fan_count,
    COALESCE(SUM(revenue_usd), 0) AS revenue_usd,
    COALESCE(SUM(interaction_count), 0) AS interaction_count
  FROM @this_model
), interactions AS (
  SELECT
    COUNT(DISTINCT fan_token) AS fan_count,
    COALESCE(SUM(CASE WHEN event_type = 'PURCHASE' THEN amount_usd END), 0) AS revenue_usd,
    COUNT(*) AS interaction_count
  FROM silver.stg_fan_interactions
  WHERE
    NOT fan_class IS NULL
)
SELECT
  groups.fan_count,
  interactions.fan_count AS distinct_fans,
  groups.revenue_usd,
  interactions.revenue_usd AS paid_usd
FROM groups
CROSS JOIN interactions
WHERE
  groups.fan_count <> interactions.fan_count
  OR groups.revenue_usd <> interactions.revenue_usd
  OR groups.interaction_count <> interactions.interaction_count
