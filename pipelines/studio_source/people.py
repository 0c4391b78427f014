"""Where personal data parts: a record becomes a row without it, and a row for the vault."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from landing.clock import naive_utc
from studio_source.feeds import Record
from studio_source.tokens import Tokens

# Who has no identity that were worth keeping. The models route by silver.seed_account_types, which
# a test holds against this.
GUEST_ACCOUNTS = frozenset({"GUEST"})


class Person(NamedTuple):
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


class Split(NamedTuple):
    """An interaction without personal data, and whose it is.

    Attributes:
        row: values of bronze.raw_fan_interactions, in its order, up to the lineage.
        person: the row for the vault; None for a guest.

    """

    row: tuple[object, ...]
    person: Person | None


class People:
    """Splits interactions; keeps what it made of a fan for as long as it is of use."""

    def __init__(
        self, tokens: Tokens, guest_retention: timedelta, forgotten: Mapping[str, datetime]
    ) -> None:
        """Take the tokens' maker, how long guests' tokens last, and who is forgotten since when."""
        self._tokens = tokens
        self._guest_retention = guest_retention
        self._forgotten = forgotten

    def split(self, record: Record, now: datetime) -> Split | None:
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
        is_guest = (record["account_type"] or "").strip().upper() in GUEST_ACCOUNTS
        email = first_name = last_name = None
        if not is_guest:
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
            now + self._guest_retention if is_guest else None,
        )
        if is_guest:
            return Split(row, None)
        return Split(
            row,
            Person(
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
