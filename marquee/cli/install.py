"""Install Marquee into `.venv`, from the hash-pinned lock file: what `make install` runs.

The system's Python runs this file, so it imports the standard library only. An environment is
created in `.venvs/` and `.venv` is a link to it. When the lock file's content changes, a new
environment is created beside the old one and the link is swapped: a job that runs keeps the files
it started with.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from filecmp import cmp
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCK = "requirements.lock"
OLDEST, NEWEST = (3, 10), (3, 13)
# An environment that is neither in use nor the one before it is deleted after this time; a shorter
# one could belong to another `make install` that runs now.
KEEP_SECONDS = 24 * 3600


def main(root: Path = ROOT) -> int:
    """Create or update the environment; return the exit code."""
    if sys.platform == "win32":
        print("On Windows Marquee runs in WSL (wsl --install).", file=sys.stderr)
        return 1
    version = sys.version_info[:2]
    if not OLDEST <= version <= NEWEST:
        print(
            f"Marquee needs Python 3.10 to 3.13; {sys.executable} is {version[0]}.{version[1]}."
            "\nTry: make install PYTHON=python3.12, or uv run --python 3.12 marquee/cli/install.py",
            file=sys.stderr,
        )
        return 1
    link = root / ".venv"
    try:
        if is_current(root, link):
            install_project(root, link)
        else:
            environment = create(root)
            install_project(root, environment)
            swap(link, environment)
    except subprocess.CalledProcessError as error:
        print(f"The installation failed: exit code {error.returncode}.", file=sys.stderr)
        return 1
    (link / "installed").touch()
    return 0


def is_current(root: Path, link: Path) -> bool:
    """Tell whether the environment works and was installed from a lock file of the same content.

    It stops working when its Python is removed, or in a container that has the folder mounted.
    """
    installed, python = link / LOCK, link / "bin" / "python"
    return python.exists() and installed.is_file() and cmp(installed, root / LOCK, shallow=False)


def create(root: Path) -> Path:
    """Create an environment with the packages of the lock file; return its folder.

    Raises:
        subprocess.CalledProcessError: a package could not be installed; the folder is deleted.
    """
    uv = shutil.which("uv")
    duration = "20 seconds" if uv else "1 to 5 minutes (20 seconds with uv on the PATH)"
    print(f"Installing the packages of {LOCK} with {'uv' if uv else 'pip'}:", flush=True)
    print(f"  1 GB of disk space, {duration}.", flush=True)
    started = time.monotonic()
    folder = root / ".venvs" / str(time.time_ns())
    try:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)  # noqa: S603
        # As pip does: else the first run of each command compiles what it imports, and where
        # Python may not write, every run does.
        compile_now = ["--compile-bytecode"] if uv else []
        install(folder, *compile_now, "--require-hashes", "-r", str(root / LOCK))
        shutil.copyfile(root / LOCK, folder / LOCK)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    print(f"Installed in {time.monotonic() - started:.0f} s.")
    return folder


def install_project(root: Path, environment: Path) -> None:
    """Install the package `marquee` in editable form, without fetching anything."""
    install(environment, "--no-build-isolation", "--no-index", "--editable", str(root))


def install(environment: Path, *arguments: str) -> None:
    """Run `uv pip install` or `pip install`, without dependencies that the lock does not name."""
    python = environment / "bin" / "python"
    uv = shutil.which("uv")
    program = [uv, "pip"] if uv else [str(python), "-m", "pip", "--disable-pip-version-check"]
    options = ["--python", str(python)] if uv else []
    command = [*program, "install", *options, "--quiet", "--no-deps", *arguments]
    subprocess.run(command, check=True)  # noqa: S603


def swap(link: Path, environment: Path) -> None:
    """Make `.venv` a link to the environment, and delete environments that are out of use."""
    before = link.resolve()
    if link.is_dir() and not link.is_symlink():  # version 0.1 had the environment itself there
        before = environment.with_name("before-0.2")
        link.rename(before)
    new_link = environment.with_name(f"{environment.name}.link")
    new_link.symlink_to(environment.relative_to(link.parent))
    new_link.replace(link)
    for folder in environment.parent.iterdir():
        age_seconds = time.time() - folder.stat().st_mtime
        if folder not in {before, environment} and age_seconds > KEEP_SECONDS:
            shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
