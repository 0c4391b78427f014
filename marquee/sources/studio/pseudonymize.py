"""Where personal data parts: a record becomes a row without it, and a row for the vault."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from operator import itemgetter
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
    squash_file_name,
)
from marquee.sources.studio.feeds import Feed, Record
from marquee.sources.studio.tokens import Tokens

ENDING = re.compile(r"\.[a-z0-9]{1,5}$")
FAN_FIELDS = itemgetter("fan_id", "account_type", "email", "first_name", "last_name")
KEPT = 1 << 16  # fans and addresses whose tokens are kept in memory, some 60 MB
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


@dataclass(frozen=True, eq=False)  # one object per fan, distinguished by identity
class Fan:
    """What is the same in all records of a fan; `person` lacks the address and the key."""

    person: PiiRecord
    is_verified: bool
    first_name_token: str | None
    last_name_token: str | None
    identity: Identity


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


def verified_account_types() -> frozenset[str]:
    """Return the types of account whose fans have an identity that is kept."""
    with ACCOUNT_TYPES.open(newline="", encoding="utf-8") as file:
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
        self._fan = lru_cache(KEPT)(self._make_fan)
        self._person = lru_cache(KEPT)(self._make_person)
        self._address = lru_cache(KEPT)(tokens.address)
        # A feed has few values of most fields; keys and times are looked at each time.
        self._look = [
            (name, domain.look if domain.is_unique else lru_cache(4096)(domain.look))
            for name, domain in FAN_DOMAINS.items()
        ]

    def split(self, record: Record, now: datetime, file_name: str) -> SplitRecord | None:
        """Part an interaction; None where the fan requested erasure after it.

        Args:
            record: what the feed has.
            now: when it was read (UTC, without a zone); a guest's tokens expire that much later.
            file_name: where it stands.
        """
        tokens = self._tokens
        fan = self._fan(*FAN_FIELDS(record))
        fan_token = fan.person.fan_token
        if fan_token in self._forgotten and not _is_later(
            record["event_timestamp"], self._forgotten[fan_token]
        ):
            return None
        ip_address, session_id = record["ip_address"], record["session_id"]
        masked: list[str] = []
        compared: list[str] = []
        for name, look in self._look:
            if value := record[name]:
                holds, squashed = look(value)
                if not holds:
                    masked.append(name)
                if squashed is not None:
                    compared.append(squashed)
        # All at once first: hardly a record has elsewhere what its fan is known by.
        path = squash_file_name(file_name)
        compared.append(path)
        lines = "\n".join(compared)
        fans, used = fan.identity, Identity(None, None, ip_address, session_id)
        is_named_by_file = False
        if fans.can_be_in(lines) or used.can_be_in(lines):
            is_named_by_file = fans.is_contained(path) or used.is_contained(path)
            masked += [
                name
                for name, look in self._look
                if name not in masked
                and (squashed := look(record[name] or "")[1]) is not None
                and (fans.is_in(squashed) or used.is_in(squashed))
            ]
        plain = self._masked(record, masked) if masked else record
        row = (
            plain["interaction_id"],
            fan_token,
            plain["account_type"],
            fan.person.email_token,
            fan.first_name_token,
            fan.last_name_token,
            plain["region"],
            plain["country_code"],
            plain["device_type"],
            plain["title_id"],
            plain["event_type"],
            plain["event_timestamp"],
            tokens.session(session_id),
            self._address(ip_address),
            plain["amount"],
            plain["currency"],
            None if fan.is_verified else now + self._guest_retention,
        )
        person = self._person(fan, ip_address) if fan.is_verified else None
        return SplitRecord(row, person, masked, is_named_by_file)

    def _make_fan(self, *fields: str | None) -> Fan:
        tokens = self._tokens
        fan_id, account_type, email, first, last = fields
        identity = Identity(first, last, email, fan_id)
        fan_id = clean_text(fan_id) or ""
        is_verified = clean_code(account_type) in self._verified
        if not is_verified:
            email = first = last = None
        person = PiiRecord(
            "", tokens.fan(fan_id), fan_id, email, tokens.email(email), first, last, None, None
        )
        return Fan(
            person,
            is_verified,
            tokens.name("first_name", first, fan_id),
            tokens.name("last_name", last, fan_id),
            identity,
        )

    def _make_person(self, fan: Fan, ip_address: str | None) -> PiiRecord:
        one = fan.person
        return one._replace(
            record_token=self._tokens.record(
                one.fan_id, one.email, one.first_name, one.last_name, ip_address
            ),
            ip_address=ip_address,
            ip_token=self._address(ip_address),
        )

    def _masked(self, record: Record, masked: Sequence[str]) -> Record:
        """Return a record with masked values."""
        plain = {**record, **dict.fromkeys(masked, MASKED)}
        for name in masked:
            if FAN_DOMAINS[name].is_key:
                value = clean_text(record[name]) or ""
                plain[name] = f"{MASKED}-{self._tokens.masked(name, value)[:32]}"
        return plain

    def file_name(self, feed: Feed, path: str) -> str:
        """Return how a file is named to people and in bronze: by its path, or masked.

        Args:
            feed: whose file it is.
            path: below the landing folder.
        """
        if is_plain_file_name(path) if feed.masks_values else not looks_personal(path):
            return _storable(path)
        return self.masked_file_name(path)

    def masked_file_name(self, path: str) -> str:
        """Return the name of a feed's file whose path holds something personal."""
        return f"{path.partition('/')[0]}/{self._mask(path)}"

    def _mask(self, path: str) -> str:
        return f"{MASKED}-{self._tokens.masked('file', _storable(path))[:16]}"

    def unread_name(self, path: str, personal_folders: Collection[str]) -> str:
        """Return how a file that is read by no feed is named to people.

        Args:
            path: below the landing folder.
            personal_folders: in which no record shows whose names the file names have.
        """
        folder, _, name = path.rpartition("/")
        if folder.partition("/")[0] not in personal_folders and is_plain_file_name(path):
            return path
        if folder in personal_folders:
            ending = ENDING.search(name)
            return f"{folder}/{self._mask(path)}{ending[0] if ending else ''}"
        return self._mask(path)


def _storable(path: str) -> str:
    """Write out the bytes of a name that is no Unicode."""
    return path.encode(errors="backslashreplace").decode()


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
