"""Ways to die: `kill -9` at a chosen call, or at a statement that SQLMesh sends to DuckDB."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from sqlmesh.core.engine_adapter.base import EngineAdapter

from marquee.sandbox.server import Sandbox
from tests.conftest import finish, in_child


def die(*args: Any, **kwargs: Any) -> NoReturn:
    """End this process as a power cut does, whatever it was called with."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("unreachable")


def before(owner: type, name: str, call: int = 1) -> Callable[[], None]:
    """Die when a function is called for the n-th time."""
    return _around(owner, name, call, lambda function, *args, **kwargs: die())


def after(owner: type, name: str, call: int = 1) -> Callable[[], None]:
    """Die when a function has been called for the n-th time."""
    return _around(
        owner, name, call, lambda function, *args, **kwargs: die(function(*args, **kwargs))
    )


def _around(owner: type, name: str, call: int, last: Callable[..., Any]) -> Callable[[], None]:
    def patch() -> None:
        function, calls = getattr(owner, name), 0

        def counted(*args: Any, **kwargs: Any) -> Any:
            nonlocal calls
            calls += 1
            return (last if calls == call else lambda f, *a, **k: f(*a, **k))(
                function, *args, **kwargs
            )

        setattr(owner, name, counted)

    return patch


@dataclass(frozen=True)
class Kill:
    """A moment in a refresh: before the n-th statement with these words, to warehouse or state."""

    words: str
    call: int = 1

    def arm(self) -> None:
        """Make this process die at that moment."""
        execute, calls = EngineAdapter._execute, 0

        def counted(adapter: EngineAdapter, sql: str, *args: Any, **kwargs: Any) -> Any:
            nonlocal calls
            calls += self.words in sql.replace('"', "")
            if calls == self.call:
                die()
            return execute(adapter, sql, *args, **kwargs)

        setattr(EngineAdapter, "_execute", counted)  # noqa: B010 - mypy rightly minds the assignment


def is_killed(
    output_file: Path, kill: Callable[[], None], action: Callable[[], int | None]
) -> bool:
    """Do an action in a child that is to die; False if it ended otherwise."""
    return finish(in_child(output_file, kill, action)) == -signal.SIGKILL


class Watch:
    """Checks after each run that it requested at most one chunk that earlier runs had requested."""

    def __init__(self, sandbox: Sandbox, chunk: int) -> None:
        self._sandbox = sandbox
        self._chunk = chunk
        self._requested: set[str] = set()
        self.again = 0
        self.most_again = 0

    def run_ended(self) -> None:
        """Count what the run requested."""
        paths = {request.path for request in self._sandbox.requests}
        details = {path for path in paths if path.rpartition("/")[2].isdigit()}
        again = len(details & self._requested)
        assert again <= self._chunk
        self.again += again
        self.most_again = max(self.most_again, again)
        self._requested |= details
        self._sandbox.requests.clear()

    def work_done(self) -> None:
        """From here on what was requested may be requested again."""
        self._requested.clear()
