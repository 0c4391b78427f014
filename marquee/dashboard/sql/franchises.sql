SELECT franchise, title_count, gross_usd, tmdb_revenue_usd, purchase_revenue_usd, tickets_sold,
  unique_fans, buyer_count, buyer_pct, budget_usd, avg_gross_per_title_usd, gross_rank
FROM gold.agg_franchise_performance
ORDER BY gross_rank, franchise
