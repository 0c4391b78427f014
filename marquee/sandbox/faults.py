"""Faults on request: what a test, or `--fault-rate-...`, makes the sandbox do wrong."""

import random
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

_SERVER_ERRORS = (500, 502, 503, 504)


@dataclass(frozen=True)
class Fault:
    """Something to do wrong with the requests that match."""

    path: str  # below `/3`, for example `/movie/603`; shell patterns such as `/movie/*` work
    query: Mapping[str, str] = field(default_factory=dict)  # what the request must have
    times: int | None = None  # how many matching requests to strike; None for all of them
    status: int | None = None  # answer with this, and TMDb's error body unless `body` is given
    body: bytes | None = None  # answer with this, with status 200 unless `status` is given
    retry_after: str | None = None  # the header of an answer with `status`
    drop_connection: bool = False  # without an answer
    truncate: bool = False  # send half of what the headers announce, then close the connection
    drip_s: float = 0.0  # send the body byte by byte, so many seconds apart
    delay_s: float = 0.0  # wait so many seconds first; alone, the answer is otherwise right

    def matches(self, path: str, query: Mapping[str, str]) -> bool:
        """Return whether the fault applies to a path below `/3` with these parameters."""
        return fnmatchcase(path, self.path) and self.query.items() <= query.items()


@dataclass(frozen=True)
class FaultRates:
    """Random faults, each rate a share of all requests from 0 to 1.

    What happens to the n-th request for a path and query depends on those and the seed alone, so a
    run repeats whatever the order in which a client's threads send their requests.
    """

    too_many_requests: float = 0.0
    server_error: float = 0.0
    reset: float = 0.0
    truncate: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Reject rates that are not shares.

        Raises:
            ValueError: If a rate is outside 0..1 or they sum to more than 1.
        """
        if min(self.shares) < 0 or sum(self.shares) > 1:
            raise ValueError("fault rates are shares from 0 to 1 and sum to 1 at most")

    @property
    def shares(self) -> tuple[float, ...]:
        """The rates in their order."""
        return self.too_many_requests, self.server_error, self.reset, self.truncate


class FaultPlan:
    """Decides for each request which fault strikes it; safe for threads."""

    def __init__(self, faults: Iterable[Fault] = (), rates: FaultRates | None = None) -> None:
        """Plan declared faults, of which the first one that matches wins, and random ones last."""
        self._faults = tuple(faults)
        self._rates = rates
        self._struck: Counter[int] = Counter()
        self._requests: Counter[str] = Counter()
        self._lock = threading.Lock()

    def strike(self, path: str, query: Mapping[str, str]) -> Fault | None:
        """Return the fault for a request, None when it is to be answered right, and count it.

        The path is that below `/3`, and the parameters are without a credential.
        """
        with self._lock:
            for index, fault in enumerate(self._faults):
                is_spent = fault.times is not None and self._struck[index] >= fault.times
                if not is_spent and fault.matches(path, query):
                    self._struck[index] += 1
                    return fault
            if self._rates is None:
                return None
            target = f"{path}?{sorted(query.items())}"
            self._requests[target] += 1
            return _random_fault(self._rates, path, f"{target}#{self._requests[target]}")


def _random_fault(rates: FaultRates, path: str, key: str) -> Fault | None:
    drawn = random.Random(f"{rates.seed}/{key}")  # noqa: S311 - no secret
    faults = (
        Fault(path, status=429),
        Fault(path, status=drawn.choice(_SERVER_ERRORS)),
        Fault(path, drop_connection=True),
        Fault(path, truncate=True),
        None,
    )
    return drawn.choices(faults, [*rates.shares, max(0.0, 1 - sum(rates.shares))])[0]
