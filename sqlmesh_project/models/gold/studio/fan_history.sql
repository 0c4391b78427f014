MODEL (
  name gold.fan_history,
  kind VIEW,
  grain (fan_token, valid_from),
  references fan_token,
  @read_by_analysts(),
  description 'One row per fan and period with the same region, country and preferred device (SCD type 2), as known now. What the warehouse reported earlier: snapshots.snap_dim_fans.',
  audits (
    unique_combination_of_columns(columns := (fan_token, valid_from), condition := @changed_keys(fan_token, snapshots.snap_dim_fans)),
    forall(
      criteria := (
        valid_from < COALESCE(valid_to, '9999-12-31'::TIMESTAMP)
      ),
      condition := @changed_keys(fan_token, snapshots.snap_dim_fans)
    ),
    periods_do_not_overlap(key := fan_token, condition := @changed_keys(fan_token, snapshots.snap_dim_fans)),
    one_open_period(key := fan_token, condition := @changed_keys(fan_token, snapshots.snap_dim_fans)),
    relationship(
      key := fan_token,
      parent := silver.fans,
      parent_key := fan_token,
      condition := @changed_keys(fan_token, snapshots.snap_dim_fans)
    )
  )
);

SELECT
  period.fan_token::TEXT AS fan_token, /* Keyed token of the fan (HMAC-SHA256). */
  fan.account_type::TEXT AS account_type, /* Type of the account at the newest interaction. */
  period.region::TEXT AS region, /* Market region at the newest interaction known then that names one. */
  period.country_code::TEXT AS country_code, /* Country (ISO 3166-1 alpha-3) at the newest interaction known then that names one. */
  period.preferred_device::TEXT AS preferred_device, /* The device of most interactions known then; of the newest among equals. */
  period.valid_from::TIMESTAMP AS valid_from, /* When the first run with these values landed (UTC), inclusive. */
  period.valid_to::TIMESTAMP AS valid_to /* When a run with other values landed (UTC), exclusive; NULL while they hold. */
FROM snapshots.snap_dim_fans AS period
LEFT JOIN silver.fans AS fan
  ON fan.fan_token = period.fan_token
WHERE
  period.superseded_at IS NULL AND NOT period.is_withdrawn
