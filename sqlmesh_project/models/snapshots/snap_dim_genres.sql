MODEL (
  name snapshots.snap_dim_genres,
  kind FULL,
  grain (genre_id, valid_from),
  references genre_id,
  @read_by_analysts(),
  description 'One row a genre and period in which its name and its classification were the same (SCD type 2). Made anew each time, from the genre lists in bronze and the dated rows of seed_genre_groups: a few rows.',
  column_descriptions (
    genre_id = 'TMDb''s number of the genre.',
    genre_name = 'Name in TMDb''s own casing.',
    genre_group = 'The family of genres it is reported with.',
    is_blockbuster_genre = 'Whether big-budget franchises are typically of this genre.',
    valid_from = 'When we learned it (UTC), inclusive.',
    valid_to = 'When we learned otherwise (UTC), exclusive; NULL while it holds.'
  ),
  audits (
    not_null(columns := (genre_id, genre_name, genre_group, is_blockbuster_genre, valid_from)),
    unique_combination_of_columns(columns := (genre_id, valid_from)),
    not_empty_if_parent_has_rows(parent := silver.silver_genres),
    forall(criteria := (
      valid_from < COALESCE(valid_to, '9999-12-31'::TIMESTAMP)
    )),
    periods_do_not_overlap(key := genre_id),
    one_open_period(key := genre_id),
    relationship(key := genre_id, parent := silver.silver_genres, parent_key := genre_id)
  )
);

WITH list_entries AS (
  @json_entries(bronze.raw_genres, @json_array(raw_data, 'genres'), ingested_at)
), listed_names AS (
  SELECT
    @json_integer(entry, 'id') AS genre_id,
    @json_text(entry, 'name') AS genre_name,
    ingested_at AS learned_at
  FROM list_entries
), learned AS (
  SELECT
    genre_id,
    genre_name,
    NULL::DATE AS effective_from,
    learned_at
  FROM listed_names
  UNION ALL
  /* A genre that movies mentioned before the list did; one that no list names has its newest name. */
  SELECT
    genre.genre_id,
    CASE WHEN genre.was_listed THEN genre.first_genre_name ELSE genre.genre_name END AS genre_name,
    NULL::DATE AS effective_from,
    genre.first_seen_at AS learned_at
  FROM silver.silver_genres AS genre
  LEFT JOIN listed_names AS listed
    ON listed.genre_id = genre.genre_id AND listed.learned_at <= genre.first_seen_at
  WHERE
    listed.genre_id IS NULL
  UNION ALL
  /* A classification from before we knew the genre counts from when we knew it. */
  SELECT
    genre.genre_id,
    NULL AS genre_name,
    classification.effective_from::DATE,
    GREATEST(classification.effective_from::TIMESTAMP, genre.first_seen_at) AS learned_at
  FROM silver.seed_genre_groups AS classification
  JOIN silver.silver_genres AS genre
    ON genre.genre_id = classification.genre_id
), moments AS (
  SELECT
    genre_id,
    MAX(genre_name) AS genre_name,
    MAX(effective_from) AS effective_from,
    learned_at
  FROM learned
  WHERE
    NOT genre_id IS NULL
  GROUP BY
    genre_id,
    learned_at
), beliefs AS (
  SELECT
    genre_id,
    LAST_VALUE(genre_name IGNORE NULLS) OVER (PARTITION BY genre_id ORDER BY learned_at ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS genre_name,
    MAX(effective_from) OVER (PARTITION BY genre_id ORDER BY learned_at ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS effective_from,
    learned_at
  FROM moments
), classified AS (
  SELECT
    belief.genre_id,
    belief.genre_name,
    COALESCE(classification.genre_group, 'Other') AS genre_group,
    COALESCE(classification.is_blockbuster_genre, FALSE) AS is_blockbuster_genre,
    belief.learned_at
  FROM beliefs AS belief
  LEFT JOIN silver.seed_genre_groups AS classification
    ON classification.genre_id = belief.genre_id
    AND classification.effective_from::DATE = belief.effective_from
), fingerprints AS (
  SELECT
    genre_id,
    genre_name,
    genre_group,
    is_blockbuster_genre,
    learned_at,
    @GENERATE_SURROGATE_KEY(genre_name, genre_group, is_blockbuster_genre) AS fingerprint
  FROM classified
), changes AS (
  SELECT
    genre_id,
    genre_name,
    genre_group,
    is_blockbuster_genre,
    learned_at
  FROM fingerprints
  QUALIFY
    LAG(fingerprint, 1, '') OVER (PARTITION BY genre_id ORDER BY learned_at) <> fingerprint
)
SELECT
  genre_id::BIGINT AS genre_id,
  genre_name::TEXT AS genre_name,
  genre_group::TEXT AS genre_group,
  is_blockbuster_genre::BOOLEAN AS is_blockbuster_genre,
  learned_at::TIMESTAMP AS valid_from,
  LEAD(learned_at) OVER (PARTITION BY genre_id ORDER BY learned_at)::TIMESTAMP AS valid_to
FROM changes
