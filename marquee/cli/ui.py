"""SQLMesh's UI on a copy of the warehouse and of the state: `make ui`.

DuckDB lets one process in at a time, and the UI would be that one for as long as it is open. On a
copy it locks nobody out, and what is planned or run in it stays in the copy. Files that it edits
are the project's own.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from marquee.core.settings import ROOT, Settings
from marquee.monitoring.snapshot import current_snapshot
from marquee.monitoring.store import MissingWarehouse

PORT = 8000


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until it is stopped; return 0, or 1 where there is nothing to copy."""
    parser = argparse.ArgumentParser(
        prog="python -m marquee.cli.ui",
        description="Serve SQLMesh's UI on 127.0.0.1, on a copy of the warehouse and of the state.",
    )
    parser.add_argument("--port", type=int, default=PORT, help=f"default: {PORT}")
    options = parser.parse_args(argv)
    with TemporaryDirectory(prefix="marquee-ui-") as folder:
        # Snowflake lets everybody in.
        if os.environ.get("SQLMESH__DEFAULT_GATEWAY") != "snowflake":
            try:
                os.environ.update(copied(Path(folder)))
            except MissingWarehouse as error:
                print(error, file=sys.stderr)
                return 1
        print(f"http://127.0.0.1:{options.port}", flush=True)
        serve(options.port)
    return 0


def copied(folder: Path) -> dict[str, str]:
    """Copy the warehouse and the state that the environment names.

    Returns:
        The variables that name the snapshot_dir.

    Raises:
        MissingWarehouse: one is not there, or is being written without a pause.

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


def serve(port: int) -> None:
    """Run `sqlmesh ui` in this process, so that a signal reaches it."""
    from sqlmesh.cli.main import cli

    command = ["--paths", str(ROOT), "ui", "--host", "127.0.0.1", "--port", str(port)]
    cli.main(command, standalone_mode=False)


if __name__ == "__main__":
    sys.exit(main())
