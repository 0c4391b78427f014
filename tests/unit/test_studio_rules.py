"""What a text of the studio's feeds is read as: exactly or not at all, the same on two engines.

Snowflake's SQL is translated to DuckDB's and run there; fakesnow does the same. A cast of text that
DuckDB and Snowflake would read differently never happens: the patterns let only texts through that
both read alike.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest
from sqlglot import exp, parse_one

from macros import studio_rules
from macros.studio_rules import RULES
from macros.text import cleaned, name_key
from marquee.core.text import WHITE_SPACE

DIALECTS = ["duckdb", "snowflake"]


def as_duckdb(expression: exp.Expr, dialect: str) -> str:
    """SQL that DuckDB runs: that of the dialect, translated if it is another one."""
    sql = expression.sql(dialect)
    if dialect == "duckdb":
        return sql
    return parse_one(sql, dialect=dialect).sql("duckdb")


def read(texts: list[str], parser: str, dialect: str) -> list[Any]:
    """Read texts as the models do: clean them, then parse them."""
    macro: Callable[..., exp.Expr] = getattr(studio_rules, parser)
    more = [exp.column("ingested_at")] if parser in WITH_TIME else []
    parsed = macro(SimpleNamespace(dialect=dialect), exp.column("text"), *more)
    clean = as_duckdb(cleaned(exp.column("raw")), dialect)
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"SELECT {as_duckdb(parsed, dialect)} FROM (SELECT {clean} AS text, "
            "TIMESTAMP '2026-12-01 12:00:00' AS ingested_at, place "
            "FROM (SELECT UNNEST($1) AS raw, GENERATE_SUBSCRIPTS($1, 1) AS place)) ORDER BY place",
            [texts],
        ).fetchall()
    return [value for (value,) in rows]


WITH_TIME = ("parse_year", "parse_date", "parse_timestamp")

NUMBERS: dict[str, dict[str, Any]] = {
    "parse_local_gross": {
        **{"0": 0, "1": 1, "12.5": "12.5", "12.50": "12.5", "12.5000": "12.5", " 7 ": 7, "+3": 3},
        **{".5": "0.5", "5.": 5, "-0": 0, "007": 7, "1e3": 1000, "1.5E+3": 1500, "1e-2": "0.01"},
        **{"1.2345e2": "123.45", "999999999999": 999999999999, "0.1": "0.1", "\u00a05": 5},
        **{"1.005": None, "0.001": None, "1e-3": None, "12.345": None, "1.2345e1": None},
        **{"1.00000000000000000000000000001": None, "1e-30": None, "0.1e-20": None},
        **{"-1": None, "-0.01": None, "1000000000000": None, "1e17": None, "99e99": None},
        **{"999999999999.99": None, "1,000": None, "1.000,00": None, "12,5": None, "1 000": None},
        **{"1'000": None, "1_000": None, "$5": None, "5 EUR": None, "5%": None, "0x10": None},
        **{"inf": None, "Infinity": None, "NaN": None, "nan": None, "true": None, "\u0661": None},
        **{"\uff11": None, "1.2.3": None, "--1": None, "+-1": None, ".": None, "e5": None},
        **{"1e": None, "1e+": None, "1e2.5": None, "twelve": None, "": None, "\u200b": None},
    },
    "parse_amount": {"999999999": 999999999, "1000000000": None, "1e17": None, "1.25": "1.25"},
    "parse_rate": {
        **{"1": 1, "0.0066": "0.0066", "7.2e-05": "0.000072", "0.00000001": "0.00000001"},
        **{"9999": 9999, "9999.5": None, "0": None, "0.000000001": None, "-1": None, "1,1": None},
    },
    "parse_count": {
        **{"0": 0, "12": 12, "12.0": 12, "12.": 12, "1.2e1": 12, "1e3": 1000, "007": 7},
        **{"999999999999": 10**12 - 1},
        **{"12.5": None, "0.4": None, "1e-1": None, "-3": None, "1,200": None, "1.200,0": None},
        **{"1000000000000": None, "9223372036854775808": None, "12 screens": None, "": None},
    },
    "parse_score": {
        **{"0": 0.0, "7.85": 7.85, "10": 10.0, "7.123456789": 7.123456789, "1e1": 10.0},
        **{"10.01": None, "-0.1": None, "7,5": None, "7/10": None, "nan": None, "inf": None},
    },
    "parse_year": {
        **{"1870": 1870, "2026": 2026, "2036": 2036, "2026.0": 2026, "1869": None, "2037": None},
        **{"2026.5": None, "26": None, "2026-01-01": None, "MMXXVI": None, "20260000000000": None},
    },
}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("parser", NUMBERS)
def test_a_number_is_read_exactly_or_not_at_all(parser: str, dialect: str) -> None:
    expected = NUMBERS[parser]
    values = read([*expected], parser, dialect)
    exact = [None if value is None else Decimal(str(value)) for value in values]
    wanted = [None if value is None else Decimal(str(value)) for value in expected.values()]
    assert dict(zip(expected, exact, strict=True)) == dict(zip(expected, wanted, strict=True))


TIMESTAMPS: dict[str, str | None] = {
    # the extended format, with and without an offset
    "2026-11-21T10:00:00Z": "2026-11-21 10:00:00",
    "2026-11-21t10:00:00z": "2026-11-21 10:00:00",
    "2026-11-21 10:00:00": "2026-11-21 10:00:00",
    "2026-11-21T10:00": "2026-11-21 10:00:00",
    "2026-11-21T10Z": "2026-11-21 10:00:00",
    "2026-11-21": "2026-11-21 00:00:00",
    "2026-11-21 10:00:00+02": "2026-11-21 08:00:00",
    "2026-11-21T10:00:00+0200": "2026-11-21 08:00:00",
    "2026-11-21T10:00:00+02:00": "2026-11-21 08:00:00",
    "2026-11-21 10:00:00 +02:00": "2026-11-21 08:00:00",
    "2026-11-21T02:30-05:00": "2026-11-21 07:30:00",
    "2026-11-21T10+0530": "2026-11-21 04:30:00",
    "2026-11-21T00:30:00+14": "2026-11-20 10:30:00",
    "2026-11-21T10:00:00-00:00": "2026-11-21 10:00:00",
    "2026-11-21T10:00:00.5+02": "2026-11-21 08:00:00.5",
    "2026-11-21T10:00:00,25Z": "2026-11-21 10:00:00.25",
    "2026-11-21T10:00:00.123456789Z": "2026-11-21 10:00:00.123456",
    "\u00a02026-11-21T10:00:00Z\u200b": "2026-11-21 10:00:00",
    # the basic one
    "20261121T100000Z": "2026-11-21 10:00:00",
    "20261121T100000+0200": "2026-11-21 08:00:00",
    "20261121T100000.5-05": "2026-11-21 15:00:00.5",
    "20261121T1000": "2026-11-21 10:00:00",
    # at the borders
    "1990-01-01T00:00:00Z": "1990-01-01 00:00:00",
    "1990-01-01T00:00:00+01": None,
    "2026-12-02T12:00:00Z": "2026-12-02 12:00:00",
    "2026-12-02T14:00:00+02": "2026-12-02 12:00:00",
    "2026-12-02T12:00:01Z": None,
    "2026-12-02T12:00:00-01": None,
    # no offsets
    **dict.fromkeys(f"2026-11-21T10:00:00{one}" for one in (
        *("+99:00", "+25:00", "+24", "+02:60", "+2", "+020", "+02:0", "+02:00:00", "+", "-", "+Z"),
        *(" UTC", " EST", "Europe/Paris", "ZZ", "Z+02", "+02Z", "\u221202:00", " + 02:00"),
    )),
    # neither format
    **dict.fromkeys((
        *("20261121", "2026-11-21T100000Z", "20261121T10:00:00Z", "2026-11", "2026", "1763719200"),
        *("1763719200000", "2026-W47-6", "2026-325", "21.11.2026", "11/21/2026", "21 Nov 2026"),
        *("2026-11-21T", "2026-11-21TZ", "2026-11-21Z", "2026-11-21+02", "T10:00:00Z", "10:00"),
        *("2026-11-21T1:00:00Z", "2026-1-2T10:00:00Z", "2026-11-21  10:00", "2026-11-21_10:00"),
        *("+2026-11-21T10:00:00Z", "12026-11-21T10:00:00Z", "epoch", "infinity", "now", "today"),
        *("\u0662026-11-21T10:00:00Z", "2026-11-21T10:00:00.Z", "2026-11-21T10.5Z", ""),
    )),
    # days and times that are none
    **dict.fromkeys((
        *("2026-02-30T10:00:00Z", "2025-02-29T10:00:00Z", "2026-13-01T10:00:00Z", "2026-11-00"),
        *("2026-11-21T24:00:00Z", "2026-11-21T25:00:00Z", "2026-11-21T10:60:00Z"),
        *("2026-11-21T10:00:60Z", "0000-01-01T00:00:00Z", "20260230T100000Z"),
    )),
}  # fmt: skip


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_timestamp_is_read_with_its_offset_or_not_at_all(dialect: str) -> None:
    values = read([*TIMESTAMPS], "parse_timestamp", dialect)
    wanted = [value and datetime.fromisoformat(value) for value in TIMESTAMPS.values()]
    assert dict(zip(TIMESTAMPS, values, strict=True)) == dict(zip(TIMESTAMPS, wanted, strict=True))


def test_every_offset_moves_a_timestamp_as_python_does() -> None:
    offsets = [f"{sign}{hour:02}:{minute:02}" for sign, hour, minute in
               itertools.product("+-", range(24), (0, 15, 59))]  # fmt: skip
    texts = [f"2026-11-21T10:00:00{offset}" for offset in offsets]
    wanted = [datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None) for text in texts]
    for dialect in DIALECTS:
        assert read(texts, "parse_timestamp", dialect) == wanted
        without_colon = [text[:-3] + text[-2:] for text in texts]
        assert read(without_colon, "parse_timestamp", dialect) == wanted


DATES: dict[str, date | None] = {
    **{"2026-11-21": date(2026, 11, 21), "20261121": date(2026, 11, 21)},
    **{" 2026-11-21\t": date(2026, 11, 21), "2026-12-02": date(2026, 12, 2), "2026-12-03": None},
    **{"1990-01-01": date(1990, 1, 1), "1989-12-31": None, "2026-02-30": None, "2026-1-5": None},
    **{"21.11.2026": None, "21/11/2026": None, "11/21/26": None, "2026-11-21T00:00:00": None},
    **{"2026-11-21 00:00:00": None, "2026-11": None, "20261": None, "2026/11/21": None},
    **{"2026-1121": None, "202611-21": None, "epoch": None, "46347": None, "": None},
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_date_is_an_iso_date(dialect: str) -> None:
    assert dict(zip(DATES, read([*DATES], "parse_date", dialect), strict=True)) == DATES


@pytest.mark.parametrize("dialect", DIALECTS)
def test_keys_and_names_of_the_warehouse_itself_are_not_a_sources(dialect: str) -> None:
    keys: dict[str, str | None] = {"T-1": "T-1", " T-1\u200b": "T-1", "-10": "-10"}
    keys |= dict.fromkeys(("-1", "\u00a0-1 ", ""))
    assert dict(zip(keys, read([*keys], "parse_key", dialect), strict=True)) == keys
    names: dict[str, str | None] = {"Ice Age": "Ice Age", "Unknown Film": "Unknown Film"}
    names[" Saga\t"] = "Saga"
    names |= dict.fromkeys(
        ("Unknown", "UNKNOWN ", "un known", "Standalone", "stand\u00a0alone", "-1")
    )
    assert dict(zip(names, read([*names], "parse_name", dialect), strict=True)) == names


def is_blank(character: str) -> bool:
    """White space for Python, or a character without a width."""
    return character.isspace() or character in "\u180e\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_white_space_of_any_kind_is_no_part_of_a_value(dialect: str) -> None:
    characters = [chr(code) for code in range(1, 0x10000) if not 0xD800 <= code < 0xE000]
    assert sorted(WHITE_SPACE) == [one for one in characters if is_blank(one)]
    clean = as_duckdb(cleaned(exp.column("text")), dialect)
    with duckdb.connect() as connection:
        for query, wanted in (
            ("$1 || 'a' || $1 || 'b' || $1", lambda one: f"{one}a{one}b{one}".strip(WHITE_SPACE)),
            ("$1 || $1", lambda one: (one * 2).strip(WHITE_SPACE) or None),
        ):
            texts = f"SELECT {query.replace('$1', 'one')} AS text FROM (SELECT UNNEST($1) AS one)"
            rows = connection.execute(f"SELECT {clean} FROM ({texts})", [characters]).fetchall()
            assert [text for (text,) in rows] == [wanted(one) for one in characters]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_spellings_that_differ_by_case_or_white_space_are_one(dialect: str) -> None:
    key = as_duckdb(name_key(exp.column("text")), dialect)
    spellings = [f"ice{one}{one}AGE" for one in WHITE_SPACE] + ["Ice Age", "ICEAGE"]
    with duckdb.connect() as connection:
        found = connection.execute(
            f"SELECT DISTINCT {key} FROM (SELECT UNNEST($1) AS text)", [spellings]
        ).fetchall()
    assert found == [("ICEAGE",)]


def test_every_parser_has_a_rule_and_a_table() -> None:
    parsers = {name for name in vars(studio_rules) if name.startswith("parse_")} - {"parse_one"}
    assert parsers == {*RULES}
    assert parsers == {*NUMBERS, "parse_timestamp", "parse_date", "parse_key", "parse_name"}
