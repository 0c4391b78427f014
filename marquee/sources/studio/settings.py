"""Where the studio's feeds are and how they are read: typed, in one place."""

from __future__ import annotations

import hmac
import os
import re
from base64 import b64decode
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import dlt

from marquee.core.dlt_project import configured_number
from marquee.core.errors import MarqueeError
from marquee.core.settings import ROOT

MIN_KEY_LENGTH = 32  # characters: 128 bits and more, also in hexadecimal
MIN_KEY_CHARACTERS = 8  # different ones; 32 random hexadecimal digits have fewer once in a million
# Characters that do not follow from those before them; 32 random hexadecimal digits have some 25.
MIN_KEY_SURPRISES = 16
COMMON_WORDS = re.compile(
    "password|passwort|passphrase|secret|changeme|letmein|welcome|default|example|marquee|studio|"
    "admin|token|vault|qwertyuiop|asdfghjkl|zxcvbnm|qwerty|correct|horse|battery|staple|test|key"
)
DEFAULT_FOLDER = ROOT / "studio_feed"
MAKE_A_KEY = 'Make one: python -c "import secrets; print(secrets.token_hex(32))"'

NO_KEY = MarqueeError(
    "No token key: fan data is not loaded without one, for it is what keeps it pseudonymous.",
    "Make one, keep it as safe as a password and for as long as the warehouse lives:\n"
    '  python -c "import secrets; print(secrets.token_hex(32))"\n'
    "Then set STUDIO_TOKEN_KEY, or token_key under [sources.studio] in .dlt/secrets.toml.\n"
    "To try without one: python pipelines/studio.py --sandbox",
)


@dataclass(frozen=True)
class StudioSettings:
    """What a run needs to know.

    Attributes:
        bucket_url: the landing folder, a path or any URL that fsspec knows.
        token_key: the key of all tokens.
        vault_key: the key that the vault is encrypted with; empty for one made of the token key.
        old_vault_key: the key that it was encrypted with before, to change it.
        guest_retention_days: how long a guest's session and address tokens are kept.
        chunk_lines: how many lines go into one load; so much a crash may cost.
        settle_seconds: a last line without its end counts once the file is that old.
    """

    bucket_url: str
    token_key: str
    guest_retention_days: float = 30
    chunk_lines: int = 250_000  # a load of a few seconds; some 500 MB while it is made
    settle_seconds: float = 300
    vault_key: str = ""
    old_vault_key: str = ""

    def __repr__(self) -> str:
        """Name no key: settings end up in messages of errors."""
        return f"StudioSettings({self.place!r})"

    @property
    def place(self) -> str:
        """Name the landing folder to people: without the user and password of a URL."""
        return re.sub(r"//[^/]*@", "//***@", self.bucket_url)

    @property
    def vault_encryption_key(self) -> str:
        """Return the key that the vault is encrypted with."""
        return self.vault_key or derived_vault_key(self.token_key)

    @classmethod
    def from_configuration(cls) -> StudioSettings:
        """Read `STUDIO_URL` and `STUDIO_TOKEN_KEY`, then dlt's `sources.studio.*`.

        Raises:
            MarqueeError: no key, a weak one, or a value that cannot be used.
        """

        def number(name: str) -> float:
            return configured_number(f"sources.studio.{name}", getattr(cls, name), allow_zero=True)

        def secret(variable: str, name: str) -> str:
            key = os.environ.get(variable) or dlt.secrets.get(f"sources.studio.{name}", str) or ""
            return key.strip()

        token_key = secret("STUDIO_TOKEN_KEY", "token_key")
        if not token_key:
            raise NO_KEY
        check_strength("token key", token_key)
        if vault_key := secret("STUDIO_VAULT_KEY", "vault_key"):
            check_strength("vault key", vault_key)
        bucket_url = configured_folder() or str(DEFAULT_FOLDER)
        return cls(
            bucket_url=bucket_url if "://" in bucket_url else str(Path(bucket_url).expanduser()),
            token_key=token_key,
            vault_key=vault_key,
            old_vault_key=secret("STUDIO_OLD_VAULT_KEY", "old_vault_key"),
            guest_retention_days=number("guest_retention_days"),
            chunk_lines=max(1, int(number("chunk_lines"))),
            settle_seconds=number("settle_seconds"),
        )


def configured_folder() -> str | None:
    """Return the landing folder that the environment or dlt's configuration names."""
    return os.environ.get("STUDIO_URL") or dlt.config.get("sources.studio.bucket_url", str)


def has_folder() -> bool:
    """Return whether there is a landing folder to load: a configured one, or the default one."""
    return bool(configured_folder()) or DEFAULT_FOLDER.is_dir()


def derived_vault_key(token_key: str) -> str:
    """Return the key of the vault of who has set none: it follows from the token key alone."""
    return hmac.digest(token_key.encode(), b"vault", "sha256").hex()


def check_strength(what: str, key: str) -> None:
    """Make sure that a key cannot be guessed.

    Args:
        what: what the key is, for people.
        key: the key.

    Raises:
        MarqueeError: it is short, follows from a part of it, or has few different characters.
    """
    if len(key) < MIN_KEY_LENGTH:
        fault = f"has fewer than {MIN_KEY_LENGTH} characters"
    elif min(map(_surprises, [key, *_decoded(key)])) < MIN_KEY_SURPRISES:
        fault = "repeats itself, counts up or consists of common words"
    elif len(set(key)) < MIN_KEY_CHARACTERS:
        fault = f"has fewer than {MIN_KEY_CHARACTERS} different characters"
    else:
        return
    raise MarqueeError(f"The {what} {fault}: it could be guessed.", MAKE_A_KEY)


def _surprises(key: str) -> int:
    """Count the characters of a key that neither repeat what was before nor continue a series."""
    rest = re.sub(r"(.)\1+", r"\1", COMMON_WORDS.sub("", key.lower()))
    known: set[str] = set()
    count = 0
    for one, two, three in zip(rest, rest[1:], rest[2:], strict=False):
        is_series = ord(three) - ord(two) == ord(two) - ord(one)
        count += not is_series and one + two + three not in known
        known.add(one + two + three)
    return count


def _decoded(key: str) -> Iterator[str]:
    """Yield the text of a key that is one in hexadecimal digits or base64."""
    for decode in (bytes.fromhex, b64decode):
        with suppress(ValueError):
            if (text := decode(key).decode("ascii")).isprintable():
                yield text
