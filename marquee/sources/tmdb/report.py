"""What a run did, for the summary at its end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from marquee.core.run_id import RunReport
from marquee.sources.tmdb.responses import Kind


@dataclass
class Report(RunReport):
    """What a run of TMDb's pipeline did.

    Attributes:
        planned: movies to fetch.
        resumed: how many of those an earlier process fetched, of which this one took the run over.
        movies: movies fetched, by what became of them.
        dropped: entries of TMDb's lists whose id no movie can have.
        problems: what a person should know of a run that succeeded.
        requests: HTTP requests sent, retries included.
        retries: those of them that repeated a failed one.
    """

    planned: int = 0
    resumed: int = 0
    movies: Counter[Kind] = field(default_factory=Counter)
    dropped: int = 0
    problems: list[str] = field(default_factory=list)
    requests: int = 0
    retries: int = 0

    @property
    def fetched(self) -> int:
        """Count the movies that were requested and answered in some way."""
        return sum(self.movies.values())
