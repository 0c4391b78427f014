"""Backup and restore of the DuckDB files: `make backup TO=...`, `make restore FROM=...`.

A backup is a folder: `warehouse.duckdb`, `state.duckdb`, and `manifest.json`, which is written
last, so that a folder without it is none. The vault is in a folder of its own, elsewhere. Both
places are paths or URLs that fsspec knows.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import duckdb
from fsspec.core import url_to_fs

from marquee.bronze.destination import duckdb_destination
from marquee.cli.base import command_parser, report_error
from marquee.core.clock import utcnow
from marquee.core.dlt_project import configure_dlt
from marquee.core.errors import MarqueeError, TemporaryError
from marquee.core.lock import lock_file, restored_folder, run_lock
from marquee.core.settings import Settings, gateway
from marquee.monitoring.snapshot import file_state
from marquee.sources.studio.encryption import OWNER_ONLY, files_of_owner_alone
from marquee.sources.studio.erasure import check_pair
from marquee.sources.studio.settings import NO_KEY, StudioSettings
from marquee.sources.studio.vault import Vault

MANIFEST = "manifest.json"
COPIED_BYTES = 1 << 22
WAREHOUSE, STATE, VAULT = "warehouse", "state", "vault"  # the parts

NO_VAULT_KEY = MarqueeError(
    "The vault has to be checked, and its key is missing.",
    "Set STUDIO_TOKEN_KEY (or STUDIO_VAULT_KEY besides). After `make demo` it is the sandbox's:\n"
    "  export STUDIO_TOKEN_KEY=$(.venv/bin/python -c "
    '"from marquee.sandbox.studio import TOKEN_KEY; print(TOKEN_KEY)")',
)
EPILOG = """\
examples:
  python -m marquee.cli.backup create /backup/marquee
  python -m marquee.cli.backup create s3://bucket/wh --vault s3://other/vault
  python -m marquee.cli.backup restore /backup/marquee    (the newest backup)
  python -m marquee.cli.backup restore /backup/marquee/20261128T060000Z-3f9c1a

A URL needs its file system (requirements/s3fs.lock, gcsfs.lock, adlfs.lock)
and the credentials that it reads, such as AWS_ACCESS_KEY_ID. A vault needs
its key (STUDIO_TOKEN_KEY or STUDIO_VAULT_KEY). The keys themselves are in no
backup.

exit codes:
  0 done    1 failed, a person has to act    2 wrong usage
  75 failed, try again later: a run is active, or another process writes to a
     file
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Back up or restore; return the exit code (see `--help`)."""
    parser = command_parser(
        "python -m marquee.cli.backup",
        "Back up the warehouse, SQLMesh's state and the vault, or restore them.",
        EPILOG,
    )
    parser.add_argument("action", choices=["create", "restore"])
    parser.add_argument("place", help="the folder of the backups; to restore, also one backup")
    parser.add_argument(
        "--vault", metavar="PLACE", help="the folder of the vault's backups (default: PLACE-vault)"
    )
    options = parser.parse_args(argv)
    if not options.place.strip("/ "):
        parser.error("the place is missing: make backup TO=folder, make restore FROM=folder")
    settings = Settings.from_environment()
    try:
        if gateway() == "snowflake":
            raise MarqueeError("On Snowflake clone the schemas (docs/runbook.md).")
        configure_dlt(settings)
        act = {"create": create, "restore": restore}[options.action]
        print(act(settings, options.place, options.vault))
    except (MarqueeError, OSError, ImportError, ValueError, duckdb.Error) as error:
        return report_error(error, settings.duckdb)
    return 0


def create(settings: Settings, place: str, vault_place: str | None = None) -> str:
    """Copy the files into a folder of `place` while nothing writes to them; return what to print.

    Raises:
        TemporaryError: a run is active, or a file was written during the copy.
        MarqueeError: a file is missing or cannot be read, or vault and warehouse do not match.
    """
    with run_lock(lock_file(settings.dlt_dir, settings.duckdb)):
        for path in (settings.duckdb, settings.state_duckdb):
            if not path.exists():
                raise MarqueeError(f"Nothing to back up: there is no {path}.")
            # Raises an error that names the process, if one writes to it.
            with duckdb.connect(str(path)) as connection:
                connection.execute("CHECKPOINT")
        files = {part: path for part, path in paths(settings).items() if path.exists()}
        key_check = check_vault(settings.duckdb, files[VAULT]) if VAULT in files else None
        # To the microsecond, because the newest backup is found by its name.
        backup_id = f"{utcnow():%Y%m%dT%H%M%S.%fZ}"
        before = {part: file_state(path) for part, path in files.items()}
        places = {part: f"{place.rstrip('/')}/{backup_id}" for part in files}
        if VAULT in places:
            places[VAULT] = f"{vault_folder(place, vault_place)}/{backup_id}"
        manifest: dict[str, Any] = {"backup_id": backup_id, "token_key": key_check, "parts": {}}
        with files_of_owner_alone():
            try:
                for part, path in files.items():
                    manifest["parts"][part] = copy_out(path, f"{places[part]}/{path.name}")
                written = [path for part, path in files.items() if file_state(path) != before[part]]
                if written:
                    raise TemporaryError(
                        f"{written[0]} was written during the backup.",
                        "Close what writes to it (sqlmesh, a notebook), then run again.",
                    )
            except BaseException:
                for folder in set(places.values()):
                    filesystem, name = url_to_fs(folder)
                    if filesystem.exists(name):
                        filesystem.rm(name, recursive=True)
                raise
            write_manifest(places[WAREHOUSE], manifest)
    lines = [f"Backup {backup_id}:"]
    for part, one in manifest["parts"].items():
        lines.append(f"  {places[part]}/{one['name']}  {one['bytes']:,} bytes")
    return "\n".join([*lines, "The keys are not in it: keep them in a third place."])


def restore(settings: Settings, place: str, vault_place: str | None = None) -> str:
    """Put the files of a backup in place of the present ones; return what to print.

    `place` is a backup, or the folder of the backups, of which the newest one is taken. A vault
    that is in its place stays: it knows who was forgotten since the backup. Killed at any moment,
    nothing has changed, or the next call completes the restore.

    Raises:
        TemporaryError: a run is active, or another process holds a file.
        MarqueeError: no whole backup, a file that does not belong to it, or a vault that is older
            than the warehouse or of another one.
    """
    lock = lock_file(settings.dlt_dir, settings.duckdb)
    staged = settings.duckdb.with_name(f"{settings.duckdb.name}.staged")
    ready = restored_folder(lock)
    with run_lock(lock, for_restore=True):
        if ready.exists():
            put_in_place(settings, ready)
            return "The interrupted restore is complete. Next: make health"
        folder, manifest = find_backup(place)
        parts = manifest["parts"]
        if Path(parts[WAREHOUSE]["name"]).stem != settings.duckdb.stem:
            raise MarqueeError(
                f"The backup is of {parts[WAREHOUSE]['name']}, whose views contain this name.",
                "Set MARQUEE_DUCKDB to a file of the same name.",
            )
        for path in (settings.duckdb, settings.state_duckdb):
            if path.exists():  # raises an error that names the process that holds it
                duckdb.connect(str(path), read_only=True).close()
        shutil.rmtree(staged, ignore_errors=True)
        staged.mkdir(parents=True)
        for part in (WAREHOUSE, STATE):
            copy_in(folder, parts[part], staged / part / paths(settings)[part].name)
        vault, is_kept = settings.vault_duckdb, settings.vault_duckdb.exists()
        if VAULT in parts and not is_kept:
            root, _, backup_id = folder.rpartition("/")
            vault = staged / VAULT / settings.vault_duckdb.name
            copy_in(f"{vault_folder(root, vault_place)}/{backup_id}", parts[VAULT], vault)
            vault.chmod(OWNER_ONLY)
        if VAULT in parts or is_kept:
            key_check = check_vault(staged / WAREHOUSE / settings.duckdb.name, vault)
            if VAULT in parts and key_check != manifest["token_key"]:
                raise MarqueeError(
                    f"The vault {vault} belongs to another token key than this backup.",
                    "Move it away to restore the backup's, or restore another backup.",
                )
        os.replace(staged, ready)
        put_in_place(settings, ready)
    lines = [f"Restored {folder}."]
    if is_kept:
        lines += [
            f"The vault {settings.vault_duckdb} stayed: it knows who was forgotten since.",
            "Next: python pipelines/studio.py --apply-erasures",
        ]
    return "\n".join([*lines, "Next: make daily"])


def vault_folder(place: str, vault_place: str | None) -> str:
    """Return the folder of the vault's backups, by default that of the others with `-vault`."""
    return (vault_place or f"{place.rstrip('/')}-vault").rstrip("/")


def paths(settings: Settings) -> dict[str, Path]:
    """Return where each part of a backup belongs."""
    return {
        WAREHOUSE: settings.duckdb,
        STATE: settings.state_duckdb,
        VAULT: settings.vault_duckdb,
    }


def put_in_place(settings: Settings, ready: Path) -> None:
    """Move checked files to their places; may be repeated after a kill."""
    for part, path in paths(settings).items():
        staged = ready / part / path.name
        if staged.exists():
            path.with_name(f"{path.name}.wal").unlink(missing_ok=True)  # of the older file
            if path.exists():
                shutil.copymode(path, staged)
            shutil.move(staged, path)
    shutil.rmtree(ready)


def check_vault(warehouse: Path, vault: Path) -> str | None:
    """Make sure that a vault belongs to a warehouse and is not older; return its fingerprint.

    Raises:
        MarqueeError: it does not, it is, or its key is another one.
    """
    try:
        studio = StudioSettings.from_configuration()
    except MarqueeError as error:
        raise NO_VAULT_KEY if error is NO_KEY else error from None
    destination = duckdb_destination(
        vault, read_only=True, what="vault", variable="MARQUEE_VAULT_DUCKDB"
    )
    opened = Vault(destination, studio.vault_encryption_key)
    pair = duckdb_destination(warehouse, read_only=True), opened.erasures()
    # A newer vault is fine: its erasures are applied afterwards.
    if check_pair(*pair, is_erasure=True):
        check_pair(*pair)
    return opened.key_check()


def find_backup(place: str) -> tuple[str, dict[str, Any]]:
    """Return a backup and its manifest: the one at `place`, or the newest one below.

    Raises:
        MarqueeError: there is none that is whole.
    """
    filesystem, path = url_to_fs(place)
    folders = [path]
    if filesystem.isdir(path):
        folders += sorted(filesystem.ls(path, detail=False), reverse=True)
    for folder in folders:
        if filesystem.isfile(f"{folder}/{MANIFEST}"):
            manifest: dict[str, Any] = json.loads(filesystem.cat_file(f"{folder}/{MANIFEST}"))
            return str(filesystem.unstrip_protocol(folder)), manifest
    raise MarqueeError(
        f"There is no whole backup in {place}.",
        f"A folder without {MANIFEST} is an interrupted one.",
    )


def write_manifest(folder: str, manifest: dict[str, Any]) -> None:
    """Write what makes the folder a backup."""
    filesystem, path = url_to_fs(folder)
    filesystem.pipe_file(f"{path}/{MANIFEST}.part", json.dumps(manifest, indent=2).encode())
    filesystem.mv(f"{path}/{MANIFEST}.part", f"{path}/{MANIFEST}")


def copy_out(path: Path, to: str) -> dict[str, Any]:
    """Copy a file to a path or URL; return its name, size and hash."""
    filesystem, name = url_to_fs(to)
    filesystem.makedirs(filesystem._parent(name), exist_ok=True)
    with path.open("rb") as source, filesystem.open(name, "wb") as copy:
        digest = copy_hashed(source, copy)
    return {"name": path.name, "bytes": path.stat().st_size, "sha256": digest}


def copy_in(folder: str, expected: dict[str, Any], path: Path) -> None:
    """Copy a file of a backup to a path.

    Raises:
        MarqueeError: it is not there, or is another one than the manifest describes.
    """
    source = f"{folder}/{expected['name']}"
    filesystem, name = url_to_fs(source)
    if not filesystem.isfile(name):
        raise MarqueeError(f"The backup's file {source} is missing.")
    path.parent.mkdir(parents=True, exist_ok=True)
    with filesystem.open(name, "rb") as stored, path.open("wb") as copy:
        digest = copy_hashed(stored, copy)
        copy.flush()
        os.fsync(copy.fileno())
    if digest != expected["sha256"]:
        raise MarqueeError(
            f"{source} does not belong to this backup, or is damaged: its content is not that of "
            "the manifest."
        )


def copy_hashed(source: BinaryIO, copy: BinaryIO) -> str:
    """Copy an open file into another; return the SHA-256 of the content."""
    digest = hashlib.sha256()
    while block := source.read(COPIED_BYTES):
        digest.update(block)
        copy.write(block)
    return digest.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
