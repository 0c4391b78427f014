"""The requests that the sandbox received, for tests and for `--verbose`."""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal


@dataclass(frozen=True)
class Request:
    """One request and what became of it.

    Attributes:
        at: Seconds of `time.monotonic()` when the answer was decided.
        method: HTTP method.
        path: Whole path, for example `/3/movie/603`.
        query: Parameters; `api_key` is left out, so that no log holds a credential.
        credential_in: Where a credential was sent, right or wrong; None when there was none.
        status: HTTP status of the answer, 0 when the connection was dropped instead.

    """

    at: float
    method: str
    path: str
    query: Mapping[str, str]
    credential_in: Literal["header", "query"] | None
    status: int


class RequestLog:
    """All requests since the start or the last `clear`, oldest first; safe for threads."""

    def __init__(self) -> None:
        """Start empty."""
        self._requests: list[Request] = []
        self._lock = threading.Lock()

    def add(self, request: Request) -> None:
        """Note one request."""
        with self._lock:
            self._requests.append(request)

    def clear(self) -> None:
        """Forget all requests."""
        with self._lock:
            self._requests.clear()

    def count(self, path: str | None = None, *, status: int | None = None) -> int:
        """Count requests.

        Args:
            path: Whole path such as `/3/movie/603`, or a shell pattern; None for any.
            status: HTTP status; None for any.

        Returns:
            How many requests match both.

        """
        return sum(
            (path is None or fnmatchcase(request.path, path))
            and (status is None or request.status == status)
            for request in self
        )

    def __iter__(self) -> Iterator[Request]:
        """Iterate over the requests noted so far."""
        with self._lock:
            return iter(tuple(self._requests))

    def __len__(self) -> int:
        """Return the number of requests."""
        with self._lock:
            return len(self._requests)
