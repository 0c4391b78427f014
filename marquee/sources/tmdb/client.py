"""The HTTP side of TMDb: one session for all threads, paced, patient, and discreet.

Everything sits in the transport adapter, below the session, because there it is done once: the pace
holds for retries too, response hooks see only the final answer of a request, and a v3 key is added
where no log, error, hook or table can see the URL any more.
"""

from __future__ import annotations

import itertools
import logging
import random
import threading
import time
from datetime import date, datetime, timezone
from email.utils import mktime_tz, parsedate_to_datetime, parsedate_tz
from typing import Any

import requests
from dlt.common.json import json
from dlt.sources.helpers.requests import Session
from dlt.sources.rest_api.typing import ClientConfig
from requests_ratelimiter import LimiterAdapter
from urllib3.exceptions import HTTPError

from marquee.core.errors import MarqueeError
from marquee.sources.tmdb.settings import TmdbSettings, is_loopback
from marquee.sources.tmdb.throttle import AdaptiveThrottle

CONNECTIONS = 20  # the most that TMDb was ever known to allow one address
CONNECT_SECONDS = 5  # a handshake around the world takes half a second
FIRST_ATTEMPTS = 3  # nobody wants to wait a minute to hear that there is no network
MALFORMED_ATTEMPTS = 3  # a cut-off body mends itself, a broken document does not
OUTAGE_FAILURES = 40  # in a row: all connections failed twice with nothing in between
READ_BYTES = 1 << 16
NO_ANSWER = 599  # the customary code for "the connection gave no complete answer"
REFUSALS = (401, 403)

Request = requests.PreparedRequest
Response = requests.Response


class TmdbUnreachable(MarqueeError):
    """TMDb as a whole does not answer, in contrast to one movie that does not."""


class CredentialRejected(MarqueeError):
    """TMDb does not accept the credential."""


class Stopped(KeyboardInterrupt):
    """The run was asked to stop while this request waited for its turn."""


def redact(text: str, settings: TmdbSettings) -> str:
    """Take the credentials out of a text that is about to be seen."""
    for secret in (settings.access_token, settings.api_key):
        if secret:
            text = text.replace(secret, "***")
    return text


def retry_after_seconds(header: str | None, now: float | None = None) -> float | None:
    """Read a `Retry-After` header: seconds, also in fractions, or an HTTP date.

    Returns:
        Seconds from now, 0 for a time gone by, None where nothing can be read.

    """
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        date = parsedate_tz(header)
        if date is None:
            return None
        try:
            moment = mktime_tz(date)
        except (ValueError, OverflowError):  # a year that no calendar has
            return None
        seconds = moment - (time.time() if now is None else now)
    return max(0.0, seconds) if seconds == seconds else None  # NaN reads as a float too


class TmdbAdapter(LimiterAdapter):
    """Sends a request at the permitted pace until it has an answer worth having.

    It is slower of its own accord when 429s come all the same (`AdaptiveThrottle`), and a body that
    drips in is cut off after `body_seconds`.

    Retried, with exponential backoff and jitter or after what `Retry-After` says: 429, 5xx,
    connection errors, timeouts, cut-off bodies, and a little while also answers that are not JSON.

    A request that keeps failing has a final answer all the same, a 5xx or `NO_ANSWER`, if TMDb
    answers otherwise: then the one movie is at fault. If not, it is an outage, and the run ends.
    """

    def __init__(self, settings: TmdbSettings) -> None:
        """Take the pace and the credential from the settings."""
        # pool_block: a thread waits for one of the connections instead of opening one more
        super().__init__(
            per_second=settings.requests_per_second,
            pool_maxsize=CONNECTIONS,
            pool_block=True,
        )
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
            answered = parsedate_to_datetime(self._date or "")
        except ValueError:
            answered = datetime.now(timezone.utc)
        return answered.astimezone(timezone.utc).date()

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
        for attempt in itertools.count(1):
            if self._stop.is_set():
                raise Stopped
            if self._outage:
                raise self._outage
            sent_at = self._throttle.wait()
            response = self._attempt(request, **kwargs)
            fault = _fault(response)
            if response.status_code in REFUSALS:
                raise CredentialRejected(
                    f"{self._settings.base_url} refused the credential "
                    f"(HTTP {response.status_code}{_status_message(response)}).",
                    "Check TMDB_ACCESS_TOKEN (v4) or TMDB_API_KEY (v3): they are at "
                    "https://www.themoviedb.org/settings/api",
                )
            if fault is None:
                self._throttle.on_success()
                with self._lock:
                    self._heard, self._failures = True, 0
                    self._date = response.headers.get("Date", self._date)
                return response
            if attempt >= self._attempts_for(response):
                return self._give_up(request, response, fault, **kwargs)
            with self._lock:
                self.retries += 1
            pause = self._pause(attempt, response)
            if response.status_code == requests.codes.too_many:
                self._throttle.on_throttled(sent_at, pause)
            self._stop.wait(pause)
        raise AssertionError("unreachable")

    def _attempt(self, request: Request, **kwargs: Any) -> Response:
        """Send once and read the body; turn a connection that failed into a `NO_ANSWER`."""
        with self._lock:
            self.requests += 1
        try:
            response = super().send(request, **kwargs)
            body = read_body(response, self._settings.body_seconds)
        except (requests.RequestException, HTTPError, OSError) as error:
            response = Response()
            response.status_code = NO_ANSWER
            response.reason = redact(_root_cause(error), self._settings)
            response.url = str(request.url)
            response.request = request
            body = b""
        # A page that echoes the URL it was asked for would carry the key into quarantine. Real
        # keys are 32 characters and more; a shorter one could be an innocent word of a body.
        for secret in (self._settings.access_token, self._settings.api_key):
            if secret and len(secret) >= 32:
                body = body.replace(secret.encode(), b"***")
        response._content = body
        return response

    def _attempts_for(self, response: Response) -> int:
        if not self._heard and response.status_code != requests.codes.too_many:
            return FIRST_ATTEMPTS
        return MALFORMED_ATTEMPTS if response.ok else self._settings.attempts

    def _pause(self, attempt: int, response: Response) -> float:
        """Return the seconds to wait before the next attempt."""
        longest = self._settings.max_wait_seconds
        asked_for = retry_after_seconds(response.headers.get("Retry-After"))
        if asked_for is not None:
            return min(asked_for, longest)
        backoff = min(self._settings.backoff_seconds * 2.0 ** (attempt - 1), longest)
        return backoff * random.uniform(0.5, 1)  # noqa: S311 - jitter, not cryptography

    def _give_up(self, request: Request, response: Response, fault: str, **kwargs: Any) -> Response:
        """Decide whose fault it is: hand on the failed answer of one movie, or call an outage."""
        host = self._settings.base_url
        if response.status_code == requests.codes.too_many:
            raise self._declare(
                f"{host} keeps answering 429, too many requests.",
                "Lower sources.tmdb.requests_per_second in .dlt/config.toml, or wait a while.",
            )
        if not self._heard:
            raise self._declare(
                f"{host} cannot be reached: {fault}.",
                "Check the network and https://status.themoviedb.org, then run again.",
            )
        if not response.ok:
            with self._lock:
                self._failures += 1
        if self._failures >= OUTAGE_FAILURES or not self._answers_otherwise(request, **kwargs):
            raise self._declare(
                f"{host} stopped answering: {fault}.",
                "What landed is safe; run again later and it goes on from there.",
            )
        return response

    def _answers_otherwise(self, request: Request, **kwargs: Any) -> bool:
        """Ask for the list of genres, which every stand-in has and which never changes."""
        probe = request.copy()
        probe.url = f"{self._settings.base_url}/genre/movie/list"
        for attempt in range(1, self._settings.attempts + 1):
            response = self._attempt(probe, **kwargs)
            if _fault(response) is None:
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


def _fault(response: Response) -> str | None:
    """Say why an answer deserves another attempt, None if it does not."""
    if response.status_code == NO_ANSWER:
        return str(response.reason)
    if response.status_code == requests.codes.too_many or response.status_code >= 500:
        return f"HTTP {response.status_code}"
    if response.status_code == requests.codes.ok:
        try:
            json.loadb(response.content)
        except ValueError:
            return "the answer is not JSON"
    return None


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


def open_session(settings: TmdbSettings) -> tuple[Session, TmdbAdapter]:
    """Build the session that goes into the source's configuration, and the adapter that counts.

    The adapter serves TMDb only: on a redirect to another host the key stays at home.
    """
    adapter = TmdbAdapter(settings)
    session = Session(timeout=(CONNECT_SECONDS, settings.timeout_seconds), raise_for_status=False)
    session.mount(settings.base_url, adapter)
    session.trust_env = not is_loopback(settings.base_url)  # proxies
    if settings.api_key:
        # urllib3 logs the URL on the wire at debug level
        for name in ("urllib3.connectionpool", "urllib3.util.retry"):
            logging.getLogger(name).addFilter(_RedactingFilter(settings))
    return session, adapter


class _RedactingFilter(logging.Filter):
    def __init__(self, settings: TmdbSettings) -> None:
        super().__init__()
        self._settings = settings

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redact(record.getMessage(), self._settings), ()
        return True


def client_config(settings: TmdbSettings, session: Session) -> ClientConfig:
    """Describe the client for `dlt.sources.rest_api`; a v3 key is the session's own business."""
    config: ClientConfig = {
        "base_url": settings.base_url,
        "headers": {"Accept": "application/json", "User-Agent": "marquee"},
        "session": session,
    }
    if settings.access_token:
        config["auth"] = {"type": "bearer", "token": settings.access_token}
    return config
