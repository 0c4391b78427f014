"""Backup and restore: the parts belong together, and a kill leaves nothing half."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from marquee.cli import backup
from marquee.core.lock import lock_file, run_lock
from marquee.core.settings import Settings
from tests.conftest import Project, finish, in_child
from tests.crash_points import after, before
from tests.pipelines.test_studio_cli import KEY, Folder, interaction

FAN = "F1"


@pytest.fixture
def folder(project: Project, tmp_path: Path) -> Folder:
    """A warehouse with two fans, its vault, and a state."""
    folder = Folder(project, tmp_path / "feed")
    write(folder, 1)
    folder.begin()
    project.monkeypatch.setenv("MARQUEE_STATE_DUCKDB", str(project.folder / "state.duckdb"))
    with duckdb.connect(str(project.folder / "state.duckdb")) as state:
        state.execute("CREATE TABLE runs AS SELECT 1 AS run")
    return folder


def write(folder: Folder, number: int) -> None:
    folder.write(f"fan_interactions/{number}.jsonl", interaction(number, fan_id=f"F{number}"))


def run(action: str, place: Path | str, *arguments: str) -> int:
    return backup.main([action, str(place), *arguments])


def content(project: Project) -> list[tuple[Any, ...]]:
    """What tells one time from another: rows of the warehouse, the state, and the vault's bytes."""
    with duckdb.connect(str(project.folder / "state.duckdb"), read_only=True) as state:
        runs = state.execute("FROM runs").fetchall()
    rows = project.query("SELECT interaction_id FROM bronze.raw_fan_interactions ORDER BY ALL")
    return [*rows, *runs]


def change(folder: Folder) -> None:
    """A load and a refresh later."""
    write(folder, 2)
    assert folder.load().code == 0
    with duckdb.connect(str(folder.project.folder / "state.duckdb")) as state:
        state.execute("INSERT INTO runs VALUES (2)")


@pytest.fixture
def place(folder: Folder, tmp_path: Path) -> Path:
    """The place of a backup that was made before the last change."""

    def back_up() -> None:
        assert run("create", tmp_path / "backups") == 0
        change(folder)

    folder.project.begin_with("a backup and a change", back_up)
    return tmp_path / "backups"


BEFORE, CHANGED = [("I-1",), (1,)], [("I-1",), ("I-2",), (1,), (2,)]


def whole(place: Path) -> list[str]:
    return sorted(one.parent.name for one in place.glob("*/manifest.json"))


def test_a_restore_brings_back_all_parts(folder: Folder, tmp_path: Path) -> None:
    project, place = folder.project, tmp_path / "backups"
    rows, vault = content(project), project.vault.read_bytes()
    assert run("create", place) == 0
    (backup_id,) = whole(place)
    assert {one.name for one in (place / backup_id).iterdir()} == {
        "warehouse.duckdb",
        "state.duckdb",
        "manifest.json",
    }
    (of_vault,) = (tmp_path / "backups-vault" / backup_id).iterdir()
    assert of_vault.read_bytes() == vault
    assert of_vault.stat().st_mode & 0o077 == 0
    assert KEY not in (place / backup_id / "manifest.json").read_text()
    change(folder)
    assert content(project) != rows
    project.vault.unlink()
    assert run("restore", place) == 0
    assert content(project) == rows
    assert project.vault.read_bytes() == vault
    change(folder)  # loads continue
    assert not list(project.folder.glob("*.staged")) + list(project.folder.glob("*.restored"))


def test_a_url_is_as_good_as_a_path_and_the_vault_may_be_anywhere(folder: Folder) -> None:
    project = folder.project
    rows = content(project)
    places = ("memory://backups/", "--vault", "memory://elsewhere/vault/")
    assert run("create", *places) == 0
    shutil.rmtree(project.folder)
    project.folder.mkdir()
    assert run("restore", *places) == 0
    assert content(project) == rows


@pytest.mark.parametrize(
    ("function", "call"), [("copy_out", 1), ("copy_out", 2), ("copy_out", 3), ("write_manifest", 1)]
)
def test_a_backup_that_was_killed_is_none(
    folder: Folder, place: Path, tmp_path: Path, function: str, call: int
) -> None:
    project, earlier = folder.project, whole(place)
    kill = before(backup, function, call)  # type: ignore[arg-type]
    child = in_child(tmp_path / "output.txt", kill, lambda: run("create", place))
    assert finish(child) < 0
    assert whole(place) == earlier
    assert run("restore", place) == 0
    assert content(project) == BEFORE


@pytest.mark.parametrize(
    ("function", "call", "is_begun"),
    [("copy_in", 1, False), ("copy_in", 2, False), ("put_in_place", 1, True), ("moved", 1, True)],
)
def test_a_restore_that_was_killed_changed_nothing_or_is_completed(
    folder: Folder, place: Path, tmp_path: Path, function: str, call: int, is_begun: bool
) -> None:
    project = folder.project
    kill = before(backup, function, call) if function != "moved" else after(shutil, "move", 1)  # type: ignore[arg-type]
    child = in_child(tmp_path / "output.txt", kill, lambda: run("restore", place))
    assert finish(child) < 0
    if is_begun:
        ended = folder.load()
        assert ended.code == 1
        assert "A restore was interrupted" in ended.err
    else:
        assert content(project) == CHANGED
        assert folder.load().code == 0
    assert run("restore", place) == 0
    assert content(project) == BEFORE
    assert folder.load().code == 0


def test_a_part_of_another_backup_is_rejected(folder: Folder, place: Path, tmp_path: Path) -> None:
    project = folder.project
    assert run("create", place) == 0
    rows = content(project)
    first, second = whole(place)
    for name in ("warehouse.duckdb", "state.duckdb"):
        shutil.copytree(place / second, tmp_path / name)
        shutil.copy(place / first / name, tmp_path / name)
        assert run("restore", tmp_path / name) == 1
        assert "does not belong to this backup" in project.capsys.readouterr().err
        (tmp_path / name / name).unlink()
        assert run("restore", tmp_path / name) == 1
    assert content(project) == rows
    assert run("restore", tmp_path) == 1, "no backup"


def test_the_last_of_several_backups_of_one_second_is_the_newest(
    folder: Folder, tmp_path: Path
) -> None:
    made = []
    for _ in range(6):
        assert run("create", tmp_path / "backups") == 0
        made.append(folder.project.capsys.readouterr().out.split()[1].rstrip(":"))
    assert whole(tmp_path / "backups") == made
    assert backup.find_backup(str(tmp_path / "backups"))[1]["backup_id"] == made[-1]


def test_a_vault_that_is_older_than_the_warehouse_is_rejected(
    folder: Folder, tmp_path: Path
) -> None:
    project, place = folder.project, tmp_path / "backups"
    assert run("create", place) == 0
    old = tmp_path / "old.duckdb"
    shutil.copy(project.vault, old)
    assert folder.load("--forget", FAN).code == 0
    assert run("create", place) == 0
    newest, rows = project.vault.read_bytes(), content(project)
    shutil.copy(old, project.vault)
    for action in ("restore", "create"):
        assert run(action, place) == 1
        assert "The vault is older than the warehouse" in project.capsys.readouterr().err
    # The newer vault beside the older warehouse stays, and its erasures are applied.
    project.vault.write_bytes(newest)
    assert run("restore", place / whole(place)[0]) == 0
    assert "--apply-erasures" in project.capsys.readouterr().out
    assert folder.load("--apply-erasures").code == 0
    assert content(project) == rows


def test_another_key_and_another_name_are_rejected(folder: Folder, tmp_path: Path) -> None:
    project, place = folder.project, tmp_path / "backups"
    assert run("create", place) == 0
    project.monkeypatch.setenv("STUDIO_TOKEN_KEY", KEY[::-1])
    for action in ("create", "restore"):
        assert run(action, place) == 1
        assert "another key" in project.capsys.readouterr().err
    project.monkeypatch.setenv("MARQUEE_DUCKDB", str(project.folder / "movies.duckdb"))
    assert run("restore", place) == 1
    assert "whose views contain this name" in project.capsys.readouterr().err


def test_without_the_key_the_message_names_that_of_the_sandbox(
    folder: Folder, tmp_path: Path
) -> None:
    folder.project.monkeypatch.delenv("STUDIO_TOKEN_KEY")
    assert run("create", tmp_path / "backups") == 1
    message = folder.project.capsys.readouterr().err
    assert "its key is missing" in message
    assert "from marquee.sandbox.studio import TOKEN_KEY" in message


def test_who_writes_is_reported(folder: Folder, tmp_path: Path) -> None:
    project, place = folder.project, tmp_path / "backups"
    assert run("create", place) == 0
    settings = Settings.from_environment()
    with run_lock(lock_file(settings.dlt_dir, settings.duckdb)):
        for action in ("create", "restore"):
            assert run(action, place) == 75
            assert "Another run is loading this warehouse: process" in (
                project.capsys.readouterr().err
            )
    program = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(1, flush=True); input()"
    command = [sys.executable, "-c", program, str(project.duckdb)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout
        holder.stdout.readline()
        for action in ("create", "restore"):
            assert run(action, place) == 75
            assert f"PID {holder.pid}" in project.capsys.readouterr().err
        holder.communicate("\n")
    assert len(whole(place)) == 1


def test_a_file_that_was_written_meanwhile_leaves_no_backup(folder: Folder, tmp_path: Path) -> None:
    project, place = folder.project, tmp_path / "backups"
    copy_out = backup.copy_out

    def write_then_copy(path: Path, to: str) -> dict[str, Any]:
        copied = copy_out(path, to)
        if path == project.duckdb:
            with duckdb.connect(str(path)) as connection:
                connection.execute("CREATE TABLE bronze.extra AS SELECT 1")
        return copied

    project.monkeypatch.setattr(backup, "copy_out", write_then_copy)
    assert run("create", place) == 75
    assert "was written during the backup" in project.capsys.readouterr().err
    assert not [one for one in tmp_path.rglob("*.duckdb") if "backups" in str(one)]


def test_the_manifest_names_the_key_by_its_fingerprint(folder: Folder, tmp_path: Path) -> None:
    from marquee.sources.studio.tokens import Tokens

    assert run("create", tmp_path / "backups") == 0
    (file,) = (tmp_path / "backups").glob("*/manifest.json")
    assert json.loads(file.read_text())["token_key"] == Tokens(KEY).key_check


def test_without_a_place_nothing_is_written(project: Project) -> None:
    for place in ("", "/"):
        with pytest.raises(SystemExit):
            run("create", place)
        assert "the place is missing" in project.capsys.readouterr().err
