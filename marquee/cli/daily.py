"""The daily operation: load both sources, refresh, check the health, in one process.

Each step writes its own row of `ops.run_log`; the rows of one day have the same `process_id`.
"""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from marquee.bronze.choice import choose_destination
from marquee.cli import health, refresh
from marquee.cli.base import add_log_options, command_parser
from marquee.core.clock import utcnow
from marquee.core.dlt_project import configure_dlt
from marquee.core.errors import EXIT_FAILURE, EXIT_TRY_AGAIN, MarqueeError, exit_code, explain
from marquee.core.lock import lock_file, run_lock
from marquee.core.logs import configure_logging
from marquee.core.run_id import new_batch_id
from marquee.core.settings import Settings, gateway
from marquee.core.signals import EXIT_CODE
from marquee.ops.run_log import RunLog
from marquee.sources.studio.settings import has_folder

EPILOG = """\
A step that fails does not keep the next ones from running. The studio's feeds
are loaded if a landing folder is configured (STUDIO_URL, or the folder
studio_feed). Environment variables are those of the steps: python
pipelines/tmdb.py --help, studio.py, health.py.

exit codes:
  0 done
  1 a step failed or a health check did, a person has to act
  2 wrong usage
  75 try again later: the server is down or limits the rate, or another run is
     active
  130 stopped by Ctrl-C
"""
Command = Callable[[Sequence[str]], int]
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ended:
    """How a step ended."""

    step: str
    code: int
    seconds: float

    def __str__(self) -> str:
        """Return the step's line of the summary."""
        words = {0: "done", EXIT_TRY_AGAIN: "failed: try again later", EXIT_CODE: "stopped"}
        return f"  {self.step:<8} {self.seconds:>8.1f} s  {words.get(self.code, 'failed')}"


def run(argv: Sequence[str] | None, load_tmdb: Command, load_studio: Command) -> int:
    """Run all steps under one lock and print a summary; return the exit code (see `--help`)."""
    options = parse(argv)
    run_id = new_batch_id()
    log = partial(
        configure_logging, options.log_level, log_format=options.log_format, run_id=run_id
    )
    log()
    settings = Settings.from_environment()
    is_file = gateway() != "snowflake"
    lock = lock_file(settings.dlt_dir, settings.duckdb if is_file else None)
    try:
        configure_dlt(settings)
        with run_lock(lock, for_steps=True):
            ended = list(run_steps(steps(options, settings, load_tmdb, load_studio), log))
    except (MarqueeError, OSError) as error:
        for line in explain(error, settings.duckdb).splitlines():
            logger.error("%s", line)
        return exit_code(error)
    print("Daily run:", *ended, sep="\n")
    if any(one.step == health.JOB and one.code == EXIT_FAILURE for one in ended):
        print("To do: the end of each line above that begins with FAIL says what.")
    return total_code(ended)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line; leave with code 2 where it makes no sense."""
    parser = command_parser(
        "python pipelines/daily.py",
        "Load TMDb and the studio's feeds, refresh prod, check the health.",
        EPILOG,
    )
    parser.add_argument(
        "--sandbox", action="store_true", help="load from the sandboxes: no key, no files"
    )
    parser.add_argument(
        "--day", type=int, default=0, metavar="N", help="their clock, N days later (default: 0)"
    )
    add_log_options(parser)
    options = parser.parse_args(argv)
    if options.day and not options.sandbox:
        parser.error("--day belongs to --sandbox")
    return options


def steps(
    options: argparse.Namespace, settings: Settings, load_tmdb: Command, load_studio: Command
) -> Iterator[tuple[str, Callable[[], int]]]:
    """Yield the steps to run, by name."""
    engine = gateway()
    logs = {"--log-level": options.log_level, "--log-format": options.log_format}
    log_options = [word for option, value in logs.items() if value for word in (option, value)]
    tmdb, studio = (["--destination", engine, *log_options] for _ in range(2))
    if options.sandbox:
        tmdb += ["--sandbox", "--day", str(options.day)]
        studio += ["--sandbox", "--batch", str(min(options.day + 1, 3))]
    yield "tmdb", lambda: load_tmdb(tmdb)
    if options.sandbox or has_folder():
        yield "studio", lambda: load_studio(studio)
    yield "refresh", lambda: refresh.main(["--skip-plan", *log_options])
    yield "health", lambda: check_health(engine, settings)


def run_steps(
    several: Iterator[tuple[str, Callable[[], int]]], log: Callable[[], None]
) -> Iterator[Ended]:
    """Run each step, also after one that failed, until one is stopped by Ctrl-C.

    Before each, `log` makes the log this command's again: a pipeline had it for its own run.
    """
    for name, step in several:
        log()
        began = time.monotonic()
        try:
            code = step()
        except KeyboardInterrupt:
            code = EXIT_CODE
        except SystemExit as leaving:  # SQLMesh's way to fail
            code = EXIT_FAILURE if leaving.code else 0
        except Exception as error:
            logger.exception("The step %s failed.", name)
            code = exit_code(error)
        yield Ended(name, code, time.monotonic() - began)
        if code == EXIT_CODE:
            return


def check_health(engine: str, settings: Settings) -> int:
    """Check the health, send alerts and write the run log; return the exit code."""
    started_at = utcnow()
    failed = health.check(alert=True)
    destination = choose_destination(engine, settings.duckdb)
    RunLog(health.JOB, destination, new_batch_id()).write(
        started_at, "; ".join(f"{one.check} {one.subject}: {one.message}" for one in failed)
    )
    return EXIT_FAILURE if failed else 0


def total_code(ended: Sequence[Ended]) -> int:
    """Return the exit code of all steps.

    After a load that may succeed later a health check fails, too: that alone needs no person.
    """
    codes = {one.code for one in ended if one.step != health.JOB or one.code == EXIT_CODE}
    for code in (EXIT_CODE, EXIT_FAILURE, EXIT_TRY_AGAIN):
        if code in codes:
            return code
    return max((one.code for one in ended), default=0)
