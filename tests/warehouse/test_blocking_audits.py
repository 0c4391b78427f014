"""Which values of the sources can reach a blocking audit, and that none of them stops gold.

`blocking_audits.csv` has a row for each blocking audit that a model has: the cases below that could
make it fail, or why no value can. Seeds are part of the project and no source.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from sqlglot import exp
from sqlmesh.core.audit import ModelAudit
from sqlmesh.core.context import Context

from tests.small_warehouse import TOKEN, Warehouse, company, genre, movie

TABLE = Path(__file__).with_name("blocking_audits.csv")
NONE = "none: "

# Case: what of a movie of TMDb is unusual, and the columns that `ops.rejected_values` lists.
MOVIES: dict[str, tuple[dict[str, Any], set[str]]] = {
    "revenue of 10^17": ({"revenue": 10**17}, {"revenue_usd"}),
    "budget below 0": ({"budget": -5}, {"budget_usd"}),
    "budget with cents": ({"budget": 12.5}, {"budget_usd"}),
    "amounts at the ceiling": ({"revenue": 10**11, "budget": 1, "runtime": 10**6}, set()),
    "runtime as text": ({"runtime": "abc"}, {"runtime_minutes"}),
    "votes beyond": ({"vote_count": 10**12}, {"vote_count"}),
    "vote above 10": ({"vote_average": 11}, {"vote_average"}),
    "highest vote of all": ({"vote_average": 10, "vote_count": 10**9}, set()),
    "vote without voters": ({"vote_average": 8, "vote_count": 0}, set()),
    "infinite popularity": ({"popularity": "Infinity"}, {"popularity_score"}),
    "released before films": ({"release_date": "1066-10-14"}, {"release_date"}),
    "released in 9999": ({"release_date": "9999-12-31"}, {"release_date"}),
    "released on a day that is none": ({"release_date": "2020-02-30"}, {"release_date"}),
    "release as a list": ({"release_date": ["2020-06-15"]}, {"release_date"}),
    "status as a list": ({"status": ["Released"]}, {"status"}),
    "language as a list": ({"original_language": {"iso": "en"}}, {"original_language"}),
    "no title": ({"title": "\u200b", "original_title": None}, {"title"}),
    "a character of no width and one of number 0": ({"title": "a\0b\u200b"}, set()),
    "no genres and no companies": ({"genres": [], "production_companies": []}, set()),
    "genres that are no list": ({"genres": {"id": 28}}, {"genre_id"}),
    "genre without a name": ({"genres": [{"id": 77, "name": None}, {"id": 78}]}, set()),
    "genre named Unknown": ({"genres": [genre(79, "Unknown"), genre(80, "-1")]}, set()),
    "genre of another name": ({"genres": [genre(28, "Other"), genre(18, "DRAMA ")]}, set()),
    "genre twice": ({"genres": [genre(28), genre(18), genre(28)]}, set()),
    "genre numbered -1": ({"genres": [genre(-1, "Unknown"), genre(18)]}, {"genre_id"}),
    "genres without a number": (
        {"genres": [None, "x", genre(28), {"id": "18 "}, {"id": 2**63}, {"id": 1.5}, {"id": 0}, 7]},
        {"genre_id"},
    ),
    "genres by the hundred": (
        {"genres": [genre(number, f"G {number}") for number in range(200, 300)]},
        set(),
    ),
    "company without a name": ({"production_companies": [{"id": 77}, company(78, "")]}, set()),
    "company named Unknown": ({"production_companies": [company(79, "Unknown")]}, set()),
    "company of two names": (
        {"production_companies": [company(1, "acme"), company(1, "B")]},
        set(),
    ),
    "company twice": ({"production_companies": [company(1, "Acme")] * 2}, set()),
    "company of no country": (
        {"production_companies": [{"id": 80, "name": "X", "origin_country": "Mars"}]},
        set(),
    ),
    "major studio in small letters": (
        {"production_companies": [company(81, "walt disney pictures"), company(82, "PARAMOUNT ")]},
        set(),
    ),
    "company numbered -1": ({"production_companies": [company(-1, "Unknown")]}, {"company_id"}),
    "companies without a number": (
        {"production_companies": [company(0, "X"), [], company(1, "Acme"), {"name": "Y"}, None]},
        {"company_id"},
    ),
    "the highest number": ({"id": 2**63 - 1}, set()),
    "movie twice in a load": ({"revenue": 10**17}, {"revenue_usd"}),
    "deleted movie": ({"id": 2}, set()),
}
GENRE_LISTS: dict[str, tuple[list[Any], set[str]]] = {
    "genre list without names": ([{"id": 90, "name": None}, {"id": 91, "name": " "}], set()),
    "genre list with a number twice": ([genre(92, "A"), genre(92, "B"), genre(92, "A")], set()),
    "genre list with numbers below 1": (
        [{"id": -1, "name": "Unknown"}, {"id": 0}, {"id": 2**64}, None, None, genre(28)],
        {"genre_id"},
    ),
}
# Case: the feed, what of its record is unusual, and the column under which
# `ops.rejected_studio_values` lists it; None where it is cleaned, and nothing is lost.
RECORDS: dict[str, tuple[str, dict[str, Any], str | None]] = {
    "title key -1": ("titles", {"title_id": "-1"}, "title_id"),
    "padded title key -1": ("titles", {"title_id": "\u00a0-1\t"}, "title_id"),
    "title key of blanks": ("titles", {"title_id": "\u200b"}, "title_id"),
    "padded title key": ("titles", {"title_id": " T-1\u00a0", "franchise": "Saga"}, None),
    "title without a name": ("titles", {"title_name": "\u3000"}, None),
    "release year 99999": ("titles", {"release_year": "99999"}, "release_year"),
    "runtime below 0": ("titles", {"runtime_minutes": "-90"}, "runtime_minutes"),
    "budget of 10^17": ("titles", {"budget_usd": "1e17"}, "budget_usd"),
    "number of TMDb of 30 digits": ("titles", {"tmdb_id": "9" * 30}, "tmdb_id"),
    "number of TMDb -1": ("titles", {"tmdb_id": "-1"}, "tmdb_id"),
    "title of a deleted movie": ("titles", {"tmdb_id": "{deleted movie}"}, None),
    "franchise by another case": ("titles", {"franchise": "sa ga"}, None),
    "franchise Standalone": ("titles", {"franchise": "standalone"}, "franchise"),
    "franchise Unknown": ("titles", {"franchise": " Unknown"}, "franchise"),
    "box office of title -1": ("box_office", {"title_id": "-1"}, "title_id"),
    "theater key of blanks": ("box_office", {"theater_id": "\u3000"}, "theater_id"),
    "report date of another format": ("box_office", {"report_date": "01/02/2026"}, "report_date"),
    "report date 9999": ("box_office", {"report_date": "9999-12-31"}, "report_date"),
    "report date 0001": ("box_office", {"report_date": "0001-01-01"}, "report_date"),
    "padded title and theater": (
        "box_office",
        {"title_id": "T-1 ", "theater_id": "\ufeffC-1"},
        None,
    ),
    # The two parts of a key must not run into each other.
    "bar in the key of a title": ("box_office", {"title_id": "T|1", "theater_id": "C"}, None),
    "bar in the key of a theater": ("box_office", {"title_id": "T", "theater_id": "1|C"}, None),
    "tickets below 0": ("box_office", {"tickets_sold": "-1"}, "tickets_sold"),
    "half a screen": ("box_office", {"screen_count": "1.5"}, "screen_count"),
    "gross that its rate does not give": ("box_office", {"gross_revenue_usd": "1e8"}, "gross_usd"),
    "gross of 10^17": ("box_office", {"gross_revenue_usd": "1" + "0" * 17}, "gross_usd"),
    "gross with a thousands separator": (
        "box_office",
        {"gross_revenue_local": "1,000.00"},
        "gross_local",
    ),
    "gross above a billion dollars": (
        "box_office",
        {"gross_revenue_local": "9" * 12, "exchange_rate_usd": "9999", "gross_revenue_usd": "1"},
        "gross_usd",
    ),
    "region Unknown of a theater": ("box_office", {"region": "UNKNOWN"}, "region"),
    "interaction key of blanks": ("interactions", {"interaction_id": "\ufeff"}, "interaction_id"),
    "interaction key -1": ("interactions", {"interaction_id": "-1"}, "interaction_id"),
    "padded interaction key": ("interactions", {"interaction_id": "\u2003I-1 "}, None),
    "amount below 0": ("interactions", {"amount": "-1"}, "amount"),
    "offset of 99 hours": (
        "interactions",
        {"event_timestamp": "2026-02-01T10:00:00+99:00"},
        "event_at",
    ),
    "event before 1990": ("interactions", {"event_timestamp": "1970-01-01T00:00:00Z"}, "event_at"),
    "unknown account type": ("interactions", {"account_type": "TRIAL"}, "account_type"),
    "account type in small letters": ("interactions", {"account_type": " verified\t"}, None),
    "guest in small letters": (
        "interactions",
        {"account_type": "guest", "fan_token": TOKEN[::-1], "expires_at": "2100-01-01"},
        None,
    ),
    "unknown event type": ("interactions", {"event_type": "LIKE"}, "event_type"),
    "interaction of title -1": ("interactions", {"title_id": "-1 "}, "title_id"),
    "purchase of a trillion": (
        "interactions",
        {"event_type": "PURCHASE", "amount": "1e12", "currency": "EUR"},
        "amount",
    ),
    "purchase of a billion": (
        "interactions",
        {"event_type": "PURCHASE", "amount": "999999999", "currency": "EUR"},
        None,
    ),
    "purchase in no currency": (
        "interactions",
        {"event_type": "PURCHASE", "amount": "7", "currency": None},
        "amount_usd",
    ),
    "region Unknown of a fan": ("interactions", {"region": "unknown"}, "region"),
    "device Unknown of a fan": ("interactions", {"device_type": "unknown"}, "device_type"),
    "country that is none": ("interactions", {"country_code": "XXX"}, "country_code"),
}
CASES = {*MOVIES, *GENRE_LISTS, *RECORDS}
KEYS = {"titles": "title_id", "box_office": "record_id", "interactions": "interaction_id"}


def number_of(case: str) -> int:
    """The number of the movie of a case."""
    return int(MOVIES[case][0].get("id", 1000 + [*MOVIES].index(case)))


def blocking_audits(context: Context) -> Iterator[tuple[str, str, str]]:
    """Each blocking audit of a model that is no seed: the model, its name, and of what it is."""
    for model in context.models.values():
        if model.kind.is_seed:
            continue
        for audit, arguments in model.audits_with_args:
            assert isinstance(audit, ModelAudit)
            blocking = arguments.get("blocking", exp.convert(audit.blocking))
            if blocking.sql().upper() == "TRUE":
                given = {one: value.sql("duckdb").strip("()'") for one, value in arguments.items()}
                names = ("columns", "column", "key", "day", "other", "fan_class", "parent")
                of = next((given[one] for one in names if one in given), "")
                if audit.name in ("relationship", "no_rows_lost"):
                    of = f"{given['key']} -> {given['parent']}"
                yield model.name, audit.name, of


def table() -> dict[tuple[str, str, str], str]:
    """The rows of the table, by audit."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        _, *rows = csv.reader(file)
    return {(model, audit, of): values for model, audit, of, values in rows}


@pytest.fixture(scope="module")
def warehouse(prebuilt: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A small warehouse in which all is well."""
    return prebuilt.copy_to(tmp_path_factory.mktemp("sound"))


def test_each_blocking_audit_is_in_the_table(warehouse: Warehouse) -> None:
    with warehouse.context() as context:
        attached = sorted(blocking_audits(context))
    assert len(attached) > 150
    assert sorted(table()) == attached


def test_each_case_of_the_table_is_tried() -> None:
    cases = [one for one in table().values() if not one.startswith(NONE)]
    assert {case for values in cases for case in values.split("; ")} - CASES == set()


def test_no_value_of_a_source_stops_gold(warehouse: Warehouse) -> None:
    opened = duckdb.connect(str(warehouse.duckdb))  # so that DuckDB opens and writes the file once
    rejected: set[tuple[Any, str]] = {(3, "vote_average")}
    for case, (fields, columns) in MOVIES.items():
        number = number_of(case)
        documents = [movie(number, **fields)]
        if case == "deleted movie":
            documents = [{"movie_id": number, "success": False}]
        warehouse.land(*documents * (2 if case == "movie twice in a load" else 1))
        rejected |= {(number, column) for column in columns}
    for entries, columns in GENRE_LISTS.values():
        warehouse.land_genres(entries)
        rejected |= {(None, column) for column in columns}
    listed = {("test", "event_type")}
    for number, (case, (feed, values, column)) in enumerate(RECORDS.items()):
        own = {"theater_id": f"X-{number}"} if feed == "box_office" else {}
        values = {KEYS[feed]: f"X-{number}", **own, **values}
        if values.get("tmdb_id") == "{deleted movie}":
            values["tmdb_id"] = str(number_of("deleted movie"))
        getattr(warehouse, f"land_{feed}")(values, batch_id=case)
        listed |= {(case, column)} if column else set()
    opened.close()
    warehouse.refresh()

    assert {*warehouse.query("SELECT movie_id, column_name FROM ops.rejected_values")} == rejected
    movies = {number_of(case) for case in MOVIES} - {number_of("deleted movie")} | {1, 3, 4}
    facts = warehouse.query("SELECT movie_id FROM gold.fact_movies ORDER BY 1")
    assert facts == [(one,) for one in sorted(movies)]
    studio = "SELECT DISTINCT _source_batch_id, column_name FROM ops.rejected_studio_values"
    assert {*warehouse.query(studio)} == listed
    # Of the fan feed nothing is kept that could be about a person.
    described = r"'^((text|number) of length \d+)?$'"
    assert warehouse.query(
        "SELECT table_name = 'raw_fan_interactions' AS is_of_fans, "
        f"BOOL_AND(REGEXP_MATCHES(rejected_value, {described})) "
        "FROM ops.rejected_studio_values GROUP BY ALL ORDER BY ALL"
    ) == [(False, False), (True, True)]
    assert warehouse.query(
        "SELECT franchise, title_count FROM gold.agg_franchise_performance ORDER BY ALL"
    ) == [("Saga", 3), ("Standalone", 11), ("Unknown", 0)]
