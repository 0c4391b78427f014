MODEL (
  name silver.silver_genres,
  kind FULL,
  grain genre_id,
  description 'One row per genre: those of TMDb''s list, and those that only movies mention (10769 Foreign). The list''s name wins over a movie''s, a newer one over an older. FULL, because it carries over what it knew: a merge that is killed halfway would lose that (decision 31).',
  audits (
    not_null(columns := (genre_id, genre_name, is_listed, first_seen_at, _source_load_number)),
    unique_values(columns := (
      genre_id
    )),
    forall(criteria := (
      first_seen_at <= _source_ingested_at
    ))
  )
);

WITH high_water_mark AS (
  SELECT
    COALESCE(MAX(known._source_load_number), 0) AS load_number
  FROM silver.silver_genres AS known
), newest_list AS (
  SELECT
    raw_data
  FROM bronze.raw_genres
  QUALIFY
    ROW_NUMBER() OVER (ORDER BY ingested_at DESC, _dlt_load_id DESC, _dlt_id DESC) = 1
), newest_entries AS (
  @json_entries(newest_list, @json_array(raw_data, 'genres'), raw_data)
), listed_now AS (
  SELECT DISTINCT
    @json_integer(entry, 'id') AS genre_id
  FROM newest_entries
), list_entries AS (
  @json_entries(bronze.raw_genres, @json_array(raw_data, 'genres'), ingested_at)
), observations AS (
  SELECT
    observation.genres,
    observation.observed_at
  FROM silver.silver_movie_observations AS observation
  CROSS JOIN high_water_mark
  WHERE
    observation._source_load_number > high_water_mark.load_number
), movie_entries AS (
  @json_entries(observations, @json_array_of(genres), observed_at)
), named AS (
  SELECT
    @json_integer(entry, 'id') AS genre_id,
    @json_text(entry, 'name') AS genre_name,
    TRUE AS is_of_a_list,
    ingested_at AS seen_at
  FROM list_entries
  UNION ALL
  SELECT
    @json_integer(entry, 'id') AS genre_id,
    @json_text(entry, 'name') AS genre_name,
    FALSE AS is_of_a_list,
    observed_at AS seen_at
  FROM movie_entries
), name_sightings AS (
  SELECT
    genre_id,
    genre_name,
    genre_name AS first_genre_name,
    is_of_a_list,
    seen_at AS first_seen_at,
    seen_at AS last_seen_at
  FROM named
  UNION ALL
  SELECT
    known.genre_id,
    known.genre_name,
    known.first_genre_name,
    known.was_listed AS is_of_a_list,
    known.first_seen_at,
    known._source_ingested_at AS last_seen_at
  FROM silver.silver_genres AS known
), best_sightings AS (
  SELECT
    genre_id,
    genre_name,
    FIRST_VALUE(first_genre_name) OVER (
      PARTITION BY genre_id
      ORDER BY first_seen_at, is_of_a_list DESC, first_genre_name
      ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
    ) AS first_genre_name,
    is_of_a_list,
    MIN(first_seen_at) OVER (PARTITION BY genre_id) AS first_seen_at,
    last_seen_at
  FROM name_sightings
  WHERE
    genre_id > 0
  QUALIFY
    ROW_NUMBER() OVER (
      PARTITION BY genre_id
      ORDER BY COALESCE(genre_name, 'Unnamed') = 'Unnamed', is_of_a_list DESC, last_seen_at DESC, genre_name
    ) = 1
)
SELECT
  best.genre_id::BIGINT AS genre_id, /* TMDb's number of the genre. */
  COALESCE(best.genre_name, 'Unnamed')::TEXT AS genre_name, /* Name in TMDb's own casing; Unnamed when there is none. */
  COALESCE(best.first_genre_name, 'Unnamed')::TEXT AS first_genre_name, /* Name by which it was first seen. */
  CAST(NOT now.genre_id IS NULL AS BOOLEAN) AS is_listed, /* TMDb's newest genre list has it. */
  best.is_of_a_list::BOOLEAN AS was_listed, /* The name is of a genre list, the newest or an older one. */
  best.first_seen_at::TIMESTAMP AS first_seen_at, /* When a response first named it (UTC). */
  best.last_seen_at::TIMESTAMP AS _source_ingested_at, /* When the response with that name arrived (UTC). */
  (
    SELECT
      COALESCE(MAX(_source_load_number), 0) AS load_number
    FROM silver.silver_movie_observations
  )::BIGINT AS _source_load_number /* Up to which load silver_movie_observations has been read; 0 before its first row. */
FROM best_sightings AS best
LEFT JOIN listed_now AS now
  ON now.genre_id = best.genre_id
