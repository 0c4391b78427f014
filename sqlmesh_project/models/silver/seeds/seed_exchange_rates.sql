MODEL (
  name silver.seed_exchange_rates,
  kind SEED (
    path '$root/seeds/exchange_rates.csv'
  ),
  columns (
    currency TEXT,
    effective_from TEXT,
    rate_usd DECIMAL(18, 8)
  ),
  grain (currency, effective_from),
  description 'One row per currency and day from which a rate holds. What fans pay is converted with it; the box office brings rates of its own.',
  column_descriptions (
    currency = 'ISO 4217.',
    effective_from = 'First day of the rate, ISO; it holds until the next one of the currency.',
    rate_usd = 'US dollars a unit of the currency.'
  ),
  audits (
    not_null(columns := (currency, effective_from, rate_usd)),
    unique_combination_of_columns(columns := (currency, effective_from)),
    forall(criteria := (
      rate_usd > 0
    ))
  )
)
