"""A local sandbox of a film studio's three feeds: invented fans, real titles, a daily box office.

    python -m marquee.sandbox.studio --batch 1 --to studio_feed

The same batch and scale are the same bytes on every machine: everything is drawn from DuckDB's hash
of a row's number, never from a random state, and written as one query a file.

| batch | what arrives | at scale 1 |
|---|---|---|
| 1 | 180 days up to 2025-12-31 | 27,000 fans, 108,000 interactions, 15 titles, 200 theatres |
| 2 | 2026-01-01 | 5,000 fans more, 10 theatres more, and what a second day brings (below) |
| 3 | 2026-01-02 to 04 | a title opens: 60,000 interactions, 3,000 fans more, all theatres |

A second day brings fans who moved to another country, fans who changed their device, events that
come up to two weeks late, interactions delivered twice, corrections of the box office and newer
facts of a title.

Dirt on purpose, in every batch where its number comes up:

- quarantined by the models: the account type `TRIAL` (which `make health` reports), the event
  `SHARE`, a time in 2099;
- cleaned: an account type in small letters with a space behind it;
- rejected, while the row stays: the country `XX`, a negative amount or gross, tickets `n/a`, a
  score of 11.2, a budget below 0, US dollars that are a hundred times the local money at its rate
  (recomputed from it);
- not converted: a currency without a rate (`XTS`);
- allowed: a region that is null, a title that nobody described, the undeclared field `app_version`;
- quarantined on landing, by file and line: a cut-off JSON line, a list in place of an object, a
  line without a key, bytes that are not UTF-8, CSV rows with columns too few and too many;
- passed over: a blank line.

More of it with `--fault`, to see `make health` and the dashboard report it:

    python -m marquee.sandbox.studio --to feed --fault negative_revenue --fault broken_json

It prints the two variables that `python pipelines/studio.py` lands them with.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import duckdb

BATCHES = (1, 2, 3)
# Planted in every batch: no line of the seed `account_types.csv` maps it.
UNMAPPED_TYPE = "TRIAL"
ROWS_A_FILE = 250_000

# The invented fans need no secret; a key of its own keeps the sandbox apart from real data.
TOKEN_KEY = "marquee sandbox: not a secret, for its fans are invented"  # noqa: S105

FANS, NEW_FANS, WEEKEND_FANS = 27_000, 5_000, 3_000
INTERACTIONS, WEEKEND_INTERACTIONS = 108_000, 60_000
THEATRES, NEW_THEATRES = 200, 10

# A movie of the TMDb sandbox has 90,000,000 more than its row in data/movies.csv.
TITLES = """
  (0, 'The Bourne Identity', 'Bourne', 'Action', 'Spy', 2002, 113, 7.7, 'PG-13', 60000000, 'Doug Liman', 1354),
  (1, 'The Bourne Supremacy', 'Bourne', 'Action', 'Spy', 2004, 108, 7.6, 'PG-13', 85000000, 'Paul Greengrass', 1355),
  (2, 'The Bourne Ultimatum', 'Bourne', 'Action', 'Spy', 2007, 114, 8.2, 'PG-13', 130000000, 'Paul Greengrass', 1356),
  (3, 'Ice Age', 'Ice Age', 'Animation', 'Family', 2002, 81, 7.4, 'PG', 65000000, 'Chris Wedge', 2005),
  (4, 'Ice Age: The Meltdown', 'Ice Age', 'Animation', 'Family', 2006, 91, 6.9, 'PG', 75000000, 'Carlos Saldanha', 2003),
  (5, 'Ice Age: Dawn of the Dinosaurs', 'Ice Age', 'Animation', 'Family', 2009, 93, 7.1, 'PG', 90000000, 'Carlos Saldanha', 2004),
  (6, 'The Matrix', 'The Matrix', 'Science Fiction', 'Cyberpunk', 1999, 136, 8.7, 'R', 65000000, 'The Wachowskis', 2260),
  (7, 'The Matrix Reloaded', 'The Matrix', 'Science Fiction', 'Cyberpunk', 2003, 138, 7.1, 'R', 127000000, 'The Wachowskis', 2365),
  (8, 'The Matrix Revolutions', 'The Matrix', 'Science Fiction', 'Cyberpunk', 2003, 129, 6.5, 'R', 110000000, 'The Wachowskis', 2366),
  (9, 'Shrek', 'Shrek', 'Animation', 'Comedy', 2001, 90, 8.0, 'PG', 50000000, 'Andrew Adamson', 2741),
  (10, 'Shrek 2', 'Shrek', 'Animation', 'Comedy', 2004, 92, 7.5, 'PG', 70000000, 'Andrew Adamson', 2742),
  (11, 'Shrek the Third', 'Shrek', 'Animation', 'Comedy', 2007, 92, 11.2, 'PG', 160000000, 'Chris Miller', 2743),
  (12, 'Spider-Man 2', 'Spider-Man', 'Action', 'Super Hero', 2004, 127, 7.7, 'PG-13', 200000000, 'Sam Raimi', 2824),
  (13, 'Spider-Man 3', 'Spider-Man', 'Action', 'Super Hero', 2007, 139, 6.4, 'PG-13', -258000000, 'Sam Raimi', 2825),
  (14, 'The Lighthouse Keepers', NULL, 'Drama', NULL, 2026, 121, NULL, 'PG-13', 45000000, 'A. Newcomer', NULL)
"""  # noqa: E501 - a table

# Neighbours in this list are of different regions: a fan who moves to the next one changes region.
PLACES = """
  (0, 'USA', 'North America', 'USD', 1.0), (1, 'GBR', 'Europe', 'GBP', 1.27),
  (2, 'JPN', 'Asia Pacific', 'JPY', 0.0066), (3, 'BRA', 'Latin America', 'BRL', 0.18),
  (4, 'CAN', 'North America', 'CAD', 0.73), (5, 'DEU', 'Europe', 'EUR', 1.09),
  (6, 'KOR', 'Asia Pacific', 'KRW', 0.00072), (7, 'MEX', 'Latin America', 'MXN', 0.055),
  (8, 'FRA', 'Europe', 'EUR', 1.09), (9, 'AUS', 'Asia Pacific', 'AUD', 0.66),
  (10, 'ESP', 'Europe', 'EUR', 1.09), (11, 'IND', 'Asia Pacific', 'INR', 0.012)
"""

WORLD = f"""
CREATE MACRO drawn(i, salt) AS hash((hash(i) >> 2)::BIGINT + (hash(salt) >> 2)::BIGINT);
CREATE MACRO pick(i, salt, n) AS (drawn(i, salt) % n)::BIGINT;
CREATE MACRO chance(i, salt) AS (drawn(i, salt) % 1000000007) / 1000000007.0;
CREATE MACRO word(i, salt, words) AS words[1 + pick(i, salt, len(words))];
CREATE TABLE title AS FROM (VALUES {TITLES}) AS title(
  title, title_name, franchise, genre, sub_genre, release_year, runtime_minutes, imdb_score,
  rating, budget_usd, director, film);
CREATE TABLE place AS FROM (VALUES {PLACES}) AS place(
  place, country_code, region, currency, rate_usd);
CREATE MACRO place_of(i) AS CASE WHEN pick(i, 'home', 4) = 0 THEN 0 ELSE pick(i, 'place', 12) END;
CREATE MACRO device_of(i) AS word(i, 'device', ['MOBILE', 'TV', 'WEB', 'TABLET', 'CONSOLE']);
"""

# What a fan looks like when doing something; `event` says who does what to which title and when.
INTERACTION = """
SELECT
  interaction_id,
  if(is_guest, 'G', 'F') || lpad(fan::TEXT, 9, '0') AS fan_id,
  CASE
    WHEN number % 1999 = 17 THEN 'TRIAL'
    WHEN is_guest THEN 'GUEST'
    WHEN number % 1201 = 5 THEN 'verified '
    WHEN fan % 3 = 0 THEN 'VERIFIED_LINKED'
    ELSE 'VERIFIED'
  END AS account_type,
  if(is_guest, NULL, lower(first_name || '.' || last_name) || '.' || fan || '@example.com')
    AS email,
  if(is_guest, NULL, first_name) AS first_name,
  if(is_guest, NULL, last_name) AS last_name,
  if(number % 1009 = 6, NULL, place.region) AS region,
  if(number % 1511 = 4, 'XX', place.country_code) AS country_code,
  device AS device_type,
  if(number % 1301 = 8, 'T-LOST', 'T-' || lpad(event.title::TEXT, 3, '0')) AS title_id,
  if(number % 1607 = 2, 'SHARE', event_type) AS event_type,
  strftime(
    if(number % 1709 = 1, event_at + INTERVAL 74 YEAR, event_at), '%Y-%m-%dT%H:%M:%SZ'
  ) AS event_timestamp,
  's-' || printf('%016x', hash(fan, 'session', event_at::DATE)) AS session_id,
  format('10.{{}}.{{}}.{{}}', pick(fan, 'a', 256), pick(fan, 'b', 256),
    pick(if(number % 5 = 0, number, fan), 'c', 254) + 1) AS ip_address,
  CASE WHEN event_type = 'PURCHASE' THEN round(
    if(number % 211 = 9, -1, 1) * (4.99 + 2.5 * pick(number, 'price', 7)) / place.rate_usd,
    if(place.rate_usd < 0.01, 0, 2)) END AS amount,
  CASE WHEN event_type = 'PURCHASE' THEN if(number % 223 = 3, 'XTS', place.currency) END
    AS currency
  {more}
FROM (
  SELECT
    *,
    pick(fan, 'kind', 10) >= 7 AS is_guest,
    word(fan, 'first', ['Ada', 'Ben', 'Chidi', 'Dana', 'Emre', 'Fatou', 'Goran', 'Hana', 'Ivo',
      'Jun', 'Kofi', 'Lea', 'Mateo', 'Nour', 'Olga', 'Priya']) AS first_name,
    word(fan, 'last', ['Abbot', 'Baker', 'Costa', 'Dlamini', 'Ekström', 'Farah', 'García', 'Haas',
      'Ito', 'Jansen', 'Kaya', 'Lopez', 'Meyer', 'Novak', 'Okafor', 'Park']) AS last_name,
    CASE
      WHEN {weekend} AND pick(number, 'seen', 10) < 7 THEN 14
      ELSE least(13, floor(14 * pow(chance(number, 'title'), 1.5)))
    END::BIGINT AS title,
    CASE
      WHEN chance(number, 'event') < {purchases} THEN 'PURCHASE'
      ELSE word(number, 'what', ['STREAM', 'STREAM', 'STREAM', 'STREAM', 'STREAM', 'TRAILER_VIEW',
        'TRAILER_VIEW', 'WISHLIST', 'REVIEW'])
    END AS event_type
  FROM ({events})
) AS event
JOIN place ON place.place = event.place
ORDER BY number
"""

BOX_OFFICE = """
SELECT
  record_id,
  'T-' || lpad(title::TEXT, 3, '0') AS title_id,
  'C' || lpad(theatre::TEXT, 6, '0') AS theater_id,
  format(if(theatre % 7 = 0, 'Odeon, Hall {{}}', 'Roxy {{}}'), theatre) AS name,
  region,
  country_code AS country,
  report_date,
  if(number % 1303 = 7, 'n/a', tickets::TEXT) AS tickets_sold,
  if(number % 1409 = 8, -1, 1) * gross_local AS gross_revenue_local,
  if(number % 1511 = 9, 'XTS', currency) AS local_currency,
  if(number % 1511 = 9, NULL, rate) AS exchange_rate_usd,
  CASE
    WHEN number % 1511 = 9 THEN NULL
    WHEN number % 1213 = 5 THEN round(gross_local * rate * 100, 2)
    ELSE if(number % 1409 = 8, -1, 1) * round(gross_local * rate, 2)
  END AS gross_revenue_usd,
  screens AS screen_count,
  screens * (2 + pick(number, 'shows', 4)) AS showtime_count
FROM (
  SELECT *, round(tickets * price / rate, 2)::DECIMAL(18, 2) AS gross_local
  FROM (
    SELECT
      showing.*,
      place.*,
      (1 + pick(number, 'screens', 3)) AS screens,
      round(if(currency = 'USD', 1, rate_usd * (0.98 + 0.04 * chance(report_date, currency))), 6)
        ::DECIMAL(18, 6) AS rate,
      (7 + pick(theatre, 'price', 600) / 100)::DECIMAL(18, 2) AS price,
      floor((20 + pick(number, 'tickets', 400)) * factor
        * if(dayofweek(report_date) IN (0, 5, 6), 1.6, 1))::BIGINT AS tickets
    FROM ({showings}) AS showing
    JOIN place ON place.place = place_of(showing.theatre)
  )
)
ORDER BY number
"""

# Lines that are no records; none of them names a person.
BROKEN_INTERACTIONS = (
    b'{"interaction_id": "BROKEN-1", "fan_id": "F0000',
    b'["BROKEN-2", "a list"]',
    b'{"account_type": "GUEST", "event_type": "STREAM"}',
    b'{"interaction_id": "BROKEN-4", "fan_id": "F\xff\xfe", "account_type": "GUEST"}',
    b"",
)
# What a feed can do wrong with every third of its rows: the feed, and replaced columns.
FAULTS = {
    "negative_revenue": (
        "box_office",
        "-gross_revenue_local AS gross_revenue_local, -gross_revenue_usd AS gross_revenue_usd",
    ),
    "unknown_currency": (
        "box_office",
        "'XTS' AS local_currency, NULL AS exchange_rate_usd, NULL AS gross_revenue_usd",
    ),
    "future_timestamps": ("fan_interactions", "'2099-01-01T00:00:00Z' AS event_timestamp"),
    "orphan_keys": ("fan_interactions", "'T-LOST' AS title_id"),
    "broken_numbers": ("box_office", "'n/a' AS tickets_sold"),
    "unknown_countries": ("fan_interactions", "'XX' AS country_code"),
}
BROKEN_JSON = "broken_json"  # a third more lines of fan_interactions, cut off
FAULT_NAMES = (*FAULTS, BROKEN_JSON)
BROKEN_BOX_OFFICE = (b"BROKEN-1,T-001,C000001", b"BROKEN-2,T-001" + b",1" * 15)


def write_batch(
    batch: int, folder: Path, scale: float = 1, faults: Collection[str] = ()
) -> list[Path]:
    """Write a batch of the three feeds below `folder`.

    Args:
        batch: 1, 2 or 3.
        folder: where `fan_interactions/`, `titles/` and `box_office/` are, or will be.
        scale: how many times the fans, interactions and theatres of the table above.
        faults: what the feeds do wrong with every third row, of `FAULT_NAMES`.

    Returns:
        The files, in the order of their names.

    """
    written = []
    with duckdb.connect() as connection:
        connection.execute(WORLD)
        for feed, number, query, suffix in _files(batch, scale):
            path = folder / feed / f"batch_{batch}_{number:03d}.{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            layout = {
                "jsonl": "FORMAT json",
                "json": "FORMAT json, ARRAY true",
                "csv": "FORMAT csv, HEADER true",
            }
            target = str(path).replace("'", "''")
            query = _faulty(query, feed, faults)
            connection.execute(f"COPY ({query}) TO '{target}' ({layout[suffix]})")
            if BROKEN_JSON in faults and feed == "fan_interactions":
                _break(path, [line[:40] for line in path.read_bytes().splitlines()[::3]])
            written.append(path)
    _break(written[0], BROKEN_INTERACTIONS)
    _break(next(one for one in written if one.suffix == ".csv"), BROKEN_BOX_OFFICE)
    return sorted(written)


def _faulty(query: str, feed: str, faults: Collection[str]) -> str:
    """Make every third row of a query wrong; each fault takes other rows."""
    for place, (name, (of_feed, columns)) in enumerate(FAULTS.items()):
        if name in faults and of_feed == feed:
            wrong = [part.rpartition(" AS ") for part in columns.split(", ")]
            replaced = ", ".join(
                f"if(_number % 3 = {place % 2}, {value}, {column}) AS {column}"
                for value, _, column in wrong
            )
            query = (
                f"SELECT * REPLACE ({replaced}) FROM "  # noqa: S608 - of FAULTS
                f"(SELECT *, row_number() OVER () AS _number FROM ({query}))"
            )
            query = f"SELECT * EXCLUDE (_number) FROM ({query})"  # noqa: S608
    return query


def _break(path: Path, lines: Sequence[bytes]) -> None:
    with path.open("ab") as file:
        file.writelines(line + b"\n" for line in lines)


def _files(batch: int, scale: float) -> Iterator[tuple[str, int, str, str]]:
    """Yield feed, number, query and suffix of each file of a batch."""
    events, count = _events(batch, scale)
    # Interactions that arrived before and arrive again, word for word.
    repeated = _events(1, scale)[0] if batch == 2 else None
    for number, start in enumerate(range(0, count, ROWS_A_FILE)):
        yield "fan_interactions", number, _interactions(batch, events, start), "jsonl"
    if repeated:
        again = f"SELECT * FROM ({repeated}) WHERE number % 360 = 11"  # noqa: S608
        yield "fan_interactions", number + 1, _interactions(1, again, 0, 1 << 60), "jsonl"
    yield "titles", 0, _titles(batch), "json"
    showings, count = _showings(batch, scale)
    for number, start in enumerate(range(0, count, ROWS_A_FILE)):
        part = f"SELECT * FROM ({showings}) WHERE {_within(start)}"  # noqa: S608
        yield "box_office", number, BOX_OFFICE.format(showings=part), "csv"


def _within(start: int, rows: int = ROWS_A_FILE) -> str:
    return f"number >= {start} AND number < {start + rows}"


def _interactions(batch: int, events: str, start: int, rows: int = ROWS_A_FILE) -> str:
    return INTERACTION.format(
        events=f"SELECT * FROM ({events}) WHERE {_within(start, rows)}",  # noqa: S608
        weekend=batch == 3,
        purchases=0.25 if batch == 3 else 0.1,
        more=", if(number % 997 = 0, '7.1', NULL) AS app_version" if batch == 2 else "",
    )


def _events(batch: int, scale: float) -> tuple[str, int]:
    """Return who does something when, as SQL, and how many rows that are."""
    fans, new_fans = round(FANS * scale), round(NEW_FANS * scale)
    weekend_fans = round(WEEKEND_FANS * scale)
    if batch == 1:
        count = round(INTERACTIONS * scale)
        return (
            f"""
            SELECT
              number,
              'I1-' || lpad(number::TEXT, 9, '0') AS interaction_id,
              fan,
              TIMESTAMP '2025-07-05' + to_days(CAST(
                CASE
                  WHEN number < {fans} THEN first_day
                  ELSE first_day + pick(number, 'day', 180 - first_day)
                END AS INT
              )) + to_seconds(pick(number, 'second', 86400)) AS event_at,
              place_of(fan) AS place,
              if(pick(number, 'other', 4) = 0, device_of(number), device_of(fan)) AS device
            FROM (
              SELECT *, pick(fan, 'first_day', 170) AS first_day
              FROM (
                SELECT
                  i AS number,
                  CASE
                    WHEN i < {fans} THEN i + 1
                    ELSE 1 + floor({fans} * pow(chance(i, 'fan'), 2))
                  END::BIGINT AS fan
                FROM range({count}) AS numbers(i)
              )
            )
            """,  # noqa: S608 - numbers of this module
            count,
        )
    if batch == 2:
        # by kind: new fans, fans who come back, late events, fans who moved, who changed device
        kinds = {
            "new": new_fans * 3,
            "back": round(fans / 10),
            "late": max(1, round(500 * scale)),
            "moved": fans // 67,
            "device": fans // 59 * 9,
        }
        selects, first = [], 0
        who = {
            "new": f"{fans} + 1 + i % {max(1, new_fans)}",
            "back": f"1 + pick(i, 'back', {fans})",
            "late": f"1 + pick(i, 'late', {fans})",
            "moved": "(i + 1) * 67",
            "device": "(i // 9 + 1) * 59",
        }
        for kind, count in kinds.items():
            selects.append(
                f"SELECT i + {first} AS number, '{kind}' AS kind, {who[kind]} AS fan "  # noqa: S608
                f"FROM range({count}) AS numbers(i)"
            )
            first += count
        return (
            f"""
            SELECT
              number,
              'I2-' || lpad(number::TEXT, 9, '0') AS interaction_id,
              fan,
              TIMESTAMP '2026-01-01'
                - to_days(CAST(if(kind = 'late', 1 + pick(number, 'late', 14), 0) AS INT))
                + to_seconds(pick(number, 'second', 86400)) AS event_at,
              (place_of(fan) + if(fan % 67 = 0 AND kind <> 'late', 1, 0)) % 12 AS place,
              CASE
                WHEN kind = 'device' THEN device_of(-fan)
                ELSE device_of(fan)
              END AS device
            FROM ({" UNION ALL ".join(selects)})
            """,  # noqa: S608 - numbers of this module
            first,
        )
    count = round(WEEKEND_INTERACTIONS * scale)
    known = fans + new_fans
    return (
        f"""
        SELECT
          number,
          'I3-' || lpad(number::TEXT, 9, '0') AS interaction_id,
          fan,
          TIMESTAMP '2026-01-02' + to_seconds(pick(number, 'second', 3 * 86400)) AS event_at,
          (place_of(fan) + if(fan % 67 = 0 AND fan <= {fans}, 1, 0)) % 12 AS place,
          device_of(fan) AS device
        FROM (
          SELECT
            i AS number,
            if(i < {weekend_fans}, {known} + 1 + i, 1 + pick(i, 'who', {known})) AS fan
          FROM range({count}) AS numbers(i)
        )
        """,  # noqa: S608 - numbers of this module
        count,
    )


def _showings(batch: int, scale: float) -> tuple[str, int]:
    """Return which theatre shows what on which day, as SQL, and the bound of their numbers."""
    theatres = round(THEATRES * scale)
    if batch > 1:
        theatres += max(1, round(NEW_THEATRES * scale))
    start, days, slots = {
        1: ("2025-07-05", 180, 3),
        2: ("2026-01-01", 1, 3),
        3: ("2026-01-02", 3, 4),
    }[batch]
    count = theatres * days * slots

    # Every programme lasts two weeks and counts from the first day, in whichever batch.
    def programme(first: str, number_of_days: int, number_of_slots: int, rows: int) -> str:
        return f"""
            SELECT
              *,
              CASE
                WHEN slot = 3 THEN 14
                ELSE (pick(theatre, 'programme', 5)
                  + (report_date - DATE '2025-07-05') // 14 + slot * 5) % 14
              END AS title
            FROM (
              SELECT
                i AS number,
                i // {number_of_slots} % {rows // number_of_days // number_of_slots} + 1 AS theatre,
                DATE '{first}' + CAST(
                  i // {rows // number_of_days} AS INT) AS report_date,
                i % {number_of_slots} AS slot
              FROM range({rows}) AS numbers(i)
            )
            """  # noqa: S608 - numbers of this module

    query = f"""
        SELECT
          number, format('B{batch}-{{:09d}}', number) AS record_id, theatre, title, report_date,
          if(slot = 3, 2.5, 1.0) AS factor
        FROM ({programme(start, days, slots, count)})
        WHERE pick(number, 'closed', 100) >= 7
        """  # noqa: S608 - numbers of this module
    if batch != 2:
        return query, count
    shown = round(THEATRES * scale) * 180 * 3
    corrections = max(1, round(200 * scale))
    every = max(1, shown // 18 // corrections)  # over the last ten days
    return (
        f"""
        {query}
        UNION ALL
        SELECT
          {count} + row_number() OVER (ORDER BY number) - 1,
          format('B2-C{{:08d}}', number),
          theatre, title, report_date, 0.9
        FROM ({programme("2025-07-05", 180, 3, shown)})
        WHERE pick(number, 'closed', 100) >= 7
          AND number >= {shown - shown // 18} AND number % {every} = 0
        """,  # noqa: S608 - numbers of this module
        count + corrections * 2,
    )


def _titles(batch: int) -> str:
    """Return the titles of a batch: all, then one that changed, then the one that opens."""
    which = {1: "TRUE", 2: "title = 13", 3: "title = 14"}[batch]
    return f"""
        SELECT
          'T-' || lpad(title::TEXT, 3, '0') AS title_id,
          title_name, franchise, genre, sub_genre, release_year, runtime_minutes,
          if({batch} = 3, 7.9, imdb_score) AS imdb_score,
          rating,
          if({batch} = 2, abs(budget_usd), budget_usd) AS budget_usd,
          'Marquee Pictures' AS studio,
          director,
          if(title = 14 AND {batch} = 1, 'POST_PRODUCTION', 'RELEASED') AS production_status,
          NULL AS imdb_id,
          90000000 + film AS tmdb_id
        FROM title
        WHERE {which}
        ORDER BY title
        """  # noqa: S608 - numbers of this module


def main(arguments: list[str] | None = None) -> int:
    """Write a batch and name its files; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m marquee.sandbox.studio",
        description="Write the three feeds of an invented film studio, dirt included.",
        epilog="then: the exports that it prints, and python pipelines/studio.py",
    )
    parser.add_argument("--batch", type=int, choices=BATCHES, default=1, help="default: 1")
    parser.add_argument("--to", type=Path, required=True, metavar="DIR", help="where to write")
    parser.add_argument(
        "--scale", type=float, default=1, metavar="N", help="times so much (default: 1)"
    )
    parser.add_argument(
        "--fault",
        choices=FAULT_NAMES,
        action="append",
        default=[],
        help="what every third row does wrong; may be given again",
    )
    options = parser.parse_args(arguments)
    if not 0.01 <= options.scale <= 1000:
        parser.error("--scale must be between 0.01 and 1000")
    for path in write_batch(options.batch, options.to, options.scale, options.fault):
        print(f"{path}  {path.stat().st_size:,} bytes")
    print(f"export STUDIO_URL={shlex.quote(str(options.to.resolve()))}")
    print(f"export STUDIO_TOKEN_KEY={shlex.quote(TOKEN_KEY)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
