"""Marquee: a movie-analytics warehouse on dlt and SQLMesh."""

from __future__ import annotations

from pathlib import Path

LINKS = ("models", "macros", "metrics", "seeds", "linter", "external_models.yaml")


def check_system(root: Path) -> None:
    """End with one message where nothing here could work, instead of an error of Python's.

    Args:
        root: the project's folder, or that of an installed package, which has no links.

    Raises:
        SystemExit: this is Windows without WSL, or git wrote the links as text files.
    """
    try:
        import fcntl  # noqa: F401 - as good as a test for Unix, and what some packages miss first
    except ImportError:
        raise SystemExit(
            "Marquee runs on Linux, on macOS and, on Windows, in WSL: this Python has no fcntl.\n"
            "Install WSL (wsl --install) and clone the repository in its home folder."
        ) from None
    if (root / "sqlmesh_project").is_dir() and not (root / "models").is_dir():
        raise SystemExit(
            "The links in this folder are text files, because git wrote them without symbolic "
            "links.\nOn Windows clone the repository in the home folder of WSL. Elsewhere:\n"
            f"  git config core.symlinks true && git checkout -- {' '.join(LINKS)}"
        )


# Here, because every command of this project imports the package before anything else.
check_system(Path(__file__).resolve().parents[1])
