"""Progress for people: a bar on a terminal, a plain line now and then in a log."""

from __future__ import annotations

import logging
import sys
import time
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bar

from marquee.core.logs import configure_logging

logger = logging.getLogger(__name__)

LOG_EVERY_SECONDS = 10  # a few hundred lines per hour, which one can still read


class Progress:
    """Counts up one stage after the other, on stderr so that stdout is left to the summary."""

    def __init__(self) -> None:
        """Look at the terminal; draw nothing yet."""
        configure_logging()
        console = Console(file=sys.stderr)
        self._bar: Bar | None = None
        if console.is_terminal and not console.is_dumb_terminal:
            self._bar = Bar(
                TextColumn("{task.description:<22}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.fields[note]}"),
                console=console,
            )
        self._task: TaskID | None = None
        self._stage, self._done, self._total = "", 0, 0
        self._last_line = 0.0

    def __enter__(self) -> Progress:
        """Start drawing."""
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the last state on the screen."""
        if self._bar:
            self._bar.stop()

    def stage(self, name: str, total: int, unit: str, done: int = 0) -> None:
        """Begin the next stage, of at most `total` steps, each a `unit`, `done` of them before."""
        if self._bar and self._task is not None:
            self._bar.update(self._task, total=self._done)  # the one before, if it ended early
        self._stage, self._done, self._total = name, done, total
        self._last_line = time.monotonic()
        if self._bar:
            self._task = self._bar.add_task(name, total=total, completed=done, note="")
        else:
            self._log(f"{name}: {total:,} {unit}" + (f", {done:,} of them done" if done else ""))

    def note(self, line: str) -> None:
        """Show something that a person should know, beside the progress."""
        if self._bar:
            self._bar.console.print(line, markup=False, highlight=False)
        else:
            self._log(line)

    def advance(self, note: str) -> None:
        """Count one step; `note` says in a few words how it goes."""
        self._done += 1
        if self._bar and self._task is not None:
            self._bar.update(self._task, advance=1, note=note)
        elif time.monotonic() - self._last_line >= LOG_EVERY_SECONDS:
            self._last_line = time.monotonic()
            self._log(f"{self._stage}: {self._done:,} of {self._total:,}  {note}")

    def _log(self, line: str) -> None:
        logger.info(line.rstrip())
