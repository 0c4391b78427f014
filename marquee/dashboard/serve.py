"""The dashboard: `make dashboard`, or `python pipelines/dashboard.py`.

Options are those of `streamlit run`. Nothing here imports `app`: Streamlit warns of a cache that is
declared before its server runs.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from streamlit import config
from streamlit.web import cli
from tornado.web import RequestHandler

from marquee.core.same_origin import LOOPBACK, denial
from marquee.core.settings import Settings, gateway
from marquee.dashboard.lineage import read_lineage
from marquee.monitoring.store import MissingWarehouse

SCRIPT = Path(__file__).with_name("app.py")


def serve(options: Sequence[str]) -> None:
    """Serve the dashboard until Ctrl-C, with everything at hand that the first page needs."""
    from marquee.monitoring.snapshot import current_snapshot  # imports DuckDB

    threading.Thread(target=load_lineage, daemon=True).start()
    if gateway() != "snowflake":
        with suppress(MissingWarehouse):  # the page says so
            current_snapshot(Settings.from_environment().duckdb)
    # Streamlit accepts any page of this machine and, under a name of its own, of any other.
    RequestHandler.prepare = deny_other_origins  # type: ignore[assignment, method-assign]
    sys.argv = ["streamlit", "run", str(SCRIPT), *options]
    cli.main()


def deny_other_origins(handler: RequestHandler) -> None:
    """Deny a request, or a websocket, that does not come from the dashboard's own pages.

    Tornado calls it before it handles a request. Names beside those of loopback are the options
    `server.address` and `browser.serverAddress`.
    """
    names = {config.get_option(one) for one in ("server.address", "browser.serverAddress")}
    reason = denial(handler.request.headers, {*LOOPBACK, *filter(None, names)})
    if reason:
        handler.set_status(403)
        handler.finish(f"Denied: {reason} is of another origin. Open the address in a new tab.")


def load_lineage() -> None:
    """Have SQLMesh read the project if its files have changed: it takes seconds."""
    with suppress(subprocess.CalledProcessError):  # the page says so
        read_lineage()
