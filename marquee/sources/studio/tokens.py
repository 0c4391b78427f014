"""Keyed tokens in place of personal data: HMAC-SHA256 (RFC 2104), in hexadecimal.

The same value has the same token as long as the key is the same, so that rows can be counted and
joined; without the key a token can be neither undone nor guessed. Each kind of value has tokens of
its own, and a name has another one for each fan: the commonest first name shall not show by its
count.
"""

from __future__ import annotations

import hmac

from marquee.core.text import clean_text

SEPARATOR = "\x1f"  # ASCII's unit separator


class Tokens:
    """Makes tokens under one key."""

    def __init__(self, key: str) -> None:
        """Take the key."""
        # Copied for each text: `hmac.digest` would hash the key each time.
        self._keyed = hmac.new(key.encode(), digestmod="sha256")

    def __repr__(self) -> str:
        """Name no key."""
        return "Tokens()"

    @property
    def key_check(self) -> str:
        """Return what distinguishes this key from others, and reveals nothing of it."""
        return self._token("key", "check")[:16]

    def masked(self, field: str, value: str) -> str:
        """Return the token that distinguishes a masked value, and reveals nothing of it."""
        return self._token("masked", field, value)

    def fan(self, fan_id: str) -> str:
        """Return the token of a fan."""
        return self._token("fan", fan_id)

    def email(self, address: str | None) -> str | None:
        """Return the token of an e-mail address, whatever its capitals and the space around it."""
        plain = (clean_text(address) or "").lower()
        return self._token("email", plain) if plain else None

    def name(self, field: str, name: str | None, fan_id: str) -> str | None:
        """Return the token of a name of a fan."""
        plain = clean_text(name)
        return self._token(field, fan_id, plain) if plain else None

    def session(self, session_id: str | None) -> str | None:
        """Return the token of a session."""
        plain = clean_text(session_id)
        return self._token("session", plain) if plain else None

    def address(self, ip_address: str | None) -> str | None:
        """Return the token of an IP address."""
        plain = clean_text(ip_address)
        return self._token("ip", plain) if plain else None

    def record(self, *values: str | None) -> str:
        """Return the token of a set of plaintext values, the key of their row in the vault."""
        return self._token("record", *(value or "" for value in values))

    def _token(self, *parts: str) -> str:
        """Hash parts, so that no two lists of parts are the same text.

        Parts that hold the separator are separated by their lengths instead. All others keep the
        form of version 0.1, which is as clear: a warehouse that it loaded keeps its tokens.
        """
        joined = SEPARATOR.join(parts)
        if joined.count(SEPARATOR) >= len(parts):
            joined = SEPARATOR + "".join(f"{len(part)}:{part}" for part in parts)
        token = self._keyed.copy()
        token.update(joined.encode())
        return token.hexdigest()
