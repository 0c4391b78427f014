MODEL (
  name silver.studio_loads,
  kind INCREMENTAL_BY_UNIQUE_KEY (
    unique_key _source_load_id
  ),
  grain _source_load_id,
  description 'One row per load of pipelines/studio.py that brought rows. The models that read the studio''s bronze read the loads whose number is higher than any of their own.',
  audits (
    not_null(columns := (batch_id, landed_at, _source_load_number, _source_load_id)),
    unique_values(columns := (
      _source_load_id
    ))
  )
);

WITH new_loads AS (
  @new_loads(
    'silver.studio_loads',
    'studio',
    bronze.raw_fan_interactions,
    bronze.raw_title_metadata,
    bronze.raw_box_office
  )
)
SELECT
  load_id::TEXT AS _source_load_id, /* dlt's number of the load. */
  batch_id::TEXT AS batch_id, /* Pipeline run. */
  landed_at::TIMESTAMP AS landed_at, /* When its first row was read (UTC). */
  row_count::BIGINT AS _source_row_count, /* Its rows in bronze; another number makes the load new. */
  load_number::BIGINT AS _source_load_number, /* Counts up with each refresh that finds new loads. */
  @execution_dtntz::TIMESTAMP AS _loaded_at /* When this row was written (UTC). */
FROM new_loads
