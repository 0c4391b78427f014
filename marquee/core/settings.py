"""Where a run keeps its files: the environment variables that Marquee promises, in one place."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from marquee.core.errors import MarqueeError
from marquee.core.file_names import hidden_schema

ROOT = Path(__file__).resolve().parents[2]


def gateway(environ: Mapping[str, str] = os.environ) -> str:
    """Return the gateway of SQLMesh that the environment names: `duckdb` by default."""
    return environ.get("SQLMESH__DEFAULT_GATEWAY") or "duckdb"


@dataclass(frozen=True)
class Settings:
    """Paths of one run, all absolute.

    Attributes:
        duckdb: the warehouse, `MARQUEE_DUCKDB`, default `warehouse.duckdb` in the project. A link
            to a file with another name is not followed: `check_file_name` rejects it.
        state_duckdb: SQLMesh's state, `MARQUEE_STATE_DUCKDB`, default `state.duckdb`.
        dlt_dir: dlt's working folder, `MARQUEE_DLT_DIR`, default `.dlt/work`.
        vault_duckdb: who the tokens of fans are, `MARQUEE_VAULT_DUCKDB`, default `vault.duckdb`
            beside the warehouse.
    """

    duckdb: Path
    state_duckdb: Path
    dlt_dir: Path
    vault_duckdb: Path

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Settings:
        """Read the variables; a relative path counts from the working directory, as in a shell."""

        def path(variable: str, default: str) -> Path:
            given = environ.get(variable)
            return Path(given).expanduser().resolve() if given else ROOT / default

        duckdb = path("MARQUEE_DUCKDB", "warehouse.duckdb")
        given = environ.get("MARQUEE_DUCKDB")
        if given and Path(given).stem != duckdb.stem:
            named = Path(given).expanduser()
            duckdb = named.parent.resolve() / named.name
        return cls(
            duckdb=duckdb,
            state_duckdb=path("MARQUEE_STATE_DUCKDB", "state.duckdb"),
            dlt_dir=path("MARQUEE_DLT_DIR", ".dlt/work"),
            vault_duckdb=path("MARQUEE_VAULT_DUCKDB", str(duckdb.with_name("vault.duckdb"))),
        )


def check_file_name(path: Path, what: str = "warehouse", variable: str = "MARQUEE_DUCKDB") -> None:
    """Reject a DuckDB file whose name is that of a schema, or a link to one with another name.

    SQLMesh names the catalog after the link, and all others name it after the file. Each view
    contains that name (docs/decisions/0005-the-file-name-is-the-catalog.md).

    Args:
        path: the file.
        what: what the file is, for people.
        variable: the environment variable that names it.

    Raises:
        MarqueeError: it is such a file or link.
    """
    if path.is_symlink() and path.stem != path.resolve().stem:
        raise MarqueeError(
            f"The {what} file {path} is a link to a file with another name, "
            f"{path.resolve().name}. SQLMesh would use the link's name as the catalog's name, and "
            "all other tools the file's name.",
            f"Set {variable} to the file itself, or give the link the same name.",
        )
    if hidden := hidden_schema(path.name):
        raise MarqueeError(
            f"A {what} file cannot be called {path.name}: its name would hide the schema {hidden}.",
            f"Set {variable} to another name.",
        )
