SELECT MIN(release_year) AS first_year, MAX(release_year) AS last_year, COUNT(*) AS movie_count
FROM gold.kpi_top_movies
