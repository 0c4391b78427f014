SELECT genre_name, genre_group, movie_count, financially_complete_count, total_revenue_usd,
  weighted_revenue_usd, revenue_per_budget_usd, avg_budget_usd, median_roi_pct, pct_profitable,
  avg_vote_average, revenue_rank, roi_rank
FROM gold.kpi_genre_performance
ORDER BY total_revenue_usd DESC NULLS LAST, genre_name
