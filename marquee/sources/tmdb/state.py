"""What one run leaves for the next, kept in dlt's state and hence in the warehouse.

dlt loads its state together with the rows of a load, and restores it from the newest load that was
completed. So what is remembered here is never ahead of the data, and it survives the loss of dlt's
working folder (docs/decisions/0007-the-cursor-lives-in-dlts-state.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any


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
    """A run that has a work list in bronze.

    Attributes:
        batch_id: its name, also that of its work list.
        asked: the fingerprint of what was asked of it.
        day: TMDb's date when it was planned.
        chunks: how many chunks its work list has.
        movies: how many movies those name.
        next_cursor: the cursor once all of them have landed.
        chunks_done: how many have.
        movies_done: how many movies those named.

    """

    batch_id: str
    asked: str
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
    """The cursor, and the newest run."""

    cursor: Cursor = Cursor()
    run: RunState | None = None

    @property
    def unfinished(self) -> RunState | None:
        """Return the newest run if it was cut short."""
        return self.run if self.run and self.run.is_unfinished else None

    def advance(self, run: RunState) -> PipelineState:
        """Return what to remember of a run; the cursor moves when its work is done."""
        return PipelineState(self.cursor if run.is_unfinished else run.next_cursor, run)

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> PipelineState:
        """Read what `state` wrote; empty before the first run."""
        run = state.get("run")
        return cls(
            _cursor(state.get("cursor") or {}),
            run
            and RunState(
                **{
                    **run,
                    "day": date.fromisoformat(run["day"]),
                    "next_cursor": _cursor(run["next_cursor"]),
                }
            ),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the state as JSON values."""
        state = asdict(self)
        state["cursor"] = _plain(self.cursor)
        if self.run:
            state["run"] |= {
                "day": self.run.day.isoformat(),
                "next_cursor": _plain(self.run.next_cursor),
            }
        return state


def _cursor(state: Mapping[str, Any]) -> Cursor:
    day = state.get("day")
    return Cursor(date.fromisoformat(day) if day else None, bool(state.get("is_full")))


def _plain(cursor: Cursor) -> dict[str, Any]:
    return {"day": cursor.day and cursor.day.isoformat(), "is_full": cursor.is_full}
