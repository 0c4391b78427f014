SELECT release_year, movie_count, total_revenue_usd, avg_budget_usd, median_roi_pct,
  avg_vote_average, movie_count_change_pct, total_revenue_change_pct, avg_budget_change_pct
FROM gold.kpi_yearly_trends
ORDER BY release_year
