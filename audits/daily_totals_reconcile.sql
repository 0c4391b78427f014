AUDIT (
  name daily_totals_reconcile
);

/* The daily rows add up to the records and interactions they are made of, to the cent. */
WITH daily AS (
  SELECT
    COALESCE(SUM(gross_usd), 0) AS gross_usd,
    COALESCE(SUM(tickets_sold), 0) AS tickets_sold,
    COALESCE(SUM(purchase_revenue_usd), 0) AS purchase_revenue_usd,
    COALESCE(SUM(purchase_count), 0) AS purchase_count
  FROM @this_model
), theatres AS (
  SELECT
    COALESCE(SUM(gross_usd), 0) AS gross_usd,
    COALESCE(SUM(tickets_sold), 0) AS tickets_sold
  FROM silver.stg_box_office
), purchases AS (
  SELECT
    COALESCE(SUM(amount_usd), 0) AS purchase_revenue_usd,
    COUNT(*) AS purchase_count
  FROM silver.stg_fan_interactions
  WHERE
    NOT fan_class IS NULL AND event_type = 'PURCHASE'
)
SELECT
  daily.gross_usd,
  theatres.gross_usd AS reported_gross_usd,
  daily.purchase_revenue_usd,
  purchases.purchase_revenue_usd AS paid_usd
FROM daily
CROSS JOIN theatres
CROSS JOIN purchases
WHERE
  daily.gross_usd <> theatres.gross_usd
  OR daily.tickets_sold <> theatres.tickets_sold
  OR daily.purchase_revenue_usd <> purchases.purchase_revenue_usd
  OR daily.purchase_count <> purchases.purchase_count
