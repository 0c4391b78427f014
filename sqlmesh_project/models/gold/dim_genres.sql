MODEL (
  name gold.dim_genres,
  kind FULL,
  depends_on (
    silver.silver_genres
  ),
  grain genre_sk,
  references genre_id,
  @read_by_analysts(),
  description 'One row per genre as it is now, and the unknown genre.',
  audits (
    not_null(columns := (genre_sk, genre_id, genre_name, genre_group, is_blockbuster_genre)),
    unique_values(columns := (genre_sk, genre_id)),
    not_empty_if_parent_has_rows(parent := gold.genre_history, threshold := 1),
    has_unknown_member(key := genre_id, member := -1),
    no_rows_lost(key := genre_id, parent := silver.silver_genres, parent_key := genre_id)
  )
);

/* The periods that hold at the end of the day: a reclassification can be dated to a day ahead. By the
   day, because a plan counts time in whole minutes and would miss what arrived in this one. */
SELECT
  @GENERATE_SURROGATE_KEY(genre_id)::TEXT AS genre_sk, /* Key: hash of genre_id; hash of -1 for the unknown genre. */
  genre_id::BIGINT AS genre_id, /* TMDb's number of the genre; -1 for the unknown genre. */
  genre_name::TEXT AS genre_name, /* Name in TMDb's own casing. */
  genre_group::TEXT AS genre_group, /* The family of genres it is reported with. */
  is_blockbuster_genre::BOOLEAN AS is_blockbuster_genre /* Whether big-budget franchises are typically of this genre. */
FROM gold.genre_history
WHERE
  valid_from::DATE <= @execution_ds::DATE
  AND (
    valid_to IS NULL OR valid_to::DATE > @execution_ds::DATE
  )
UNION ALL
SELECT
  @GENERATE_SURROGATE_KEY(-1)::TEXT AS genre_sk,
  CAST(-1 AS BIGINT) AS genre_id,
  'Unknown'::TEXT AS genre_name,
  'Unknown'::TEXT AS genre_group,
  FALSE::BOOLEAN AS is_blockbuster_genre
