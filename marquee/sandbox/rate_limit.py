"""The sandbox's rate limit."""

import threading
import time


class RateLimit:
    """A bucket of requests that fills at a steady rate and holds one second's worth."""

    def __init__(self, per_second: float) -> None:
        """Start with a full bucket; `per_second` of 0.5 is one request in two seconds.

        Raises:
            ValueError: If the rate is not above 0.
        """
        if per_second <= 0:
            raise ValueError(f"a rate limit is above 0, not {per_second}")
        self._per_second = per_second
        self._capacity = max(1.0, per_second)
        self._left = self._capacity
        self._checked_at = time.monotonic()
        self._lock = threading.Lock()

    def allows(self) -> bool:
        """Take one request out of the bucket; False when it is empty: the request is rejected."""
        with self._lock:
            now = time.monotonic()
            refilled = self._left + (now - self._checked_at) * self._per_second
            self._left = min(self._capacity, refilled)
            self._checked_at = now
            if self._left < 1:
                return False
            self._left -= 1
            return True
