"""A revision of the project as files."""

from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from marquee.core.errors import MarqueeError


@dataclass(frozen=True)
class Revision:
    """A commit that git knows, and what the user called it, such as `main`."""

    name: str
    commit: str  # its hash, in full

    @property
    def label(self) -> str:
        """Such as `main (1a2b3c4)`, for people."""
        short = self.commit[:7]
        return short if self.commit.startswith(self.name) else f"{self.name} ({short})"


def merge_base(project: Path, name: str) -> Revision:
    """The commit from which the working tree departed: what others did to `name` since is not ours.

    A clone of another branch has `main` only as `origin/main`.

    Raises:
        MarqueeError: git knows no such revision, or the folder is not a repository.
    """
    failures = []
    for known in (name, f"origin/{name}"):
        try:
            commit = _git(project, "merge-base", "HEAD", f"{known}^{{commit}}").decode().strip()
        except subprocess.CalledProcessError as error:
            failures.append(_error_text(error) or "they have no commit in common")
        else:
            return Revision(known, commit)
    raise MarqueeError(
        f"git finds no base {name!r}: {failures[0]}\n"
        "Name a branch, a tag or a commit that this clone has; a shallow clone needs "
        "`git fetch --unshallow`."
    )


def head_label(project: Path, name: str | None) -> str:
    """What a report calls the working tree, for people: a commit, and whether it is all of it.

    It may stand for another revision than its own commit: `name`.

    Raises:
        MarqueeError: git knows no such revision, or the folder is not a repository.
    """
    try:
        commit = _git(project, "rev-parse", "--short=7", "--verify", f"{name or 'HEAD'}^{{commit}}")
        is_dirty = name is None and bool(_git(project, "status", "--porcelain"))
    except subprocess.CalledProcessError as error:
        raise MarqueeError(f"git finds no head {name or 'HEAD'!r}: {_error_text(error)}") from error
    return commit.decode().strip() + (" and what is not committed" if is_dirty else "")


def is_changed(project: Path, revision: Revision, paths: Sequence[str]) -> bool:
    """Whether the working tree differs from a revision in some of its files, new ones included."""
    differing = _git(project, "diff", "--name-only", revision.commit, "--", *paths)
    new = _git(project, "ls-files", "--others", "--exclude-standard", "--", *paths)
    return bool(differing or new)


def write_files(project: Path, revision: Revision, folder: Path) -> None:
    """Write the files of a revision to a folder, links included."""
    archive = _git(project, "archive", "--format=tar", revision.commit)
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")


def _git(project: Path, *arguments: str) -> bytes:
    command = ["git", "-C", str(project), *arguments]
    return subprocess.run(command, check=True, capture_output=True).stdout  # noqa: S603


def _error_text(error: subprocess.CalledProcessError) -> str:
    return str(error.stderr.decode().strip())
