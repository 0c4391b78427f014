"""What the command lines of all pipelines share: options, the last lines of a summary, failures.

A pipeline's command line builds its parser with `build_parser`, adds its own options, and runs by
`execute`, which turns every exception into words and an exit code.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import traceback
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from textwrap import fill

from marquee.core.errors import chain, exit_code, explain
from marquee.core.lock import runs_steps
from marquee.core.logs import FORMAT_VARIABLE, FORMATS, LEVEL_VARIABLE, LEVELS, configure_logging
from marquee.core.run_id import RunReport
from marquee.core.signals import EXIT_CODE

EXIT_CODES = """\
exit codes:
  0 done    1 failed, a person has to act    2 wrong usage    130 stopped by Ctrl-C
  75 failed, try again later: the server is down or limits the rate, or another run is active
"""
logger = logging.getLogger(__name__)
RESUME = "The same command again resumes from there."


def command_parser(
    prog: str, description: str, epilog: str | None = None
) -> argparse.ArgumentParser:
    """Build a parser that keeps the lines of `epilog` and accepts no abbreviated option."""
    return argparse.ArgumentParser(
        prog=prog,
        description=fill(description),
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def build_parser(prog: str, description: str, epilog: str) -> argparse.ArgumentParser:
    """Build a parser with the options of all pipelines; the exit codes are added to `epilog`.

    It accepts no abbreviated options: the run log masks an option by its name.
    """
    parser = command_parser(prog, description, f"{epilog}\n{EXIT_CODES}")
    parser.add_argument("--dry-run", action="store_true", help="fetch and report, write nothing")
    parser.add_argument(
        "--destination",
        choices=["duckdb", "snowflake"],
        default="duckdb",
        help="where bronze is (default: duckdb)",
    )
    add_log_options(parser)
    return parser


def add_log_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the log: `--log-level` and `--log-format`."""
    parser.add_argument(
        "--log-level",
        type=str.upper,
        choices=LEVELS,
        help=f"the least level of the log on stderr (default: {LEVEL_VARIABLE}, else INFO)",
    )
    parser.add_argument(
        "--log-format",
        choices=FORMATS,
        help=f"of the log on stderr (default: {FORMAT_VARIABLE}, else text)",
    )


def execute(
    load: Callable[[ExitStack], str],
    report: RunReport,
    options: argparse.Namespace,
    *,
    explain_error: Callable[[BaseException], str],
    progress: Callable[[], str] = lambda: "",
    is_personal: bool = False,
) -> int:
    """Run a pipeline; print its summary, or why it ended early and what of it stays.

    Args:
        load: does the work and returns the summary; what it puts on the stack is closed after it.
        report: tells what was loaded before a failure.
        options: those of all pipelines.
        explain_error: puts an exception into words without a secret.
        progress: what was done before a failure, a sentence for people.
        is_personal: what was read is, so that a stack trace shows places and no messages.

    Returns:
        The exit code: 0, 1, 75, or 130 after Ctrl-C.
    """
    configure_logging(options.log_level, log_format=options.log_format, run_id=report.batch_id)
    try:
        with ExitStack() as stack:
            summary = load(stack)
    except (Exception, KeyboardInterrupt) as error:
        is_stop = any(isinstance(cause, KeyboardInterrupt) for cause in chain(error))
        lines = ["Stopped." if is_stop else explain_error(error)]
        if sum(report.landed.values()) and not options.dry_run:
            rows = f"{sum(report.landed.values()):,} rows landed and stay."
            lines.append(" ".join(filter(None, [progress(), rows, RESUME])))
        if not is_stop and os.environ.get("RUNTIME__LOG_LEVEL") == "DEBUG":
            lines += _trace(error, is_personal=is_personal)
        for line in "\n".join(lines).splitlines():
            logger.error("%s", line)
        return EXIT_CODE if is_stop else exit_code(error)
    print(summary)
    return 0


def report_error(error: BaseException, warehouse: Path) -> int:
    """Print an exception in words on the terminal, without a log; return the exit code."""
    print(explain(error, warehouse), file=sys.stderr)
    return exit_code(error)


def last_lines(notes: Iterable[str], *, dry_run: bool) -> list[str]:
    """Return the end of a summary: what a person should know, and the next step."""
    lines = [*notes, ""] if (notes := list(notes)) else []
    if dry_run:
        return [*lines, "A dry run: nothing was written."]
    if runs_steps():
        return lines[:-1]
    return [*lines, "Next: sqlmesh plan    (afterwards, to refresh: sqlmesh run --ignore-cron)"]


def _trace(error: BaseException, *, is_personal: bool) -> list[str]:
    if not is_personal:
        return traceback.format_exception(error)
    return [
        "".join(traceback.format_list(traceback.extract_tb(cause.__traceback__)))
        for cause in chain(error)
    ]
