/* The sandbox's studio, drawn from hashes of numbers. `studio.py` sets the variables, writes the files.

   A second day brings fans who moved to another country, fans who changed their device, events that
   come up to two weeks late, interactions delivered twice, corrections of the box office and newer
   facts of a title.

   What can be found in it:

   - A campaign in May 2025 brought three times as many fans as another month. They return less often
     and buy less; guests return half as often as fans with an account.
   - Regions differ in the franchises that they like, in devices, purchases and prices of tickets.
   - The Matrix has few fans, and many of them buy; Ice Age and Shrek have many fans, and few buy.
   - Shrek returns to the theatres on 2025-11-28, and The Lighthouse Keepers opens on 2026-01-02: each
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
   - passed over: a blank line. */

CREATE MACRO drawn(i, salt) AS hash((hash(i) >> 2)::BIGINT + (hash(salt) >> 2)::BIGINT);
CREATE MACRO pick(i, salt, n) AS (drawn(i, salt) % n)::BIGINT;
CREATE MACRO chance(i, salt) AS (drawn(i, salt) % 1000000007) / 1000000007.0;
CREATE MACRO word(i, salt, words) AS words[1 + pick(i, salt, len(words))];

-- A movie of the TMDb sandbox has 90,000,000 more than `film`, its row in data/movies.csv.
CREATE TABLE title AS FROM (VALUES
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
) AS title(
  title, title_name, franchise, genre, sub_genre, release_year, runtime_minutes, imdb_score, rating,
  budget_usd, director, film
);

-- The first title and how many; how often fans buy and for how much; how full the theatres are.
CREATE TABLE franchise AS FROM (VALUES
  (0, 'Bourne', 0, 3, 0.12, 6.99, 0.6),
  (1, 'Ice Age', 3, 3, 0.04, 4.99, 1.0),
  (2, 'The Matrix', 6, 3, 0.30, 12.99, 0.5),
  (3, 'Shrek', 9, 3, 0.06, 5.99, 1.2),
  (4, 'Spider-Man', 12, 2, 0.13, 9.99, 1.5),
  (5, 'The Lighthouse Keepers', 14, 1, 0.25, 14.99, 1.0)
) AS franchise(franchise, name, first_title, titles, purchases, price, audience);

-- The franchises that fans like and the devices that they have, repeated by weight; how much more
-- often they buy than elsewhere, and the price of a ticket.
CREATE TABLE region AS FROM (VALUES
  (
    'North America', [0, 1, 2, 3, 3, 3, 4, 4, 4, 4],
    ['TV', 'TV', 'TV', 'CONSOLE', 'MOBILE', 'WEB', 'TABLET'], 1.4, 11
  ),
  (
    'Europe', [0, 0, 0, 1, 1, 2, 3, 3, 3, 4],
    ['WEB', 'WEB', 'WEB', 'TV', 'TV', 'MOBILE', 'TABLET', 'CONSOLE'], 1.0, 9
  ),
  (
    'Asia Pacific', [0, 1, 2, 2, 2, 3, 3, 4, 4, 4],
    ['MOBILE', 'MOBILE', 'MOBILE', 'MOBILE', 'TABLET', 'TV', 'WEB', 'CONSOLE'], 0.9, 7
  ),
  (
    'Latin America', [0, 1, 1, 1, 1, 2, 3, 3, 4, 4],
    ['MOBILE', 'MOBILE', 'MOBILE', 'TV', 'WEB', 'TABLET', 'CONSOLE'], 0.5, 5
  )
) AS region(region, likes, devices, purchases, ticket_price);

-- Neighbours in this list are of different regions: a fan who moves to the next one changes region.
CREATE TABLE place AS
SELECT place.*, region.* EXCLUDE (region)
FROM (VALUES
  (0, 'USA', 'North America', 'USD', 1.0),
  (1, 'GBR', 'Europe', 'GBP', 1.27),
  (2, 'JPN', 'Asia Pacific', 'JPY', 0.0066),
  (3, 'BRA', 'Latin America', 'BRL', 0.18),
  (4, 'CAN', 'North America', 'CAD', 0.73),
  (5, 'DEU', 'Europe', 'EUR', 1.09),
  (6, 'KOR', 'Asia Pacific', 'KRW', 0.00072),
  (7, 'MEX', 'Latin America', 'MXN', 0.055),
  (8, 'FRA', 'Europe', 'EUR', 1.09),
  (9, 'AUS', 'Asia Pacific', 'AUD', 0.66),
  (10, 'ESP', 'Europe', 'EUR', 1.09),
  (11, 'IND', 'Asia Pacific', 'INR', 0.012)
) AS place(place, country_code, region, currency, rate_usd)
JOIN region USING (region);
CREATE MACRO place_of(i) AS if(pick(i, 'home', 4) = 0, 0, pick(i, 'place', 12));

-- Fans are numbered in the order in which they were first seen; those of the campaign come first.
CREATE MACRO by_campaign(fan) AS fan <= getvariable('campaign_fans');
CREATE MACRO is_guest(fan) AS pick(fan, 'kind', 10) >= if(by_campaign(fan), 5, 7);
CREATE MACRO loyalty(fan) AS
  (0.4 + 1.2 * chance(fan, 'loyalty')) * if(is_guest(fan), 0.5, 1) * if(by_campaign(fan), 0.6, 1);
-- Every 67th fan lives in another country from batch 2 on.
CREATE MACRO place_later(fan) AS
  (place_of(fan) + if(fan % 67 = 0 AND fan <= getvariable('fans'), 1, 0)) % 12;

-- Who does something when, by batch; `seed` is what the device is drawn from.
CREATE TABLE event (number BIGINT, fan BIGINT, event_at TIMESTAMP, place BIGINT, seed BIGINT);

-- 36 chances to return per fan, four in each of the nine months after the first day.
CREATE MACRO events_1() AS TABLE
SELECT
  row_number() OVER (ORDER BY i) - 1 AS number,
  fan,
  DATE '2025-05-01' + to_days(day::INT) + to_seconds(pick(i, 'second', 86400)) AS event_at,
  place_of(fan) AS place,
  if(pick(i, 'other', 4) = 0, i, fan) AS seed
FROM (
  SELECT
    *,
    if(
      by_campaign(fan),
      pick(fan, 'day', 31),
      31 + (fan - getvariable('campaign_fans')) * 214
        // (getvariable('fans') + 1 - getvariable('campaign_fans'))
    ) + if(visit = 0, 0, 30 * (visit // 4) + pick(i, 'day', 30)) AS day
  FROM (
    SELECT i, 1 + i // 36 AS fan, i % 36 AS visit
    FROM range(getvariable('fans') * 36) AS numbers(i)
  )
  WHERE visit = 0 OR chance(i, 'visit') < 0.42 * loyalty(fan) / pow(1 + visit // 4, 0.7)
)
WHERE day < 245;

-- New fans, fans who return, late events, fans who moved, fans who changed their device.
CREATE MACRO events_2() AS TABLE
SELECT
  row_number() OVER (ORDER BY kind, i) - 1 AS number,
  fan,
  TIMESTAMP '2026-01-01'
    - to_days(if(kind = 'late', 1 + pick(i, 'late', 14), 0)::INT)
    + to_seconds(pick(fan * 100 + i, kind, 86400)) AS event_at,
  if(kind = 'late', place_of(fan), place_later(fan)) AS place,
  if(kind = 'device', -fan, fan) AS seed
FROM (
  SELECT i, 'new' AS kind, getvariable('fans') + 1 + i % getvariable('new_fans') AS fan
  FROM range(getvariable('new_fans') * 3) AS numbers(i)
  UNION ALL
  SELECT i, 'back', 1 + floor(getvariable('fans') * pow(chance(i, 'back'), 0.5))::BIGINT
  FROM range(getvariable('fans') // 20) AS numbers(i)
  UNION ALL
  SELECT i, 'late', 1 + pick(i, 'late', getvariable('fans'))
  FROM range(getvariable('late')) AS numbers(i)
  UNION ALL
  SELECT i, 'moved', (i + 1) * 67
  FROM range(getvariable('fans') // 67) AS numbers(i)
  UNION ALL
  SELECT i, 'device', (i // 9 + 1) * 59
  FROM range(getvariable('fans') // 59 * 9) AS numbers(i)
);

CREATE MACRO events_3() AS TABLE
SELECT
  i AS number,
  fan,
  TIMESTAMP '2026-01-02'
    + to_seconds(floor(10 * 86400 * pow(chance(i, 'second'), 2))::BIGINT) AS event_at,
  place_later(fan) AS place,
  fan AS seed
FROM (
  SELECT
    i,
    if(
      i < getvariable('opening_fans'),
      known + 1 + i,
      1 + floor(known * pow(chance(i, 'who'), 0.4))
    )::BIGINT AS fan
  FROM (
    SELECT i, getvariable('fans') + getvariable('new_fans') AS known
    FROM range(getvariable('opening_interactions')) AS numbers(i)
  )
);

-- What the events of a batch look like in the feed; the table `event` has those of the batch.
CREATE MACRO interactions(batch) AS TABLE
SELECT
  number,
  format('I{}-{:09d}', batch, number) AS interaction_id,
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
  format(
    '10.{}.{}.{}',
    pick(fan, 'a', 256),
    pick(fan, 'b', 256),
    pick(if(number % 5 = 0, number, fan), 'c', 254) + 1
  ) AS ip_address,
  CASE
    WHEN event_type = 'PURCHASE' THEN round(
      if(number % 71 = 9, -1, 1) * (price + 2.5 * pick(number, 'price', 4)) / rate_usd,
      if(rate_usd < 0.01, 0, 2)
    )
  END AS amount,
  CASE WHEN event_type = 'PURCHASE' THEN if(number % 73 = 3, 'XTS', currency) END AS currency
FROM (
  SELECT
    liked.*,
    franchise.price,
    first_title + pick(number, 'title', titles) AS title,
    CASE
      WHEN chance(number, 'event')
        < franchise.purchases * liked.purchases * if(is_guest(fan) OR by_campaign(fan), 0.5, 1)
        THEN 'PURCHASE'
      WHEN device IN ('MOBILE', 'TABLET') THEN word(
        number,
        'what',
        ['STREAM', 'STREAM', 'TRAILER_VIEW', 'TRAILER_VIEW', 'WISHLIST', 'REVIEW']
      )
      ELSE word(number, 'what', ['STREAM', 'STREAM', 'STREAM', 'STREAM', 'TRAILER_VIEW', 'REVIEW'])
    END AS event_type
  FROM (
    SELECT
      event.*,
      place.* EXCLUDE (place, likes, devices),
      word(seed, 'device', home.devices) AS device,
      CASE
        WHEN batch = 3 AND pick(number, 'seen', 10) < 7 THEN 5
        ELSE word(if(pick(number, 'else', 4) = 0, number, fan), 'franchise', home.likes)
      END AS franchise,
      word(
        fan,
        'first',
        ['Ada', 'Ben', 'Chidi', 'Dana', 'Emre', 'Fatou', 'Goran', 'Hana', 'Ivo', 'Jun', 'Kofi',
          'Lea', 'Mateo', 'Nour', 'Olga', 'Priya']
      ) AS first_name,
      word(
        fan,
        'last',
        ['Abbot', 'Baker', 'Costa', 'Dlamini', 'Ekström', 'Farah', 'García', 'Haas', 'Ito',
          'Jansen', 'Kaya', 'Lopez', 'Meyer', 'Novak', 'Okafor', 'Park']
      ) AS last_name
    FROM event
    JOIN place ON place.place = event.place
    JOIN place AS home ON home.place = place_of(event.fan)
  ) AS liked
  JOIN franchise USING (franchise)
);

-- Which theatre shows which title on which day. Every programme lasts two weeks; the fourth screen
-- is for a title that opens or returns, for four weeks.
CREATE TABLE showing (
  number BIGINT, record_id TEXT, seed UBIGINT, share DOUBLE, theatre BIGINT, report_date DATE,
  title BIGINT, interest DOUBLE
);
CREATE MACRO showings(batch, first_day, days, theatres) AS TABLE
SELECT
  row_number() OVER (ORDER BY report_date, theatre, slot) - 1 AS number,
  format('B{}-{:09d}', batch, number) AS record_id,
  hash(theatre, title, report_date) AS seed,
  1.0 AS share,
  theatre,
  report_date,
  title,
  interest
FROM (
  SELECT
    *,
    CASE
      WHEN slot < 3 THEN (pick(theatre, 'programme', 5) + age // 14 + slot * 5) % 14
      ELSE opening
    END AS title,
    CASE
      WHEN slot < 3 THEN exp(-age / 300.0)
      ELSE 0.2 + 5 * exp(-since_opening / 5.0)
    END AS interest
  FROM (
    SELECT
      *,
      report_date - DATE '2025-07-05' AS age,
      if(report_date < DATE '2026-01-02', 9, 14) AS opening,
      report_date - if(opening = 9, DATE '2025-11-28', DATE '2026-01-02') AS since_opening
    FROM (
      SELECT 1 + i // 4 AS theatre, i % 4 AS slot, first_day::DATE + day::INT AS report_date
      FROM range(theatres * 4) AS slots(i), range(days) AS days(day)
    )
  )
)
WHERE hash(theatre, slot, report_date) % 100 >= 7
  AND (slot = 3) = (title = opening AND since_opening BETWEEN 0 AND 27);

-- What a batch reports of the theatres.
CREATE MACRO showings_1() AS TABLE
FROM showings(1, '2025-07-05', 180, getvariable('theatres'));

CREATE MACRO showings_2() AS TABLE
FROM showings(2, '2026-01-01', 1, getvariable('theatres') + getvariable('new_theatres'));

CREATE MACRO showings_3() AS TABLE
FROM showings(3, '2026-01-02', 10, getvariable('theatres') + getvariable('new_theatres'));

-- Corrections of the ten days before batch 2, behind what it reports: a tenth fewer tickets.
CREATE MACRO corrections() AS TABLE
SELECT
  (SELECT count(*) FROM showing) + row_number() OVER (ORDER BY hash(seed)) - 1,
  format('B2-C{:08d}', number),
  seed,
  0.9,
  * EXCLUDE (number, record_id, seed, share)
FROM showings(1, '2025-12-22', 10, getvariable('theatres'))
ORDER BY hash(seed)
LIMIT getvariable('corrections');

-- What the table `showing` looks like in the feed.
CREATE MACRO box_office() AS TABLE
SELECT
  number,
  record_id,
  'T-' || lpad(title::TEXT, 3, '0') AS title_id,
  'C' || lpad(theatre::TEXT, 6, '0') AS theater_id,
  format(if(theatre % 7 = 0, 'Odeon, Hall {}', 'Roxy {}'), theatre) AS name,
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
      1 + pick(seed, 'screens', 3) AS screens,
      round(
        if(currency = 'USD', 1, rate_usd * (0.98 + 0.04 * chance(report_date, currency))), 6
      )::DECIMAL(18, 6) AS rate,
      (ticket_price + pick(theatre, 'price', 400) / 100)::DECIMAL(18, 2) AS price,
      floor(
        (100 + pick(seed, 'tickets', 200)) * share * interest * franchise.audience
        * (0.6 + len(list_filter(likes, one -> one = franchise.franchise)) * 0.2)
        * [1.6, 0.9, 0.8, 0.8, 0.9, 1.4, 1.9][1 + dayofweek(report_date)]
      )::BIGINT AS tickets
    FROM showing
    JOIN place ON place.place = place_of(showing.theatre)
    JOIN franchise ON showing.title - first_title BETWEEN 0 AND titles - 1
  )
);

-- All titles, then one that changed, then the one that opens.
CREATE MACRO titles(batch) AS TABLE
SELECT
  'T-' || lpad(title::TEXT, 3, '0') AS title_id,
  title_name,
  franchise,
  genre,
  sub_genre,
  release_year,
  runtime_minutes,
  if(batch = 3, 7.9, imdb_score) AS imdb_score,
  rating,
  if(batch = 2, abs(budget_usd), budget_usd) AS budget_usd,
  'Marquee Pictures' AS studio,
  director,
  if(title = 14 AND batch = 1, 'POST_PRODUCTION', 'RELEASED') AS production_status,
  NULL AS imdb_id,
  90000000 + film AS tmdb_id
FROM title
WHERE batch = 1 OR title = if(batch = 2, 13, 14)
ORDER BY title;
