"""Moments as the warehouse has them: UTC, without a zone."""

from __future__ import annotations

from datetime import datetime, timezone


def utcnow() -> datetime:
    """Return this moment."""
    return naive_utc(datetime.now(timezone.utc))


def naive_utc(moment: datetime) -> datetime:
    """Return a moment that bears its zone."""
    return moment.astimezone(timezone.utc).replace(tzinfo=None)


now_utc = utcnow  # the former name, until every caller uses the new one
