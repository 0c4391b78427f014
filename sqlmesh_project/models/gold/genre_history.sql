MODEL (
  name gold.genre_history,
  kind VIEW,
  grain (genre_id, valid_from),
  references genre_id,
  @read_by_analysts(),
  description 'One row per genre and period in which its name and its classification were the same (SCD type 2), as known now. What the warehouse reported earlier: snapshots.snap_dim_genres.',
  audits (
    unique_combination_of_columns(columns := (genre_id, valid_from)),
    forall(criteria := (
      valid_from < COALESCE(valid_to, '9999-12-31'::TIMESTAMP)
    )),
    periods_do_not_overlap(key := genre_id),
    one_open_period(key := genre_id)
  )
);

SELECT
  genre_id::BIGINT AS genre_id, /* TMDb's number of the genre. */
  genre_name::TEXT AS genre_name, /* Name in TMDb's own casing. */
  genre_group::TEXT AS genre_group, /* The family of genres it is reported with. */
  is_blockbuster_genre::BOOLEAN AS is_blockbuster_genre, /* Whether big-budget franchises are typically of this genre. */
  valid_from::TIMESTAMP AS valid_from, /* From when on this held (UTC), inclusive. */
  valid_to::TIMESTAMP AS valid_to /* Until when (UTC), exclusive; NULL while it holds. */
FROM snapshots.snap_dim_genres
WHERE
  superseded_at IS NULL AND NOT is_withdrawn
