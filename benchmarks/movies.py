"""A catalogue of any size: invented movies as `/movie/{id}` documents of 3 to 4 KB.

Everything is drawn from a hash of the seed and the movie's id, in SQL and for all movies at once,
so a million documents (3.5 GB) take a minute or two, and the same seed on the same DuckDB gives the
same bytes. The shape is TMDb's, with all its keys, and so is what is missing: most movies have no
budget, some no date, a few no genre. Real documents have 1 to 2 KB: these have longer overviews.

A document has versions, for a warehouse that is refreshed: in each, votes and popularity differ,
and in every fourth the revenue.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

import duckdb

SEED = 20260101
GENRES: Mapping[int, str] = {
    28: "Action",
    12: "Adventure",
    16: "Animation",
    35: "Comedy",
    80: "Crime",
    99: "Documentary",
    18: "Drama",
    10751: "Family",
    14: "Fantasy",
    36: "History",
    27: "Horror",
    10402: "Music",
    9648: "Mystery",
    10749: "Romance",
    878: "Science Fiction",
    10770: "TV Movie",
    53: "Thriller",
    10752: "War",
    37: "Western",
}
COUNTRIES = {
    "US": "United States of America",
    "FR": "France",
    "GB": "United Kingdom",
    "IN": "India",
    "JP": "Japan",
    "DE": "Germany",
    "ES": "Spain",
    "KR": "South Korea",
}
LANGUAGES = {
    "en": ("English", "English"),
    "fr": ("French", "Français"),
    "hi": ("Hindi", "हिन्दी"),
    "ja": ("Japanese", "日本語"),
    "de": ("German", "Deutsch"),
    "es": ("Spanish", "Español"),
    "ko": ("Korean", "한국어/조선말"),
    "cn": ("Cantonese", "广州话 / 廣州話"),
}
WORDS = [
    "a",
    "after",
    "again",
    "against",
    "alone",
    "always",
    "ancient",
    "and",
    "another",
    "as",
    "at",
    "battle",
    "beneath",
    "between",
    "beyond",
    "border",
    "brother",
    "café",
    "captain",
    "child",
    "city",
    "cold",
    "dark",
    "daughter",
    "day",
    "dead",
    "desert",
    "distant",
    "door",
    "dream",
    "during",
    "empire",
    "end",
    "escape",
    "every",
    "evidence",
    "family",
    "far",
    "father",
    "fire",
    "first",
    "for",
    "forgotten",
    "friend",
    "from",
    "ghost",
    "girl",
    "gold",
    "harbour",
    "heart",
    "her",
    "hidden",
    "his",
    "house",
    "if",
    "in",
    "island",
    "journey",
    "killer",
    "king",
    "last",
    "letter",
    "lies",
    "life",
    "light",
    "London",
    "long",
    "lost",
    "love",
    "lover",
    "man",
    "memory",
    "midnight",
    "moon",
    "mother",
    "mountain",
    "music",
    "must",
    "mystery",
    "name",
    "never",
    "night",
    "no",
    "north",
    "of",
    "old",
    "on",
    "one",
    "only",
    "orphan",
    "other",
    "out",
    "own",
    "past",
    "people",
    "play",
    "price",
    "queen",
    "rain",
    "red",
    "return",
    "river",
    "road",
    "robbery",
    "sea",
    "search",
    "season",
    "second",
    "secret",
    "señor",
    "shadow",
    "she",
    "silence",
    "sister",
    "sky",
    "small",
    "soldier",
    "son",
    "south",
    "stars",
    "storm",
    "story",
    "stranger",
    "summer",
    "sun",
    "that",
    "the",
    "their",
    "them",
    "they",
    "time",
    "to",
    "town",
    "train",
    "truth",
    "two",
    "under",
    "until",
    "village",
    "voice",
    "war",
    "water",
    "when",
    "where",
    "while",
    "who",
    "wild",
    "winter",
    "with",
    "without",
    "witness",
    "woman",
    "world",
    "year",
    "young",
]

PROSE_WORDS = 12_000  # invented prose that overviews and taglines are cut from
OVERVIEW_PIECES, PIECE_CHARACTERS = 6, 370
MAX_COMPANIES = 9

# How a value is drawn: `{movie}` is the column with the movie's id, `what` keeps draws apart.
DRAWS = """
CREATE OR REPLACE TEMP MACRO draw(movie, what) AS hash(movie, what, {seed});
CREATE OR REPLACE TEMP MACRO share(movie, what) AS
  (draw(movie, what) >> 11)::DOUBLE / 9007199254740992;
CREATE OR REPLACE TEMP MACRO pick(items, movie, what) AS
  items[(draw(movie, what) % len(items))::INT + 1];
CREATE OR REPLACE TEMP MACRO prose(movie, what, characters) AS
  substr(getvariable('prose'), (draw(movie, what) % {prose})::INT + 1, characters);
CREATE OR REPLACE TEMP MACRO picture(movie, what) AS
  '"/' || lower(to_hex(draw(movie, what))) || substr(lower(to_hex(draw(what, movie))), 1, 11)
  || '.jpg"';
CREATE OR REPLACE TEMP MACRO name_of(number, what) AS
  pick(getvariable('names'), number, what) || ' ' || pick(getvariable('names'), number, what + 1);
CREATE OR REPLACE TEMP MACRO overview(movie) AS {overview};
CREATE OR REPLACE TEMP MACRO popularity(movie, version) AS
  round(pow(share(movie, 30), 6) * 150 + 0.6
    + (draw(movie, 31) % 1000 + version * 7) % 1000 / 1000, 3);
CREATE OR REPLACE TEMP MACRO votes(movie, version) AS
  (pow(share(movie, 32), 8) * 30000)::BIGINT + version;
CREATE OR REPLACE TEMP MACRO vote(movie, version) AS
  CASE WHEN votes(movie, version) > 0
  THEN round(4 + 5 * share(movie, 33) + (version % 3) / 10, 1) ELSE 0 END;
CREATE OR REPLACE TEMP MACRO budget(movie) AS
  CASE WHEN share(movie, 34) < 0.25 THEN pow(10, 4 + 4.3 * share(movie, 35))::BIGINT ELSE 0 END;
CREATE OR REPLACE TEMP MACRO revenue(movie, version) AS
  CASE WHEN share(movie, 36) < 0.2
  THEN (pow(10, 4 + 5 * share(movie, 37)) * (1 + version // 4 / 100))::BIGINT ELSE 0 END;
CREATE OR REPLACE TEMP MACRO runtime(movie) AS
  CASE WHEN share(movie, 38) < 0.85 THEN 60 + (draw(movie, 39) % 90)::INT ELSE 0 END;
CREATE OR REPLACE TEMP MACRO status(movie) AS
  CASE WHEN share(movie, 40) < 0.96 THEN 'Released'
  ELSE pick(['Post Production', 'In Production', 'Planned', 'Rumored', 'Canceled'], movie, 41) END;
CREATE OR REPLACE TEMP MACRO released_on(movie) AS
  CASE WHEN share(movie, 42) < 0.03 THEN '' WHEN share(movie, 42) < 0.031 THEN '0000-00-00'
  ELSE strftime(DATE '2026-10-01' - (pow(share(movie, 43), 2.5) * 40000)::INT, '%Y-%m-%d') END;
CREATE OR REPLACE TEMP MACRO genre_list(movie) AS
  '[' || CASE WHEN share(movie, 44) < 0.04 THEN '' ELSE array_to_string(list_transform(
    range((1 + draw(movie, 45) % 4)::INT),
    lambda place: getvariable('genres')[((draw(movie, 46) + place * 5) % {genres})::INT + 1]
  ), ',') END || ']';
CREATE OR REPLACE TEMP MACRO company(number) AS
  '{{"id":' || number || ',"logo_path":'
  || CASE WHEN number % 3 = 0 THEN picture(number, 1) ELSE 'null' END
  || ',"name":"' || name_of(number, 2) || ' '
  || pick(['Pictures', 'Films', 'Entertainment', 'Studios', 'Productions'], number, 4)
  || '","origin_country":"' || CASE WHEN number % 5 < 2 THEN ''
  ELSE pick(getvariable('countries'), number, 5) END || '"}}';
-- A few companies make most of the movies; the place in the list keeps those of a movie apart.
CREATE OR REPLACE TEMP MACRO company_list(movie, at_most) AS
  '[' || array_to_string(list_transform(
    range((pow(share(movie, 47), 0.6) * (at_most + 1))::INT % (at_most + 1)),
    lambda place: company(
      (1 + place + {companies} * (pow(share(movie, 50 + place), 3) * 20000)::BIGINT)::BIGINT
    )
  ), ',') || ']';
"""

DOCUMENT = """
'{{"adult":' || CASE WHEN share(movie_id, 1) < 0.01 THEN 'true' ELSE 'false' END
|| ',"backdrop_path":' || picture(movie_id, 2)
|| ',"belongs_to_collection":' || CASE WHEN share(movie_id, 3) < 0.08
  THEN '{{"id":' || (10000 + draw(movie_id, 4) % 20000)
  || ',"name":"' || name_of(draw(movie_id, 4) % 20000, 5) || ' Collection","poster_path":'
  || picture(movie_id, 7) || ',"backdrop_path":' || picture(movie_id, 8) || '}}'
  ELSE 'null' END
|| ',"budget":' || budget(movie_id)
|| ',"genres":' || genre_list(movie_id)
|| ',"homepage":"' || CASE WHEN share(movie_id, 9) < 0.3
  THEN 'https://www.example.com/movies/' || lower(to_hex(draw(movie_id, 9))) ELSE '' END
|| '","id":' || movie_id
|| ',"imdb_id":' || CASE WHEN share(movie_id, 10) < 0.7
  THEN '"tt' || lpad(movie_id::TEXT, 7, '0') || '"' ELSE 'null' END
|| ',"origin_country":["' || pick(getvariable('countries'), movie_id, 11) || '"]'
|| ',"original_language":"' || pick(getvariable('language_codes'), movie_id, 12)
|| '","original_title":"' || name_of(movie_id, 13) || ' ' || movie_id
|| '","overview":"' || overview(movie_id) || '."'
|| ',"popularity":' || popularity(movie_id, version)
|| ',"poster_path":' || picture(movie_id, 15)
|| ',"production_companies":' || company_list(movie_id, {companies})
|| ',"production_countries":[' || pick(getvariable('country_entries'), movie_id, 16)
|| '],"release_date":"' || released_on(movie_id)
|| '","revenue":' || revenue(movie_id, version)
|| ',"runtime":' || runtime(movie_id)
|| ',"spoken_languages":[' || pick(getvariable('language_entries'), movie_id, 17)
|| '],"status":"' || status(movie_id)
|| '","tagline":"' || CASE WHEN share(movie_id, 18) < 0.4
  THEN prose(movie_id, 18, 50) || '.' ELSE '' END
|| '","title":"' || name_of(movie_id, 13) || ' ' || movie_id
|| '","video":false,"vote_average":' || vote(movie_id, version)
|| ',"vote_count":' || votes(movie_id, version) || '}}'
"""

# What a history reads of a movie, and hardly more: some 300 bytes.
SLIM_DOCUMENT = """
'{{"budget":' || budget(movie_id)
|| ',"genres":[' || pick(getvariable('genres'), movie_id, 46)
|| '],"id":' || movie_id
|| ',"popularity":' || popularity(movie_id, version)
|| ',"production_companies":[' || company((draw(movie_id, 47) % 5000)::BIGINT + 1)
|| '],"release_date":"' || released_on(movie_id)
|| '","revenue":' || revenue(movie_id, version)
|| ',"runtime":' || runtime(movie_id)
|| ',"status":"' || status(movie_id)
|| '","title":"' || name_of(movie_id, 13) || ' ' || movie_id
|| '","video":false,"vote_average":' || vote(movie_id, version)
|| ',"vote_count":' || votes(movie_id, version) || '}}'
"""


@contextmanager
def generator(path: Path | None = None, seed: int = SEED) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a DuckDB (in memory without a path) that knows the macros `documents` is made of."""
    chance = random.Random(seed)
    # ASCII only: in other texts a place is found by counting from the beginning.
    prose = " ".join(chance.choices([one for one in WORDS if one.isascii()], k=PROSE_WORDS))
    with duckdb.connect(str(path or ":memory:")) as connection:
        variables = {
            "prose": prose,
            "names": [word.capitalize() for word in WORDS],
            "genres": genre_entries(),
            "countries": list(COUNTRIES),
            "country_entries": [
                f'{{"iso_3166_1":"{key}","name":"{name}"}}' for key, name in COUNTRIES.items()
            ],
            "language_codes": list(LANGUAGES),
            "language_entries": [
                f'{{"english_name":"{english}","iso_639_1":"{key}","name":"{name}"}}'
                for key, (english, name) in LANGUAGES.items()
            ],
        }
        for name, values in variables.items():
            connection.execute(f"SET VARIABLE {name} = $1", [values])
        pieces = (
            f"prose(movie, {100 + place}, {PIECE_CHARACTERS})" for place in range(OVERVIEW_PIECES)
        )
        connection.execute(
            DRAWS.format(
                seed=seed,
                genres=len(GENRES),
                companies=MAX_COMPANIES,
                prose=len(prose) - PIECE_CHARACTERS,
                overview=" || ' ' || ".join(pieces),
            )
        )
        yield connection


def genre_entries() -> list[str]:
    """Return the genres as entries of a list of genres."""
    return [f'{{"id":{key},"name":"{name}"}}' for key, name in GENRES.items()]


def documents(movies: str, *, is_slim: bool = False) -> str:
    """SQL of a query with `movie_id`, `version` and `document` (TEXT).

    Args:
        movies: SQL of a relation with `movie_id` (BIGINT) and `version` (BIGINT).
        is_slim: documents of 300 bytes instead of 3 to 4 KB.

    """
    document = (SLIM_DOCUMENT if is_slim else DOCUMENT).format(companies=MAX_COMPANIES)
    return f"SELECT movie_id, version, {document} AS document FROM ({movies})"


def all_movies(count: int) -> str:
    """SQL of the movies 1 to `count` in their first version."""
    return f"SELECT range AS movie_id, 0::BIGINT AS version FROM range(1, {count} + 1)"


def changed_movies(count: int, version: int, share: float) -> str:
    """SQL of the movies of which a version exists, that share of all."""
    return (
        f"SELECT range AS movie_id, {version}::BIGINT AS version FROM range(1, {count} + 1) "
        f"WHERE share(range, {1_000_000 + version}) < {share}"
    )


def write_ndjson(path: Path, movies: str, seed: int = SEED) -> None:
    """Write the documents of `movies` (SQL, see `documents`), a line each."""
    with generator(seed=seed) as connection:
        # A table is read by all threads, range() by one.
        connection.execute(f"CREATE TEMP TABLE movies AS {movies}")
        connection.execute(
            f"COPY (SELECT document FROM ({documents('FROM movies')})) TO '{path}' "
            "(FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\x01')"
        )


def write_export(folder: str, count: int, seed: int = SEED) -> None:
    """Write today's id export, gzip NDJSON that lists the movies 1 to `count`, into a folder."""
    name = f"movie_ids_{datetime.now(timezone.utc):%m_%d_%Y}.json.gz"
    with generator(seed=seed) as connection:
        connection.execute(
            f"""
            COPY (
              SELECT '{{"adult":false,"id":' || movie_id || ',"original_title":"'
                || name_of(movie_id, 13) || ' ' || movie_id || '","popularity":'
                || popularity(movie_id, version) || ',"video":false}}'
              FROM ({all_movies(count)})
            ) TO '{folder}/{name}'
            (FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\x01', COMPRESSION gzip)
            """
        )


def write_first_movies(path: str, count: int) -> None:
    """Write the movies 1 to `count` as NDJSON."""
    write_ndjson(Path(path), all_movies(count))


def write_changed_movies(path: str, count: int, version: int, share: float) -> None:
    """Write a later version of a share of the movies 1 to `count`, others each time, as NDJSON."""
    write_ndjson(Path(path), changed_movies(count, version, share))
