"""SQLMesh's UI on copies of project, warehouse and state: `make ui`.

The UI edits files, runs macros and queries for anyone who sends it a request. So it listens on
loopback alone, each request must come from its own pages, and it works on copies: what is edited,
planned or run in it stays there. DuckDB opens no other file for it, and that setting is locked.
DuckDB admits one process at a time; on a copy the UI locks nobody out.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from marquee import LINKS
from marquee.cli.base import command_parser
from marquee.core.same_origin import LOOPBACK, denial
from marquee.core.settings import ROOT, Settings, gateway
from marquee.monitoring.snapshot import current_snapshot
from marquee.monitoring.store import MissingWarehouse
from marquee.plan_diff.build import own_package

HOST, PORT = "127.0.0.1", 8000
# What SQLMesh reads of the project.
PROJECT = ("config.yaml", "sqlmesh_project", "audits", "marquee", "tests/models", *LINKS)
MEMORY_LIMIT = "MARQUEE_DUCKDB_MEMORY_LIMIT"
CONNECTION = "SQLMESH__GATEWAYS__DUCKDB__CONNECTION__CONNECTOR_CONFIG__"


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until it is stopped; return 0, or 1 where there is nothing to copy."""
    parser = command_parser(
        "python -m marquee.cli.ui",
        f"Serve SQLMesh's UI on {HOST}, on copies of project, warehouse and state.",
        "Nothing that is edited or run in the UI reaches the project or the warehouse.",
    )
    parser.add_argument("--port", type=int, default=PORT, help=f"default: {PORT}")
    options = parser.parse_args(argv)
    with TemporaryDirectory(prefix="marquee-ui-") as folder:
        # Snowflake admits any number of processes, and keeps no files here.
        if gateway() != "snowflake":
            try:
                os.environ.update(copied(Path(folder)))
            except MissingWarehouse as error:
                print(error, file=sys.stderr)
                return 1
            os.environ.update(locked())
        project = copy_project(Path(folder) / "project")
        print(f"http://{HOST}:{options.port}, on a copy: {project}", flush=True)
        with own_package(project), suppress(KeyboardInterrupt):
            serve(project, options.port)
    return 0


def copied(folder: Path) -> dict[str, str]:
    """Copy the warehouse and the state; return the variables that name the copies.

    Raises:
        MissingWarehouse: one does not exist, or is being written without a pause.
    """
    settings = Settings.from_environment()
    # The state first: the warehouse may then have more tables than it knows of, and never fewer.
    files = {"MARQUEE_STATE_DUCKDB": settings.state_duckdb, "MARQUEE_DUCKDB": settings.duckdb}
    found = {}
    for variable, file in files.items():
        # Copied again, because the UI writes: others read the snapshot, too.
        # The name is the catalog's and stays, and two files may have the same.
        own = folder / variable
        own.mkdir()
        found[variable] = str(shutil.copy(current_snapshot(file), own / file.name))
    return found


def locked() -> dict[str, str]:
    """Return the variables by which DuckDB opens no file but its own, and which lock that setting.

    The price: a plan cannot fill the table of a changed seed, which SQLMesh passes as a data frame.
    """
    variables = {
        f"{CONNECTION}ENABLE_EXTERNAL_ACCESS": "false",
        f"{CONNECTION}LOCK_CONFIGURATION": "true",  # last: nothing can be set after it
    }
    with duckdb.connect() as connection:
        # SQLMesh sets what differs from DuckDB's own words at each connection: so in those words.
        limit = os.environ.get(MEMORY_LIMIT, "6GB").replace("'", "")
        connection.execute(f"SET memory_limit = '{limit}'")
        (limit,) = connection.execute("SELECT current_setting('memory_limit')").fetchall()[0]
    return {MEMORY_LIMIT: limit, **variables}


def copy_project(folder: Path) -> Path:
    """Copy what SQLMesh reads of the project; return the folder."""
    for name in PROJECT:
        source, copy = ROOT / name, folder / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir() and not source.is_symlink():
            shutil.copytree(
                source, copy, symlinks=True, ignore=shutil.ignore_patterns("__pycache__")
            )
        elif source.exists():  # the tests are left out where only the package was deployed
            shutil.copy(source, copy, follow_symlinks=False)
    return folder


def serve(project: Path, port: int) -> None:
    """Serve the UI of a project in this process, so that a signal reaches it."""
    # Only here: an extra that a machine without the UI does not have, and seconds to import.
    import uvicorn
    from starlette.datastructures import Headers
    from starlette.responses import PlainTextResponse
    from starlette.types import ASGIApp, Receive, Scope, Send

    class SameOrigin:
        """Denies what does not come from the UI's own pages."""

        def __init__(self, app: ASGIApp) -> None:
            self._app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            is_request = scope["type"] != "lifespan"
            reason = denial(Headers(scope=scope), LOOPBACK) if is_request else None
            if reason is None:
                await self._app(scope, receive, send)
            elif scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            else:
                text = f"Denied: {reason} is of another origin. Open the address in a new tab."
                await PlainTextResponse(text, 403)(scope, receive, send)

    os.environ["PROJECT_PATH"] = str(project)  # read when the UI is imported
    from web.server.app import app  # type: ignore[import-untyped]

    app.add_middleware(SameOrigin)
    uvicorn.run(app, host=HOST, port=port, log_level="info", timeout_keep_alive=300)


if __name__ == "__main__":
    # Ended like Ctrl-C, it deletes its copies: uvicorn raises a signal again after it has stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
