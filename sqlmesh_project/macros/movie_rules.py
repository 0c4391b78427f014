"""The rules that a value of a TMDb movie must keep, each in one place.

Silver, the history and the list of rejected values (``ops.rejected_values``) read through these
macros, so that they can't disagree on what a value is. A value that breaks its rule is NULL.
"""

from sqlglot import exp
from sqlmesh import macro
from sqlmesh.core.macros import MacroEvaluator

from macros.json import integer_at, number_at, text_at, try_cast

# The oldest moving pictures are of the 1870s (TMDb's earliest is of 1874), and studios announce at
# most a decade ahead. gold.dim_dates covers the same days.
FIRST_RELEASE_DATE = "1870-01-01"
YEARS_ANNOUNCED_AHEAD = "10"
# TMDb's popularity stays below 10,000; this bound only keeps infinities and NaN out.
HIGHEST_POPULARITY = 1_000_000_000
HIGHEST_VOTE = 10


@macro()
def movie_amount(evaluator: MacroEvaluator, amount: exp.Expr) -> exp.Expr:
    """BIGINT: whole dollars, minutes or votes. TMDb writes 0 for unknown; below 0 is a fault."""
    whole = integer_at(evaluator, amount)
    return _when(exp.GT(this=whole, expression=exp.Literal.number(0)), whole)


@macro()
def movie_popularity(evaluator: MacroEvaluator, popularity: exp.Expr) -> exp.Expr:
    """DOUBLE: TMDb's popularity, 0 or more."""
    score = number_at(evaluator, popularity)
    return _when(score.copy().between(0, HIGHEST_POPULARITY), score)


@macro()
def movie_vote_average(
    evaluator: MacroEvaluator, vote_average: exp.Expr, vote_count: exp.Expr
) -> exp.Expr:
    """DOUBLE: the mean vote, 0 to 10; unknown when nobody voted."""
    vote = number_at(evaluator, vote_average)
    votes = integer_at(evaluator, vote_count)
    is_voted = exp.GT(this=votes, expression=exp.Literal.number(0))
    return _when(exp.and_(is_voted, vote.copy().between(0, HIGHEST_VOTE)), vote)


@macro()
def movie_release_date(
    evaluator: MacroEvaluator, release_date: exp.Expr, ingested_at: exp.Expr
) -> exp.Expr:
    """DATE: first release, between 1870 and ten years after the response arrived.

    Measured against the response's own time and not the clock, so that a rebuild gives the same.
    """
    text = text_at(evaluator, release_date)
    # The shape first: engines take words such as "epoch" for dates, and drop what follows one.
    is_iso = exp.Like(this=text.copy(), expression=exp.Literal.string("____-__-__"))
    date = try_cast(text, "DATE")
    first = exp.cast(exp.Literal.string(FIRST_RELEASE_DATE), "DATE")
    ahead = exp.Interval(this=exp.Literal.string(YEARS_ANNOUNCED_AHEAD), unit=exp.Var(this="YEAR"))
    last = exp.Add(this=exp.cast(ingested_at.copy(), "DATE"), expression=ahead)
    return _when(exp.and_(is_iso, date.copy().between(first, last)), date)


def _when(condition: exp.Expr, value: exp.Expr) -> exp.Expr:
    """``CASE WHEN condition THEN value END``."""
    return exp.Case(ifs=[exp.If(this=condition.copy(), true=value.copy())])
