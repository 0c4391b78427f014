MODEL (
  name snapshots.snap_dim_genres,
  kind SCD_TYPE_2_BY_COLUMN (
    unique_key (genre_id, valid_from, correction_number),
    columns (genre_name, genre_group, is_blockbuster_genre, is_withdrawn),
    valid_from_name recorded_at,
    valid_to_name superseded_at,
    execution_time_as_valid_from TRUE,
    invalidate_hard_deletes FALSE
  ),
  grain (genre_id, valid_from, correction_number, recorded_at),
  references genre_id,
  @read_by_analysts(),
  description 'One row per genre, period in which its name and its classification were the same, and correction of that period. Two clocks: valid_from and valid_to, when it held; recorded_at and superseded_at, when this warehouse reported it. The history as known now is gold.genre_history.',
  column_descriptions (
    genre_id = 'TMDb''s number of the genre.',
    genre_name = 'Name in TMDb''s own casing; Unnamed when there is none.',
    genre_group = 'The family of genres it is reported with.',
    is_blockbuster_genre = 'Whether big-budget franchises are typically of this genre.',
    valid_from = 'From when on this held (UTC), inclusive.',
    valid_to = 'Until when (UTC), exclusive; NULL while it holds.',
    is_withdrawn = 'Nothing supports the period any more (late data): it is no longer reported.',
    correction_number = 'How often the period was corrected before.',
    recorded_at = 'From when on this warehouse reported the row (UTC), inclusive.',
    superseded_at = 'Until when it reported the row (UTC), exclusive; NULL while it does.',
    _source_load_number = 'Newest load of the refresh that recorded the row (silver_movie_observations).'
  ),
  audits (
    not_null(columns := (genre_id, genre_name, genre_group, is_blockbuster_genre, valid_from, correction_number, recorded_at)),
    unique_combination_of_columns(
      columns := (genre_id, valid_from, correction_number),
      condition := superseded_at IS NULL
    ),
    not_empty_if_parent_has_rows(parent := silver.silver_genres),
    relationship(key := genre_id, parent := silver.silver_genres, parent_key := genre_id)
  )
);

WITH genres AS (
  SELECT
    genre_id,
    _source_load_number AS load_number
  FROM silver.silver_genres
), list_entries AS (
  @json_entries(bronze.raw_genres, @json_array(raw_data, 'genres'), ingested_at)
), listed_names AS (
  SELECT
    @json_integer(entry, 'id') AS genre_id,
    @json_text(entry, 'name') AS genre_name,
    ingested_at AS seen_at
  FROM list_entries
), name_sightings AS (
  SELECT
    genre_id,
    genre_name,
    NULL::DATE AS effective_from,
    seen_at
  FROM listed_names
  UNION ALL
  /* A genre that movies mentioned before the list did; one that no list names has its newest name. */
  SELECT
    genre.genre_id,
    CASE WHEN genre.was_listed THEN genre.first_genre_name ELSE genre.genre_name END AS genre_name,
    NULL::DATE AS effective_from,
    genre.first_seen_at AS seen_at
  FROM silver.silver_genres AS genre
  LEFT JOIN listed_names AS listed
    ON listed.genre_id = genre.genre_id AND listed.seen_at <= genre.first_seen_at
  WHERE
    listed.genre_id IS NULL
  UNION ALL
  /* A classification from before we knew the genre counts from when we knew it. */
  SELECT
    genre.genre_id,
    NULL AS genre_name,
    classification.effective_from::DATE,
    GREATEST(classification.effective_from::TIMESTAMP, genre.first_seen_at) AS seen_at
  FROM silver.seed_genre_groups AS classification
  JOIN silver.silver_genres AS genre
    ON genre.genre_id = classification.genre_id
), change_events AS (
  SELECT
    genre_id,
    MAX(genre_name) AS genre_name,
    MAX(effective_from) AS effective_from,
    seen_at
  FROM name_sightings
  WHERE
    genre_id > 0
  GROUP BY
    genre_id,
    seen_at
), attribute_history AS (
  SELECT
    genre_id,
    COALESCE(LAST_VALUE(genre_name IGNORE NULLS) OVER (PARTITION BY genre_id ORDER BY seen_at ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW), 'Unnamed') AS genre_name,
    MAX(effective_from) OVER (PARTITION BY genre_id ORDER BY seen_at ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS effective_from,
    seen_at
  FROM change_events
), observations AS (
  SELECT
    attribute.genre_id,
    attribute.genre_name,
    COALESCE(classification.genre_group, 'Other') AS genre_group,
    COALESCE(classification.is_blockbuster_genre, FALSE) AS is_blockbuster_genre,
    FALSE AS is_tombstone,
    attribute.seen_at AS observed_at
  FROM attribute_history AS attribute
  LEFT JOIN silver.seed_genre_groups AS classification
    ON classification.genre_id = attribute.genre_id
    AND classification.effective_from::DATE = attribute.effective_from
), recorded AS (
  @period_changes(
    'snapshots.snap_dim_genres',
    genres,
    observations,
    genre_id,
    (genre_name, genre_group, is_blockbuster_genre),
    ()
  )
)
SELECT
  genre_id::BIGINT AS genre_id,
  genre_name::TEXT AS genre_name,
  genre_group::TEXT AS genre_group,
  is_blockbuster_genre::BOOLEAN AS is_blockbuster_genre,
  valid_from::TIMESTAMP AS valid_from,
  valid_to::TIMESTAMP AS valid_to,
  is_withdrawn::BOOLEAN AS is_withdrawn,
  correction_number::INT AS correction_number,
  load_number::BIGINT AS _source_load_number
FROM recorded
