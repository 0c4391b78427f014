MODEL (
  name ops.quarantine_fan_interactions,
  kind FULL,
  grain interaction_id,
  description 'One row per interaction that could not be routed to verified fans or guests. It is in no figure of gold; once its type is in seed_account_types, or it is delivered again, it leaves this table.',
  audits (
    not_null(columns := (interaction_id, quarantine_reason)),
    unique_values(columns := (
      interaction_id
    )),
    no_rows_lost(
      key := interaction_id,
      parent := silver.stg_fan_interactions,
      parent_key := interaction_id,
      condition := parent.fan_class IS NULL
    ),
    account_types_are_known
  )
);

SELECT
  interaction_id::TEXT AS interaction_id, /* The studio's key of the interaction. */
  quarantine_reason::TEXT AS quarantine_reason, /* Why it is here. */
  account_type::TEXT AS account_type, /* Type of the account, in capitals. */
  event_type::TEXT AS event_type, /* What the fan did, in capitals. */
  _source_file::TEXT AS source_file, /* File of the delivery. */
  _source_line::BIGINT AS source_line, /* Line in it. */
  _source_ingested_at::TIMESTAMP AS _source_ingested_at, /* When the line was read (UTC). */
  _source_batch_id::TEXT AS _source_batch_id /* Pipeline run that read it. */
FROM silver.stg_fan_interactions
WHERE
  fan_class IS NULL
