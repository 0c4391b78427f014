"""The TMDb door: fetch movies and the list of genres, land them in bronze.

`python pipelines/tmdb.py --help` says how, `tmdb_source` what comes in and where it goes.

The first run fetches the movies of the popular list, or all there are; later runs fetch what
changed since. Killed at any moment a run loses a chunk at most and doubles nothing: the next one
goes on.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import date
from pathlib import Path

from marquee.bronze.destination import Destination, choose_destination
from marquee.core.errors import MarqueeError, chain, explain
from marquee.core.settings import Settings, configure_dlt
from marquee.core.signals import EXIT_CODE
from marquee.sources.tmdb.client import redact
from marquee.sources.tmdb.load_request import LoadRequest, movie_ids
from marquee.sources.tmdb.report import Report
from marquee.sources.tmdb.responses import LAST_PAGE
from marquee.sources.tmdb.run import load_tmdb
from marquee.sources.tmdb.settings import TmdbSettings
from marquee.sources.tmdb.tables import QUARANTINE_TMDB

UNLIMITED = 10_000  # requests a second: a loopback server has no limit that we had to respect

EPILOG = """\
examples:
  python pipelines/tmdb.py                      first 400 popular movies, later what changed
  python pipelines/tmdb.py --pages 500          as far as TMDb's list goes
  python pipelines/tmdb.py --full               every movie there is, each time (a night)
  python pipelines/tmdb.py --full --limit 50000 of those the most popular ones
  python pipelines/tmdb.py --since 2026-11-01   what changed from that day on
  python pipelines/tmdb.py --ids 603,604        these movies; also a file of ids
  python pipelines/tmdb.py --replay-quarantine  those that came as no movie, once more
  python pipelines/tmdb.py --dry-run            fetch and report, write nothing
  python pipelines/tmdb.py --sandbox            no key needed: real films from a local stand-in
  python pipelines/tmdb.py --sandbox --day 7    the same a week later
  python pipelines/tmdb.py --sandbox --catalog movies.ndjson.gz

credential, one of the two, free from https://www.themoviedb.org/settings/api:
  TMDB_ACCESS_TOKEN (v4) or TMDB_API_KEY (v3), or the same in .dlt/secrets.toml

environment:
  TMDB_BASE_URL      anyone's stand-in in TMDb's place, such as http://127.0.0.1:8899/3
  MARQUEE_DUCKDB     the warehouse file (default: warehouse.duckdb in the project)
  MARQUEE_DLT_DIR    dlt's working folder (default: .dlt/work in the project)

exit codes:
  0 done    1 could not, and the message says why    2 wrong usage    130 stopped by Ctrl-C
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the door; return its exit code (see `--help`)."""
    options = parse(argv)
    settings = Settings.from_environment()
    report, tmdb = Report(), TmdbSettings()
    try:
        configure_dlt(settings)
        with ExitStack() as stack:
            destination = choose_destination(
                options.destination, settings.duckdb, read_only=options.dry_run
            )
            tmdb = choose_tmdb(options, stack)
            load_tmdb(
                tmdb, destination, settings, report, asked=asked(options), dry_run=options.dry_run
            )
    except (Exception, KeyboardInterrupt) as error:
        return fail(error, report, redacting=tmdb, settings=settings, dry_run=options.dry_run)
    print(summary(report, tmdb, destination, dry_run=options.dry_run))
    return 0


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line; leave with code 2 where it makes no sense."""
    parser = argparse.ArgumentParser(
        prog="python pipelines/tmdb.py",
        description="Fetch movies and genres from TMDb and land them, as they came, in bronze.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
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
        "--since", type=date.fromisoformat, metavar="DATE", help="changes from that day on"
    )
    which.add_argument(
        "--ids", type=movie_ids, metavar="1,2,3|FILE", help="these movies, whether new or not"
    )
    which.add_argument(
        "--replay-quarantine",
        action="store_true",
        help="the movies in quarantine that have not landed since",
    )
    parser.add_argument(
        "--limit", type=int, metavar="N", help="with --full: the N most popular ones only"
    )
    parser.add_argument("--dry-run", action="store_true", help="fetch and report, write nothing")
    parser.add_argument(
        "--destination",
        choices=["duckdb", "snowflake"],
        default="duckdb",
        help="where bronze is (default: duckdb)",
    )
    sandbox = parser.add_argument_group("without a key")
    sandbox.add_argument(
        "--sandbox", action="store_true", help="load from a local stand-in for TMDb"
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
    return options


def asked(options: argparse.Namespace) -> LoadRequest:
    """Take from the command line what to fetch."""
    return LoadRequest(
        pages=options.pages,
        full=options.full,
        limit=options.limit,
        since=options.since,
        ids=options.ids or (),
        replay=options.replay_quarantine,
    )


def choose_tmdb(options: argparse.Namespace, stack: ExitStack) -> TmdbSettings:
    """Pick whom to ask: a sandbox started here and now, or what is configured."""
    if not options.sandbox:
        return TmdbSettings.from_configuration()
    # Only here: whoever has a key needs none of it.
    from marquee.sandbox.movies import CatalogueError, load
    from marquee.sandbox.server import Sandbox

    try:
        sandbox = stack.enter_context(Sandbox(load(options.catalog, options.day)))
    except CatalogueError as error:
        raise MarqueeError(str(error)) from error
    return TmdbSettings(
        base_url=sandbox.base_url,
        access_token=sandbox.credential,
        requests_per_second=UNLIMITED,
    )


def summary(report: Report, tmdb: TmdbSettings, destination: Destination, *, dry_run: bool) -> str:
    """Say what a finished run did, and what to type next."""
    rows = ", ".join(f"{name} {count:,}" for name, count in report.landed.items())
    lines = [
        f"{tmdb.base_url} -> {destination.place}",
        "",
        f"  movies fetched  {report.fetched:>9,}",
        *(
            f"    {kind:<14}{report.movies[kind]:>9,}"
            for kind in ("new", "changed", "unchanged", "missing", "quarantined")
        ),
        f"  requests        {report.requests:>9,}",
        f"  retries         {report.retries:>9,}",
        f"  seconds         {report.seconds:>9,.1f}",
        f"  rows {'to land' if dry_run else 'landed'}: {rows}",
        f"  batch: {report.batch_id}",
        "",
    ]
    if report.resumed:
        lines.insert(
            2, f"  fetched before  {report.resumed:>9,}  by a run that this one went on with"
        )
    if not report.planned:
        lines += ["Nothing to do: no movie was fetched.", ""]
    if report.landed[QUARANTINE_TMDB.name]:
        lines += [
            "Quarantined: SELECT movie_id, reason, body FROM bronze.quarantine_tmdb",
            "Once mended: python pipelines/tmdb.py --replay-quarantine",
            "",
        ]
    if dry_run:
        return "\n".join([*lines, "A dry run: nothing was written."])
    return "\n".join(
        [*lines, "Next: sqlmesh plan    (afterwards, to refresh: sqlmesh run --ignore-cron)"]
    )


def fail(
    error: BaseException,
    report: Report,
    *,
    redacting: TmdbSettings,
    settings: Settings,
    dry_run: bool,
) -> int:
    """Say in words why a run ended early and what of it stays; return the exit code."""
    stopped = any(isinstance(cause, KeyboardInterrupt) for cause in chain(error))
    lines = ["Stopped." if stopped else explain(error, settings.duckdb)]
    if sum(report.landed.values()) and not dry_run:
        lines.append(
            f"{report.resumed + report.fetched:,} of {report.planned:,} movies were fetched; "
            f"{sum(report.landed.values()):,} rows landed and stay. "
            "The same command again goes on from there."
        )
    if not stopped and os.environ.get("RUNTIME__LOG_LEVEL") == "DEBUG":
        lines.extend(traceback.format_exception(error))
    print(redact("\n".join(lines), redacting), file=sys.stderr)
    return EXIT_CODE if stopped else 1


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Not sys.exit: it would wait for requests that are still waiting for a dead server.
    os._exit(code)
