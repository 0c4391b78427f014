"""The HTTP side of TMDb: one session for all threads, paced, patient, and discreet.

Everything sits in the transport adapter, below the session, because there it is done once: the pace
holds for retries too, response hooks see only the final answer of a request, and a v3 key is added
where no log, error, hook or table can see the URL any more.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import Counter
from datetime import date, datetime, timezone
from email.utils import mktime_tz, parsedate_to_datetime, parsedate_tz
from typing import Any, Literal
from urllib.parse import urlsplit

import requests
from dlt.common.json import json
from dlt.sources.helpers.requests import Session
from requests.hooks import dispatch_hook
from requests_ratelimiter import LimiterAdapter
from urllib3.exceptions import HTTPError

from marquee.core.errors import MarqueeError, TemporaryError, chain
from marquee.sources.tmdb.settings import TmdbSettings, is_loopback
from marquee.sources.tmdb.throttle import AdaptiveThrottle

CONNECTIONS = 20  # the most that TMDb was ever known to allow one address
# What the limiter waits beyond a full second: its default of 50 costs 5 % of the pace.
SLACK_MS = 20
CONNECT_SECONDS = 5  # a handshake around the world takes half a second
FIRST_ATTEMPTS = 3  # nobody wants to wait a minute to hear that there is no network
MALFORMED_ATTEMPTS = 3  # the next attempt repairs a cut-off body, and no broken document
OUTAGE_FAILURES = 40  # in a row: all connections failed twice with nothing in between
READ_BYTES = 1 << 16
NO_ANSWER = 599  # the customary code for "the connection gave no complete answer"
CREDENTIAL_REJECTED = (401, 403)

Request = requests.PreparedRequest
Response = requests.Response
FaultKind = Literal["throttled", "server", "connection", "malformed"]


class TmdbUnreachable(TemporaryError):
    """TMDb as a whole does not answer, in contrast to one movie that does not."""


class CredentialRejected(MarqueeError):
    """TMDb does not accept the credential."""


class Stopped(KeyboardInterrupt):
    """The run was stopped while this request waited for its turn."""


def redact(text: str, settings: TmdbSettings) -> str:
    """Remove the credentials from a text that people will see."""
    for secret in (settings.access_token, settings.api_key):
        if secret:
            text = text.replace(secret, "***")
    return text


def retry_after_seconds(header: str | None, now: float | None = None) -> float | None:
    """Read a `Retry-After` header: seconds, also in fractions, or an HTTP date.

    Returns:
        Seconds from now, 0 for a time in the past, None where nothing can be read.
    """
    try:
        seconds = float(header or "")
    except ValueError:
        if (date := parsedate_tz(header or "")) is None:
            return None
        try:
            seconds = mktime_tz(date) - (time.time() if now is None else now)
        except (ValueError, OverflowError):  # a year that no calendar has
            return None
    return max(0.0, seconds) if seconds == seconds else None  # NaN reads as a float too


class TmdbAdapter(LimiterAdapter):
    """Sends a request at the permitted pace until it has an answer worth having.

    It is slower of its own accord when 429s come all the same (`AdaptiveThrottle`), and a body that
    drips in is cut off after `body_seconds`.

    Retried, with exponential backoff and jitter or after what `Retry-After` says: 429, 5xx,
    connection errors, timeouts, cut-off bodies, and a little while also answers that are not JSON.
    Attempts are counted per kind of failure: a movie that met a 429 and a 502 has all of its
    attempts for a malformed body left.

    A request that keeps failing has a final answer all the same, a 5xx or `NO_ANSWER`, if TMDb
    answers otherwise: then the one movie is at fault. If not, it is an outage, and the run ends.

    dlt's own retries (`requests.Client`) do not suffice, see docs/decisions/0032.
    """

    def __init__(self, settings: TmdbSettings) -> None:
        """Take the pace and the credential from the settings."""
        # pool_block: a thread waits for one of the connections instead of opening one more
        super().__init__(
            per_second=settings.requests_per_second,
            pool_maxsize=CONNECTIONS,
            pool_block=True,
        )
        self.limiter.buffer_ms = SLACK_MS
        self._settings = settings
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._throttle = AdaptiveThrottle(settings.requests_per_second, self._stop)
        self._date: str | None = None
        self._heard = False  # has anything ever answered?
        self._failures = 0  # finally failed requests since one succeeded
        self._outage: TmdbUnreachable | None = None
        self.requests = 0
        self.retries = 0

    def today(self) -> date:
        """Return TMDb's date as of its newest answer: the days of its lists are its own."""
        try:
            answered = parsedate_to_datetime(self._date or "").astimezone(timezone.utc)
        except (ValueError, OverflowError):  # no date, or an offset that leaves the calendar
            answered = datetime.now(timezone.utc)
        return answered.date()

    def stop(self) -> None:
        """Let no further request start; those waiting for a retry give up at once."""
        self._stop.set()

    def request_url(self, request: Request, proxies: Any) -> str:
        """Add a v3 key to the URL on the wire, and only there."""
        url = super().request_url(request, proxies)
        if self._settings.access_token or not self._settings.api_key:
            return url
        return f"{url}{'&' if '?' in url else '?'}api_key={self._settings.api_key}"

    def send(self, request: Request, **kwargs: Any) -> Response:  # type: ignore[override]
        """Return the final answer to a request, whatever its status.

        Raises:
            CredentialRejected: wrong credential.
            TmdbUnreachable: TMDb does not answer at all, or not any more.
            Stopped: `stop` was called.
        """
        attempts: Counter[FaultKind] = Counter()
        while True:
            if self._stop.is_set():
                raise Stopped
            if self._outage:
                raise self._outage
            sent_at = self._throttle.wait()
            response = self._attempt(request, **kwargs)
            if response.status_code in CREDENTIAL_REJECTED:
                raise CredentialRejected(
                    f"{self._settings.base_url} rejected the credential "
                    f"(HTTP {response.status_code}{_status_message(response)}).",
                    "Check TMDB_ACCESS_TOKEN (v4) or TMDB_API_KEY (v3): they are at "
                    "https://www.themoviedb.org/settings/api",
                )
            kind = _fault_kind(response)
            if kind is None:
                self._throttle.on_success()
                with self._lock:
                    self._heard, self._failures = True, 0
                    self._date = response.headers.get("Date", self._date)
                return response
            attempts[kind] += 1
            if attempts[kind] >= self._attempts_for(kind):
                return self._give_up(request, response, kind, **kwargs)
            with self._lock:
                self.retries += 1
            pause = self._pause(attempts[kind], response)
            if kind == "throttled":
                self._throttle.on_throttled(sent_at, pause)
            self._stop.wait(pause)

    def _attempt(self, request: Request, **kwargs: Any) -> Response:
        """Send once and read the body; turn a connection that failed into a `NO_ANSWER`."""
        with self._lock:
            self.requests += 1
        try:
            response = super().send(request, **kwargs)
            body = read_body(response, self._settings.body_seconds)
        except (requests.RequestException, HTTPError, OSError) as error:
            response, body = no_answer(request, error, self._settings), b""
        # A page that echoes the requested URL would carry the key into quarantine. Real
        # keys are 32 characters and more; a shorter one could be an innocent word of a body.
        for secret in (self._settings.access_token, self._settings.api_key):
            if secret and len(secret) >= 32:
                body = body.replace(secret.encode(), b"***")
        response._content = body
        # So would a redirect that repeats the query string, also to another server.
        if (location := response.headers.get("Location")) and (key := self._settings.api_key):
            location = location.replace(f"api_key={key}", "")
            response.headers["Location"] = redact(location, self._settings)
        return response

    def _attempts_for(self, kind: FaultKind) -> int:
        if not self._heard and kind != "throttled":
            return FIRST_ATTEMPTS
        return MALFORMED_ATTEMPTS if kind == "malformed" else self._settings.attempts

    def _pause(self, attempt: int, response: Response) -> float:
        """Return the seconds to wait before the next attempt."""
        longest = self._settings.max_wait_seconds
        retry_after = retry_after_seconds(response.headers.get("Retry-After"))
        if retry_after is not None:
            return min(retry_after, longest)
        backoff = min(self._settings.backoff_seconds * 2.0 ** (attempt - 1), longest)
        return backoff * random.uniform(0.5, 1)  # noqa: S311 - jitter, not cryptography

    def _give_up(
        self, request: Request, response: Response, kind: FaultKind, **kwargs: Any
    ) -> Response:
        """Decide whose fault it is: hand on the failed answer of one movie, or call an outage."""
        host, fault = self._settings.base_url, _fault(response, kind)
        if kind == "throttled":
            raise self._declare(
                f"{host} keeps answering 429, too many requests.",
                "Lower sources.tmdb.requests_per_second in .dlt/config.toml, or wait a while.",
            )
        if not self._heard:
            raise self._declare(
                f"{host} cannot be reached: {fault}.",
                "Check the network and https://status.themoviedb.org, then run again.",
            )
        if kind != "malformed":
            with self._lock:
                self._failures += 1
        if self._failures >= OUTAGE_FAILURES or not self._answers_otherwise(request, **kwargs):
            raise self._declare(
                f"{host} stopped answering: {fault}.",
                "What was loaded is safe; a later run resumes from there.",
            )
        return response

    def _answers_otherwise(self, request: Request, **kwargs: Any) -> bool:
        """Request the list of genres, which every fake server has and which never changes."""
        probe = request.copy()
        probe.url = f"{self._settings.base_url}/genre/movie/list"
        for attempt in range(1, self._settings.attempts + 1):
            response = self._attempt(probe, **kwargs)
            if _fault_kind(response) is None:
                return True
            if self._outage or self._stop.wait(self._pause(attempt, response)):
                return False
        return False

    def _declare(self, message: str, hint: str) -> TmdbUnreachable:
        with self._lock:
            self._outage = self._outage or TmdbUnreachable(message, hint)
            return self._outage


def read_body(response: Response, seconds: float) -> bytes:
    """Read a body, in `seconds` at most: the timeout of a connection sees single pauses only.

    Raises:
        TimeoutError: the body is still coming.
    """
    deadline = time.monotonic() + seconds
    body = bytearray()
    while piece := response.raw.read1(READ_BYTES, decode_content=True):
        body += piece
        if time.monotonic() > deadline:
            response.close()
            raise TimeoutError(f"the body was still coming after {seconds:g} seconds")
    response.raw.release_conn()
    return bytes(body)


def no_answer(request: Request, error: BaseException, settings: TmdbSettings) -> Response:
    """Make the response of a request that got none; its reason says why, without a credential."""
    response = Response()
    response.status_code = NO_ANSWER
    response.reason = redact(_root_cause(error), settings)
    response.url = str(request.url)
    response.request = request
    response._content = b""
    return response


def _fault_kind(response: Response) -> FaultKind | None:
    """Classify an answer that deserves another attempt; None if it does not."""
    if response.status_code == NO_ANSWER:
        return "connection"
    if response.status_code == requests.codes.too_many:
        return "throttled"
    if response.status_code >= 500:
        return "server"
    if response.status_code == requests.codes.ok:
        try:
            json.loadb(response.content)
        except ValueError:
            return "malformed"
    return None


def _fault(response: Response, kind: FaultKind) -> str:
    """Describe a failure in a few words."""
    if kind == "connection":
        return str(response.reason)
    return "the answer is not JSON" if kind == "malformed" else f"HTTP {response.status_code}"


def _status_message(response: Response) -> str:
    """Quote what TMDb says in the body of an error, if it says anything."""
    try:
        return f": {json.loadb(response.content)['status_message']}"
    except (ValueError, TypeError, KeyError):
        return ""


def _root_cause(error: BaseException) -> str:
    """Name the innermost reason of a connection error in a few words.

    requests and urllib3 put the whole URL, key included, into what they say; the innermost
    exception knows only of sockets and names.
    """
    while True:
        inner = next((arg for arg in error.args if isinstance(arg, BaseException)), None)
        inner = inner or getattr(error, "reason", None) or error.__cause__ or error.__context__
        if not isinstance(inner, BaseException):
            break
        error = inner
    kind = "timed out" if isinstance(error, TimeoutError) else type(error).__name__
    words = str(error.args[-1]) if error.args else ""
    return f"{kind}: {words}" if words and words != kind else kind


class TmdbSession(Session):
    """The session of all threads. Each request ends in a response, whatever goes wrong with it."""

    def __init__(self, settings: TmdbSettings) -> None:
        """Take address, credential and patience; nothing is opened yet."""
        super().__init__(
            timeout=(CONNECT_SECONDS, settings.timeout_seconds), raise_for_status=False
        )
        self.settings = settings
        self.tmdb = TmdbAdapter(settings)
        self.trust_env = not is_loopback(settings.base_url)  # proxies
        if settings.api_key:
            # urllib3 logs the URL on the wire at debug level
            for name in ("urllib3.connectionpool", "urllib3.util.retry"):
                logging.getLogger(name).addFilter(self._redact)

    def _redact(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redact(record.getMessage(), self.settings), ()
        return True

    def get_adapter(self, url: str | bytes) -> Any:
        """Serve TMDb alone with the adapter that adds the key: on a redirect it stays at home."""
        if _origin(str(url)) == _origin(self.settings.base_url):
            return self.tmdb
        return super().get_adapter(url)  # type: ignore[arg-type]

    def send(self, request: Request, **kwargs: Any) -> Response:
        """Send a request; one that raises what nobody expected has no answer, and ends no run.

        Raises:
            MarqueeError: no request would have an answer, as `TmdbAdapter.send`.
            Stopped: the run was stopped.
        """
        try:
            response: Response = super().send(request, **kwargs)  # type: ignore[no-untyped-call]
        except MarqueeError:
            raise
        except Exception as error:  # an endless redirect, an address that is none
            for cause in chain(error):
                if isinstance(cause, MarqueeError):
                    raise cause from None
            response = no_answer(request, error, self.settings)
            dispatch_hook("response", request.hooks, response, **kwargs)  # type: ignore[no-untyped-call]
        return response


def _origin(url: str) -> tuple[str, str | None, int | None]:
    """Return scheme, host and port of a URL."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
