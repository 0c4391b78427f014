MODEL (
  name silver.seed_months,
  kind SEED (
    path '$root/seeds/months.csv'
  ),
  columns (
    calendar_month INT,
    month_name TEXT,
    month_name_short TEXT,
    release_season TEXT
  ),
  grain calendar_month,
  description 'One row per month of the year: its names, and the release season it belongs to.',
  column_descriptions (
    calendar_month = 'Number of the month, 1 to 12.',
    month_name = 'English name.',
    month_name_short = 'First three letters of the name.',
    release_season = 'SUMMER, HOLIDAY, WINTER, SPRING or FALL, as film distributors count them.'
  ),
  audits (
    not_null(columns := (calendar_month, month_name, month_name_short, release_season)),
    unique_values(columns := (calendar_month, month_name, month_name_short)),
    accepted_values(
      "column" := release_season,
      is_in := ('SUMMER', 'HOLIDAY', 'WINTER', 'SPRING', 'FALL')
    ),
    number_of_rows(threshold := 11)
  )
)
