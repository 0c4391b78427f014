"""What a run did, for the summary at its end."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field

from marquee.core.run_id import new_batch_id
from marquee.sources.tmdb.responses import Kind


@dataclass
class Report:
    """What a run did, counted as it goes.

    Attributes:
        batch_id: the name of the run, on each of its rows.
        planned: movies to fetch.
        resumed: how many of those an earlier process fetched, of which this one took the run over.
        movies: movies fetched, by what became of them.
        landed: rows loaded, by table; on a dry run those that would have been.
        dropped: entries of TMDb's lists whose id no movie can have.
        problems: what a person should know of a run that succeeded.
        requests: HTTP requests sent, retries included.
        retries: those of them that repeated a failed one.
        started: when, on the monotonic clock, in seconds.

    """

    batch_id: str = field(default_factory=new_batch_id)
    planned: int = 0
    resumed: int = 0
    movies: Counter[Kind] = field(default_factory=Counter)
    landed: Counter[str] = field(default_factory=Counter)
    dropped: int = 0
    problems: list[str] = field(default_factory=list)
    requests: int = 0
    retries: int = 0
    started: float = field(default_factory=time.monotonic)

    @property
    def fetched(self) -> int:
        """Count the movies that were requested and answered in some way."""
        return sum(self.movies.values())

    @property
    def seconds(self) -> float:
        """Tell how long the run has taken so far."""
        return time.monotonic() - self.started
