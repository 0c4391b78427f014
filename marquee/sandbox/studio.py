"""A local sandbox of a film studio's three feeds: invented fans, real titles, a daily box office.

    python -m marquee.sandbox.studio --batch 1 --to studio_feed

The same batch and scale are the same bytes on every machine: everything is drawn from DuckDB's hash
of a row's number, never from a random state.

| batch | what arrives | at scale 1 |
|---|---|---|
| 1 | 245 days up to 2025-12-31 | 9,000 fans, 32,000 interactions, 15 titles, 60 theatres |
| 2 | 2026-01-01 | 1,500 fans more, 3 theatres more, and what a second day brings (below) |
| 3 | 2026-01-02 to 11 | a title opens: 1,000 fans more, 6,000 interactions, all theatres |

A second day brings fans who moved to another country, fans who changed their device, events that
come up to two weeks late, interactions delivered twice, corrections of the box office and newer
facts of a title.

What can be found in it:

- A campaign in May 2025 brought three times as many fans as another month. They return less often
  and buy less; guests return half as often as fans with an account.
- Regions differ in the franchises that they like, in devices, purchases and prices of tickets.
- The Matrix has few fans, and many of them buy; Ice Age and Shrek have many fans, and few buy.
- Shrek returns to the theatres on 2025-10-03, and The Lighthouse Keepers opens on 2026-01-02: each
  has a weekend at several times the usual box office, and loses a third of it every two days.
  Older titles lose a tenth a month, and earn most from Friday to Sunday.

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
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

import duckdb

BATCHES = (1, 2, 3)
# Planted in every batch: no line of the seed `account_types.csv` maps it.
UNMAPPED_TYPE = "TRIAL"
ROWS_A_FILE = 250_000

# The invented fans need no secret; a key of its own keeps the sandbox apart from real data.
TOKEN_KEY = "marquee sandbox: not a secret, for its fans are invented"  # noqa: S105

# Fans are numbered in the order in which they were first seen; those of the campaign come first.
CAMPAIGN_FANS, FANS, NEW_FANS, OPENING_FANS = 2_600, 9_000, 1_500, 1_000
OPENING_INTERACTIONS = 6_000
THEATRES, NEW_THEATRES, CORRECTIONS = 60, 3, 66
DAYS, MAY_DAYS, OPENING_DAYS = 245, 31, 10  # from FIRST_DAY on; of batch 3
FIRST_DAY, FIRST_SHOW = "2025-05-01", "2025-07-05"
VISITS = 4  # at most, in each of the nine months after a fan was first seen

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

# By franchise, in the order of the titles, the last one for the title of its own: the first title,
# how many; how often its fans buy, and for how much; how full its theatres are.
FRANCHISES = """
  (0, 0, 3, 0.12, 6.99, 0.6), (1, 3, 3, 0.04, 4.99, 1.0), (2, 6, 3, 0.30, 12.99, 0.5),
  (3, 9, 3, 0.06, 5.99, 1.2), (4, 12, 2, 0.13, 9.99, 1.5), (5, 14, 1, 0.25, 14.99, 1.0)
"""

# By region: the franchises that its fans like and the devices that they have, the more often the
# better; how much more often they buy than others, and the price of a ticket.
REGIONS = """
  ('North America', [0, 1, 2, 3, 3, 3, 4, 4, 4, 4], ['TV', 'TV', 'TV', 'CONSOLE', 'MOBILE', 'WEB', 'TABLET'], 1.4, 11),
  ('Europe', [0, 0, 0, 1, 1, 2, 3, 3, 3, 4], ['WEB', 'WEB', 'WEB', 'TV', 'TV', 'MOBILE', 'TABLET', 'CONSOLE'], 1.0, 9),
  ('Asia Pacific', [0, 1, 2, 2, 2, 3, 3, 4, 4, 4], ['MOBILE', 'MOBILE', 'MOBILE', 'MOBILE', 'TABLET', 'TV', 'WEB', 'CONSOLE'], 0.9, 7),
  ('Latin America', [0, 1, 1, 1, 1, 2, 3, 3, 4, 4], ['MOBILE', 'MOBILE', 'MOBILE', 'TV', 'WEB', 'TABLET', 'CONSOLE'], 0.5, 5)
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
CREATE TABLE franchise AS FROM (VALUES {FRANCHISES}) AS franchise(
  franchise, first_title, titles, purchases, price, audience);
CREATE TABLE place AS
  SELECT place.*, region.* EXCLUDE (region)
  FROM (VALUES {PLACES}) AS place(place, country_code, region, currency, rate_usd)
  JOIN (VALUES {REGIONS}) AS region(region, likes, devices, purchases, ticket_price)
    USING (region);
CREATE MACRO place_of(i) AS if(pick(i, 'home', 4) = 0, 0, pick(i, 'place', 12));
"""  # noqa: S608 - tables of this module
# Those of a scale: who came by the campaign, who has no account, how often somebody returns.
FANS_OF_A_SCALE = """
CREATE MACRO by_campaign(fan) AS fan <= {campaign_fans};
CREATE MACRO is_guest(fan) AS pick(fan, 'kind', 10) >= if(by_campaign(fan), 5, 7);
CREATE MACRO loyalty(fan) AS
  (0.4 + 1.2 * chance(fan, 'loyalty')) * if(is_guest(fan), 0.5, 1) * if(by_campaign(fan), 0.6, 1);
"""

# What a fan looks like when doing something; `event` says who does what to which title and when.
INTERACTION = """
SELECT
  interaction_id,
  if(is_guest(fan), 'G', 'F') || lpad(fan::TEXT, 9, '0') AS fan_id,
  CASE
    WHEN number % 661 = 17 THEN 'TRIAL'
    WHEN is_guest(fan) THEN 'GUEST'
    WHEN number % 401 = 5 THEN 'verified '
    WHEN fan % 3 = 0 THEN 'VERIFIED_LINKED'
    ELSE 'VERIFIED'
  END AS account_type,
  if(is_guest(fan), NULL, lower(first_name || '.' || last_name) || '.' || fan || '@example.com')
    AS email,
  if(is_guest(fan), NULL, first_name) AS first_name,
  if(is_guest(fan), NULL, last_name) AS last_name,
  if(number % 337 = 6, NULL, region) AS region,
  if(number % 503 = 4, 'XX', country_code) AS country_code,
  device AS device_type,
  if(number % 433 = 8, 'T-LOST', 'T-' || lpad(title::TEXT, 3, '0')) AS title_id,
  if(number % 541 = 2, 'SHARE', event_type) AS event_type,
  strftime(
    if(number % 569 = 1, event_at + INTERVAL 74 YEAR, event_at), '%Y-%m-%dT%H:%M:%SZ'
  ) AS event_timestamp,
  's-' || printf('%016x', hash(fan, 'session', event_at::DATE)) AS session_id,
  format('10.{{}}.{{}}.{{}}', pick(fan, 'a', 256), pick(fan, 'b', 256),
    pick(if(number % 5 = 0, number, fan), 'c', 254) + 1) AS ip_address,
  CASE WHEN event_type = 'PURCHASE' THEN round(
    if(number % 71 = 9, -1, 1) * (price + 2.5 * pick(number, 'price', 4)) / rate_usd,
    if(rate_usd < 0.01, 0, 2)) END AS amount,
  CASE WHEN event_type = 'PURCHASE' THEN if(number % 73 = 3, 'XTS', currency) END AS currency
  {more}
FROM (
  SELECT
    liked.*,
    franchise.price,
    first_title + pick(number, 'title', titles) AS title,
    CASE
      WHEN chance(number, 'event')
        < franchise.purchases * liked.purchases * if(is_guest(fan) OR by_campaign(fan), 0.5, 1)
        THEN 'PURCHASE'
      WHEN device IN ('MOBILE', 'TABLET') THEN word(number, 'what',
        ['STREAM', 'STREAM', 'TRAILER_VIEW', 'TRAILER_VIEW', 'WISHLIST', 'REVIEW'])
      ELSE word(number, 'what', ['STREAM', 'STREAM', 'STREAM', 'STREAM', 'TRAILER_VIEW', 'REVIEW'])
    END AS event_type
  FROM (
    SELECT
      event.*,
      place.* EXCLUDE (place, likes, devices),
      word(seed, 'device', home.devices) AS device,
      CASE
        WHEN {is_opening} AND pick(number, 'seen', 10) < 7 THEN 5
        ELSE word(if(pick(number, 'else', 4) = 0, number, fan), 'franchise', home.likes)
      END AS franchise,
      word(fan, 'first', ['Ada', 'Ben', 'Chidi', 'Dana', 'Emre', 'Fatou', 'Goran', 'Hana', 'Ivo',
        'Jun', 'Kofi', 'Lea', 'Mateo', 'Nour', 'Olga', 'Priya']) AS first_name,
      word(fan, 'last', ['Abbot', 'Baker', 'Costa', 'Dlamini', 'Ekström', 'Farah', 'García', 'Haas',
        'Ito', 'Jansen', 'Kaya', 'Lopez', 'Meyer', 'Novak', 'Okafor', 'Park']) AS last_name
    FROM event
    JOIN place ON place.place = event.place
    JOIN place AS home ON home.place = place_of(event.fan)
    WHERE number BETWEEN {first} AND {last}
  ) AS liked
  JOIN franchise USING (franchise)
)
ORDER BY number
"""

# Each number of `event` is an interaction; `seed` is what its device is drawn from.
EVENTS = {
    1: """
    CREATE OR REPLACE TABLE event AS
    SELECT
      row_number() OVER (ORDER BY i) - 1 AS number,
      format('I1-{{:09d}}', row_number() OVER (ORDER BY i) - 1) AS interaction_id,
      fan,
      DATE '{first_day}' + to_days(day::INT) + to_seconds(pick(i, 'second', 86400)) AS event_at,
      place_of(fan) AS place,
      if(pick(i, 'other', 4) = 0, i, fan) AS seed
    FROM (
      SELECT
        *,
        if(by_campaign(fan), pick(fan, 'day', {may_days}),
          {may_days} + (fan - {campaign_fans}) * ({days} - {may_days}) // ({fans} + 1
            - {campaign_fans})) + if(visit = 0, 0, 30 * (visit // {visits}) + pick(i, 'day', 30))
          AS day
      FROM (
        SELECT i, 1 + i // (9 * {visits}) AS fan, i % (9 * {visits}) AS visit
        FROM range({fans} * 9 * {visits}) AS numbers(i)
      )
      WHERE visit = 0 OR chance(i, 'visit') < 0.42 * loyalty(fan) / pow(1 + visit // {visits}, 0.7)
    )
    WHERE day < {days}
    """,
    # by kind: new fans, fans who return, late events, fans who moved, who changed their device
    2: """
    CREATE OR REPLACE TABLE event AS
    SELECT
      row_number() OVER (ORDER BY kind, i) - 1 AS number,
      format('I2-{{:09d}}', row_number() OVER (ORDER BY kind, i) - 1) AS interaction_id,
      fan,
      TIMESTAMP '2026-01-01'
        - to_days(if(kind = 'late', 1 + pick(i, 'late', 14), 0)::INT)
        + to_seconds(pick(fan * 100 + i, kind, 86400)) AS event_at,
      (place_of(fan) + if(fan % 67 = 0 AND kind <> 'late', 1, 0)) % 12 AS place,
      if(kind = 'device', -fan, fan) AS seed
    FROM (
      SELECT i, 'new' AS kind, {fans} + 1 + i % {new_fans} AS fan FROM range({new_fans} * 3) AS t(i)
      UNION ALL
      SELECT i, 'back', 1 + floor({fans} * pow(chance(i, 'back'), 0.5))::BIGINT
      FROM range({fans} // 20) AS t(i)
      UNION ALL SELECT i, 'late', 1 + pick(i, 'late', {fans}) FROM range({late}) AS t(i)
      UNION ALL SELECT i, 'moved', (i + 1) * 67 FROM range({fans} // 67) AS t(i)
      UNION ALL SELECT i, 'device', (i // 9 + 1) * 59 FROM range({fans} // 59 * 9) AS t(i)
    )
    """,
    3: """
    CREATE OR REPLACE TABLE event AS
    SELECT
      i AS number,
      format('I3-{{:09d}}', i) AS interaction_id,
      fan,
      TIMESTAMP '2026-01-02'
        + to_seconds(floor({opening_days} * 86400 * pow(chance(i, 'second'), 2))::BIGINT)
        AS event_at,
      (place_of(fan) + if(fan % 67 = 0 AND fan <= {fans}, 1, 0)) % 12 AS place,
      fan AS seed
    FROM (
      SELECT
        i,
        if(i < {opening_fans}, {known} + 1 + i, 1 + floor({known} * pow(chance(i, 'who'), 0.4)))
          ::BIGINT AS fan
      FROM range({opening_interactions}) AS numbers(i)
    )
    """,
}

# Which theatre shows which title on which day. Every programme lasts two weeks; the fourth screen
# is for a title that opens or returns, for four weeks.
SHOWINGS = """
CREATE OR REPLACE TABLE showing AS
SELECT
  row_number() OVER (ORDER BY report_date, theatre, slot) - 1 AS number,
  'B{batch}-' || format('{{:09d}}', number) AS record_id,
  hash(theatre, title, report_date) AS seed,
  1.0 AS share,
  *
FROM (
  SELECT
    *,
    CASE
      WHEN slot < 3 THEN (pick(theatre, 'programme', 5) + age // 14 + slot * 5) % 14
      WHEN report_date >= DATE '2026-01-02' THEN 14
      ELSE 9
    END AS title,
    CASE
      WHEN slot < 3 THEN exp(-age / 300.0)
      ELSE 0.2 + 5 * exp(-since_opening / 5.0)
    END AS interest
  FROM (
    SELECT
      theatre, slot, report_date,
      report_date - DATE '{first_show}' AS age,
      report_date - if(report_date < DATE '2026-01-02', DATE '2025-10-03', DATE '2026-01-02')
        AS since_opening
    FROM (
      SELECT 1 + i // 4 AS theatre, i % 4 AS slot, DATE '{start}' + day::INT AS report_date
      FROM range({theatres} * 4) AS slots(i), range({show_days}) AS days(day)
    )
  )
  WHERE slot < 3 OR since_opening BETWEEN 0 AND 27
)
WHERE hash(theatre, slot, report_date) % 100 >= 7
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
  if(number % 431 = 7, 'n/a', tickets::TEXT) AS tickets_sold,
  if(number % 467 = 8, -1, 1) * gross_local AS gross_revenue_local,
  if(number % 503 = 9, 'XTS', currency) AS local_currency,
  if(number % 503 = 9, NULL, rate) AS exchange_rate_usd,
  CASE
    WHEN number % 503 = 9 THEN NULL
    WHEN number % 401 = 5 THEN round(gross_local * rate * 100, 2)
    ELSE if(number % 467 = 8, -1, 1) * round(gross_local * rate, 2)
  END AS gross_revenue_usd,
  screens AS screen_count,
  screens * (2 + pick(seed, 'shows', 4)) AS showtime_count
FROM (
  SELECT *, round(tickets * price / rate, 2)::DECIMAL(18, 2) AS gross_local
  FROM (
    SELECT
      showing.*,
      place.*,
      (1 + pick(seed, 'screens', 3)) AS screens,
      round(if(currency = 'USD', 1, rate_usd * (0.98 + 0.04 * chance(report_date, currency))), 6)
        ::DECIMAL(18, 6) AS rate,
      (ticket_price + pick(theatre, 'price', 400) / 100)::DECIMAL(18, 2) AS price,
      floor((100 + pick(seed, 'tickets', 200)) * share * interest * franchise.audience
        * (0.6 + len(list_filter(likes, one -> one = franchise.franchise)) * 0.2)
        * [1.6, 0.9, 0.8, 0.8, 0.9, 1.4, 1.9][1 + dayofweek(report_date)])::BIGINT AS tickets
    FROM showing
    JOIN place ON place.place = place_of(showing.theatre)
    JOIN franchise ON showing.title - first_title BETWEEN 0 AND titles - 1
    WHERE number BETWEEN {first} AND {last}
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
    layouts = {
        "jsonl": "FORMAT json",
        "json": "FORMAT json, ARRAY true",
        "csv": "FORMAT csv, HEADER true",
    }
    with duckdb.connect() as connection:
        for feed, number, query, suffix in _files(connection, batch, scale):
            path = folder / feed / f"batch_{batch}_{number:03d}.{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            target = str(path).replace("'", "''")
            query = _faulty(query, feed, faults)
            connection.execute(f"COPY ({query}) TO '{target}' ({layouts[suffix]})")
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


def _files(
    connection: duckdb.DuckDBPyConnection, batch: int, scale: float
) -> Iterator[tuple[str, int, str, str]]:
    """Yield feed, number, query and suffix of each file of a batch."""

    def scaled(count: int) -> int:
        return max(1, round(count * scale))

    numbers = {
        "campaign_fans": scaled(CAMPAIGN_FANS),
        "fans": scaled(FANS),
        "new_fans": scaled(NEW_FANS),
        "late": scaled(150),
        "known": scaled(FANS) + scaled(NEW_FANS),
        "opening_fans": scaled(OPENING_FANS),
        "opening_interactions": scaled(OPENING_INTERACTIONS),
        "opening_days": OPENING_DAYS,
        "first_day": FIRST_DAY,
        "days": DAYS,
        "may_days": MAY_DAYS,
        "visits": VISITS,
    }
    connection.execute(WORLD)
    connection.execute(FANS_OF_A_SCALE.format(**numbers))
    more = ", if(number % 331 = 0, '7.1', NULL) AS app_version" if batch == 2 else ""
    connection.execute(EVENTS[batch].format(**numbers))
    number = 0
    for first, last in _parts(connection, "event"):
        query = INTERACTION.format(more=more, is_opening=batch == 3, first=first, last=last)
        yield "fan_interactions", number, query, "jsonl"
        number += 1
    if batch == 2:  # interactions that arrived before arrive again, word for word
        connection.execute(EVENTS[1].format(**numbers))
        again = INTERACTION.format(more="", is_opening=False, first=0, last=1 << 60)
        again = again.replace("WHERE number", "WHERE number % 120 = 11 AND number")
        yield "fan_interactions", number, again, "jsonl"
    yield "titles", 0, _titles(batch), "json"
    _show(connection, batch, scaled)
    for number, (first, last) in enumerate(_parts(connection, "showing")):
        yield "box_office", number, BOX_OFFICE.format(first=first, last=last), "csv"


def _parts(connection: duckdb.DuckDBPyConnection, table: str) -> Iterator[tuple[int, int]]:
    """Yield the first and the last number of each file of a table."""
    ((count,),) = connection.execute(f"SELECT count(*) FROM {table}").fetchall()  # noqa: S608
    for first in range(0, count, ROWS_A_FILE):
        yield first, first + ROWS_A_FILE - 1


def _show(connection: duckdb.DuckDBPyConnection, batch: int, scaled: Callable[[int], int]) -> None:
    """Create the table `showing` of a batch."""
    start, days = {
        1: (FIRST_SHOW, 180),
        2: ("2026-01-01", 1),
        3: ("2026-01-02", OPENING_DAYS),
    }[batch]
    theatres = scaled(THEATRES) + (scaled(NEW_THEATRES) if batch > 1 else 0)

    def create(of_batch: int, start: str, days: int, theatres: int) -> None:
        connection.execute(
            SHOWINGS.format(
                batch=of_batch,
                first_show=FIRST_SHOW,
                start=start,
                show_days=days,
                theatres=theatres,
            )
        )

    if batch == 2:  # corrections of the last ten days: a tenth fewer tickets
        create(1, "2025-12-22", 10, scaled(THEATRES))
        connection.execute("CREATE OR REPLACE TABLE corrected AS FROM showing")
    create(batch, start, days, theatres)
    if batch == 2:
        connection.execute(f"""
            INSERT INTO showing
            SELECT
              (SELECT count(*) FROM showing) + row_number() OVER (ORDER BY hash(seed)) - 1,
              format('B2-C{{:08d}}', number), seed, 0.9, * EXCLUDE (number, record_id, seed, share)
            FROM corrected
            ORDER BY hash(seed)
            LIMIT {scaled(CORRECTIONS)}
            """)  # noqa: S608 - a number


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
