"""Dropping what a newer response no longer says."""

from sqlmesh import macro
from sqlmesh.core.macros import MacroEvaluator


@macro()
def drop_rows_of_older_responses(evaluator: MacroEvaluator) -> str | None:
    """Statement to run after a merge into a table that holds several rows a movie.

    A merge by key updates and inserts; a genre that a movie has lost would stay for ever. Each row
    bears the number of responses that were known of its movie when it was written; once silver has
    counted more, and the model was merged again, rows that bear an older number are superseded.
    """
    if evaluator.locals["runtime_stage"] != "evaluating":
        return None
    return f"""
        DELETE FROM {evaluator.this_model}
        WHERE NOT (movie_id, _source_response_count) IN (
          SELECT movie_id, _source_response_count FROM silver.silver_movies
        )
    """  # noqa: S608 - names of SQLMesh's own
