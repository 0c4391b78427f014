MODEL (
  name gold.dim_dates,
  kind FULL,
  grain date_sk,
  @read_by_analysts(),
  description 'One row per day, from 1870 (the first moving pictures) to the end of the year ten years ahead, and the unknown day. Counted, not requested of the engine, so that every engine gives the same numbers.',
  audits (
    not_null(columns := (
      date_sk
    )),
    unique_values(columns := (date_sk, full_date)),
    number_of_rows(threshold := 60000),
    has_unknown_member(key := date_sk, member := -1),
    accepted_range("column" := week_of_year, min_v := 1, max_v := 53),
    accepted_range("column" := fiscal_quarter, min_v := 1, max_v := 4),
    forall(
      criteria := (
        date_sk = -1 OR date_sk = calendar_year * 10000 + calendar_month * 100 + day_of_month,
        is_weekend <> is_weekday
      )
    ),
    no_date_gaps(day := full_date)
  )
);

WITH days AS (
  @DATE_SPINE(
    'day',
    '1870-01-01'::DATE,
    CONCAT(CAST(EXTRACT(YEAR FROM @execution_ds::DATE) + 10 AS TEXT), '-12-31')::DATE
  )
), parts AS (
  /* Days are counted from 1869-12-27, a Monday. */
  SELECT
    date_day::DATE AS full_date,
    EXTRACT(YEAR FROM date_day) AS calendar_year,
    EXTRACT(MONTH FROM date_day) AS calendar_month,
    EXTRACT(DAY FROM date_day) AS day_of_month,
    (
      date_day::DATE - '1869-12-27'::DATE
    ) % 7 + 1 AS day_of_week
  FROM days
), numbered AS (
  /* An ISO week belongs to the year of its Thursday. */
  SELECT
    full_date,
    calendar_year,
    calendar_month,
    day_of_month,
    day_of_week,
    FLOOR(@ratio(calendar_month - 1, 3))::INT + 1 AS calendar_quarter,
    DAYOFYEAR(full_date) AS day_of_year,
    FLOOR(@ratio(DAYOFYEAR(full_date + CAST(4 - day_of_week AS INT)) - 1, 7))::INT + 1 AS week_of_year,
    (
      calendar_month - @fiscal_year_start_month + 12
    ) % 12 AS months_into_fiscal_year
  FROM parts
)
SELECT
  CAST(day.calendar_year * 10000 + day.calendar_month * 100 + day.day_of_month AS INT) AS date_sk, /* Key: the day as YYYYMMDD; -1 for the unknown day. */
  day.full_date::DATE AS full_date, /* The day; NULL for the unknown day. */
  day.calendar_year::INT AS calendar_year, /* Year. */
  day.calendar_quarter::INT AS calendar_quarter, /* Quarter, 1 to 4. */
  day.calendar_month::INT AS calendar_month, /* Month, 1 to 12. */
  day.day_of_month::INT AS day_of_month, /* Day of the month, 1 to 31. */
  day.day_of_week::INT AS day_of_week, /* ISO day of the week, 1 Monday to 7 Sunday. */
  day.day_of_year::INT AS day_of_year, /* Day of the year, 1 to 366. */
  day.week_of_year::INT AS week_of_year, /* ISO week, 1 to 53. */
  month.month_name::TEXT AS month_name, /* English name of the month. */
  month.month_name_short::TEXT AS month_name_short, /* First three letters of the month. */
  weekday.day_name::TEXT AS day_name, /* English name of the day. */
  CONCAT(day.calendar_year::TEXT, '-Q', day.calendar_quarter::TEXT)::TEXT AS quarter_label, /* Such as 2026-Q4. */
  CONCAT(day.calendar_year::TEXT, '-', LPAD(day.calendar_month::TEXT, 2, '0'))::TEXT AS year_month, /* Such as 2026-11. */
  weekday.is_weekend::BOOLEAN AS is_weekend, /* Saturday or Sunday. */
  CAST(NOT weekday.is_weekend AS BOOLEAN) AS is_weekday, /* Monday to Friday. */
  month.release_season::TEXT AS release_season, /* SUMMER, HOLIDAY, WINTER, SPRING or FALL. */
  CAST(day.calendar_year + CASE
    WHEN @fiscal_year_start_month > 1 AND day.calendar_month >= @fiscal_year_start_month
    THEN 1
    ELSE 0
  END AS INT) AS fiscal_year, /* Fiscal year, named after the year in which it ends (fiscal_year_start_month). */
  CAST(FLOOR(@ratio(day.months_into_fiscal_year, 3))::INT + 1 AS INT) AS fiscal_quarter /* Quarter of the fiscal year, 1 to 4. */
FROM numbered AS day
JOIN silver.seed_months AS month
  ON month.calendar_month = day.calendar_month
JOIN silver.seed_weekdays AS weekday
  ON weekday.day_of_week = day.day_of_week
UNION ALL
SELECT
  -1 AS date_sk,
  NULL::DATE AS full_date,
  NULL::INT AS calendar_year,
  NULL::INT AS calendar_quarter,
  NULL::INT AS calendar_month,
  NULL::INT AS day_of_month,
  NULL::INT AS day_of_week,
  NULL::INT AS day_of_year,
  NULL::INT AS week_of_year,
  'Unknown'::TEXT AS month_name,
  'Unknown'::TEXT AS month_name_short,
  'Unknown'::TEXT AS day_name,
  'Unknown'::TEXT AS quarter_label,
  'Unknown'::TEXT AS year_month,
  NULL::BOOLEAN AS is_weekend,
  NULL::BOOLEAN AS is_weekday,
  'UNKNOWN'::TEXT AS release_season,
  NULL::INT AS fiscal_year,
  NULL::INT AS fiscal_quarter
