"""Pairs of a movie and what it lists, kept by key without deleting any."""

from sqlglot import exp, parse_one
from sqlmesh import macro
from sqlmesh.core.macros import MacroEvaluator

from macros.incremental import high_water_mark
from macros.json import json_array_of, json_entries, json_integer


@macro()
def changed_pairs(
    evaluator: MacroEvaluator, model: exp.Expr, listed: exp.Expr, key: exp.Expr
) -> exp.Expr:
    """Query of the pairs of the movies that changed since a table was written.

    Those that the movie lists, in the order of its list, and those that it no longer lists: they
    are in the table, and from now on not current. A deleted movie lists nothing.

    Args:
        evaluator: Knows the dialect, and the interval to build.
        model: Name of the table of pairs.
        listed: Column of silver_movies with the list, as JSON.
        key: Column of the table that names what is listed, by the ``id`` of an entry.

    Returns:
        ``movie_id``, the key, ``position`` from 0, ``is_current``, ``_source_ingested_at`` and
        ``_source_load_number`` of the movie.
    """
    dialect, name = evaluator.dialect, key.name
    movie = ("movie_id", "_source_ingested_at", "_source_load_number")
    columns = ", ".join(movie)
    entries = json_entries(
        evaluator,
        exp.to_table("changed_movies"),
        json_array_of(evaluator, exp.column("list")),
        *(exp.column(column) for column in movie),
    ).sql(dialect)
    entry_id = json_integer(evaluator, exp.column("entry"), exp.to_identifier("id")).sql(dialect)
    mark = high_water_mark(evaluator, model).sql(dialect)
    return parse_one(
        f"""
        WITH high_water_mark AS ({mark}), changed_movies AS (
          SELECT movie.movie_id, movie._source_ingested_at, movie._source_load_number,
            CASE WHEN NOT movie.is_deleted THEN movie.{listed.name} END AS list
          FROM silver.silver_movies AS movie
          CROSS JOIN high_water_mark
          WHERE movie._source_load_number > high_water_mark.load_number
        ), entries AS ({entries}), identified AS (
          SELECT {columns}, {entry_id} AS {name}, entry_position FROM entries
        ), first_mentions AS (
          SELECT {columns}, {name}, entry_position FROM identified WHERE {name} > 0
          QUALIFY ROW_NUMBER() OVER (PARTITION BY movie_id, {name} ORDER BY entry_position) = 1
        ), listed AS (
          SELECT {columns}, {name},
            ROW_NUMBER() OVER (PARTITION BY movie_id ORDER BY entry_position) - 1 AS position
          FROM first_mentions
        )
        SELECT movie_id, {name}, position, TRUE AS is_current, _source_ingested_at,
          _source_load_number
        FROM listed
        UNION ALL
        SELECT known.movie_id, known.{name}, 0 AS position, FALSE AS is_current,
          movie._source_ingested_at, movie._source_load_number
        FROM {model.name} AS known
        JOIN changed_movies AS movie ON movie.movie_id = known.movie_id
        LEFT JOIN listed
          ON listed.movie_id = known.movie_id AND listed.{name} = known.{name}
        WHERE listed.movie_id IS NULL
        """,  # noqa: S608 - names of tables and columns
        dialect=dialect,
    )
