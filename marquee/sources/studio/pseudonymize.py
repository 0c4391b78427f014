"""Where personal data parts: a record becomes a row without it, and a row for the vault."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from marquee.core.clock import naive_utc
from marquee.core.settings import ROOT
from marquee.core.text import clean_code, clean_text
from marquee.sources.studio.domains import (
    FAN_DOMAINS,
    MASKED,
    Identity,
    is_plain_file_name,
    looks_personal,
)
from marquee.sources.studio.feeds import Feed, Record
from marquee.sources.studio.tokens import Tokens

ENDING = re.compile(r"\.[a-z0-9]{1,5}$")
TYPED = frozenset(name for name, domain in FAN_DOMAINS.items() if domain.is_typed)
# First and last name first, see `Identity`.
PERSONAL_FIELDS = ("first_name", "last_name", "email", "fan_id", "ip_address", "session_id")
# The list that the models route by (silver.seed_account_types): one for both.
ACCOUNT_TYPES = ROOT / "sqlmesh_project" / "seeds" / "account_types.csv"


class PiiRecord(NamedTuple):
    """Plaintext personal data of a fan, a row of the vault."""

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
        masked: the fields whose values were masked.
        is_named_by_file: the name of the file contains what the person is known by.

    """

    row: tuple[object, ...]
    person: PiiRecord | None
    masked: list[str]
    is_named_by_file: bool


def verified_account_types(path: Path = ACCOUNT_TYPES) -> frozenset[str]:
    """Return the types of account whose fans have an identity that is kept."""
    with path.open(newline="", encoding="utf-8") as file:
        return frozenset(
            row["account_type"] for row in csv.DictReader(file) if row["fan_class"] == "VERIFIED"
        )


class Pseudonymizer:
    """Splits interactions; keeps what it made of a fan for as long as it is of use.

    Who is not known to be verified is treated as a guest, an unknown account type too: until
    somebody has declared what it is, nothing is kept of it that a guest's row could not have.
    """

    def __init__(
        self, tokens: Tokens, guest_retention: timedelta, forgotten: Mapping[str, datetime]
    ) -> None:
        """Take the tokens' maker, how long guests' tokens last, and who is forgotten since when."""
        self._tokens = tokens
        self._guest_retention = guest_retention
        self._forgotten = forgotten
        self._verified = verified_account_types()
        # A feed has few values of most fields; keys, times and amounts are looked at each time.
        self._holds = {
            name: domain.holds if name in TYPED or domain.is_key else lru_cache(4096)(domain.holds)
            for name, domain in FAN_DOMAINS.items()
        }

    def split(self, record: Record, now: datetime, file_name: str) -> SplitRecord | None:
        """Part an interaction; None where the fan requested erasure after it.

        Args:
            record: what the feed has.
            now: when it was read (UTC, without a zone); a guest's tokens expire that much later.
            file_name: where it stands.

        """
        tokens = self._tokens
        fan_id = clean_text(record["fan_id"]) or ""
        fan_token = tokens.fan(fan_id)
        if fan_token in self._forgotten and not _is_later(
            record["event_timestamp"], self._forgotten[fan_token]
        ):
            return None
        is_verified = clean_code(record["account_type"]) in self._verified
        email = first_name = last_name = None
        if is_verified:
            email = record["email"]
            first_name, last_name = record["first_name"], record["last_name"]
        email_token = tokens.email(email)
        ip_address = record["ip_address"]
        ip_token = tokens.address(ip_address)
        identity = Identity(*(record[name] for name in PERSONAL_FIELDS))
        plain, masked = self._mask(record, identity)
        is_named_by_file = identity.is_in_file_name(file_name)
        row = (
            plain["interaction_id"],
            fan_token,
            plain["account_type"],
            email_token,
            tokens.name("first_name", first_name, fan_id),
            tokens.name("last_name", last_name, fan_id),
            plain["region"],
            plain["country_code"],
            plain["device_type"],
            plain["title_id"],
            plain["event_type"],
            plain["event_timestamp"],
            tokens.session(record["session_id"]),
            ip_token,
            plain["amount"],
            plain["currency"],
            None if is_verified else now + self._guest_retention,
        )
        if not is_verified:
            return SplitRecord(row, None, masked, is_named_by_file)
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
            masked,
            is_named_by_file,
        )

    def _mask(self, record: Record, identity: Identity) -> tuple[dict[str, str | None], list[str]]:
        """Replace values that are outside their domain or that the person is known by."""
        plain = {name: record[name] for name in FAN_DOMAINS}
        cleaned = {name: value for name in plain if (value := clean_text(plain[name]))}
        masked = [name for name, value in cleaned.items() if not self._holds[name](value)]
        compared = {
            name: value
            for name, value in cleaned.items()
            if name not in TYPED and value.upper() not in FAN_DOMAINS[name].codes
        }
        if identity.is_in_any(compared.values()):
            masked += [
                name
                for name, value in compared.items()
                if name not in masked and identity.is_in(value)
            ]
        for name in masked:
            plain[name] = MASKED
            if FAN_DOMAINS[name].is_key:
                plain[name] = f"{MASKED}-{self._tokens.masked(name, cleaned[name])[:32]}"
        return plain, masked

    def file_name(self, feed: Feed, path: str) -> str:
        """Return how a file is named to people and in bronze: by its path, or masked.

        Args:
            feed: whose file it is.
            path: below the landing folder.

        """
        if is_plain_file_name(path) if feed.masks_values else not looks_personal(path):
            # A name that is no Unicode cannot be stored; its bytes can be written out.
            return path.encode(errors="backslashreplace").decode()
        return self.masked_file_name(feed, path)

    def erased_file_name(self, path: str) -> str:
        """Return the masked name of a file as bronze names it."""
        feed, _, _ = path.partition("/")
        return f"{feed}/{MASKED}-{self._tokens.masked('file', path)[:16]}"

    def unread_name(self, path: str, personal_folders: Collection[str]) -> str:
        """Return how a file that is read by no feed is named to people.

        Args:
            path: below the landing folder.
            personal_folders: in which no record shows whose names the file names have.

        """
        plain = path.encode(errors="backslashreplace").decode()
        folder, _, name = path.rpartition("/")
        if folder.partition("/")[0] not in personal_folders and is_plain_file_name(path):
            return plain
        masked = f"{MASKED}-{self._tokens.masked('file', plain)[:16]}"
        if folder in personal_folders:
            ending = ENDING.search(name)
            return f"{folder}/{masked}{ending[0] if ending else ''}"
        return masked

    def masked_file_name(self, feed: Feed, path: str) -> str:
        """Return the name of a file whose path holds something personal."""
        plain = path.encode(errors="backslashreplace").decode()
        return f"{feed.name}/{MASKED}-{self._tokens.masked('file', plain)[:16]}"


def event_time(event_timestamp: str | None) -> datetime | None:
    """Return the time of an event (UTC, without a zone); None if Python cannot read it."""
    try:
        event = datetime.fromisoformat((clean_text(event_timestamp) or "").replace("Z", "+00:00"))
        return naive_utc(event) if event.tzinfo else event
    except (ValueError, OverflowError):
        return None


def _is_later(event_timestamp: str | None, forgotten_at: datetime) -> bool:
    """Return whether an event is surely after a moment (UTC, without a zone)."""
    event = event_time(event_timestamp)
    return event is not None and event > forgotten_at
