"""Slower than permitted while the server says that even that is too fast."""

from __future__ import annotations

import threading
import time

EASING = 0.95  # per good answer: after a hundred of them the pace is what it was
LONGEST_GAP_SECONDS = 1.0  # between two requests; slower than that, the run is better put off


class AdaptiveThrottle:
    """A gap between any two requests of all threads: doubled by a 429, shrinking with each success.

    It lies on top of the rate limit and is nothing until a 429 comes.
    """

    def __init__(self, requests_per_second: float, stop: threading.Event) -> None:
        """Take the permitted pace, and what ends every wait."""
        self._first_gap = 1 / requests_per_second
        self._stop = stop
        self._lock = threading.Lock()
        self._gap = 0.0
        self._next = 0.0  # the earliest moment of the next request
        self._slowed_at = 0.0

    def wait(self) -> float:
        """Wait for this request's turn; return when that is, on the monotonic clock."""
        with self._lock:
            turn = max(time.monotonic(), self._next)
            if self._gap or self._next > turn:
                self._next = turn + self._gap
        if turn > time.monotonic():
            self._stop.wait(turn - time.monotonic())
        return turn

    def on_throttled(self, sent_at: float, pause: float) -> None:
        """Hear of a 429: nobody sends for `pause` seconds, then at half the pace.

        Requests that were on their way already when the pace was halved do not halve it again.
        """
        with self._lock:
            now = time.monotonic()
            self._next = max(self._next, now + pause)
            if sent_at >= self._slowed_at:
                self._gap = min(max(self._first_gap, self._gap * 2), LONGEST_GAP_SECONDS)
                self._slowed_at = now + pause

    def on_success(self) -> None:
        """Hear of a good answer: a little faster again."""
        with self._lock:
            self._gap *= EASING
            if self._gap < self._first_gap / 10:
                self._gap = 0.0
