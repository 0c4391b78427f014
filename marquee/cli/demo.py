"""`make demo`: both sandboxes into the warehouse, a refresh, and a report.

The run log knows which day and batch the warehouse has. Without options the demo continues there:
it completes what was interrupted, and loads nothing that is loaded. It never goes back.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from io import StringIO

import duckdb

from marquee.cli import report
from marquee.cli.base import command_parser
from marquee.cli.refresh import refresh
from marquee.core.errors import explain
from marquee.core.logs import configure_logging
from marquee.core.settings import Settings, gateway
from marquee.dashboard.queries import QUERIES
from marquee.sandbox.loaded import Loaded
from marquee.sandbox.studio import BATCHES

# A pipeline's command line: takes its arguments, returns its exit code.
Pipeline = Callable[[Sequence[str]], int]


def main(argv: Sequence[str] | None, pipelines: Mapping[str, Pipeline]) -> int:
    """Load by the pipelines `tmdb` and `studio`, refresh and report; return the exit code."""
    parser = command_parser(
        "python pipelines/demo.py",
        "Load both sandboxes, build the warehouse, print a report. Without options: "
        "go on where the warehouse is.",
    )
    parser.add_argument("--day", type=int, metavar="N", help="the movies N days later")
    parser.add_argument(
        "--batch", type=int, choices=BATCHES, metavar="N", help="the studio's first 1 to 3 batches"
    )
    options = parser.parse_args(argv)
    if options.day is not None and options.day < 0:
        parser.error("--day must be 0 or more")
    loaded = read_loaded()
    if loaded is None:
        return 1
    day = loaded.day if options.day is None else options.day
    batch = loaded.batch if options.batch is None else options.batch
    for name, wanted, there in (("DAY", day, loaded.day), ("BATCH", batch, loaded.batch)):
        if wanted < there:
            print(
                f"The warehouse is at {name}={there}: {name}={wanted} would put older figures "
                f"over newer ones.\nGo on with `make demo {name}={there + (name == 'DAY')}`, or "
                "start again with `make clean` and `make demo`.",
                file=sys.stderr,
            )
            return 2
    return advance(loaded, day, batch, pipelines) or report.main()


def read_loaded() -> Loaded | None:
    """Read what the warehouse has; None where it cannot be read, which the terminal has then."""
    path = Settings.from_environment().duckdb
    if gateway() == "snowflake":
        print("The demo is for DuckDB: unset SQLMESH__DEFAULT_GATEWAY.", file=sys.stderr)
        return None
    if not path.exists():
        return Loaded()
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            return Loaded.of(connection.execute(QUERIES["sandbox_runs"]).fetchall())
    except duckdb.CatalogException:  # no run yet
        return Loaded()
    except duckdb.Error as error:
        print(explain(error, path), file=sys.stderr)
        return None


def advance(loaded: Loaded, day: int, batch: int, pipelines: Mapping[str, Pipeline]) -> int:
    """Load what is missing up to a day of the movies and a batch of the studio, and refresh.

    Returns:
        The exit code, of the first command that failed.
    """
    commands = [] if loaded.days.get(day) else [("tmdb", f"--day {day} --pages 500")]
    missing = [one for one in range(loaded.batch, batch + 1) if not loaded.batches.get(one)]
    commands += [("studio", f"--batch {one}") for one in missing]
    for name, options in commands:
        arguments = ["--sandbox", *options.split()]
        with as_command(f"pipelines/{name}.py", arguments), redirect_stdout(StringIO()):
            code = pipelines[name](arguments)
        if code:
            return code
    if not commands:
        print(f"Nothing new: the warehouse has day {day} and batch {batch}.")
    configure_logging()  # no longer with the run id of a pipeline
    return refresh()


@contextmanager
def as_command(script: str, arguments: Sequence[str]) -> Iterator[None]:
    """Let the run log have the command that does the same by itself."""
    before = sys.argv
    sys.argv = [script, *arguments]
    try:
        yield
    finally:
        sys.argv = before
