"""The command line of `pipelines/tmdb.py`: what to fetch, and a summary of what a run did."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import date
from pathlib import Path

from dlt.extract import DltSource

from marquee.bronze.choice import choose_destination
from marquee.bronze.destination import Destination
from marquee.cli.base import build_parser, execute, last_lines
from marquee.core.dlt_project import configure_dlt
from marquee.core.errors import MarqueeError, explain
from marquee.core.settings import Settings
from marquee.sources.tmdb.client import redact
from marquee.sources.tmdb.load_request import LoadRequest, movie_ids
from marquee.sources.tmdb.planner import CHANGE_LOG_BEGINS
from marquee.sources.tmdb.report import Report
from marquee.sources.tmdb.responses import LAST_PAGE
from marquee.sources.tmdb.run import load_tmdb
from marquee.sources.tmdb.settings import TmdbSettings
from marquee.sources.tmdb.tables import QUARANTINE_TMDB

UNLIMITED = 10_000  # requests per second: the limit of a server on loopback is none

EPILOG = """\
examples:
  python pipelines/tmdb.py                      the first 400 popular movies, later what changed
  python pipelines/tmdb.py --pages 500          as far as TMDb's list goes
  python pipelines/tmdb.py --full               every movie of TMDb, each time (a night)
  python pipelines/tmdb.py --full --limit 50000 of those the most popular ones
  python pipelines/tmdb.py --since 2026-11-01   what changed from that day on
  python pipelines/tmdb.py --ids 603,604        these movies; also a file of ids
  python pipelines/tmdb.py --replay-quarantine  movies whose answer was no movie, once more
  python pipelines/tmdb.py --dry-run            fetch and report, write nothing
  python pipelines/tmdb.py --sandbox            no key needed: real movies from a local server
  python pipelines/tmdb.py --sandbox --day 7    the same a week later
  python pipelines/tmdb.py --sandbox --catalog movies.ndjson.gz

credential, one of the two, free from https://www.themoviedb.org/settings/api:
  TMDB_ACCESS_TOKEN (v4) or TMDB_API_KEY (v3), or the same in .dlt/secrets.toml

environment:
  TMDB_BASE_URL      another server in TMDb's place, such as http://127.0.0.1:8899/3
  MARQUEE_DUCKDB     the warehouse file (default: warehouse.duckdb in the project)
  MARQUEE_DLT_DIR    dlt's working folder (default: .dlt/work in the project)
"""


def run(argv: Sequence[str] | None, source: Callable[..., DltSource]) -> int:
    """Load what `source` declares; return the exit code (see `--help`)."""
    options = parse(argv)
    settings = Settings.from_environment()
    report, tmdb = Report(), TmdbSettings()

    def load(stack: ExitStack) -> str:
        nonlocal tmdb
        configure_dlt(settings)
        destination = choose_destination(
            options.destination, settings.duckdb, read_only=options.dry_run
        )
        tmdb = choose_tmdb(options, stack)
        load_tmdb(
            source,
            tmdb,
            destination,
            settings,
            report,
            request=LoadRequest(
                pages=options.pages,
                full=options.full,
                limit=options.limit,
                since=options.since,
                ids=options.ids or (),
                replay=options.replay_quarantine,
            ),
            dry_run=options.dry_run,
        )
        return summary(report, tmdb, destination, dry_run=options.dry_run)

    return execute(
        load,
        report,
        options,
        explain_error=lambda error: redact(explain(error, settings.duckdb), tmdb),
        progress=lambda: (
            f"{report.resumed + report.fetched:,} of {report.planned:,} movies were fetched;"
        ),
    )


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line; leave with code 2 where it makes no sense."""
    parser = build_parser(
        "python pipelines/tmdb.py",
        "Fetch movies and genres from TMDb and load them, byte for byte, into bronze.",
        EPILOG,
    )
    parser.add_argument(
        "--pages",
        type=int,
        default=20,
        metavar="N",
        help=f"pages of the popular list, 20 movies each, at most {LAST_PAGE} (default: 20)",
    )
    which = parser.add_argument_group(
        "which movies", "without one of these: those of the list, later those that changed"
    ).add_mutually_exclusive_group()
    which.add_argument(
        "--full",
        action="store_true",
        help="every id of TMDb's daily export, the popular ones first",
    )
    which.add_argument(
        "--since",
        type=date.fromisoformat,
        metavar="DATE",
        help=f"changes from that day on, {CHANGE_LOG_BEGINS} or later",
    )
    which.add_argument(
        "--ids", type=movie_ids, metavar="1,2,3|FILE", help="these movies, whether new or not"
    )
    which.add_argument(
        "--replay-quarantine",
        action="store_true",
        help="the movies in quarantine that were not loaded since",
    )
    parser.add_argument(
        "--limit", type=int, metavar="N", help="with --full: the N most popular ones only"
    )
    sandbox = parser.add_argument_group("without a key")
    sandbox.add_argument(
        "--sandbox", action="store_true", help="load from a local server in TMDb's place"
    )
    sandbox.add_argument(
        "--catalog",
        type=Path,
        metavar="FILE",
        help="its movies, NDJSON(.gz) of /movie/{id} documents (default: the bundled ones)",
    )
    sandbox.add_argument(
        "--day", type=int, default=0, metavar="N", help="its clock, N days later (default: 0)"
    )
    options = parser.parse_args(argv)
    if options.pages < 1:
        parser.error("--pages must be 1 or more")
    if options.pages > LAST_PAGE:
        print(f"TMDb serves {LAST_PAGE} pages at most: --pages {LAST_PAGE}.", file=sys.stderr)
        options.pages = LAST_PAGE
    if not options.sandbox and (options.catalog or options.day):
        parser.error("--catalog and --day belong to --sandbox")
    if options.limit is not None and (not options.full or options.limit < 1):
        parser.error("--limit belongs to --full and must be 1 or more")
    if options.day < 0:
        parser.error("--day must be 0 or more")
    if options.since and options.since < CHANGE_LOG_BEGINS:
        parser.error(f"--since {options.since}: TMDb's change log begins on {CHANGE_LOG_BEGINS}")
    return options


def choose_tmdb(options: argparse.Namespace, stack: ExitStack) -> TmdbSettings:
    """Choose the server: a sandbox started here and now, or what is configured."""
    if not options.sandbox:
        return TmdbSettings.from_configuration()
    # Imported only here: with a key it is not needed.
    from marquee.sandbox.clock import date_of
    from marquee.sandbox.movies import MovieFileError, load
    from marquee.sandbox.server import Sandbox

    # A day of the sandbox is a date of its own, so that the history has the days between loads,
    # and the studio's calendar, whenever and however fast somebody plays them.
    today = date_of(options.day)
    try:
        movies = load(options.catalog, options.day)
        sandbox = stack.enter_context(Sandbox(movies, today=lambda: today))
    except MovieFileError as error:
        raise MarqueeError(str(error)) from error
    return TmdbSettings(
        base_url=sandbox.base_url,
        access_token=sandbox.credential,
        requests_per_second=UNLIMITED,
        today=today,
    )


def summary(report: Report, tmdb: TmdbSettings, destination: Destination, *, dry_run: bool) -> str:
    """Report what a finished run did, and the next step."""
    rows = ", ".join(f"{name} {count:,}" for name, count in report.landed.items())
    resumed = [f"  fetched before  {report.resumed:>9,}  by the interrupted run that this resumed"]
    dropped = [f"  ids dropped     {report.dropped:>9,}  that no movie can have"]
    lines = [
        f"{tmdb.base_url} -> {destination.place}",
        "",
        *(resumed if report.resumed else []),
        f"  movies fetched  {report.fetched:>9,}",
        *(
            f"    {kind:<14}{report.movies[kind]:>9,}"
            for kind in ("new", "changed", "unchanged", "missing", "quarantined")
        ),
        *(dropped if report.dropped else []),
        f"  requests        {report.requests:>9,}",
        f"  retries         {report.retries:>9,}",
        f"  seconds         {report.seconds:>9,.1f}",
        f"  rows {'to land' if dry_run else 'landed'}: {rows}",
        f"  batch: {report.batch_id}",
        "",
    ]
    notes = list(report.problems)
    if not report.planned:
        notes.append("Nothing to do: no movie was fetched.")
    if report.landed[QUARANTINE_TMDB.name]:
        notes += [
            "Quarantined: SELECT movie_id, reason, body FROM bronze.quarantine_tmdb",
            "Temporary failures are requested again by the next runs; all others, once fixed, by "
            "python pipelines/tmdb.py --replay-quarantine",
        ]
    return "\n".join([*lines, *last_lines(notes, dry_run=dry_run)])
