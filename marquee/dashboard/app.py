"""The dashboard: `make dashboard`, or `python pipelines/dashboard.py`.

Options are those of `streamlit run`. In Snowflake `snowflake/dashboard/streamlit_app.py` draws the
same pages, without DuckDB, dlt and SQLMesh.

Reads the warehouse that the environment names (MARQUEE_DUCKDB, or Snowflake where
SQLMESH__DEFAULT_GATEWAY says so), and never holds the file: see monitoring/snapshot.py.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from marquee.core.same_origin import LOOPBACK, denial
from marquee.core.settings import Settings, gateway
from marquee.dashboard.lineage import read_lineage
from marquee.dashboard.pages import PAGES, Page
from marquee.monitoring.checks import format_age
from marquee.monitoring.store import DuckDBStore, MissingWarehouse, SnowflakeStore, Store

if TYPE_CHECKING:
    from tornado.web import RequestHandler

FRESH_SECONDS = 15  # so long a copy is shown before the file is looked at again
SNOWFLAKE_SECONDS = 60  # so long an answer of Snowflake is shown: each query costs a second


class CachedStore:
    """A store whose answers are kept: pages are drawn again at each click."""

    def __init__(self, store: Store, key: str) -> None:
        """Take the store, and what tells its contents from other ones."""
        self._store = store
        self._key = key

    def frame(self, sql: str, parameters: Sequence[Any] = ()) -> pd.DataFrame:
        """Return all rows of a query, its `?` filled in."""
        return answer(self._key, sql, tuple(parameters), self._store)

    def tables(self) -> Mapping[str, set[str]]:
        """Return the columns of each table of the layers."""
        return tables(self._key, self._store)


@st.cache_data(ttl=SNOWFLAKE_SECONDS, max_entries=500, show_spinner=False)
def answer(key: str, sql: str, parameters: tuple[Any, ...], _store: Store) -> pd.DataFrame:
    """Query a store, or return a cached answer; Streamlit does not look at `_store`."""
    return _store.frame(sql, parameters)


@st.cache_data(ttl=SNOWFLAKE_SECONDS, max_entries=4, show_spinner=False)
def tables(key: str, _store: Store) -> Mapping[str, set[str]]:
    """Return the tables of a store, cached."""
    return _store.tables()


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
    st.set_page_config(page_title="Marquee", page_icon=":material/theaters:", layout="wide")
    # Half of the empty space above the title. Each table has a CSV button of ours: Streamlit's own
    # would write a text that a spreadsheet takes for a formula.
    st.html(
        "<style>.stMainBlockContainer { padding-top: 4.5rem; } "
        "button[aria-label='Download as CSV'] { display: none; }</style>"
    )
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
    st.navigation(pages, position="top").run()


def serve(options: Sequence[str]) -> None:
    """Serve the dashboard until Ctrl-C, with everything at hand that the first page needs."""
    from streamlit.web import cli
    from tornado.web import RequestHandler

    from marquee.monitoring.snapshot import current_snapshot

    threading.Thread(target=load_lineage, daemon=True).start()
    if gateway() != "snowflake":
        with suppress(MissingWarehouse):  # the page says so
            current_snapshot(Settings.from_environment().duckdb)
    # Streamlit accepts any page of this machine and, under a name of its own, of any other.
    RequestHandler.prepare = deny_other_origins  # type: ignore[assignment, method-assign]
    sys.argv = ["streamlit", "run", __file__, *options]
    cli.main()


def deny_other_origins(handler: RequestHandler) -> None:
    """Deny a request, or a websocket, that does not come from the dashboard's own pages.

    Tornado calls it before it handles a request. Names beside those of loopback are the options
    `server.address` and `browser.serverAddress`.
    """
    names = {st.config.get_option(one) for one in ("server.address", "browser.serverAddress")}
    reason = denial(handler.request.headers, {*LOOPBACK, *filter(None, names)})
    if reason:
        handler.set_status(403)
        handler.finish(f"Denied: {reason} is of another origin. Open the address in a new tab.")


def load_lineage() -> None:
    """Have SQLMesh read the project if its files have changed: it takes seconds."""
    with suppress(subprocess.CalledProcessError):  # the page says so
        read_lineage()


if __name__ == "__main__":  # the script that Streamlit runs
    draw()
