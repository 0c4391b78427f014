"""What a run did, for the summary at its end."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field

from marquee.core.run_id import new_batch_id


@dataclass
class Report:
    """What a run did, counted as it goes; nothing in it is personal.

    Attributes:
        batch_id: the name of the run, on each of its rows.
        listed: files in the landing folder, by feed.
        read: files of which something was read, by feed.
        landed: rows landed, by table; on a dry run those that would have.
        known: lines that an earlier run had landed before it was interrupted.
        forgotten: lines of fans who requested erasure, which did not land.
        masked: values that were masked, by field.
        unread: files and folders that are not read, by path, with the reason.
        failed: files that could not be processed and are tried again, with the kind of the fault.
        vaulted: rows that are new in the vault.
        expired: rows whose guest tokens expired.
        started: when, on the monotonic clock, in seconds.

    """

    batch_id: str = field(default_factory=new_batch_id)
    listed: Counter[str] = field(default_factory=Counter)
    read: Counter[str] = field(default_factory=Counter)
    landed: Counter[str] = field(default_factory=Counter)
    known: int = 0
    forgotten: int = 0
    masked: Counter[str] = field(default_factory=Counter)
    unread: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    vaulted: int = 0
    expired: int = 0
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Return how long the run has taken so far."""
        return time.monotonic() - self.started
