"""The door: `make catalog`, or `python catalog --help`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# `python catalog` puts this folder on the path, not the one that holds the package.
sys.path[:0] = [str(ROOT / name) for name in (".", "docs", "pipelines", "review")]

from dictionary import LAYERS  # noqa: E402

from catalog.history import History, read_history  # noqa: E402
from catalog.project import read_project  # noqa: E402
from catalog.site import Site  # noqa: E402
from landing.settings import Settings  # noqa: E402
from monitoring.store import MissingWarehouse, opened  # noqa: E402


def main(argv: Sequence[str] | None = None) -> int:
    """Write the site; return 0."""
    parser = argparse.ArgumentParser(
        prog="python catalog",
        description="Write a static site of every model, column, check and lineage.",
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
        with opened(Settings.from_environment().duckdb) as look:
            history = read_history(look.store)
    except MissingWarehouse as error:
        print(f"Without last runs and row counts: {error}", file=sys.stderr)
        history = History()
    page = Site(read_project(ROOT), history, LAYERS).write(options.out.resolve())
    print(page.as_uri())
    return 0


if __name__ == "__main__":
    sys.exit(main())
