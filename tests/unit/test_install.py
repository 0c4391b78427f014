"""`make install`, `pip install -e .`, `uv run` and the container, as far as without a network."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import marquee
from marquee.cli import install
from marquee.core.settings import ROOT
from tests.conftest import SETTINGS


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that were run; an environment is a folder with an empty `bin`."""
    commands: list[list[str]] = []

    def run(command: list[str | Path], *, check: bool) -> None:
        commands.append([str(word) for word in command])
        if "venv" in command:
            (Path(command[-1]) / "bin").mkdir(parents=True)
            (Path(command[-1]) / "bin" / "python").touch()

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


def test_an_environment_without_its_python_is_replaced(
    root: Path, commands: list[list[str]]
) -> None:
    assert install.main(root) == 0
    (root / ".venv" / "bin" / "python").unlink()
    assert install.main(root) == 0
    assert (root / ".venv" / "bin" / "python").exists()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("version_info", (3, 9, 1), "3.10 to 3.13"),
        ("version_info", (3, 14, 0), "3.10 to 3.13"),
        ("platform", "win32", "WSL"),
    ],
)
def test_another_python_or_windows_is_named(
    root: Path,
    commands: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    value: object,
    message: str,
) -> None:
    monkeypatch.setattr(sys, name, value)
    assert install.main(root) == 1
    assert message in capsys.readouterr().err
    assert commands == []


# What a shell has anywhere; the settings of the machine are not for a checkout of a test.
ENVIRONMENT = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith((*SETTINGS, "VIRTUAL_ENV", "PYTHONPATH", "UV_"))
}


def run(folder: Path, *command: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, env={**ENVIRONMENT, **variables}, capture_output=True, text=True
    )


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of this project under git, in an environment with `pip install -e .`.

    The packages are those of the environment that runs the tests.
    """
    files = run(ROOT, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    if files.returncode:
        pytest.skip("not a clone of git")
    folder = tmp_path_factory.mktemp("checkout")
    for name in filter(None, files.stdout.split("\0")):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
    assert not run(folder, "git", "init", "--quiet").returncode
    assert not run(folder, "git", "add", ".").returncode
    assert not run(folder, sys.executable, "-m", "venv", "--without-pip", ".venv").returncode
    (packages,) = (folder / ".venv" / "lib").glob("*/site-packages")
    (packages / "borrowed.pth").write_text(str(Path(pytest.__file__).parents[1]))
    offline = ("--no-index", "--no-build-isolation", "--no-deps", "--quiet")
    pip = run(folder, ".venv/bin/python", "-m", "pip", "install", *offline, "-e", ".")
    assert not pip.returncode, pip.stderr
    shutil.copy(ROOT / install.LOCK, folder / ".venv" / install.LOCK)
    (folder / ".venv" / "installed").touch()
    return folder


def test_pip_install_e_serves_the_package_of_the_folder(checkout: Path) -> None:
    where = "import marquee, pipelines.tmdb as tmdb; print(marquee.__file__, tmdb.__file__)"
    printed = run(checkout.parent, checkout / ".venv/bin/python", "-c", where).stdout.split()
    assert printed == [f"{checkout}/marquee/__init__.py", f"{checkout}/pipelines/tmdb.py"]


def test_uv_run_takes_the_environment_and_leaves_no_file(checkout: Path) -> None:
    uv = ROOT / ".venv" / "bin" / "uv"
    where = "import sys; print(sys.prefix)"
    for command in (["python", "-c", where], ["pipelines/demo.py", "--help"]):
        done = run(checkout, uv, "run", "--offline", *command)
        assert not done.returncode, done.stderr
        assert "Installed" not in done.stderr
        assert f"{checkout}/.venv" in done.stdout or "--batch" in done.stdout
    for options in (["--others", "--exclude-standard"], ["--modified"]):
        assert run(checkout, "git", "ls-files", *options).stdout == ""


COMMANDS = [
    "runpy.run_path('pipelines/tmdb.py', run_name='__main__')",
    "runpy.run_path('pipelines/dashboard.py', run_name='__main__')",
    "runpy.run_module('marquee.cli.refresh', run_name='__main__')",
    "sys.argv[1:] = ['plan']; from sqlmesh.cli.main import cli; cli()",
]


def python(checkout: Path, code: str) -> subprocess.CompletedProcess[str]:
    start = f"import runpy, sys; sys.argv[1:] = ['--help']; {code}"
    return run(checkout, ".venv/bin/python", "-c", start)


def test_links_that_git_wrote_as_text_are_named_with_the_repair(checkout: Path) -> None:
    assert not run(checkout, "git", "config", "core.symlinks", "false").returncode
    for link in marquee.LINKS:
        (checkout / link).unlink()
    assert not run(checkout, "git", "checkout", "--", *marquee.LINKS).returncode
    assert (checkout / "models").read_text() == "sqlmesh_project/models"
    for command in COMMANDS:
        done = python(checkout, command)
        assert done.returncode == 1, command
        assert done.stderr.startswith("The links in this folder are text files"), command
        assert "Traceback" not in done.stderr
    assert not run(checkout, "sh", "-c", done.stderr.splitlines()[-1]).returncode
    assert (checkout / "models" / "gold").is_dir()
    assert not python(checkout, COMMANDS[0]).returncode


@pytest.mark.parametrize("command", COMMANDS)
def test_a_python_without_fcntl_is_named(checkout: Path, command: str) -> None:
    done = python(checkout, f"sys.modules['fcntl'] = None; {command}")
    assert done.returncode == 1
    assert done.stderr.startswith("Marquee runs on Linux, on macOS and, on Windows, in WSL")
    assert "Traceback" not in done.stderr


def instructions() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile with their arguments, each on one line."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line.partition(" ") for line in text.splitlines() if line and line[0] != "#"]
    return [(word, rest.strip()) for word, _, rest in lines]


def ignored_by_docker(path: str) -> bool:
    """Whether a pattern of .dockerignore is the path or a folder above it; `**/` is any depth."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    patterns = [
        re.escape(line).replace(r"\*\*/", "(.*/)?").replace(r"\*", "[^/]*")
        for line in lines
        if line and line[0] != "#"
    ]
    return any(re.fullmatch(f"{pattern}(/.*)?", path) for pattern in patterns)


def test_no_data_and_no_secret_gets_into_the_image() -> None:
    examples = [
        *("warehouse.duckdb", "vault.duckdb", "vault.duckdb.wal", "snapshot/warehouse.duckdb"),
        *("warehouse.duckdb.restored/vault/vault.duckdb", "vault.duckdb.rewritten", "plan-diff.md"),
        *(".dlt/secrets.toml", ".env", "some/.env", "studio_feed/fans.jsonl"),
        "/".join((".dlt", "work", "state.json")),
        *(".git/config", ".venv", ".venvs/1/bin/python", "logs/x.log", "marquee/__pycache__/x.pyc"),
    ]
    assert [one for one in examples if not ignored_by_docker(one)] == []
    for pattern in (ROOT / ".gitignore").read_text().splitlines():
        assert pattern[0] == "#" or ignored_by_docker(pattern.strip("/").replace("*", "x")), pattern
    files = run(ROOT, "git", "ls-files").stdout.split()
    assert [file for file in files if ignored_by_docker(file)] == []


def test_the_image_is_pinned_and_ends_as_a_user_that_is_not_root() -> None:
    words = instructions()
    images = [rest.split()[0] for word, rest in words if word == "FROM"]
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+@sha256:[0-9a-f]{64}", images[0])
    assert images[1:] == ["tools"]
    users = [rest for word, rest in words if word == "USER"]
    assert users == ["marquee"]
    assert words.index(("USER", "marquee")) < words.index(("RUN", "make install"))


def test_the_image_and_the_editor_run_the_commands_of_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    words = instructions()
    started = [" ".join(json.loads(rest)) for word, rest in words if word == "CMD"]
    assert started == ["make demo"]
    assert "\nmake demo " in readme
    assert [rest for word, rest in words if word == "RUN"][1:] == ["make install"]
    for command in ("docker build -t marquee .", "docker run -it -v marquee:/data marquee"):
        assert command in readme
    editor = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    assert (ROOT / ".devcontainer" / editor["build"]["dockerfile"]).resolve() == ROOT / "Dockerfile"
    assert f"AS {editor['build']['target']}\n" in (ROOT / "Dockerfile").read_text()
    assert editor["remoteUser"] == "marquee"
    assert editor["postCreateCommand"].split()[1] == "marquee/cli/install.py"


@pytest.mark.e2e
def test_the_command_of_the_image_passes_in_its_folder(checkout: Path, tmp_path: Path) -> None:
    folder = tmp_path / "app"

    def ignored(place: str, names: list[str]) -> set[str]:
        paths = {name: str(Path(place, name).relative_to(checkout)) for name in names}
        return {one for one in names if one != ".venv" and ignored_by_docker(paths[one])}

    shutil.copytree(checkout, folder, symlinks=True, ignore=ignored)
    variables: dict[str, str] = {}
    for word, rest in instructions():
        if word == "ENV":
            variables |= dict(re.findall(r"(\w+)=(\S+)", rest.replace("/data", str(tmp_path))))
    (command,) = [json.loads(rest) for word, rest in instructions() if word == "CMD"]
    done = run(folder, *command, **variables)
    assert not done.returncode, done.stdout + done.stderr
    assert (tmp_path / "warehouse.duckdb").is_file()
    assert not list(folder.glob("*.duckdb"))
