MODEL (
  name gold.movie_history,
  kind VIEW,
  grain (movie_id, valid_from),
  references movie_id,
  @read_by_analysts(),
  description 'One row per movie and period in which TMDb reported the same money, votes, popularity, status and running time (SCD type 2), as known now. A deleted movie has no open period. What the warehouse reported earlier: snapshots.snap_silver_movies.',
  audits (
    unique_combination_of_columns(columns := (movie_id, valid_from), condition := @changed_keys(movie_id, snapshots.snap_silver_movies)),
    forall(
      criteria := (
        valid_from < COALESCE(valid_to, '9999-12-31'::TIMESTAMP)
      ),
      condition := @changed_keys(movie_id, snapshots.snap_silver_movies)
    ),
    periods_do_not_overlap(key := movie_id, condition := @changed_keys(movie_id, snapshots.snap_silver_movies)),
    one_open_period(key := movie_id, condition := @changed_keys(movie_id, snapshots.snap_silver_movies)),
    relationship(
      key := movie_id,
      parent := silver.silver_movies,
      parent_key := movie_id,
      condition := @changed_keys(movie_id, snapshots.snap_silver_movies)
    )
  )
);

SELECT
  period.movie_id::BIGINT AS movie_id, /* TMDb's number of the movie. */
  movie.title::TEXT AS title, /* Newest title. */
  period.budget_usd::BIGINT AS budget_usd, /* In whole US dollars; NULL when unknown. */
  period.revenue_usd::BIGINT AS revenue_usd, /* Worldwide box office in whole US dollars; NULL when unknown. */
  period.vote_average::DOUBLE AS vote_average, /* Mean vote of TMDb's users, 0 to 10; NULL when nobody voted. */
  period.popularity_score::DOUBLE AS popularity_score, /* TMDb's popularity on the day of the response. */
  period.status::TEXT AS status, /* Rumored, Planned, In Production, Post Production, Released or Canceled, as TMDb has it. */
  period.runtime_minutes::BIGINT AS runtime_minutes, /* NULL when unknown. */
  period.valid_from::TIMESTAMP AS valid_from, /* When the first response with these values arrived (UTC), inclusive. */
  period.valid_to::TIMESTAMP AS valid_to /* When the first response with other values arrived (UTC), exclusive; NULL while they hold. */
FROM snapshots.snap_silver_movies AS period
LEFT JOIN silver.silver_movies AS movie
  ON movie.movie_id = period.movie_id
WHERE
  period.superseded_at IS NULL AND NOT period.is_withdrawn
