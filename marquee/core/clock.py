"""Times as the warehouse has them: UTC, without a zone."""

from __future__ import annotations

import threading
from datetime import date, datetime, timedelta, timezone

TICK = timedelta(microseconds=1)  # the resolution of a timestamp in both warehouses


def utcnow() -> datetime:
    """Return the present time."""
    return naive_utc(datetime.now(timezone.utc))


def naive_utc(moment: datetime) -> datetime:
    """Convert a time that has a zone."""
    return moment.astimezone(timezone.utc).replace(tzinfo=None)


class Sequence:
    """Times that only grow: each is later than all before, whatever the machine's clock shows.

    The clock of a machine can be wrong, and is set back then. Rows that are ordered by these times
    are in the order in which they arrived all the same. Safe for threads.
    """

    def __init__(self, after: datetime | None = None, today: date | None = None) -> None:
        """Take the newest time that is in use already, None for none; and a date of its own.

        Args:
            after: the newest time that is in use.
            today: the date of a source with a calendar of its own, the sandbox; None for the
                machine's.
        """
        self._last = after or datetime.min
        self._today = today
        self._lock = threading.Lock()

    def next(self) -> datetime:
        """Return the present time, or the smallest one that is later than all before."""
        now = utcnow()
        if self._today:
            now = datetime.combine(self._today, now.time())
        with self._lock:
            self._last = max(now, self._last + TICK)
            return self._last
