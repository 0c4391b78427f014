"""`make install`: what is installed when, and that a running job keeps its environment."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from marquee.cli import install


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that were run; an environment is a folder with an empty `bin`."""
    commands: list[list[str]] = []

    def run(command: list[str | Path], *, check: bool) -> None:
        commands.append([str(word) for word in command])
        if "venv" in command:
            (Path(command[-1]) / "bin").mkdir(parents=True)

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(shutil, "which", lambda program: None)
    return commands


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / install.LOCK).write_text("first==1\n")
    return tmp_path


def test_the_packages_come_from_the_lock_and_the_project_from_the_folder(
    root: Path, commands: list[list[str]]
) -> None:
    assert install.main(root) == 0
    venv, packages, project = commands
    assert venv[1:3] == ["-m", "venv"]
    assert {"--require-hashes", "--no-deps", str(root / install.LOCK)} <= set(packages)
    assert {"--no-index", "--no-deps", "--no-build-isolation", "--editable"} <= set(project)
    assert (root / ".venv" / "installed").is_file()


def test_uv_is_used_where_it_is_on_the_path(
    root: Path, commands: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda program: f"/bin/{program}")
    assert install.main(root) == 0
    assert [command[:3] for command in commands[1:]] == [["/bin/uv", "pip", "install"]] * 2


def test_the_same_content_installs_the_project_only(root: Path, commands: list[list[str]]) -> None:
    assert install.main(root) == 0
    environment = (root / ".venv").resolve()
    commands.clear()
    (root / install.LOCK).touch()
    assert install.main(root) == 0
    assert ["--editable" in command for command in commands] == [True]
    assert (root / ".venv").resolve() == environment


def test_a_running_job_keeps_its_environment(root: Path, commands: list[list[str]]) -> None:
    assert install.main(root) == 0
    before = (root / ".venv").resolve()
    (root / install.LOCK).write_text("first==2\n")
    (before / "file-of-a-running-job").touch()
    assert install.main(root) == 0
    assert (before / "file-of-a-running-job").is_file()
    assert (root / ".venv" / install.LOCK).read_text() == "first==2\n"


def test_a_failed_installation_leaves_the_environment_as_it_was(
    root: Path, commands: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / ".venv").mkdir()

    def install_nothing(environment: Path, *arguments: str) -> None:
        raise subprocess.CalledProcessError(1, "pip")

    monkeypatch.setattr(install, "install", install_nothing)
    assert install.main(root) == 1
    assert not (root / ".venv").is_symlink()
    assert list((root / ".venvs").iterdir()) == []


def test_the_folder_of_version_0_1_is_moved_aside(root: Path, commands: list[list[str]]) -> None:
    (root / ".venv").mkdir()
    (root / ".venv" / "old").touch()
    assert install.main(root) == 0
    assert (root / ".venvs" / "before-0.2" / "old").is_file()
    assert (root / ".venv").is_symlink()


@pytest.mark.parametrize("version", [(3, 9, 1), (3, 14, 0)])
def test_another_python_is_named(
    root: Path,
    commands: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    version: tuple[int, int, int],
) -> None:
    monkeypatch.setattr(sys, "version_info", version)
    assert install.main(root) == 1
    assert "3.10 to 3.13" in capsys.readouterr().err
    assert commands == []
