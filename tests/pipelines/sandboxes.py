"""A sandbox that the project of a test loads from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from marquee.sandbox.movies import MovieSet
from marquee.sandbox.server import Sandbox
from tests.conftest import Project


@contextmanager
def serving(project: Project, movie_set: MovieSet, **options: Any) -> Iterator[Sandbox]:
    """Serve the movies, with the options of `Sandbox`, and point the project at them."""
    with Sandbox(movie_set, **options) as sandbox:
        project.point_at(sandbox)
        yield sandbox
