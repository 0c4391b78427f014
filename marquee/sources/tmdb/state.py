"""What one run leaves for the next, kept in dlt's state and hence in the warehouse.

dlt loads its state together with the rows of a load, and restores it from the newest load that was
completed. So it is never ahead of the data, and it survives the loss of dlt's
working folder (docs/decisions/0007-the-cursor-is-in-dlts-state.md).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from typing import Any

MAX_FAILURES = 5  # a fault that five runs meet is not a temporary one


@dataclass(frozen=True)
class Cursor:
    """How far the warehouse is in step with TMDb.

    Attributes:
        day: every change that TMDb logged before that day is in bronze; None if nobody knows.
        is_full: the warehouse tracks every movie of TMDb rather than those of the popular list.
    """

    day: date | None = None
    is_full: bool = False


@dataclass(frozen=True)
class RunState:
    """A run that has a work queue in bronze.

    Attributes:
        batch_id: its name, also that of its work queue.
        request: the fingerprint of what was requested of it.
        day: TMDb's date when it was planned.
        chunks: how many chunks its work queue has.
        movies: how many movies those name.
        next_cursor: the cursor once all of them are loaded.
        chunks_done: how many have.
        movies_done: how many movies those named.
    """

    batch_id: str
    request: str
    day: date
    chunks: int
    movies: int
    next_cursor: Cursor
    chunks_done: int = 0
    movies_done: int = 0

    @property
    def is_unfinished(self) -> bool:
        """Tell whether chunks are left."""
        return self.chunks_done < self.chunks


@dataclass(frozen=True)
class PipelineState:
    """What the next run needs to know.

    Attributes:
        cursor: how far the warehouse is in step with TMDb.
        run: the newest run with a work queue.
        retries: movies in quarantine for a reason that may be temporary, with how often they
            failed. The next runs request them again.
    """

    cursor: Cursor = Cursor()
    run: RunState | None = None
    retries: Mapping[int, int] = field(default_factory=dict)

    @property
    def unfinished(self) -> RunState | None:
        """Return the newest run if it was interrupted."""
        return self.run if self.run and self.run.is_unfinished else None

    def advance(self, run: RunState) -> PipelineState:
        """Return the state after a part of a run; the cursor moves when its work is done."""
        cursor = self.cursor if run.is_unfinished else run.next_cursor
        return replace(self, cursor=cursor, run=run)

    def count_failures(self, failed: Iterable[int], succeeded: Iterable[int]) -> PipelineState:
        """Return the state after movies were put into quarantine for now, or answered.

        A movie that failed `MAX_FAILURES` times is not requested again of its own accord.
        """
        retries = dict(self.retries)
        for one in succeeded:
            retries.pop(one, None)
        for one in failed:
            retries[one] = retries.get(one, 0) + 1
            if retries[one] >= MAX_FAILURES:
                del retries[one]
        return replace(self, retries=retries)

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> PipelineState:
        """Read what `to_json` wrote, also in earlier versions; empty before the first run."""
        run = dict(state.get("run") or {})
        for former, name in (("asked", "request"), ("leads_to", "next_cursor")):  # former name
            if former in run:
                run[name] = run.pop(former)
        if run:
            run["day"] = date.fromisoformat(run["day"])
            run["next_cursor"] = _cursor(run["next_cursor"])
        return cls(
            _cursor(state.get("cursor") or {}),
            RunState(**run) if run else None,
            {int(one): count for one, count in (state.get("retries") or {}).items()},
        )

    def to_json(self) -> dict[str, Any]:
        """Return the state as JSON values."""
        state: dict[str, Any] = json.loads(json.dumps(asdict(self), default=str))  # dates: ISO 8601
        return state


def _cursor(state: Mapping[str, Any]) -> Cursor:
    day = state.get("day")
    return Cursor(date.fromisoformat(day) if day else None, bool(state.get("is_full")))
