"""Where the studio's feeds are and how they are read: typed, in one place."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import dlt

from marquee.core.errors import MarqueeError
from marquee.core.settings import ROOT

MIN_KEY_LENGTH = 32  # characters: 128 bits and more, also in hexadecimal

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
        guest_retention_days: how long a guest's session and address tokens are kept.
        chunk_lines: how many lines go into one load; so much a crash may cost.
        settle_seconds: a last line without its end counts once the file is that old.

    """

    bucket_url: str
    token_key: str
    guest_retention_days: float = 30
    chunk_lines: int = 250_000  # a load of a few seconds; some 500 MB while it is made
    settle_seconds: float = 300

    def __repr__(self) -> str:
        """Name no key: settings end up in messages of errors."""
        return f"StudioSettings({self.place!r})"

    @property
    def place(self) -> str:
        """Name the landing folder to people: without the user and password of a URL."""
        return re.sub(r"//[^/]*@", "//***@", self.bucket_url)

    @classmethod
    def from_configuration(cls, environ: Mapping[str, str] = os.environ) -> StudioSettings:
        """Read `STUDIO_URL` and `STUDIO_TOKEN_KEY`, then dlt's `sources.studio.*`.

        Raises:
            MarqueeError: no key, a weak one, or a value that cannot be used.

        """

        def number(name: str, default: float) -> float:
            value: Any = dlt.config.get(f"sources.studio.{name}")
            try:
                given = default if value is None else float(value)
            except (TypeError, ValueError):
                given = -1
            if given < 0:
                raise MarqueeError(f"sources.studio.{name} must be 0 or more, not {value!r}.")
            return given

        key = environ.get("STUDIO_TOKEN_KEY") or dlt.secrets.get("sources.studio.token_key", str)
        if not (key and key.strip()):
            raise NO_KEY
        if len(key.strip()) < MIN_KEY_LENGTH:
            raise MarqueeError(
                f"The token key has fewer than {MIN_KEY_LENGTH} characters: it could be guessed.",
                'Make one: python -c "import secrets; print(secrets.token_hex(32))"',
            )
        return cls(
            bucket_url=environ.get("STUDIO_URL")
            or dlt.config.get("sources.studio.bucket_url", str)
            or str(ROOT / "studio_feed"),
            token_key=key.strip(),
            guest_retention_days=number("guest_retention_days", cls.guest_retention_days),
            chunk_lines=max(1, int(number("chunk_lines", cls.chunk_lines))),
            settle_seconds=number("settle_seconds", cls.settle_seconds),
        )
