"""Ctrl-C as a request: stop at the next good place, and never in the middle of a load."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

EXIT_CODE = 128 + signal.SIGINT


class Interrupt:
    """Turns SIGINT and SIGTERM into a KeyboardInterrupt that waits while rows are loaded.

    The second signal leaves at once: the next run completes what it interrupts.
    """

    def __init__(self, on_request: Callable[[], None]) -> None:
        """Take what makes the working threads stop, called from the signal handler."""
        self._on_request = on_request
        self._previous: dict[int, Any] = {}
        self._is_loading = False
        self.requested = False

    def __enter__(self) -> Interrupt:
        """Install the handlers, if this is the thread that may."""
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the handlers back."""
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            os._exit(EXIT_CODE)
        self.requested = True
        self._on_request()
        if not self._is_loading:
            raise KeyboardInterrupt

    @contextmanager
    def defer_interrupts(self) -> Iterator[None]:
        """Let the block come to its end before an interrupt takes effect.

        Raises:
            KeyboardInterrupt: after the block, if one was requested by then.

        """
        self._is_loading = True
        try:
            yield
        finally:
            self._is_loading = False
        if self.requested:
            raise KeyboardInterrupt
