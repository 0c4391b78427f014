"""What a run did, for the summary at its end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from marquee.core.run_id import RunReport


@dataclass
class Report(RunReport):
    """What a run of the studio's pipeline did.

    Attributes:
        listed: files in the landing folder, by feed.
        read: files of which something was read, by feed.
        known: lines that an earlier run had landed before it was interrupted.
        forgotten: lines of fans who requested erasure, which did not land.
        masked: values that were masked, by field.
        unread: files and folders that are not read, by path, with the reason.
        failed: files that could not be processed and are tried again, with the kind of the fault.
        vaulted: rows that are new in the vault.
        expired: rows whose guest tokens expired.
    """

    listed: Counter[str] = field(default_factory=Counter)
    read: Counter[str] = field(default_factory=Counter)
    known: int = 0
    forgotten: int = 0
    masked: Counter[str] = field(default_factory=Counter)
    unread: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    vaulted: int = 0
    expired: int = 0
