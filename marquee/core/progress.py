"""Progress for people: a bar on a terminal, a plain line now and then in a log."""

from __future__ import annotations

import logging
import sys
import time

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Column

from marquee.core.text import counted

logger = logging.getLogger(__name__)

LOG_EVERY_SECONDS = 10  # a few hundred lines per hour, which one can still read


class Progress:
    """Counts up one stage after the other, on stderr so that stdout is left to the summary."""

    def __init__(self) -> None:
        """Look at the terminal; draw nothing yet."""
        console = Console(file=sys.stderr)
        self._bar: Bar | None = None
        if console.is_terminal and not console.is_dumb_terminal:
            self._bar = Bar(
                # The numbers keep their width; the note gets what a terminal has left.
                TextColumn("{task.description:<22}", table_column=Column(no_wrap=True)),
                BarColumn(bar_width=12, table_column=Column(min_width=12)),
                MofNCompleteColumn(table_column=Column(no_wrap=True, min_width=11)),
                TimeElapsedColumn(table_column=Column(no_wrap=True, min_width=7)),
                TextColumn(
                    "{task.fields[note]}",
                    markup=False,
                    table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis"),
                ),
                console=console,
                expand=True,
            )
        self._task: TaskID | None = None
        self._stage, self._done, self._total = "", 0, 0
        self._last_line = 0.0

    def __enter__(self) -> Progress:
        """Start drawing."""
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Leave the last state on the screen."""
        if self._bar:
            self._bar.stop()

    def stage(
        self, name: str, total: int, unit: str, done: int = 0, *, is_limit: bool = False
    ) -> None:
        """Begin the next stage.

        Args:
            name: what is done.
            total: how many steps it has.
            unit: what a step is, one of them.
            done: how many were done before.
            is_limit: there may be fewer.
        """
        if self._bar and self._task is not None:
            self._bar.update(self._task, total=self._done)  # the one before, if it ended early
        self._stage, self._done, self._total = name, done, total
        self._last_line = time.monotonic()
        if self._bar:
            self._task = self._bar.add_task(name, total=total, completed=done, note="")
        else:
            line = f"{name}: {counted(total, unit)}{' at most' if is_limit else ''}"
            self._log(line + (f", {done:,} of them done" if done else ""))

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
