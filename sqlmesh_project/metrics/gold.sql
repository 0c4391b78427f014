/* Measures of gold, defined once: `sqlmesh rewrite` writes a query that uses them, on either engine, and
   snowflake/semantic_view.sql is generated from them (python -m marquee.catalog.semantic_view). */

METRIC (
  name movie_count,
  description 'Number of movies.',
  expression COUNT(gold.fact_movies.movie_sk)
);

METRIC (
  name total_budget_usd,
  description 'Sum of the known production budgets in US dollars.',
  expression SUM(gold.fact_movies.budget_usd)
);

METRIC (
  name total_revenue_usd,
  description 'Sum of the known worldwide box offices in US dollars.',
  expression SUM(gold.fact_movies.revenue_usd)
);

METRIC (
  name total_profit_usd,
  description 'Sum of profit in US dollars over the movies whose budget and revenue are both known.',
  expression SUM(gold.fact_movies.profit_usd)
);

METRIC (
  name best_vote_average,
  description 'Highest mean vote of a movie.',
  expression MAX(gold.fact_movies.vote_average)
);

METRIC (
  name total_tickets_sold,
  description 'Sum of tickets sold in theaters.',
  expression SUM(gold.fact_daily_performance.tickets_sold)
);

METRIC (
  name total_gross_usd,
  description 'Box office of the studio''s titles in US dollars.',
  expression SUM(gold.fact_daily_performance.gross_usd)
);

METRIC (
  name total_stream_count,
  description 'Sum of streams.',
  expression SUM(gold.fact_daily_performance.stream_count)
);

METRIC (
  name total_purchase_revenue_usd,
  description 'Money from purchases by fans in US dollars.',
  expression SUM(gold.fact_daily_performance.purchase_revenue_usd)
);
