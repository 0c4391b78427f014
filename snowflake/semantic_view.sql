/* The semantic view of gold, by which Cortex Analyst answers questions. Generated from the models
   and metrics by `make docs`; change them and not this file. A movie counts in its main genre. */
USE ROLE SECURITYADMIN;

GRANT CREATE SEMANTIC VIEW ON SCHEMA <% ctx.env.SNOWFLAKE_DATABASE %>.GOLD TO ROLE <% ctx.env.SNOWFLAKE_ROLE %>;

USE ROLE <% ctx.env.SNOWFLAKE_ROLE %>;

CREATE OR REPLACE SEMANTIC VIEW <% ctx.env.SNOWFLAKE_DATABASE %>.GOLD.MOVIE_ANALYTICS
  TABLES (
    dim_dates AS <% ctx.env.SNOWFLAKE_DATABASE %>.GOLD.DIM_DATES PRIMARY KEY (DATE_SK) WITH SYNONYMS ('calendar', 'days') COMMENT = 'One row per day, from 1870 (the first moving pictures) to the end of the year ten years ahead, and the unknown day. Counted, not requested of the engine, so that every engine gives the same numbers.',
    dim_fans AS <% ctx.env.SNOWFLAKE_DATABASE %>.GOLD.DIM_FANS PRIMARY KEY (FAN_TOKEN) WITH SYNONYMS ('fans', 'audience') COMMENT = 'One row per fan as we know the fan now, and the unknown fan. No personal data: the token stands for the fan.',
    dim_genres AS <% ctx.env.SNOWFLAKE_DATABASE %>.GOLD.DIM_GENRES PRIMARY KEY (GENRE_SK) WITH SYNONYMS ('genres', 'main genre') COMMENT = 'One row per genre as it is now, and the unknown genre.',
    dim_movies AS <% ctx.env.SNOWFLAKE_DATABASE %>.GOLD.DIM_MOVIES PRIMARY KEY (MOVIE_SK) COMMENT = 'One row per movie that TMDb has, and the unknown movie: fact_movies as a dimension, for facts of other sources.',
    dim_production_companies AS <% ctx.env.SNOWFLAKE_DATABASE %>.GOLD.DIM_PRODUCTION_COMPANIES PRIMARY KEY (COMPANY_SK) WITH SYNONYMS ('production companies', 'studios') COMMENT = 'One row per production company as it is now, and the unknown company.',
    dim_titles AS <% ctx.env.SNOWFLAKE_DATABASE %>.GOLD.DIM_TITLES PRIMARY KEY (TITLE_SK) WITH SYNONYMS ('titles', 'releases') COMMENT = 'One row per title of the studio, and the unknown title. A title that is played or sold before anybody described it is here by its key.',
    fact_daily_performance AS <% ctx.env.SNOWFLAKE_DATABASE %>.GOLD.FACT_DAILY_PERFORMANCE PRIMARY KEY (TITLE_SK, DATE_SK, REGION) WITH SYNONYMS ('daily performance', 'daily box office') COMMENT = 'One row per title, day and market region in which a theatre reported or a fan did something. Days with changes are made again as a whole. Fans are distinct within the row only: never add them up.',
    fact_movies AS <% ctx.env.SNOWFLAKE_DATABASE %>.GOLD.FACT_MOVIES PRIMARY KEY (MOVIE_SK) WITH SYNONYMS ('movies', 'films') COMMENT = 'One row per movie that TMDb has, whatever its status, with its main genre and its first production company. Money is of the whole movie: join the bridges and use their weights to divide it.'
  )
  RELATIONSHIPS (
    dim_titles_movie_sk AS dim_titles (MOVIE_SK) REFERENCES dim_movies (MOVIE_SK),
    fact_daily_performance_title_sk AS fact_daily_performance (TITLE_SK) REFERENCES dim_titles (TITLE_SK),
    fact_daily_performance_date_sk AS fact_daily_performance (DATE_SK) REFERENCES dim_dates (DATE_SK),
    fact_movies_date_sk AS fact_movies (DATE_SK) REFERENCES dim_dates (DATE_SK),
    fact_movies_genre_sk AS fact_movies (GENRE_SK) REFERENCES dim_genres (GENRE_SK),
    fact_movies_company_sk AS fact_movies (COMPANY_SK) REFERENCES dim_production_companies (COMPANY_SK)
  )
  FACTS (
    fact_daily_performance.tickets_sold AS TICKETS_SOLD COMMENT = 'Tickets.',
    fact_daily_performance.gross_usd AS GROSS_USD COMMENT = 'Box office in US dollars.',
    fact_daily_performance.theater_count AS THEATER_COUNT COMMENT = 'Theatres that reported.',
    fact_daily_performance.screen_count AS SCREEN_COUNT COMMENT = 'Screens that showed the title.',
    fact_daily_performance.avg_ticket_price_usd AS AVG_TICKET_PRICE_USD COMMENT = 'gross_usd / tickets_sold over the records in which both are known; NULL without tickets.',
    fact_daily_performance.stream_count AS STREAM_COUNT COMMENT = 'Streams.',
    fact_daily_performance.purchase_count AS PURCHASE_COUNT COMMENT = 'Purchases.',
    fact_daily_performance.purchase_revenue_usd AS PURCHASE_REVENUE_USD COMMENT = 'Money from purchases in US dollars.',
    fact_daily_performance.unique_fans AS UNIQUE_FANS COMMENT = 'Distinct fans.',
    fact_daily_performance.unique_verified_fans AS UNIQUE_VERIFIED_FANS COMMENT = 'Distinct verified fans.',
    fact_daily_performance.unique_guests AS UNIQUE_GUESTS COMMENT = 'Distinct guests.',
    fact_movies.budget_usd AS BUDGET_USD WITH SYNONYMS ('production budget', 'cost') COMMENT = 'Production budget in whole US dollars; NULL when unknown.',
    fact_movies.revenue_usd AS REVENUE_USD WITH SYNONYMS ('worldwide gross', 'box office') COMMENT = 'Worldwide box office in whole US dollars; NULL when unknown.',
    fact_movies.profit_usd AS PROFIT_USD WITH SYNONYMS ('profit') COMMENT = 'revenue_usd - budget_usd; NULL unless both are known.',
    fact_movies.roi_pct AS ROI_PCT WITH SYNONYMS ('return on investment', 'ROI') COMMENT = 'profit_usd / budget_usd * 100; NULL unless both are known.',
    fact_movies.runtime_minutes AS RUNTIME_MINUTES COMMENT = 'Running time in minutes; NULL when unknown.',
    fact_movies.popularity_score AS POPULARITY_SCORE COMMENT = 'TMDb''s popularity on the day of the newest response.',
    fact_movies.vote_average AS VOTE_AVERAGE WITH SYNONYMS ('rating', 'score') COMMENT = 'Mean vote of TMDb''s users, 0 to 10; NULL when nobody voted.',
    fact_movies.vote_count AS VOTE_COUNT COMMENT = 'Number of votes; NULL when TMDb knows of none.'
  )
  DIMENSIONS (
    dim_dates.full_date AS FULL_DATE COMMENT = 'The day; NULL for the unknown day.',
    dim_dates.calendar_year AS CALENDAR_YEAR COMMENT = 'Year.',
    dim_dates.calendar_quarter AS CALENDAR_QUARTER COMMENT = 'Quarter, 1 to 4.',
    dim_dates.calendar_month AS CALENDAR_MONTH COMMENT = 'Month, 1 to 12.',
    dim_dates.day_of_month AS DAY_OF_MONTH COMMENT = 'Day of the month, 1 to 31.',
    dim_dates.day_of_week AS DAY_OF_WEEK COMMENT = 'ISO day of the week, 1 Monday to 7 Sunday.',
    dim_dates.day_of_year AS DAY_OF_YEAR COMMENT = 'Day of the year, 1 to 366.',
    dim_dates.week_of_year AS WEEK_OF_YEAR COMMENT = 'ISO week, 1 to 53.',
    dim_dates.month_name AS MONTH_NAME COMMENT = 'English name of the month.',
    dim_dates.month_name_short AS MONTH_NAME_SHORT COMMENT = 'First three letters of the month.',
    dim_dates.day_name AS DAY_NAME COMMENT = 'English name of the day.',
    dim_dates.quarter_label AS QUARTER_LABEL COMMENT = 'Such as 2026-Q4.',
    dim_dates.year_month AS YEAR_MONTH COMMENT = 'Such as 2026-11.',
    dim_dates.is_weekend AS IS_WEEKEND COMMENT = 'Saturday or Sunday.',
    dim_dates.is_weekday AS IS_WEEKDAY COMMENT = 'Monday to Friday.',
    dim_dates.release_season AS RELEASE_SEASON COMMENT = 'SUMMER, HOLIDAY, WINTER, SPRING or FALL.',
    dim_dates.fiscal_year AS FISCAL_YEAR COMMENT = 'Fiscal year, named after the year in which it ends (fiscal_year_start_month).',
    dim_dates.fiscal_quarter AS FISCAL_QUARTER COMMENT = 'Quarter of the fiscal year, 1 to 4.',
    dim_fans.account_type AS ACCOUNT_TYPE COMMENT = 'Type of the account at the newest interaction.',
    dim_fans.fan_class AS FAN_CLASS COMMENT = 'VERIFIED or GUEST; UNKNOWN for the unknown fan.',
    dim_fans.region AS REGION COMMENT = 'Market region; Unknown when no interaction names one.',
    dim_fans.country_code AS COUNTRY_CODE COMMENT = 'ISO 3166-1 alpha-3; Unknown when no interaction names one.',
    dim_fans.preferred_device AS PREFERRED_DEVICE COMMENT = 'The device of most interactions; Unknown when none names one.',
    dim_fans.first_seen_at AS FIRST_SEEN_AT COMMENT = 'Oldest interaction (UTC).',
    dim_fans.last_seen_at AS LAST_SEEN_AT COMMENT = 'Newest interaction (UTC).',
    dim_genres.genre_id AS GENRE_ID COMMENT = 'TMDb''s number of the genre; -1 for the unknown genre.',
    dim_genres.genre_name AS GENRE_NAME COMMENT = 'Name in TMDb''s own casing.',
    dim_genres.genre_group AS GENRE_GROUP COMMENT = 'The family of genres it is reported with.',
    dim_genres.is_blockbuster_genre AS IS_BLOCKBUSTER_GENRE COMMENT = 'Whether big-budget franchises are typically of this genre.',
    dim_movies.movie_id AS MOVIE_ID COMMENT = 'TMDb''s number of the movie; -1 for the unknown movie.',
    dim_movies.title AS TITLE COMMENT = 'Title.',
    dim_movies.imdb_id AS IMDB_ID COMMENT = 'IMDb''s key of the movie (tt...).',
    dim_movies.release_year AS RELEASE_YEAR COMMENT = 'Year of the first release.',
    dim_movies.revenue_usd AS REVENUE_USD COMMENT = 'Worldwide box office in whole US dollars, as TMDb has it; NULL when unknown.',
    dim_production_companies.company_id AS COMPANY_ID COMMENT = 'TMDb''s number of the company; -1 for the unknown company.',
    dim_production_companies.company_name AS COMPANY_NAME COMMENT = 'Newest name.',
    dim_production_companies.origin_country AS ORIGIN_COUNTRY COMMENT = 'Two-letter code of its country; NULL when TMDb gives none.',
    dim_production_companies.region AS REGION COMMENT = 'Market region of the country (seed_country_regions); Unknown without one.',
    dim_production_companies.studio_tier AS STUDIO_TIER COMMENT = 'MAJOR, MINI_MAJOR (seed_studio_tiers) or INDEPENDENT; UNKNOWN for the unknown company.',
    dim_titles.title_id AS TITLE_ID COMMENT = 'The studio''s key of the title; -1 for the unknown title.',
    dim_titles.title_name AS TITLE_NAME COMMENT = 'Name; the key where nobody described the title.',
    dim_titles.franchise AS FRANCHISE COMMENT = 'Franchise, in the spelling of most of its titles; Standalone where it belongs to none.',
    dim_titles.genre AS GENRE COMMENT = 'Genre, in the studio''s words.',
    dim_titles.sub_genre AS SUB_GENRE COMMENT = 'Genre within the genre.',
    dim_titles.release_year AS RELEASE_YEAR COMMENT = 'Year of the release.',
    dim_titles.runtime_minutes AS RUNTIME_MINUTES COMMENT = 'Running time in minutes.',
    dim_titles.imdb_score AS IMDB_SCORE COMMENT = 'IMDb''s score, 0 to 10.',
    dim_titles.rating AS RATING COMMENT = 'Age rating.',
    dim_titles.budget_usd AS BUDGET_USD COMMENT = 'Production budget in US dollars.',
    dim_titles.studio AS STUDIO COMMENT = 'Producing studio.',
    dim_titles.director AS DIRECTOR COMMENT = 'Director.',
    dim_titles.production_status AS PRODUCTION_STATUS COMMENT = 'How far the production is, in capitals.',
    dim_titles.is_described AS IS_DESCRIBED COMMENT = 'Whether the titles feed describes the title.',
    fact_daily_performance.region AS REGION COMMENT = 'Market region of the theatre or the fan; Unknown where none is named.',
    fact_movies.movie_id AS MOVIE_ID COMMENT = 'TMDb''s number of the movie.',
    fact_movies.title AS TITLE COMMENT = 'Title.',
    fact_movies.imdb_id AS IMDB_ID COMMENT = 'IMDb''s key of the movie (tt...).',
    fact_movies.original_language AS ORIGINAL_LANGUAGE WITH SYNONYMS ('language') COMMENT = 'ISO 639-1 code, and TMDb''s own cn and xx.',
    fact_movies.status AS STATUS COMMENT = 'TMDb''s production status.',
    fact_movies.release_year AS RELEASE_YEAR WITH SYNONYMS ('year of release') COMMENT = 'Year of the first release.',
    fact_movies.release_month AS RELEASE_MONTH COMMENT = 'Month of the first release, 1 to 12.',
    fact_movies.release_season AS RELEASE_SEASON COMMENT = 'SUMMER, HOLIDAY, WINTER, SPRING or FALL.',
    fact_movies.budget_tier AS BUDGET_TIER COMMENT = 'Range of the budget (seed_budget_tiers); UNKNOWN without one.',
    fact_movies.profitability_flag AS PROFITABILITY_FLAG COMMENT = 'PROFITABLE, BREAK_EVEN, LOSS, or UNKNOWN where profit_usd is.',
    fact_movies.is_released AS IS_RELEASED COMMENT = 'Status is Released or unknown.'
  )
  METRICS (
    fact_daily_performance.total_gross_usd AS SUM(fact_daily_performance.gross_usd) COMMENT = 'Box office of the studio''s titles in US dollars.',
    fact_daily_performance.total_purchase_revenue_usd AS SUM(fact_daily_performance.purchase_revenue_usd) COMMENT = 'Money from purchases by fans in US dollars.',
    fact_daily_performance.total_stream_count AS SUM(fact_daily_performance.stream_count) COMMENT = 'Sum of streams.',
    fact_daily_performance.total_tickets_sold AS SUM(fact_daily_performance.tickets_sold) COMMENT = 'Sum of tickets sold in theaters.',
    fact_movies.best_vote_average AS MAX(fact_movies.vote_average) COMMENT = 'Highest mean vote of a movie.',
    fact_movies.movie_count AS COUNT(fact_movies.movie_sk) COMMENT = 'Number of movies.',
    fact_movies.total_budget_usd AS SUM(fact_movies.budget_usd) COMMENT = 'Sum of the known production budgets in US dollars.',
    fact_movies.total_profit_usd AS SUM(fact_movies.profit_usd) COMMENT = 'Sum of profit in US dollars over the movies whose budget and revenue are both known.',
    fact_movies.total_revenue_usd AS SUM(fact_movies.revenue_usd) COMMENT = 'Sum of the known worldwide box offices in US dollars.'
  )
  COMMENT = 'Marquee: movies, their money and votes, and the performance of the studio''s titles';

GRANT SELECT ON SEMANTIC VIEW <% ctx.env.SNOWFLAKE_DATABASE %>.GOLD.MOVIE_ANALYTICS TO ROLE <% ctx.env.SNOWFLAKE_ANALYST_ROLE %>;
