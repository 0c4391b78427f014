"""Ctrl-C as a request, and child processes that end with their parent."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from types import FrameType
from typing import Any

EXIT_CODE = 128 + signal.SIGINT
PR_SET_PDEATHSIG = 1  # of <linux/prctl.h>


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

    def __exit__(self, *error: object) -> None:
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


@cache
def end_forks_with_parent() -> None:
    """Have each process that Python forks from now on end with the one that forked it (on Linux).

    SQLMesh forks helpers that load models. A helper waits for work and does not notice that its
    parent was killed, by `kill -9` too.
    """
    parent_id = 0
    prctl = _prctl()  # not in the child: a lock of the loader could be held there for ever

    def note_parent() -> None:
        nonlocal parent_id
        parent_id = os.getpid()

    def end_with_it() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent_id:  # it ended meanwhile
            os._exit(EXIT_CODE)

    os.register_at_fork(before=note_parent, after_in_child=end_with_it)


def end_with_parent() -> None:
    """Have this process killed when the thread that started it ends (on Linux)."""
    _prctl()(PR_SET_PDEATHSIG, signal.SIGKILL)


def _prctl() -> Callable[[int, int], object]:
    if sys.platform != "linux":
        return lambda option, number: None
    found: Callable[[int, int], object] = ctypes.CDLL(None).prctl
    return found
