"""The script that Streamlit runs for each visitor; `serve` starts the server.

In Snowflake `snowflake/dashboard/streamlit_app.py` draws the same pages, without DuckDB, dlt and
SQLMesh.

Reads the warehouse that the environment names (MARQUEE_DUCKDB, or Snowflake where
SQLMESH__DEFAULT_GATEWAY says so), and never holds the file: see monitoring/snapshot.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from marquee.core.settings import Settings, gateway
from marquee.dashboard.pages import PAGES, Page
from marquee.monitoring.checks import format_age
from marquee.monitoring.store import DuckDBStore, MissingWarehouse, SnowflakeStore, Store

FRESH_SECONDS = 15  # so long a copy is shown before the file is looked at again
ICON = str(Path(__file__).with_name("icon.svg"))
SNOWFLAKE_SECONDS = 60  # so long an answer of Snowflake is shown: each query costs a second
STYLE = Path(__file__).with_name("style.css")


class CachedStore(Store):
    """A store whose answers are kept: pages are drawn again at each click."""

    def __init__(self, store: Store, key: str) -> None:
        """Take the store, and what tells its contents from other ones."""
        self._store = store
        self._key = key

    def frame(self, sql: str, parameters: Sequence[Any] = ()) -> pd.DataFrame:
        """Return all rows of a query, its `?` filled in."""
        return answer(self._key, sql, tuple(parameters), self._store)


@st.cache_data(ttl=SNOWFLAKE_SECONDS, max_entries=500, show_spinner=False)
def answer(key: str, sql: str, parameters: tuple[Any, ...], _store: Store) -> pd.DataFrame:
    """Query a store, or return a cached answer; Streamlit does not look at `_store`."""
    return _store.frame(sql, parameters)


@st.cache_data(ttl=FRESH_SECONDS, show_spinner="The warehouse has changed ...")
def snapshot_path(path: str) -> tuple[str, int]:
    """Return the snapshot, no older than FRESH_SECONDS if it can be had, and what changes with it.

    That is the time of its last change.
    """
    from marquee.monitoring.snapshot import current_snapshot  # imports DuckDB

    found = current_snapshot(Path(path))
    return str(found), found.stat().st_mtime_ns


@st.cache_resource(max_entries=2, show_spinner=False)
def duckdb_store(copy: str, changed_ns: int) -> DuckDBStore:
    """Open a snapshot, once for all visitors."""
    return DuckDBStore(Path(copy))


@st.cache_resource(show_spinner="Signing in to Snowflake ...")
def snowflake_store() -> SnowflakeStore:
    """Sign in, once for all visitors."""
    return SnowflakeStore()


# What a page is drawn from: the warehouse, its file, and how old it is if it is a copy of the past.
Opened = tuple[Store, Path | None, timedelta | None]


def open_store() -> Opened:
    """Open the warehouse that the environment names.

    Raises:
        MissingWarehouse: there is none, or Snowflake does not let us in.
    """
    if gateway() == "snowflake":
        return CachedStore(snowflake_store(), "snowflake"), None, None
    from marquee.monitoring.snapshot import snapshot_age  # imports DuckDB

    warehouse = Settings.from_environment().duckdb
    copy, changed_ns = snapshot_path(str(warehouse))
    store = CachedStore(duckdb_store(copy, changed_ns), f"{copy} {changed_ns}")
    return store, warehouse, snapshot_age(warehouse)


def show(page: Page, open_store: Callable[[], Opened]) -> None:
    """Draw a page, or what to do where there is nothing to draw from."""
    try:
        store, warehouse, age = open_store()
    except MissingWarehouse as error:
        st.title("Nothing to show yet")
        st.info(str(error))
        st.markdown("`make demo` loads real movies from a local sandbox and builds the warehouse.")
        st.button("Try again")
        return
    if not any(name.startswith(("gold.", "bronze.")) for name in store.tables()):
        st.title("The warehouse is empty")
        st.info("`make demo` fills it; `sqlmesh plan` builds the tables.")
        return
    if age and age > timedelta(seconds=FRESH_SECONDS):
        st.info(
            f"The warehouse is being written: this shows it as it was {format_age(age)} ago.",
            icon=":material/history:",
        )
    page(store, warehouse, age)


def draw(open_store: Callable[[], Opened] = open_store) -> None:
    """Draw the page that a visitor is on; Streamlit calls this script for each click."""
    # A picture of ours: the browser would fetch one of Streamlit's from another host.
    st.set_page_config(page_title="Marquee", page_icon=ICON, layout="wide")
    st.html(STYLE)
    pages = [
        st.Page(
            partial(show, page, open_store),
            title=title,
            icon=icon,
            url_path=name,
            default=not place,
        )
        for place, (name, (title, icon, page)) in enumerate(PAGES.items())
    ]
    chosen = st.navigation(pages, position="hidden")
    # Streamlit's own bar is folded away on a phone.
    with st.container(horizontal=True, gap="small", key="navigation"):
        for one in pages:
            st.page_link(one)
    chosen.run()


if __name__ == "__main__":  # the script that Streamlit runs
    draw()
