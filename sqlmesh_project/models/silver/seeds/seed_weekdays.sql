MODEL (
  name silver.seed_weekdays,
  kind SEED (
    path '$root/seeds/weekdays.csv'
  ),
  columns (
    day_of_week INT,
    day_name TEXT,
    is_weekend BOOLEAN
  ),
  grain day_of_week,
  description 'One row per day of the week, Monday first (ISO 8601).',
  column_descriptions (
    day_of_week = 'ISO number of the day: 1 Monday to 7 Sunday.',
    day_name = 'English name.',
    is_weekend = 'Saturday and Sunday.'
  ),
  audits (
    not_null(columns := (day_of_week, day_name, is_weekend)),
    unique_values(columns := (day_of_week, day_name)),
    number_of_rows(threshold := 6)
  )
)
