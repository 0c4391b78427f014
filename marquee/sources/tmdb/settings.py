"""How to reach TMDb: credential, address and pace, typed and in one place."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any
from urllib.parse import urlsplit

import dlt
from dlt.sources.helpers.rest_client.auth import BearerTokenAuth

from marquee.core.dlt_project import configured_number
from marquee.core.errors import MarqueeError
from marquee.core.same_origin import LOOPBACK

TMDB_URL = "https://api.themoviedb.org/3"
TMDB_EXPORTS = "https://files.tmdb.org/p/exports"
TMDB_HOSTS = ("api.themoviedb.org", "api.tmdb.org")  # two names of the same service

NO_CREDENTIAL = MarqueeError(
    "No TMDb credential: get a free one at https://www.themoviedb.org/settings/api and set "
    "TMDB_ACCESS_TOKEN (v4) or TMDB_API_KEY (v3), or fill in .dlt/secrets.toml.",
    "To try without one: python pipelines/tmdb.py --sandbox   (or all of Marquee: make demo)",
)


@dataclass(frozen=True)
class TmdbSettings:
    """What the client needs to know.

    Attributes:
        base_url: the API's address with its version, without a slash at the end.
        access_token: v4 "API Read Access Token", sent in a header; preferred.
        api_key: v3 "API Key", which TMDb takes in the query string only.
        requests_per_second: the limit for all threads and all retries together.
        attempts: how often a request is tried before it counts as failed.
        backoff_seconds: the pause after the first failure; doubled after each further one.
        max_wait_seconds: the longest pause, whatever `Retry-After` says.
        timeout_seconds: how long to wait for an answer to begin or to go on.
        body_seconds: how long a body may take as a whole.
        chunk_seconds: how much fetching a crash may cost; so much goes into one load.
        chunk_movies: the most documents that are held in memory for a load.
        bridge_days: the longest absence that the change log is read for.
        max_deleted_share: the share of known movies that may be missing at once, see `deletions`.
        export_url: the folder of the daily id exports; None for where TMDb has them.
        today: the date that responses of the sandbox arrive on; None for the machine's.
    """

    base_url: str = TMDB_URL
    access_token: str | None = field(default=None, repr=False)
    api_key: str | None = field(default=None, repr=False)
    requests_per_second: float = 40
    attempts: int = 6  # with the pauses between them some 15 seconds, a restart of a server
    backoff_seconds: float = 0.5
    max_wait_seconds: float = 60  # a longer one is better spent on a later run
    timeout_seconds: float = 15  # TMDb answers in tenths of a second, on a bad day in a few
    body_seconds: float = 60  # a document has a few KB
    chunk_seconds: float = 120  # beside it the half second that a load takes is nothing
    chunk_movies: int = 10_000  # some 35 MB of documents, twice: what came and what bronze has
    bridge_days: float = 180  # TMDb's terms let nobody keep an answer longer than six months
    max_deleted_share: float = 0.2  # TMDb deletes far less than one in a thousand a day
    export_url: str | None = None
    today: date | None = None

    @property
    def chunk_size(self) -> int:
        """Return how many movies are fetched for one load."""
        return max(1, int(min(self.chunk_seconds * self.requests_per_second, self.chunk_movies)))

    @property
    def bearer_auth(self) -> BearerTokenAuth | None:
        """Return the header of a v4 token, None if there is only a v3 key."""
        return BearerTokenAuth(self.access_token) if self.access_token else None

    @property
    def exports(self) -> str:
        """Return the folder of the id exports; TMDb has another host for it than for its API."""
        if self.export_url:
            return self.export_url.rstrip("/")
        if is_tmdb(self.base_url):
            return TMDB_EXPORTS
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{parts.netloc}/p/exports"

    @classmethod
    def from_configuration(cls) -> TmdbSettings:
        """Read `TMDB_ACCESS_TOKEN`, `TMDB_API_KEY`, `TMDB_BASE_URL`, then dlt's `sources.tmdb.*`.

        dlt's values are looked up under their full names only. Its usual injection would also take
        an `API_KEY` or `ACCESS_TOKEN` that belongs to something else and send it to TMDb.

        Raises:
            MarqueeError: no credential, or a value that cannot be used.
        """

        def secret(variable: str, name: str) -> str | None:
            key = f"sources.tmdb.{name}"
            given: str | None = os.environ.get(variable)
            value = (given or dlt.secrets.get(key, str) or "").strip()
            # What an HTTP header can carry. A copied blank without width or a curly quote is seen
            # by nobody, and the error of the HTTP library would quote a part of the credential.
            if not all("!" <= character <= "~" for character in value):
                raise MarqueeError(
                    f"{variable if given else key} holds a character that no HTTP header can carry "
                    "(a blank, a quote or a letter beyond ASCII).",
                    "Copy it again from https://www.themoviedb.org/settings/api.",
                )
            return value or None

        if dlt.config.get("sources.tmdb.max_gone_share") is not None:  # former name
            raise MarqueeError(
                "sources.tmdb.max_gone_share has a new name: max_deleted_share.",  # former name
                "Rename it in .dlt/config.toml, or the environment variable to "
                "SOURCES__TMDB__MAX_DELETED_SHARE.",
            )
        # Those declared above with a number: a whole one where the default is.
        numbers: dict[str, Any] = {
            one.name: (int if one.type == "int" else float)(
                configured_number(f"sources.tmdb.{one.name}", one.default)
            )
            for one in fields(cls)
            if isinstance(one.default, int | float)
        }
        settings = cls(
            base_url=_address(
                os.environ.get("TMDB_BASE_URL")
                or dlt.config.get("sources.tmdb.base_url", str)
                or TMDB_URL
            ),
            access_token=secret("TMDB_ACCESS_TOKEN", "access_token"),
            api_key=secret("TMDB_API_KEY", "api_key"),
            **numbers,
            export_url=dlt.config.get("sources.tmdb.export_url", str),
        )
        if not (settings.access_token or settings.api_key):
            raise NO_CREDENTIAL
        return settings


def is_tmdb(url: str) -> bool:
    """Tell whether a URL points at TMDb itself rather than a fake server."""
    return (urlsplit(url).hostname or "").rstrip(".") in TMDB_HOSTS


def is_loopback(url: str) -> bool:
    """Tell whether a URL points at this machine."""
    return urlsplit(url).hostname in LOOPBACK


def _address(url: str) -> str:
    """Check a base URL: it ends up in `source_url`, so it must not carry a credential."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise MarqueeError(
            f"TMDB_BASE_URL is not a web address: {parts.scheme}://{parts.hostname or ''}",
            f"It looks like {TMDB_URL} or http://127.0.0.1:8899/3.",
        )
    if parts.username or parts.password or parts.query or parts.fragment:
        raise MarqueeError(
            "TMDB_BASE_URL must not carry a user name, a password or a query string.",
            "Credentials go into TMDB_ACCESS_TOKEN or TMDB_API_KEY.",
        )
    return url.rstrip("/")
