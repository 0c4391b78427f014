"""The dashboard: `make dashboard`, or `streamlit run pipelines/dashboard_app.py`.

Reads the warehouse that the environment names (MARQUEE_DUCKDB, or Snowflake where
SQLMESH__DEFAULT_GATEWAY says so), and never holds the file: see monitoring/copy.py.
"""

from __future__ import annotations

import os
import threading
from functools import partial
from pathlib import Path

import streamlit as st

from dashboard.pages import PAGES, Page, project_lineage
from landing.settings import Settings
from monitoring.copy import fresh_copy
from monitoring.store import DuckDBStore, MissingWarehouse, SnowflakeStore, Store

FRESH_SECONDS = 15  # so long a copy is shown before the file is looked at again


@st.cache_data(ttl=FRESH_SECONDS, show_spinner="The warehouse has news ...")
def copy_now(path: str) -> str:
    """Return a copy of the warehouse that is no older than FRESH_SECONDS, if it can be had."""
    return str(fresh_copy(Path(path)))


@st.cache_resource(max_entries=2, show_spinner=False)
def duckdb_store(copy: str) -> DuckDBStore:
    """Open a copy, once for all visitors."""
    return DuckDBStore(Path(copy))


@st.cache_resource(show_spinner="Signing in to Snowflake ...")
def snowflake_store() -> SnowflakeStore:
    """Sign in, once for all visitors."""
    return SnowflakeStore()


@st.cache_resource(show_spinner=False)
def warm_up() -> threading.Thread:
    """Have SQLMesh read the project once the first page is there: it takes seconds."""
    thread = threading.Thread(target=project_lineage, daemon=True)
    thread.start()
    return thread


def show(page: Page) -> None:
    """Draw a page, or what to do where there is nothing to draw from."""
    warehouse = None
    try:
        store: Store
        if os.environ.get("SQLMESH__DEFAULT_GATEWAY") == "snowflake":
            store = snowflake_store()
        else:
            warehouse = Settings.from_environment().duckdb
            store = duckdb_store(copy_now(str(warehouse)))
    except MissingWarehouse as error:
        st.title("Nothing to show yet")
        st.info(str(error))
        st.markdown("`make demo` loads real films from a local stand-in and builds the warehouse.")
        st.button("Try again")
        return
    if not any(name.startswith(("gold.", "bronze.")) for name in store.tables()):
        st.title("The warehouse is empty")
        st.info("`make demo` fills it; `sqlmesh plan` builds the tables.")
        return
    page(store, warehouse)


st.set_page_config(page_title="Marquee", page_icon=":material/theaters:", layout="wide")
st.navigation(
    [
        st.Page(partial(show, page), title=title, icon=icon, url_path=name, default=not place)
        for place, (name, (title, icon, page)) in enumerate(PAGES.items())
    ],
    position="top",
).run()
# Last, for it takes the processor from the page that is looked at.
warm_up()
