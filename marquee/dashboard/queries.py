"""All queries of the dashboard and of the report, in SQL of both engines; pages only draw.

A filter is part of its query, so that a limit applies to what was requested. Each function takes
the store and returns a table with the columns of its SELECT, an empty one if a table is missing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from marquee.core.text import read_query
from marquee.monitoring import checks
from marquee.monitoring.store import LAYERS, Store, records
from marquee.monitoring.thresholds import Thresholds

SQL = Path(__file__).with_name("sql")
SAMPLE_ROWS = 20
LISTED = 500  # rows of a long list: movies, runs, loads
FOUND = 50  # movies of a search

READ = re.compile(rf"\b(?:FROM|JOIN)\s+((?:{'|'.join(LAYERS)})\.\w+)")

# By the names of their files. All movies are searched, those too that nobody votes for or TMDb no
# longer has; the second search is for a role that reads gold only.
ALL_MOVIES = {"table": "silver.silver_movies", "is_deleted": "is_deleted"}
QUERIES = {
    path.stem: read_query(SQL, path.stem, LISTED=LISTED, FOUND=FOUND, **ALL_MOVIES)
    for path in SQL.glob("*.sql")
}
QUERIES |= {name: read_query(checks.SQL, f"newest_{name}") for name in ("audits", "metrics")}
QUERIES["movie_search_in_gold"] = read_query(
    SQL, "movie_search", FOUND=FOUND, table="gold.fact_movies", is_deleted="FALSE"
)
# Popularity moves every day and would hide the rest.
TRACKED = ["status", "budget_usd", "revenue_usd", "runtime_minutes", "vote_average"]


def answer(store: Store, name: str, *parameters: Any) -> pd.DataFrame:
    """Return the answer to one of `QUERIES`, an empty table where one that it reads is missing.

    `parameters` are the values of its question marks.
    """
    query = QUERIES[name]
    is_readable = store.tables().keys() >= set(READ.findall(query))
    return store.frame(query, parameters) if is_readable else pd.DataFrame()


def row_counts(store: Store) -> pd.DataFrame:
    """Count the rows of every table now: `layer`, `table_name`, `row_count`."""
    names = [
        name for name in sorted(store.tables()) if not name.partition(".")[2].startswith("_dlt")
    ]
    if not names:
        return pd.DataFrame(columns=["layer", "table_name", "row_count"])
    query = " UNION ALL ".join(
        f"SELECT '{name}' AS table_name, COUNT(*) AS row_count FROM {name}"  # noqa: S608
        for name in names
    )
    counts = store.frame(query)
    counts.insert(0, "layer", counts["table_name"].str.partition(".")[0])
    return counts


def growth(
    history: pd.DataFrame, layer: str, now: int, since: datetime | None = None
) -> tuple[int, datetime] | None:
    """Tell by how many rows a layer grew to what it has `now`, and since when.

    `history` is the answer to `layer_history`, and `since` the moment to compare with; None for the
    last count that was another one.

    Returns:
        The change, and the moment of the count it is measured from: the last one at `since` or
        before it, or the first there is. None where there is none to compare with.
    """
    counts = history[history["layer"] == layer] if len(history) else history
    if counts.empty:
        return None
    is_before = counts["row_count"] != now if since is None else counts["counted_at"] <= since
    then = counts[is_before]
    before = then.iloc[-1] if len(then) else counts.iloc[0]
    return now - int(before["row_count"]), before["counted_at"].to_pydatetime()


def find_movies(store: Store, text: str) -> pd.DataFrame:
    """Return the movies with a text in their title, or with that number; all for none of it."""
    is_whole = "silver.silver_movies" in store.tables()
    name = "movie_search" if is_whole else "movie_search_in_gold"
    return answer(store, name, *[text.strip()] * 3)


def runs(
    store: Store,
    thresholds: Thresholds,
    now: datetime,
    *,
    jobs: Sequence[str] = (),
    is_past: bool = False,
) -> pd.DataFrame:
    """Return the newest runs, of some jobs or of all; one that will have no end is UNFINISHED.

    `now` is UTC without a zone; `is_past` tells that the warehouse is an old snapshot.
    """
    wanted = f",{','.join(jobs)}," if jobs else ""
    found = answer(store, "runs", wanted, wanted)
    if not found.empty:
        found["status"] = [
            "UNFINISHED"
            if checks.is_unfinished(one, thresholds, now, is_past=is_past)
            else one["status"]
            for one in records(found)
        ]
    return found


def failing_rows(store: Store, query: str) -> pd.DataFrame:
    """Return some of the rows that an audit objects to, by the query it ran, in the engine's SQL.

    Empty if the table, the version of the model that failed, or a column of it no longer exists.
    """
    try:
        sample = f"SELECT * FROM ({query.rstrip(';')}) AS failing LIMIT {SAMPLE_ROWS}"  # noqa: S608
        return store.frame(sample)
    except Exception:  # each engine has its own for what does not exist
        return pd.DataFrame()


# The rows that break a metric, where a row can.
VIOLATIONS: dict[str, str] = yaml.safe_load(
    Path(__file__).with_name("violations.yaml").read_text(encoding="utf-8")
)


def violating_rows(store: Store, table: str, column: str, metric: str) -> pd.DataFrame:
    """Return some of the rows that break a metric; none where it is about no row."""
    known = store.tables()
    if metric not in VIOLATIONS or column not in known.get(table, ()):
        return pd.DataFrame()
    condition = VIOLATIONS[metric].format(table=table, column=column)
    if not known.keys() >= set(re.findall(r"silver\.\w+", condition)):
        return pd.DataFrame()
    return store.frame(f"SELECT * FROM {table} WHERE {condition} LIMIT {SAMPLE_ROWS}")  # noqa: S608


def top_movies(
    store: Store, *, genre: str = "", years: tuple[int, int] | None = None, title: str = ""
) -> pd.DataFrame:
    """Return the best-rated movies, and in `found_count` how many there are without the limit.

    `genre` is one of a movie's genres, "" for all. `years` are the first and the last, None for all
    and for movies without one. `title` is a part of it.
    """
    first, last = years or (0, 0)
    text = title.strip()
    return answer(store, "top_movies", genre, genre, genre, years is None, first, last, text, text)
