"""A movie list of any size: the sandbox's 4,803 documents again and again, with new ids.

The sandbox's documents have one genre, one company and no overview. Here they have more of each,
so that a document has 1 to 2 KB, as TMDb's do.

Documents are written in SQL and for all movies at once, so that a million take a minute or two.
The same number of movies gives the same bytes. Each document has versions, for a warehouse that is
refreshed: in each, votes and popularity differ, and in every fourth the revenue.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from marquee.sandbox import documents as sandbox_documents
from marquee.sandbox.movies import load

# What differs by movie and version, as a number that no document has otherwise, and its SQL.
# `movie_id` and `version` are the row's; `popularity`, `votes` and `revenue` the document's own.
DRAWN = {
    "id": (7_777_777_771, "movie_id"),
    "popularity": (7_777_777_772, "popularity + (movie_id + version * 7) % 1000 / 1000"),
    "vote_count": (7_777_777_773, "votes + version"),
    "revenue": (7_777_777_774, "revenue + revenue * (version // 4) // 100"),
}


@contextmanager
def generator(path: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a DuckDB (in memory without a path) that has the templates `documents` reads."""
    rows: list[tuple[object, ...]] = []
    for document in _enriched():
        values = (document["popularity"], document["vote_count"], document["revenue"])
        document |= {field: number for field, (number, _) in DRAWN.items()}
        rows.append((len(rows), *values, sandbox_documents.encode(document).decode()))
    with duckdb.connect(str(path or ":memory:")) as connection:
        connection.execute(
            "CREATE TEMP TABLE templates (place BIGINT, popularity DOUBLE, votes BIGINT, "
            "revenue BIGINT, document TEXT)"
        )
        connection.executemany("INSERT INTO templates VALUES (?, ?, ?, ?, ?)", rows)
        yield connection


def _enriched() -> Iterator[sandbox_documents.Document]:
    """Yield the sandbox's documents with as many genres, companies and bytes as TMDb's have."""
    parsed = [sandbox_documents.parse(text) for text in load(None).documents.values()]
    for place, document in enumerate(parsed):
        for field, others in (("genres", 2), ("production_companies", 4)):
            neighbors = parsed[place : place + 1 + place % (others + 1)]
            listed = [one for other in neighbors for one in other[field]]
            document = {**document, field: list({one["id"]: one for one in listed}.values())}
        words = " ".join(other["title"] for other in parsed[place : place + 60])
        yield document | {"origin_country": ["US"], "overview": words}


def documents(movies: str) -> str:
    """SQL of a query with `movie_id`, `version` and `document` (TEXT).

    Args:
        movies: SQL of a relation with `movie_id` (BIGINT) and `version` (BIGINT).
    """
    text = "templates.document"
    for number, value in DRAWN.values():
        text = f"replace({text}, '{number}', ({value})::TEXT)"
    return (
        f"SELECT movie_id, version, {text} AS document FROM ({movies}) AS movies "
        "JOIN templates ON place = movie_id * 1009 % (SELECT COUNT(*) FROM templates)"
    )


def listed(count: int, version: int = 0, share: float = 1) -> str:
    """SQL of a version of a share of the movies 1 to `count`, others in each version."""
    return (
        f"SELECT range AS movie_id, {version}::BIGINT AS version FROM range(1, {count} + 1) "
        f"WHERE hash(range, {version}) % 1000000 < {share * 1_000_000:.0f}"
    )


def write_ndjson(path: Path, movies: str) -> None:
    """Write the documents of `movies` (SQL, see `documents`), a line each."""
    with generator() as connection:
        # A table is read by all threads, range() by one.
        connection.execute(f"CREATE TEMP TABLE listed AS {movies}")
        connection.execute(
            f"COPY (SELECT document FROM ({documents('FROM listed')})) TO '{path}' "
            "(FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\x01')"
        )
