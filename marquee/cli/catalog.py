"""The command line of the data catalog: `make catalog`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import track

from marquee.catalog import llms
from marquee.catalog.data_dictionary import LAYERS
from marquee.catalog.history import History, read_history
from marquee.catalog.site import Site
from marquee.core.settings import ROOT, Settings
from marquee.lineage.project import read_project
from marquee.monitoring.store import MissingWarehouse
from marquee.monitoring.view import open_warehouse


def main(argv: Sequence[str] | None = None) -> int:
    """Write the site; return 0."""
    parser = argparse.ArgumentParser(
        prog="python -m marquee.cli.catalog",
        description="Write a static site of every model, column, check and lineage, and llms.txt, "
        "the warehouse in one file for AI assistants.",
        epilog="Last runs and row counts are those of the warehouse that MARQUEE_DUCKDB names, "
        "or of Snowflake where SQLMESH__DEFAULT_GATEWAY says so; without one they are left out.",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=ROOT / ".cache" / "catalog",
        metavar="FOLDER",
        help="where to (default: .cache/catalog)",
    )
    options = parser.parse_args(argv)
    try:
        with open_warehouse(Settings.from_environment().duckdb) as store:
            history = read_history(store)
    except MissingWarehouse as error:
        print(f"Without last runs and row counts: {error}", file=sys.stderr)
        history = History()
    print("Loading the project: some seconds.", file=sys.stderr)
    console = Console(stderr=True)
    tables = read_project(ROOT, partial(track, description="Reading models", console=console))
    folder = options.out.resolve()
    print(f"Writing a page for each of {len(tables)} tables.", file=sys.stderr)
    layers = {"gold": LAYERS["gold"], **LAYERS}  # what analysts look for comes first
    page = Site(tables, history, layers, llms.read_questions(ROOT)).write(folder)
    (folder / "llms.txt").write_text(llms.page(tables, ROOT), encoding="utf-8")
    print(page.as_uri())
    print((folder / "llms.txt").as_uri())
    return 0


if __name__ == "__main__":
    sys.exit(main())
