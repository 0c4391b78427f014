"""The log of the commands on stderr, by Python's `logging`.

Modules log with `logging.getLogger(__name__)`. On a terminal a line is the message alone; elsewhere
(cron, CI, a container) it starts with time (UTC), level and run id, or is a JSON object.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time

LOGGERS = ("marquee", "pipelines")
LEVEL_VARIABLE = "MARQUEE_LOG_LEVEL"
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
FORMAT_VARIABLE = "MARQUEE_LOG_FORMAT"
FORMATS = ("text", "json")


class StderrHandler(logging.Handler):
    """Writes to what `sys.stderr` is at that moment: a progress bar and tests exchange it."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record as one line."""
        print(self.format(record), file=sys.stderr, flush=True)


class UtcFormatter(logging.Formatter):
    """Writes a record as `time level run-id message`; times are in UTC."""

    def __init__(self, run_id: str | None) -> None:
        """Take the run that the records are of."""
        parts = ["%(asctime)s", "%(levelname)s", run_id, "%(message)s"]
        super().__init__(" ".join(filter(None, parts)), "%Y-%m-%dT%H:%M:%SZ")
        self.converter = time.gmtime
        self.run_id = run_id


class JsonFormatter(UtcFormatter):
    """Writes a record as a JSON object on one line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return time, level, run id, logger and message, with the stack trace if there is one."""
        message = record.getMessage()
        if record.exc_info:
            message = f"{message}\n{self.formatException(record.exc_info)}"
        fields = {
            "time": self.formatTime(record, self.datefmt),
            "level": record.levelname,
            "run_id": self.run_id,
            "logger": record.name,
            "message": message,
        }
        return json.dumps(fields, ensure_ascii=False)


def configure_logging(
    level: str | None = None, *, log_format: str | None = None, run_id: str | None = None
) -> None:
    """Send the records of our loggers to stderr; may be called again, for another level or run.

    Args:
        level: one of `LEVELS`; None for that of the environment variable `MARQUEE_LOG_LEVEL`, else
            INFO. Another value counts as INFO.
        log_format: one of `FORMATS`; None for that of `MARQUEE_LOG_FORMAT`, else text.
        run_id: the run of the records, as in `ops.run_log`.
    """
    chosen = (level or os.environ.get(LEVEL_VARIABLE, "INFO")).upper()
    formatter = logging.Formatter("%(message)s")
    if (log_format or os.environ.get(FORMAT_VARIABLE)) == "json":
        formatter = JsonFormatter(run_id)
    elif not sys.stderr.isatty():
        formatter = UtcFormatter(run_id)
    handler = StderrHandler()
    handler.setFormatter(formatter)
    for name in LOGGERS:
        logger = logging.getLogger(name)
        logger.setLevel(chosen if chosen in LEVELS else "INFO")
        logger.handlers[:] = [handler]
