"""Bronze for both sides of the diff: the sandbox's data, loaded once and kept in `.cache`."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from marquee.core.errors import MarqueeError
from marquee.core.signals import end_with_parent

# Two days of movies, so that there is history. A pipeline that a project lacks is left out.
LOADS = (
    ("pipelines.tmdb", "--sandbox", "--pages", "500"),
    ("pipelines.tmdb", "--sandbox", "--pages", "500", "--day", "2"),
    ("pipelines.studio", "--sandbox"),
)
# What decides on the rows of bronze.
INPUTS = (
    "pipelines",
    *(f"marquee/{name}" for name in ("bronze", "core", "sandbox", "sources")),
    *(f"marquee/cli/{name}.py" for name in ("base", "studio", "tmdb")),
    ".dlt/config.toml",
    "requirements.lock",
)

# The name is part of every view, so a copy must keep it.
FILE = "warehouse.duckdb"


def sandbox_bronze(project: Path, cache: Path) -> Path:
    """A warehouse file that holds bronze alone, to be copied and not to be changed.

    The project's own pipelines load it. It is reloaded when a file under `INPUTS` changes, and the
    one before is thrown away.

    Raises:
        MarqueeError: a pipeline failed; the message has its error output.
    """
    kept = cache / f"bronze-{_fingerprint(project)}"
    if not (kept / FILE).exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix="loading-") as scratch:
            loaded = Path(scratch) / "bronze"
            loaded.mkdir()
            for module, *arguments in LOADS:
                if (project / f"{module.replace('.', '/')}.py").exists():
                    # `-m` imports the package of the project itself, not the installed one.
                    _load(project, ["-m", module, *arguments], loaded)
            shutil.rmtree(loaded / "dlt", ignore_errors=True)
            for older in cache.glob("bronze-*"):
                shutil.rmtree(older)
            loaded.rename(kept)
    return kept / FILE


def _load(project: Path, command: list[str], folder: Path) -> None:
    environment = {
        **os.environ,
        "MARQUEE_DUCKDB": str(folder / FILE),
        "MARQUEE_VAULT_DUCKDB": str(folder / "vault.duckdb"),
        "MARQUEE_DLT_DIR": str(folder / "dlt"),
    }
    done = subprocess.run(  # noqa: S603 - the project's own pipelines
        [sys.executable, *command],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        preexec_fn=end_with_parent,
    )
    if done.returncode:
        raise MarqueeError(f"`python {' '.join(command)}` failed:\n{done.stderr.strip()}")


def _fingerprint(project: Path) -> str:
    digest = hashlib.sha256(repr(LOADS).encode())
    for name in INPUTS:
        top = project / name
        for path in sorted([top] if top.is_file() else top.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(str(path.relative_to(project)).encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
