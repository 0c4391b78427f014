"""DuckDB files at rest: opened with a key, and rewritten without what was deleted in them.

DuckDB encrypts a file as a whole, with its write-ahead log and temporary files (AES-256-GCM). It
writes encrypted files with the cryptography of its extension httpfs only, which comes as a wheel
from the lock file; nothing is downloaded at run time (decision 33).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import duckdb

from marquee.core.errors import MarqueeError
from marquee.core.text import sql_text

CATALOG = "vault"
REWRITTEN = "marquee_rewritten"
OWNER_ONLY = 0o600


class WrongKeyError(MarqueeError):
    """The file is encrypted with another key."""


@lru_cache
def _engine(process_id: int) -> duckdb.DuckDBPyConnection:
    """Return an in-memory DuckDB of a process that can write encrypted files."""
    spec = find_spec("duckdb_extension_httpfs")
    folders = spec.submodule_search_locations if spec else None
    files = [file for one in folders or () for file in Path(one).rglob("*.duckdb_extension")]
    if not files:
        raise MarqueeError(
            "The package duckdb-extension-httpfs is missing: without it DuckDB cannot write an "
            "encrypted file.",
            "Install it: make install",
        )
    engine = duckdb.connect(config={"temp_file_encryption": True})
    engine.execute(f"LOAD {sql_text(files[0])}")
    return engine


@contextmanager
def files_of_owner_alone() -> Iterator[None]:
    """Let nobody but the owner read the files that the block creates."""
    umask = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(umask)


@contextmanager
def open_vault(
    path: Path, key: str, *, read_only: bool = False
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the vault's file, for its owner alone; a file that is not there is created.

    Args:
        path: the file.
        key: the key it is encrypted with.
        read_only: whether nothing will be written.

    Yields:
        A connection whose catalog is the file.

    Raises:
        WrongKeyError: the key is another one.
        MarqueeError: the file is not encrypted, or no database.
    """
    if path.exists():
        with suppress(PermissionError):  # of somebody else's file, which DuckDB may yet let us read
            path.chmod(OWNER_ONLY)
    with files_of_owner_alone(), _engine(os.getpid()).cursor() as connection:
        _attach(connection, path, CATALOG, key, read_only=read_only)
        try:
            _spill_beside(connection, path)
            connection.execute(f"USE {CATALOG}")
            yield connection
        finally:
            connection.execute("USE memory")
            connection.execute(f"DETACH {CATALOG}")


def _spill_beside(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Put temporary files beside the file; DuckDB would put them into the working directory."""
    folder = str(path.with_name(f"{path.name}.tmp"))
    present = connection.execute("SELECT current_setting('temp_directory')").fetchone()
    if present != (folder,):  # DuckDB does not change it any more once it has been used
        connection.execute(f"SET temp_directory = {sql_text(folder)}")


def is_encrypted(path: Path) -> bool:
    """Return whether a DuckDB file is encrypted.

    Raises:
        duckdb.Error: it is no DuckDB file, or another process holds it.
    """
    with duckdb.connect() as connection:
        try:
            connection.execute(f"ATTACH {sql_text(path)} AS looked_at (READ_ONLY)")
        except duckdb.CatalogException:
            return True
    return False


def rewrite(path: Path, key: str | None = None, new_key: str | None = None) -> None:
    """Write a DuckDB file again with what is in it, and put the copy in its place.

    A deleted or changed value stays in the blocks of a DuckDB file until they are used again; the
    copy has only what can be read. Killed at any moment, the file is the old one or the new one.

    Args:
        path: the file.
        key: the key it is encrypted with; None if it is not.
        new_key: the key of the copy; None for one that is not encrypted.

    Raises:
        MarqueeError: the file cannot be opened with that key.
    """
    fresh = path.with_name(f"{path.name}.rewritten")
    fresh_log = path.with_name(f"{fresh.name}.wal")
    for leftover in (fresh, fresh_log):  # of a run that was killed
        leftover.unlink(missing_ok=True)
    if key or new_key:
        connection, catalog = _engine(os.getpid()).cursor(), CATALOG
    else:
        # Views name the catalog, which has the name of the file.
        connection, catalog = duckdb.connect(), '"' + path.stem.replace('"', '""') + '"'
    with files_of_owner_alone(), connection:
        _attach(connection, path, catalog, key)
        _attach(connection, fresh, REWRITTEN, new_key)
        connection.execute(f"COPY FROM DATABASE {catalog} TO {REWRITTEN}")
        connection.execute(f"CHECKPOINT {REWRITTEN}")
        connection.execute(f"DETACH {REWRITTEN}")
        shutil.copymode(path, fresh)
        with fresh.open("rb") as written:
            os.fsync(written.fileno())
        # The old file is held until the new one is in its place: nobody else can write to it.
        put_in_place(fresh, path)
        connection.execute(f"DETACH {catalog}")


def put_in_place(fresh: Path, path: Path) -> None:
    """Replace a file, at once and for good."""
    os.replace(fresh, path)


def _attach(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    catalog: str,
    key: str | None,
    *,
    read_only: bool = False,
) -> None:
    options = [f"ENCRYPTION_KEY {sql_text(key)}"] if key else []
    options += ["READ_ONLY"] if read_only else []
    with_options = f" ({', '.join(options)})" if options else ""
    try:
        connection.execute(f"ATTACH {sql_text(path)} AS {catalog}{with_options}")
    except duckdb.Error as error:
        text = str(error)
        if "Wrong encryption key" in text:
            raise WrongKeyError(
                f"The vault {path} is encrypted with another key: it belongs to another token key, "
                "or another vault key, and perhaps to another warehouse.",
                "Set STUDIO_VAULT_KEY (or, where it was never set, STUDIO_TOKEN_KEY) to the key it "
                "was written with. To change the key: docs/privacy.md.",
            ) from None
        if "is not encrypted" in text:
            raise MarqueeError(
                f"The vault {path} is not encrypted.",
                "Encrypt it, once: python pipelines/studio.py --encrypt-vault",
            ) from None
        if "without a key" in text:
            raise WrongKeyError(f"The file {path} is encrypted.") from None
        if any(part in text for part in ("not a valid DuckDB", "Could not read enough", "Serial")):
            raise MarqueeError(
                f"{path} is not a DuckDB database that this DuckDB can read.",
                "Bring it back from a backup.",
            ) from None
        raise
