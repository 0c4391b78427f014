MODEL (
  name silver.seed_genre_groups,
  kind SEED (
    path '$root/seeds/genre_groups.csv'
  ),
  columns (
    genre_id INT,
    genre_group TEXT,
    is_blockbuster_genre BOOLEAN,
    effective_from TEXT /* an ISO date; as DATE, SQLMesh 0.236 reads it with a warning of pandas */
  ),
  grain (genre_id, effective_from),
  description 'One row per genre and date from which its classification holds. To reclassify a genre add a row, never edit one: the history of the classification is made from this file.',
  column_descriptions (
    genre_id = 'TMDb''s number of the genre.',
    genre_group = 'The family of genres it is reported with.',
    is_blockbuster_genre = 'Whether big-budget franchises are typically of this genre.',
    effective_from = 'First day on which the row holds.'
  ),
  audits (
    not_null(columns := (genre_id, genre_group, is_blockbuster_genre, effective_from)),
    unique_combination_of_columns(columns := (genre_id, effective_from)),
    number_of_rows(threshold := 19)
  )
)
