MODEL (
  name gold.dim_fans,
  kind FULL,
  grain fan_token,
  @read_by_analysts(),
  description 'One row per fan as we know the fan now, and the unknown fan. No personal data: the token stands for the fan.',
  audits (
    not_null(columns := (fan_token, account_type, fan_class, region, country_code, preferred_device)),
    duplicate_count("column" := fan_token, blocking := TRUE),
    has_unknown_member(key := fan_token, member := '-1'),
    no_rows_lost(key := fan_token, parent := silver.fans, parent_key := fan_token)
  )
);

SELECT
  fan.fan_token::TEXT AS fan_token, /* Key: keyed token of the fan; -1 for the unknown fan. */
  fan.account_type::TEXT AS account_type, /* Type of the account at the newest interaction. */
  fan.fan_class::TEXT AS fan_class, /* VERIFIED or GUEST; UNKNOWN for the unknown fan. */
  COALESCE(period.region, 'Unknown')::TEXT AS region, /* Market region; Unknown when no interaction names one. */
  COALESCE(period.country_code, 'Unknown')::TEXT AS country_code, /* ISO 3166-1 alpha-3; Unknown when no interaction names one. */
  COALESCE(period.preferred_device, 'Unknown')::TEXT AS preferred_device, /* The device of most interactions; Unknown when none names one. */
  fan.first_seen_at::TIMESTAMP AS first_seen_at, /* Oldest interaction (UTC). */
  fan.last_seen_at::TIMESTAMP AS last_seen_at /* Newest interaction (UTC). */
FROM silver.fans AS fan
LEFT JOIN snapshots.snap_dim_fans AS period
  ON period.fan_token = fan.fan_token
  AND period.valid_to IS NULL
  AND period.superseded_at IS NULL
  AND NOT period.is_withdrawn
UNION ALL
SELECT
  '-1'::TEXT AS fan_token,
  'Unknown'::TEXT AS account_type,
  'UNKNOWN'::TEXT AS fan_class,
  'Unknown'::TEXT AS region,
  'Unknown'::TEXT AS country_code,
  'Unknown'::TEXT AS preferred_device,
  NULL::TIMESTAMP AS first_seen_at,
  NULL::TIMESTAMP AS last_seen_at
