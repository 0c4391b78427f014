MODEL (
  name silver.seed_studio_tiers,
  kind SEED (
    path '$root/seeds/studio_tiers.csv'
  ),
  columns (
    company_name TEXT,
    studio_tier TEXT
  ),
  grain company_name,
  description 'One row per company name that belongs to a major or a mini-major studio; every other company is independent. By name, not id: TMDb has several ids for one studio.',
  column_descriptions (
    company_name = 'Name as TMDb spells it; compared without regard to case.',
    studio_tier = 'MAJOR or MINI_MAJOR.'
  ),
  audits (
    not_null(columns := (company_name, studio_tier)),
    unique_values(columns := (
      company_name
    )),
    accepted_values("column" := studio_tier, is_in := ('MAJOR', 'MINI_MAJOR')),
    number_of_rows(threshold := 50)
  )
)
