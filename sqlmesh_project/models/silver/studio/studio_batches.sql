MODEL (
  name silver.studio_batches,
  kind INCREMENTAL_BY_UNIQUE_KEY (
    unique_key batch_id
  ),
  grain batch_id,
  description 'One row a run of pipelines/studio.py that landed something. A run whose rows in bronze are not as many as this table counted has news, whatever time they bear, and gets the next number; the models of the studio read the runs whose number is higher than any they have.',
  column_descriptions (
    batch_id = 'Pipeline run.',
    landed_at = 'When its first row was read (UTC): from then on the warehouse knew what the run brought.',
    interaction_count = 'Rows of it in bronze.raw_fan_interactions.',
    title_count = 'Rows of it in bronze.raw_title_metadata.',
    box_office_count = 'Rows of it in bronze.raw_box_office.',
    load_number = 'Counts up from 1 with each run that has news, in the order of landed_at.',
    _loaded_at = 'When this row was written (UTC).'
  ),
  audits (
    not_null(columns := (batch_id, landed_at, load_number)),
    unique_values(columns := (batch_id, load_number))
  )
);

WITH landed AS (
  SELECT
    batch_id,
    MIN(ingested_at) AS landed_at,
    COUNT(*) AS interaction_count,
    0 AS title_count,
    0 AS box_office_count
  FROM bronze.raw_fan_interactions
  GROUP BY
    batch_id
  UNION ALL
  SELECT
    batch_id,
    MIN(ingested_at) AS landed_at,
    0 AS interaction_count,
    COUNT(*) AS title_count,
    0 AS box_office_count
  FROM bronze.raw_title_metadata
  GROUP BY
    batch_id
  UNION ALL
  SELECT
    batch_id,
    MIN(ingested_at) AS landed_at,
    0 AS interaction_count,
    0 AS title_count,
    COUNT(*) AS box_office_count
  FROM bronze.raw_box_office
  GROUP BY
    batch_id
), counted AS (
  SELECT
    batch_id,
    MIN(landed_at) AS landed_at,
    SUM(interaction_count) AS interaction_count,
    SUM(title_count) AS title_count,
    SUM(box_office_count) AS box_office_count
  FROM landed
  GROUP BY
    batch_id
), numbered AS (
  /* A first build and a restatement begin at the first day, and number every run anew. */
  SELECT
    COALESCE(MAX(known.load_number), 0) AS last_number
  FROM silver.studio_batches AS known
  WHERE
    @start_ds > @first_day
)
SELECT
  counted.batch_id::TEXT AS batch_id,
  counted.landed_at::TIMESTAMP AS landed_at,
  counted.interaction_count::BIGINT AS interaction_count,
  counted.title_count::BIGINT AS title_count,
  counted.box_office_count::BIGINT AS box_office_count,
  CAST(numbered.last_number + ROW_NUMBER() OVER (ORDER BY counted.landed_at, counted.batch_id) AS BIGINT) AS load_number,
  @execution_dtntz::TIMESTAMP AS _loaded_at
FROM counted
CROSS JOIN numbered
LEFT JOIN silver.studio_batches AS known
  ON known.batch_id = counted.batch_id
WHERE
  known.batch_id IS NULL
  OR known.interaction_count <> counted.interaction_count
  OR known.title_count <> counted.title_count
  OR known.box_office_count <> counted.box_office_count
  OR @start_ds <= @first_day
