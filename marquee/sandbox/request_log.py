"""The requests that the sandbox received, for tests and for `--verbose`."""

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
    """All requests since the start or the last `clear`, oldest first.

    Safe for threads: each method is one operation of a list, but `count`, which reads a copy.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._requests: list[Request] = []
        self.add = self._requests.append
        self.clear = self._requests.clear

    def count(self, path: str = "*", *, status: int | None = None) -> int:
        """Count the requests for a path, or a shell pattern, that were answered with a status."""
        return sum(
            fnmatchcase(request.path, path) and status in (None, request.status) for request in self
        )

    def __iter__(self) -> Iterator[Request]:
        """Iterate over the requests noted so far."""
        return iter(tuple(self._requests))

    def __len__(self) -> int:
        """Return the number of requests."""
        return len(self._requests)
