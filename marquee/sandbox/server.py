"""The sandbox itself: an HTTP server that answers as TMDb v3 does.

`/3/movie/popular`, `/3/movie/{id}`, `/3/movie/changes` and `/3/genre/movie/list` want the
credential, as `Authorization: Bearer` or as `?api_key=`; the id export
`/p/exports/movie_ids_MM_DD_YYYY.json.gz` wants none. Like TMDb it is one host for everything, and
unlike TMDb it has today's export only. For changes and exports, and in the `Date` of each answer,
the movie set's day is today, the day before is yesterday, and so on.
"""

import secrets
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from marquee.core.same_origin import LOOPBACK, denial
from marquee.sandbox import handlers as answers
from marquee.sandbox.faults import Fault, FaultPlan, FaultRates
from marquee.sandbox.handlers import Answer
from marquee.sandbox.movies import MovieSet
from marquee.sandbox.rate_limit import RateLimit
from marquee.sandbox.request_log import Request, RequestLog

_API = "/3"
_NO_FAULT = Fault(path="")


class Sandbox:
    """A running fake of TMDb; a context manager, with a daemon thread behind it.

    Attributes:
        credential: The one right credential, as v4 token and as v3 key.
        requests: Every request since the start.
    """

    def __init__(
        self,
        movie_set: MovieSet,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        credential: str | None = None,
        rate_limit_per_second: float | None = None,
        latency_ms: int = 0,
        faults: Iterable[Fault] = (),
        fault_rates: FaultRates | None = None,
        today: Callable[[], date] | None = None,
        on_request: Callable[[Request], None] | None = None,
    ) -> None:
        """Describe a sandbox; nothing is bound before `start`.

        Port 0 is any free one. Without a credential it is random, and without a rate limit (in
        requests a second) nothing is answered with 429. Each answer waits `latency_ms`
        milliseconds. `faults` are for tests, `fault_rates` strike at random. `today` returns the
        date of the movie set's day; by default day 0 is the real day (UTC), and day N is N days
        later. `on_request` is called with each request, from the server's threads.

        Raises:
            ValueError: If the rate limit is not above 0, the latency is negative, or the port is
                no port.
        """
        if latency_ms < 0:
            raise ValueError(f"a latency is 0 ms or more, not {latency_ms}")
        if not 0 <= port <= 65535:
            raise ValueError(f"a port is a number from 0 to 65535, not {port}")
        self._movie_set = movie_set
        self.credential = credential or secrets.token_hex(16)
        self.requests = RequestLog()
        self._address = (host, port)
        self._limit = None if rate_limit_per_second is None else RateLimit(rate_limit_per_second)
        self._latency_s = latency_ms / 1000
        self._faults = FaultPlan(faults, fault_rates)
        self._date = today
        self._on_request = on_request
        self._server: _Server | None = None

    @property
    def root_url(self) -> str:
        """Where the server listens, without a path: `http://127.0.0.1:53211`."""
        if self._server is None:
            raise RuntimeError("the sandbox is not running; use it as a context manager")
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    @property
    def base_url(self) -> str:
        """What takes the place of `https://api.themoviedb.org/3`."""
        return self.root_url + _API

    @property
    def movie_set(self) -> MovieSet:
        """What is served; set another one while it runs to move to another day.

        One without a change log of its own gets one: what differs from the movie set before it, and
        what that one had, are changes of its day. So no edit is missing from `/movie/changes`.
        """
        return self._movie_set

    @movie_set.setter
    def movie_set(self, later: MovieSet) -> None:
        before, after = self._movie_set.documents, later.documents
        if not later.changes:
            edited = {one for one in {*before, *after} if before.get(one) != after.get(one)}
            logged = edited.union(*self._movie_set.changes.values())
            later = replace(later, changes={later.day: tuple(sorted(logged))})
        self._movie_set = later

    def today(self) -> date:
        """Return the date of the movie set's day."""
        if self._date:
            return self._date()
        return datetime.now(timezone.utc).date() + timedelta(days=self._movie_set.day)

    def start(self) -> None:
        """Listen, and answer from a daemon thread.

        Raises:
            OSError: If the port is taken or the address is not ours.
        """
        self._server = _Server(self._address, self)
        # Polled at the default of half a second, each `close` would take as long.
        options = {"poll_interval": 0.01}
        threading.Thread(target=self._server.serve_forever, kwargs=options, daemon=True).start()

    def close(self) -> None:
        """Stop listening, and answer no more on open connections; no-op when not running."""
        server, self._server = self._server, None
        if server:
            server.shutdown()
            server.server_close()

    def __enter__(self) -> "Sandbox":
        """Start."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def respond(self, handler: "_Handler") -> None:
        """Answer one request: with a fault, an error, or TMDb's answer."""
        if self.is_closed(handler):
            handler.close_connection = True
            return
        url = urlsplit(handler.path)
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        key = query.pop("api_key", None)
        header = handler.headers.get("Authorization")
        path = url.path.removeprefix(_API) if url.path.startswith(_API + "/") else url.path
        # Bound to another address, it may have any name; the other headers still count.
        host = str(self._address[0])
        names = LOOPBACK if host in LOOPBACK else {_hostname(handler.headers.get("Host") or "")}
        if denial(handler.headers, names):
            handler.send(answers.failure(403), _NO_FAULT)
            return
        fault = self._faults.strike(path, query) or _NO_FAULT
        if fault.body is not None:
            answer = Answer(fault.status or 200, fault.body)
        elif fault.status is not None:
            answer = answers.failure(fault.status)
        elif handler.command != "GET":
            answer = answers.error(42)
        elif url.path.startswith("/p/"):
            answer = answers.export(self.movie_set, url.path, self.today())
        elif self._limit and not self._limit.allows():
            answer = answers.error(25, retry_after="1")
        elif not self._is_authorized(header, key):
            answer = answers.error(7)
        elif path == url.path:
            answer = answers.error(34)
        else:
            answer = answers.answer(self.movie_set, path, query, self.today())
        request = Request(
            at=time.monotonic(),
            method=handler.command,
            path=url.path,
            query=query,
            credential_in="header" if header else "query" if key else None,
            status=0 if fault.drop_connection else answer.status,
        )
        self.requests.append(request)
        if self._on_request:
            self._on_request(request)
        time.sleep(self._latency_s + fault.delay_s)
        if fault.drop_connection or self.is_closed(handler):
            handler.close_connection = True
        else:
            handler.send(answer, fault)

    def is_closed(self, handler: "_Handler") -> bool:
        """Tell whether the server of a request has been closed; its connections outlive it."""
        return handler.server is not self._server

    def _is_authorized(self, header: str | None, key: str | None) -> bool:
        given = header.removeprefix("Bearer ") if header else key or ""
        return secrets.compare_digest(given.encode(), self.credential.encode())


def _hostname(host: str) -> str:
    return host.rpartition(":")[0].strip("[]").lower() or host


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # A client may open all its connections at once; the default queue of 5 would stall them.
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        # Clients hang up; that is no error of the server.
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"  # keep-alive
    server_version = "marquee-sandbox"
    sys_version = ""
    # Headers and body leave in one write and at once, so that no answer waits 40 ms for an ACK.
    wbufsize = 1 << 16
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self.server.sandbox.respond(self)

    # The API is read only here; all of these are answered with TMDb's 405.
    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Write the `Date` header with the sandbox's date."""
        today = self.server.sandbox.today()
        moment = datetime.now(timezone.utc)
        moment = moment.replace(year=today.year, month=today.month, day=today.day)
        return format_datetime(moment, usegmt=True)

    def send(self, answer: Answer, fault: Fault) -> None:
        """Write an answer; a truncated one announces the whole body."""
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        if retry_after := fault.retry_after or answer.retry_after:
            self.send_header("Retry-After", retry_after)
        if fault.truncate or self.command != "GET":  # the body of a rejected request stays unread
            self.close_connection = True
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command == "HEAD":
            return
        body = answer.body[: len(answer.body) // 2] if fault.truncate else answer.body
        for piece in (body[at : at + 1] for at in range(len(body))) if fault.drip_s else [body]:
            self.wfile.write(piece)
            self.wfile.flush()
            time.sleep(fault.drip_s)

    def log_message(self, format: str, *args: object) -> None:
        """Stay quiet; `Sandbox.requests` has it all."""
