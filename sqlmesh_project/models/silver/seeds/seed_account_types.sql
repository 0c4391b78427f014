MODEL (
  name silver.seed_account_types,
  kind SEED (
    path '$root/seeds/account_types.csv'
  ),
  columns (
    account_type TEXT,
    fan_class TEXT
  ),
  grain account_type,
  description 'One row per type of account that the studio is known to send. An interaction of any other type is quarantined.',
  column_descriptions (
    account_type = 'What the feed says, in capitals.',
    fan_class = 'VERIFIED or GUEST: which table its interactions go to.'
  ),
  audits (
    not_null(columns := (account_type, fan_class)),
    unique_values(columns := (
      account_type
    )),
    accepted_values("column" := fan_class, is_in := ('VERIFIED', 'GUEST')),
    forall(criteria := (
      account_type = UPPER(TRIM(account_type))
    ))
  )
)
