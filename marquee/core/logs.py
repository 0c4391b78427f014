"""The log of the commands on stderr, by Python's `logging`.

Modules log with `logging.getLogger(__name__)`. On a terminal a line is the message alone; elsewhere
(cron, CI, a container) it starts with time (UTC) and level.
"""

from __future__ import annotations

import logging
import os
import sys
import time

LOGGERS = ("marquee", "pipelines")
LEVEL_VARIABLE = "MARQUEE_LOG_LEVEL"
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


class StderrHandler(logging.Handler):
    """Writes to what `sys.stderr` is at that moment: a progress bar and tests exchange it."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record as one line."""
        print(self.format(record), file=sys.stderr, flush=True)


def configure_logging(level: str | None = None) -> None:
    """Send the records of our loggers to stderr; may be called again, for another level.

    Args:
        level: one of `LEVELS`; None for that of the environment variable `MARQUEE_LOG_LEVEL`, else
            INFO. Another value counts as INFO.

    """
    chosen = (level or os.environ.get(LEVEL_VARIABLE, "INFO")).upper()
    formatter = logging.Formatter("%(message)s")
    if not sys.stderr.isatty():
        formatter = logging.Formatter(
            "%(asctime)sZ %(levelname)s %(message)s", datefmt="%Y-%m-%dT%H:%M:%S"
        )
        formatter.converter = time.gmtime
    handler = StderrHandler()
    handler.setFormatter(formatter)
    for name in LOGGERS:
        logger = logging.getLogger(name)
        logger.setLevel(chosen if chosen in LEVELS else "INFO")
        logger.handlers[:] = [handler]
