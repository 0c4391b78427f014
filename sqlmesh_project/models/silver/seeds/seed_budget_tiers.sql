MODEL (
  name silver.seed_budget_tiers,
  kind SEED (
    path '$root/seeds/budget_tiers.csv'
  ),
  columns (
    budget_tier TEXT,
    min_budget_usd BIGINT,
    below_budget_usd BIGINT
  ),
  grain budget_tier,
  description 'One row per budget tier, as a half-open range of whole dollars.',
  column_descriptions (
    budget_tier = 'MICRO, LOW, MEDIUM, HIGH or BLOCKBUSTER.',
    min_budget_usd = 'Smallest budget of the tier, in US dollars.',
    below_budget_usd = 'The tier ends below this budget, in US dollars; NULL for the top tier.'
  ),
  audits (
    not_null(columns := (budget_tier, min_budget_usd)),
    unique_values(columns := (budget_tier, min_budget_usd)),
    forall(criteria := (
      below_budget_usd IS NULL OR below_budget_usd > min_budget_usd
    )),
    number_of_rows(threshold := 4)
  )
)
