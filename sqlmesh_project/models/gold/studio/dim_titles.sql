MODEL (
  name gold.dim_titles,
  kind FULL,
  grain title_sk,
  references (title_id, movie_sk),
  @read_by_analysts(),
  description 'One row per title of the studio, and the unknown title. A title that is played or sold before anybody described it is here by its key.',
  audits (
    not_null(columns := (title_sk, title_id, movie_sk, title_name, franchise, is_described)),
    unique_values(columns := (title_sk, title_id)),
    has_unknown_member(key := title_id, member := '-1'),
    relationship(key := movie_sk, parent := gold.dim_movies, parent_key := movie_sk),
    no_rows_lost(key := title_id, parent := silver.stg_titles, parent_key := title_id),
    valid_imdb_score("column" := imdb_score)
  )
);

WITH mentioned AS (
  SELECT
    title_id
  FROM silver.stg_titles
  UNION
  SELECT
    title_id
  FROM silver.stg_box_office
  UNION
  SELECT
    title_id
  FROM silver.stg_fan_interactions
  WHERE
    NOT fan_class IS NULL AND NOT title_id IS NULL
), franchises AS (
  /* Spellings that differ by case or white space are one franchise: that of most titles. */
  SELECT
    @spelling_key(franchise) AS spelling_key,
    franchise
  FROM silver.stg_titles
  WHERE
    NOT franchise IS NULL
  GROUP BY
    franchise
  QUALIFY
    ROW_NUMBER() OVER (PARTITION BY @spelling_key(franchise) ORDER BY COUNT(*) DESC, franchise) = 1
), movies_by_imdb AS (
  SELECT
    imdb_id,
    MIN(movie_id) AS movie_id
  FROM gold.dim_movies
  WHERE
    NOT imdb_id IS NULL
  GROUP BY
    imdb_id
)
SELECT
  @GENERATE_SURROGATE_KEY(mentioned.title_id)::TEXT AS title_sk, /* Key: hash of title_id; hash of -1 for the unknown title. */
  mentioned.title_id::TEXT AS title_id, /* The studio's key of the title; -1 for the unknown title. */
  @GENERATE_SURROGATE_KEY(COALESCE(by_tmdb.movie_id, by_imdb.movie_id, -1))::TEXT AS movie_sk, /* The same movie in TMDb's star, into dim_movies: by TMDb's number, else by IMDb's key; the unknown movie where there is none. */
  COALESCE(title.title_name, mentioned.title_id)::TEXT AS title_name, /* Name; the key where nobody described the title. */
  COALESCE(franchise.franchise, 'Standalone')::TEXT AS franchise, /* Franchise, in the spelling of most of its titles; Standalone where it belongs to none. */
  title.genre::TEXT AS genre, /* Genre, in the studio's words. */
  title.sub_genre::TEXT AS sub_genre, /* Genre within the genre. */
  title.release_year::INT AS release_year, /* Year of the release. */
  title.runtime_minutes::BIGINT AS runtime_minutes, /* Running time in minutes. */
  title.imdb_score::DOUBLE AS imdb_score, /* IMDb's score, 0 to 10. */
  title.rating::TEXT AS rating, /* Age rating. */
  title.budget_usd::DECIMAL(18, 2) AS budget_usd, /* Production budget in US dollars. */
  title.studio::TEXT AS studio, /* Producing studio. */
  title.director::TEXT AS director, /* Director. */
  title.production_status::TEXT AS production_status, /* How far the production is, in capitals. */
  CAST(NOT title.title_id IS NULL AS BOOLEAN) AS is_described /* Whether the titles feed describes the title. */
FROM mentioned
LEFT JOIN silver.stg_titles AS title
  ON title.title_id = mentioned.title_id
LEFT JOIN franchises AS franchise
  ON franchise.spelling_key = @spelling_key(title.franchise)
LEFT JOIN gold.dim_movies AS by_tmdb
  ON by_tmdb.movie_id = title.tmdb_id
LEFT JOIN movies_by_imdb AS by_imdb
  ON by_imdb.imdb_id = title.imdb_id
UNION ALL
SELECT
  @GENERATE_SURROGATE_KEY('-1')::TEXT AS title_sk,
  '-1'::TEXT AS title_id,
  @GENERATE_SURROGATE_KEY(-1)::TEXT AS movie_sk,
  'Unknown'::TEXT AS title_name,
  'Unknown'::TEXT AS franchise,
  NULL::TEXT AS genre,
  NULL::TEXT AS sub_genre,
  NULL::INT AS release_year,
  NULL::BIGINT AS runtime_minutes,
  NULL::DOUBLE AS imdb_score,
  NULL::TEXT AS rating,
  NULL::DECIMAL(18, 2) AS budget_usd,
  NULL::TEXT AS studio,
  NULL::TEXT AS director,
  NULL::TEXT AS production_status,
  FALSE AS is_described
