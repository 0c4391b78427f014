"""The rules that a value of a TMDb movie must keep, each in one place.

Silver, the history and the list of rejected values (``ops.rejected_values``) read through these
macros, so that they can't disagree on what a value is. A value that breaks its rule is NULL.

A field is read once: ``@movie_texts``, ``@movie_whole_numbers`` and ``@movie_numbers`` give columns
named ``<field>_text``, ``<field>_whole`` and ``<field>_number``, and the rules compare these.
"""

from sqlglot import exp
from sqlmesh import macro
from sqlmesh.core.macros import MacroEvaluator

from macros.json import (
    field_names,
    is_nested,
    json_integer,
    json_source,
    number_at,
    try_cast,
)
from macros.rejects import listed_rejects
from macros.text import cleaned

# The oldest moving pictures are of the 1870s (TMDb's earliest is of 1874), and studios announce at
# most a decade ahead. gold.dim_dates covers the same days. A movie that is released has no release
# to come: such a date is of the wrong century or a typing error. A year is left, because people set
# the status at a first showing and correct the date months later.
FIRST_RELEASE_DATE = "1870-01-01"
YEARS_ANNOUNCED_AHEAD, YEARS_RELEASED_AHEAD = "10", "1"
# TMDb's popularity stays below 10,000; this bound only keeps infinities and NaN out.
HIGHEST_POPULARITY = 1_000_000_000
HIGHEST_VOTE = 10
TEXTS = (
    "title",
    "original_title",
    "tagline",
    "overview",
    "status",
    "homepage",
    "imdb_id",
    "original_language",
)
# Far above what there is (3 billion dollars, 51,420 minutes, 40,000 votes): what is higher is a
# typing error, and one such value would outweigh all others in a sum.
HIGHEST_AMOUNTS = {
    "budget": 100_000_000_000,
    "revenue": 100_000_000_000,
    "runtime": 1_000_000,
    "vote_count": 1_000_000_000,
}


@macro()
def movie_texts(evaluator: MacroEvaluator, *fields: exp.Expr) -> list[exp.Expr]:
    """Columns, for a SELECT list: each JSON field as TEXT, cleaned; NULL when absent or blank."""
    return [
        exp.alias_(cleaned(json_source(evaluator, field)), f"{field.name}_text")
        for field in field_names(fields)
    ]


@macro()
def movie_whole_numbers(evaluator: MacroEvaluator, *fields: exp.Expr) -> list[exp.Expr]:
    """Columns, for a SELECT list: each JSON field as BIGINT; NULL when it is no whole number."""
    return [exp.alias_(json_integer(evaluator, field), f"{field.name}_whole") for field in fields]


@macro()
def movie_numbers(evaluator: MacroEvaluator, *fields: exp.Expr) -> list[exp.Expr]:
    """Columns, for a SELECT list: each JSON field as DOUBLE; NULL when it is no number."""
    return [exp.alias_(number_at(evaluator, field), f"{field.name}_number") for field in fields]


@macro()
def movie_text(evaluator: MacroEvaluator, field: exp.Expr) -> exp.Expr:
    """TEXT; NULL when absent, blank, a list or an object."""
    return exp.case().when(is_nested(evaluator, field).not_(), _text_of(field.name))


@macro()
def movie_amount(evaluator: MacroEvaluator, amount: exp.Expr) -> exp.Expr:
    """BIGINT: whole dollars, minutes or votes. TMDb writes 0 for unknown; below 0 is a fault."""
    whole = _whole_of(amount.name)
    return exp.case().when(whole.copy().between(1, HIGHEST_AMOUNTS[amount.name]), whole)


@macro()
def movie_flag(evaluator: MacroEvaluator, field: exp.Expr) -> exp.Expr:
    """BOOLEAN; NULL when it is neither true nor false (a cast takes ``yes`` and ``1``, too)."""
    text = _text_of(field.name)
    return exp.case().when(text.isin("true", "false"), text.copy().eq("true"))


@macro()
def movie_popularity(evaluator: MacroEvaluator, popularity: exp.Expr) -> exp.Expr:
    """DOUBLE: TMDb's popularity, 0 or more."""
    score = _number_of(popularity.name)
    return exp.case().when(score.copy().between(0, HIGHEST_POPULARITY), score)


@macro()
def movie_vote_average(evaluator: MacroEvaluator, vote_average: exp.Expr) -> exp.Expr:
    """DOUBLE: the mean vote, 0 to 10; unknown when nobody voted."""
    vote = _number_of(vote_average.name)
    is_voted = exp.GT(this=_whole_of("vote_count"), expression=exp.Literal.number(0))
    return exp.case().when(exp.and_(is_voted, vote.copy().between(0, HIGHEST_VOTE)), vote)


@macro()
def movie_release_date(
    evaluator: MacroEvaluator, release_date: exp.Expr, status: exp.Expr, ingested_at: exp.Expr
) -> exp.Expr:
    """DATE: first release, from 1870 to ten years after the response arrived; one if released.

    Measured against the response's own time and not the clock, so that a rebuild gives the same.
    """
    is_possible, is_early = _release_rules(evaluator, release_date, status, ingested_at)
    date = try_cast(_text_of(release_date.name), "DATE")
    return exp.case().when(exp.and_(is_possible, is_early.not_()), date)


def _release_rules(
    evaluator: MacroEvaluator, release_date: exp.Expr, status: exp.Expr, ingested_at: exp.Expr
) -> tuple[exp.Expr, exp.Expr]:
    """BOOLEAN, never NULL: is it a possible date; is one of a released movie still to come."""

    def years_ahead(years: str) -> exp.Expr:
        ahead = exp.Interval(this=exp.Literal.string(years), unit=exp.Var(this="YEAR"))
        return exp.Add(this=exp.cast(ingested_at.copy(), "DATE"), expression=ahead)

    text = _text_of(release_date.name)
    # The shape first: engines take words such as "epoch" for dates, and drop what follows one.
    is_iso = exp.Like(this=text.copy(), expression=exp.Literal.string("____-__-__"))
    date = try_cast(text, "DATE")
    first = exp.cast(exp.Literal.string(FIRST_RELEASE_DATE), "DATE")
    is_possible = exp.and_(is_iso, date.copy().between(first, years_ahead(YEARS_ANNOUNCED_AHEAD)))
    is_early = exp.and_(
        is_possible.copy(),
        exp.GT(this=date.copy(), expression=years_ahead(YEARS_RELEASED_AHEAD)),
        _text_of(status.name).eq("Released"),
    )
    return (
        exp.func("COALESCE", is_possible, exp.false()),
        exp.func("COALESCE", is_early, exp.false()),
    )


@macro()
def movie_rejected_values(evaluator: MacroEvaluator) -> exp.Expr:
    """TEXT: JSON list of the values of an opened document that break a rule; NULL where none does.

    Each with ``column_name``, ``rejected_value`` and ``reason``. The columns of the document bear
    the names of its fields.
    """

    def is_text(field: str) -> exp.Expr:
        return _is_known(movie_text(evaluator, exp.column(field)))

    def amount(column: str, field: str, unit: str = "") -> tuple[str, str, exp.Expr, str]:
        is_valid = _whole_of(field).between(0, HIGHEST_AMOUNTS[field])
        reason = f"no whole number{unit} from 0 to {HIGHEST_AMOUNTS[field]}"
        return column, field, exp.func("COALESCE", is_valid, exp.false()), reason

    def is_list(field: str) -> exp.Expr:
        source = json_source(evaluator, exp.column(field))
        return exp.Like(this=source, expression=exp.Literal.string("[%"))

    has_no_votes = exp.func(
        "COALESCE", _whole_of("vote_count") <= exp.Literal.number(0), exp.true()
    )
    vote = movie_vote_average(evaluator, exp.column("vote_average"))
    popularity = movie_popularity(evaluator, exp.column("popularity"))
    flag = movie_flag(evaluator, exp.column("adult"))
    is_vote = exp.or_(has_no_votes, _is_known(vote))
    is_collection = _is_known(exp.column("collection_id"))
    is_possible, is_early = _release_rules(
        evaluator, *map(exp.column, ("release_date", "status", "ingested_at"))
    )
    # Column of silver, field that must have a text for the rule to count ('' for always), whether
    # it is valid (never NULL), and what it is not.
    rules = [
        ("title", "", exp.or_(is_text("title"), is_text("original_title")), "no title"),
        *(
            (field, field, is_nested(evaluator, exp.column(field)).not_(), "no text")
            for field in TEXTS
        ),
        ("release_date", "release_date", is_possible, "no date from 1870 to ten years ahead"),
        (
            "release_date",
            "release_date",
            is_early.not_(),
            "more than a year ahead, though released",
        ),
        amount("budget_usd", "budget", " of dollars"),
        amount("revenue_usd", "revenue", " of dollars"),
        amount("runtime_minutes", "runtime", " of minutes"),
        amount("vote_count", "vote_count"),
        ("vote_average", "vote_average", is_vote, f"no vote from 0 to {HIGHEST_VOTE}"),
        ("popularity_score", "popularity", _is_known(popularity), "no number from 0"),
        ("is_adult_content", "adult", _is_known(flag), "neither true nor false"),
        ("collection_id", "belongs_to_collection", is_collection, "no collection with a number"),
        ("genre_id", "genres", is_list("genres"), "no list"),
        ("company_id", "production_companies", is_list("production_companies"), "no list"),
    ]

    def broken(field: str, is_valid: exp.Expr) -> tuple[exp.Expr, exp.Expr]:
        if not field:
            return exp.cast(exp.null(), "TEXT"), is_valid.not_()
        return _text_of(field), exp.and_(_is_known(_text_of(field)), is_valid.not_())

    return listed_rejects(
        evaluator,
        ((column, *broken(field, is_valid), reason) for column, field, is_valid, reason in rules),
    )


def _text_of(field: str) -> exp.Expr:
    return exp.column(f"{field}_text")


def _whole_of(field: str) -> exp.Expr:
    return exp.column(f"{field}_whole")


def _number_of(field: str) -> exp.Expr:
    return exp.column(f"{field}_number")


def _is_known(value: exp.Expr) -> exp.Expr:
    return value.is_(exp.null()).not_()
