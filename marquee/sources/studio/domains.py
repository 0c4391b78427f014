"""Which values a field of a feed may have, and what of a value looks personal.

A field that is not meant for personal data can hold some all the same: an e-mail address in
`region`, a name in `device_type`. Such a value is replaced by `MASKED` before anything is written,
and counted.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address

from marquee.core.text import WHITE_SPACE, clean_text

MASKED = "MASKED"
MAX_LENGTH = 64  # of a key or a code

_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_IPV4 = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")
# Within a text; a key may have two parts with colons between them.
_IPV6 = re.compile(r"(?<![\w:.])[0-9A-Fa-f]*(?::+[0-9A-Fa-f]+){2,}(?:::)?(?![\w:])")
# Nine digits and more in groups, or seven and more after a plus sign. A plain number is no
# telephone number: keys are plain numbers.
_PHONE = re.compile(
    r"\+\(?\d(?:[ ().-]{0,2}\d){6,14}(?!\d)"
    r"|(?<![\w.-])\(?\d{2,4}\)?[ .-]\d{2,4}[ .-](?:\d{2,4}[ .-]?){1,2}\d(?![\w.-])"
)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?!\d)|\d{2}[.-]\d{2}[.-]\d{4}(?!\d)")
_SEPARATORS = WHITE_SPACE.replace("\n", "") + "._,;:'-/\\|()"
_NO_SEPARATORS = str.maketrans("", "", _SEPARATORS)
_ASCII_SEPARATORS = _SEPARATORS.encode("ascii", errors="ignore")
# A short identity, such as the name Al or the session s1, is part of too many other values.
_MIN_CONTAINED = 4
_MIN_CONTAINED_DIGITS = 9


@dataclass(frozen=True)
class Domain:
    """The values that a field may have.

    Attributes:
        pattern: what the whole cleaned value looks like.
        codes: values, in capitals, that are none of anybody's: they are not compared with names.
        is_key: it identifies a row, so that masked values stay different.
        is_typed: a figure or a time, whose pattern leaves no room for an address or a name.
        is_unique: hardly two records have the same value.
        max_length: in characters.
    """

    pattern: re.Pattern[str]
    codes: Collection[str] = frozenset()
    is_key: bool = False
    is_typed: bool = False
    is_unique: bool = False
    max_length: int = MAX_LENGTH

    def holds(self, value: str) -> bool:
        """Return whether a cleaned value is one of the domain."""
        return (
            len(value) <= self.max_length
            and self.pattern.fullmatch(value) is not None
            and (self.is_typed or not looks_personal(value))
        )

    def look(self, value: str) -> tuple[bool, str | None]:
        """Look at a value.

        Returns:
            Whether it is blank or of the domain; and how it is compared with what a person is known
            by (see `squash`), None if it is not.
        """
        cleaned = clean_text(value)
        if cleaned is None:
            return True, None
        is_compared = not self.is_typed and not (self.codes and cleaned.upper() in self.codes)
        return self.holds(cleaned), squash(cleaned) if is_compared else None


_CODE = re.compile(r"[A-Za-z][A-Za-z_]*")
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]*")
_WORDS = re.compile(r"[^\W\d_]+(?:[ _/&.'()-]{1,3}[^\W\d_]+|[ _-]?\d{1,2}(?!\d))*[.)]?")
_TIMESTAMP = re.compile(
    r"\d{4}-?(?:\d\d-?\d\d|W\d\d-?\d|\d{3})"
    r"(?:[Tt ]\d\d(?::?\d\d(?::?\d\d(?:[.,]\d{1,9})?)?)?\s?(?:[Zz]|UTC|[+-]\d\d(?::?\d\d)?)?)?"
)
_NUMBER = re.compile(r"-?(?:\d{1,18}(?:[.,]\d{0,18})?|[.]\d{1,18})(?:[eE][+-]?\d{1,3})?")

# The fields of the fan feed that are not personal by declaration.
FAN_DOMAINS: Mapping[str, Domain] = {
    "interaction_id": Domain(_KEY, is_key=True, is_unique=True),
    "account_type": Domain(_CODE, {"VERIFIED", "VERIFIED_LINKED", "GUEST"}, max_length=24),
    "region": Domain(_WORDS, max_length=40),
    "country_code": Domain(_CODE, max_length=3),
    "device_type": Domain(_WORDS, {"MOBILE", "TV", "WEB", "TABLET", "CONSOLE"}, max_length=24),
    "title_id": Domain(_KEY),
    "event_type": Domain(
        _CODE, {"STREAM", "PURCHASE", "REVIEW", "WISHLIST", "TRAILER_VIEW"}, max_length=24
    ),
    "event_timestamp": Domain(_TIMESTAMP, is_typed=True, is_unique=True, max_length=40),
    "amount": Domain(_NUMBER, is_typed=True, max_length=40),
    "currency": Domain(_CODE, {"USD", "EUR", "GBP", "JPY", "CAD", "AUD"}, max_length=3),
}
_FILE_NAME = re.compile(r"[A-Za-z0-9._=/-]*")


def looks_personal(value: str) -> bool:
    """Return whether a text holds an e-mail address, a telephone number or an IP address."""
    if not value.isascii():  # wide letters and signs
        value = unicodedata.normalize("NFKC", value)
    if "@" in value and _EMAIL.search(value):
        return True
    if "." in value and _IPV4.search(value):
        return True
    if value.count(":") >= 2 and any(map(_is_ipv6, [value, *_IPV6.findall(value)])):
        return True
    if "+" not in value and value.count(" ") + value.count(".") + value.count("-") < 2:
        return False  # no telephone number, and by far the most values
    return sum(map(str.isdigit, value)) >= 7 and bool(_PHONE.search(_DATE.sub("", value)))


def _is_ipv6(value: str) -> bool:
    try:
        IPv6Address(value.strip("[]"))
    except ValueError:
        return False
    return True


def is_plain_file_name(path: str) -> bool:
    """Return whether a path of the fan feed is letters, digits and marks, and not personal."""
    return _FILE_NAME.fullmatch(path) is not None and not looks_personal(path)


class Identity:
    """What a person is known by, for comparison with other fields. All texts are squashed."""

    def __init__(self, first_name: str | None, last_name: str | None, *others: str | None) -> None:
        """Take the names, and addresses and numbers."""
        # Joined: one call for all takes a fraction of the time.
        values = "\n".join([value or "" for value in (first_name, last_name, *others)])
        first, last, *rest = squash(values).split("\n")
        parts = [first, last, *rest]
        if first and last:
            parts += [first + last, last + first]
        self._parts = [part for part in parts if part]

    def can_be_in(self, text: str) -> bool:
        """Return whether a line of a text can be or contain it: quick, and never wrongly False."""
        for part in self._parts:  # noqa: SIM110 - `any` takes three times as long
            if part in text:
                return True
        return False

    def is_in(self, value: str) -> bool:
        """Return whether a value is, or contains, what the person is known by."""
        return value in self._parts or self.is_contained(value)

    def is_contained(self, text: str) -> bool:
        """Return whether a text contains what the person is known by."""
        return any(part in text and _is_telling(part) for part in self._parts)


def _is_telling(part: str) -> bool:
    return len(part) >= (_MIN_CONTAINED_DIGITS if part.isdigit() else _MIN_CONTAINED)


def squash(value: str) -> str:
    """Return a text in small letters without accents, marks and spaces: A. Lée is a-lee."""
    if value.isascii():  # the same, and several times as fast
        return value.lower().encode().translate(None, _ASCII_SEPARATORS).decode()
    parts = unicodedata.normalize("NFKD", value)
    value = "".join(part for part in parts if not unicodedata.combining(part))
    return value.casefold().translate(_NO_SEPARATORS)


@lru_cache(1024)
def squash_file_name(path: str) -> str:
    """Return the squashed path of a file below the feed's folder."""
    return squash(path.partition("/")[2])
