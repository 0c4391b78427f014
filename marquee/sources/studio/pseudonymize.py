"""Where personal data parts: a record becomes a row without it, and a row for the vault."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from marquee.core.clock import naive_utc
from marquee.core.settings import ROOT
from marquee.sources.studio.feeds import Record
from marquee.sources.studio.tokens import Tokens

# The list that the models route by (silver.seed_account_types): one for both.
ACCOUNT_TYPES = ROOT / "sqlmesh_project" / "seeds" / "account_types.csv"


class PiiRecord(NamedTuple):
    """Clear values of a fan, as they stand in a row of the vault."""

    record_token: str
    fan_token: str
    fan_id: str
    email: str | None
    email_token: str | None
    first_name: str | None
    last_name: str | None
    ip_address: str | None
    ip_token: str | None


class SplitRecord(NamedTuple):
    """An interaction without personal data, and whose it is.

    Attributes:
        row: values of bronze.raw_fan_interactions, in its order, up to the lineage.
        person: the row for the vault; None for who is no verified fan.

    """

    row: tuple[object, ...]
    person: PiiRecord | None


def verified_account_types(path: Path = ACCOUNT_TYPES) -> frozenset[str]:
    """Return the types of account whose fans have an identity that is kept."""
    with path.open(newline="", encoding="utf-8") as file:
        return frozenset(
            row["account_type"] for row in csv.DictReader(file) if row["fan_class"] == "VERIFIED"
        )


class Pseudonymizer:
    """Splits interactions; keeps what it made of a fan for as long as it is of use.

    Who is not known to be verified is treated as a guest, an unknown account type too: until
    somebody has said what it is, nothing is kept of it that a guest's row could not have.
    """

    def __init__(
        self, tokens: Tokens, guest_retention: timedelta, forgotten: Mapping[str, datetime]
    ) -> None:
        """Take the tokens' maker, how long guests' tokens last, and who is forgotten since when."""
        self._tokens = tokens
        self._guest_retention = guest_retention
        self._forgotten = forgotten
        self._verified = verified_account_types()

    def split(self, record: Record, now: datetime) -> SplitRecord | None:
        """Part an interaction; None where the fan asked to be forgotten after it.

        Args:
            record: what the feed says.
            now: when it was read (UTC, without a zone); a guest's tokens expire that much later.

        """
        tokens = self._tokens
        fan_id = (record["fan_id"] or "").strip()
        fan_token = tokens.fan(fan_id)
        if fan_token in self._forgotten and not _is_later(
            record["event_timestamp"], self._forgotten[fan_token]
        ):
            return None
        is_verified = (record["account_type"] or "").strip().upper() in self._verified
        email = first_name = last_name = None
        if is_verified:
            email = record["email"]
            first_name, last_name = record["first_name"], record["last_name"]
        email_token = tokens.email(email)
        ip_address = record["ip_address"]
        ip_token = tokens.address(ip_address)
        row = (
            record["interaction_id"],
            fan_token,
            record["account_type"],
            email_token,
            tokens.name("first_name", first_name, fan_id),
            tokens.name("last_name", last_name, fan_id),
            record["region"],
            record["country_code"],
            record["device_type"],
            record["title_id"],
            record["event_type"],
            record["event_timestamp"],
            tokens.session(record["session_id"]),
            ip_token,
            record["amount"],
            record["currency"],
            None if is_verified else now + self._guest_retention,
        )
        if not is_verified:
            return SplitRecord(row, None)
        return SplitRecord(
            row,
            PiiRecord(
                tokens.record(fan_id, email, first_name, last_name, ip_address),
                fan_token,
                fan_id,
                email,
                email_token,
                first_name,
                last_name,
                ip_address,
                ip_token,
            ),
        )


def _is_later(event_timestamp: str | None, forgotten_at: datetime) -> bool:
    """Tell whether an event is surely after a moment (UTC, without a zone)."""
    try:
        event = datetime.fromisoformat((event_timestamp or "").strip().replace("Z", "+00:00"))
    except ValueError:
        return False
    if event.tzinfo:
        event = naive_utc(event)
    return event > forgotten_at
