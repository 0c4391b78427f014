"""What a warehouse has of the sandboxes, which its run log knows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Loaded:
    """What a warehouse has of the sandboxes.

    Attributes:
        days: the days of the movies that runs have begun to load; True for those loaded whole.
        batches: the same of the studio's batches.
    """

    days: Mapping[int, bool] = field(default_factory=dict)
    batches: Mapping[int, bool] = field(default_factory=dict)

    @property
    def day(self) -> int:
        """Return the newest day, 0 before the first."""
        return max(self.days, default=0)

    @property
    def batch(self) -> int:
        """Return the newest batch, 1 before the first."""
        return max(self.batches, default=1)

    @classmethod
    def of(cls, runs: Iterable[tuple[str, str, str]]) -> Loaded:
        """Read it from the run log: job, command and status of the runs that loaded a sandbox."""
        found: dict[str, dict[int, bool]] = {"tmdb": {}, "studio": {}}
        for job, command, status in runs:
            option, default = ("day", 0) if job == "tmdb" else ("batch", 1)
            number = re.search(rf"--{option}[ =](\d+)", command)
            key = int(number[1]) if number else default
            found[job][key] = found[job].get(key, False) or status == "SUCCEEDED"
        return cls(found["tmdb"], found["studio"])
