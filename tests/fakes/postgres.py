"""A PostgreSQL of the test's own, from Debian's package, on the loopback."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest


@contextmanager
def postgres() -> Iterator[dict[str, str]]:
    """Start an empty server; yield the variables that have SQLMesh keep its state there.

    Skips the test where PostgreSQL is not installed.
    """
    binaries = _binaries()
    user = _unprivileged()
    password = secrets.token_hex(8)
    # Not pytest's folder: only its owner may enter that, and PostgreSQL does not run as root.
    folder = Path(tempfile.mkdtemp(prefix="marquee-postgres-"))
    try:
        (folder / "password").write_text(password)
        if user:
            for path in (folder, folder / "password"):
                shutil.chown(path, user)
        as_user: dict[str, Any] = {"user": user, "cwd": folder} if user else {"cwd": folder}
        options = "--username=marquee --pwfile=password --auth=scram-sha-256 --encoding=UTF8"
        initialize = [binaries / "initdb", "--pgdata=data", "--no-sync", *options.split()]
        _run(initialize, as_user)
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        options = f"-h 127.0.0.1 -p {port} -k {folder} -c fsync=off"
        control = [binaries / "pg_ctl", "--pgdata=data", "--wait"]
        _run([*control, "--log=log", f"--options={options}", "start"], as_user)
        try:
            # Another server on that port would not know the password.
            yield {
                "MARQUEE_STATE_POSTGRES_HOST": "127.0.0.1",
                "MARQUEE_STATE_POSTGRES_PORT": str(port),
                "MARQUEE_STATE_POSTGRES_DATABASE": "postgres",
                "MARQUEE_STATE_POSTGRES_PASSWORD": password,
                "MARQUEE_STATE_POSTGRES_SSLMODE": "disable",
            }
        finally:
            _run([*control, "--mode=immediate", "stop"], as_user)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _binaries() -> Path:
    """The folder of initdb and pg_ctl; Debian keeps it off the path."""
    places = [shutil.which("initdb"), *Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    found = [Path(place) for place in places if place]
    if not found:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    return found[-1].resolve().parent


def _unprivileged() -> str | None:
    """Whom to run as; None for ourselves."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    return pytest.skip("PostgreSQL does not run as root, and there is nobody else")


def _run(command: list[Any], as_user: dict[str, Any]) -> None:
    done = subprocess.run(
        [str(part) for part in command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        **as_user,
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {done.stderr}")
