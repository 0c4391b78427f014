MODEL (
  name silver.seed_country_codes,
  kind SEED (
    path '$root/seeds/country_codes.csv',
    csv_settings (keep_default_na = FALSE /* 'NA' is Namibia */)
  ),
  columns (
    country_code TEXT,
    country_code_2 TEXT
  ),
  grain country_code,
  description 'One row per country: ISO 3166-1 alpha-3, and Kosovo''s XKX.',
  column_descriptions (
    country_code = 'Three letters, upper case.',
    country_code_2 = 'ISO 3166-1 alpha-2, into seed_country_regions.'
  ),
  audits (
    not_null(columns := (country_code, country_code_2)),
    unique_values(columns := (country_code, country_code_2)),
    number_of_rows(threshold := 249)
  )
)
