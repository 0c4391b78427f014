MODEL (
  name silver.seed_country_regions,
  kind SEED (
    path '$root/seeds/country_regions.csv',
    csv_settings (keep_default_na = FALSE /* 'NA' is Namibia */)
  ),
  columns (
    country_code TEXT,
    country_name TEXT,
    region TEXT
  ),
  grain country_code,
  description 'One row per country: ISO 3166-1 alpha-2, and the codes that TMDb still uses for states that are no more.',
  column_descriptions (
    country_code = 'Two letters, upper case.',
    country_name = 'English short name.',
    region = 'Market region: North America, Latin America and the Caribbean, Europe, Middle East, Africa, Asia, Oceania, Antarctica.'
  ),
  audits (
    not_null(columns := (country_code, country_name, region)),
    unique_values(columns := (
      country_code
    )),
    number_of_rows(threshold := 248)
  )
)
