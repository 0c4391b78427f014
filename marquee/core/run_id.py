"""The name of a run, and what every run reports of itself."""

from __future__ import annotations

import secrets
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timezone


def new_batch_id(now: datetime | None = None) -> str:
    """Name a run, such as `20261122T060000Z-3f9c1a`.

    The names sort by their start in UTC; the tail keeps two runs of one second apart.
    """
    started = (now or datetime.now(timezone.utc)).astimezone(timezone.utc)
    return f"{started:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


@dataclass
class RunReport:
    """What a run did, counted as it goes; nothing in it is personal.

    Attributes:
        batch_id: the name of the run, on each of its rows.
        landed: rows loaded, by table; on a dry run those that would have been.
        started: when, on the monotonic clock, in seconds.
    """

    batch_id: str = field(default_factory=new_batch_id)
    landed: Counter[str] = field(default_factory=Counter)
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Return how long the run has taken so far."""
        return time.monotonic() - self.started
