"""The name of a run."""

from __future__ import annotations

import secrets
from datetime import datetime, timezone


def new_batch_id(now: datetime | None = None) -> str:
    """Name a run, such as `20261122T060000Z-3f9c1a`.

    The names sort by their start in UTC; the tail keeps two runs of one second apart.
    """
    started = (now or datetime.now(timezone.utc)).astimezone(timezone.utc)
    return f"{started:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
