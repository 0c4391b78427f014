"""The requests that the sandbox received, for tests and for `--verbose`."""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal


@dataclass(frozen=True)
class Request:
    """One request and what became of it."""

    at: float  # seconds of `time.monotonic()` when the answer was decided
    method: str
    path: str  # the whole, for example `/3/movie/603`
    query: Mapping[str, str]  # without `api_key`, so that no log holds a credential
    credential_in: Literal["header", "query"] | None  # where it was sent, right or wrong
    status: int  # of the answer, 0 when the connection was dropped instead


class RequestLog(list[Request]):
    """All requests since the start or the last `clear`, oldest first.

    Safe for threads: the server only appends, and `count` may miss what is appended meanwhile.
    """

    def count(  # type: ignore[override]  # what a path has, not what equals a request
        self, path: str = "*", *, status: int | None = None
    ) -> int:
        """Count the requests for a path, or a shell pattern, that were answered with a status."""
        return sum(
            fnmatchcase(request.path, path) and status in (None, request.status) for request in self
        )
