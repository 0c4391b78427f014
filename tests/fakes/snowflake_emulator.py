"""An account on fakesnow, set up by the administrator's scripts; for `make test-snowflake`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import snowflake.connector
import snowflake.connector.connection
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from marquee.bronze.snowflake import names
from marquee.core.settings import ROOT
from tests.small_warehouse import Rows

# Made by `make test-snowflake`: fakesnow's pins clash with SQLMesh's.
PYTHON = ROOT / ".cache" / "fakesnow" / "bin" / "python"
SCRIPTS = sorted((ROOT / "snowflake").glob("0*.sql"))

ADMINISTRATOR = "ADMINISTRATOR"
PASSWORD = "5ec2e7-pa55w0rd"
TOKEN = "5ec2e7-t0ken"

# Seconds after which the connector gives up signing in: a slow machine needs some of them.
PATIENCE = 60


@contextmanager
def over_http(network_timeout: int = 600) -> Iterator[None]:
    """Have the connector speak HTTP: SQLMesh has no setting for it, fakesnow no certificate.

    And give up a server that is down after so many seconds, where SQLMesh lets it try for ever. Let
    it wait ten minutes for an answer: by default it sends a statement again after 60 seconds.
    Snowflake knows a repeated request by its number; fakesnow runs it again, in a session that is
    still busy.
    """
    changed = {
        "protocol": ("http", str),
        "network_timeout": (network_timeout, (type(None), int)),
        "socket_timeout": (600, (type(None), int)),
        "login_timeout": (PATIENCE, int),
    }
    with mock.patch.dict(snowflake.connector.connection.DEFAULT_CONFIGURATION, changed):
        yield


@dataclass
class Key:
    """A service user's key pair: the file, and what stands in CREATE USER."""

    path: Path
    public: str

    @classmethod
    def make(cls, path: Path, passphrase: str = "") -> Key:
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        path.write_bytes(
            private.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.BestAvailableEncryption(passphrase.encode())
                if passphrase
                else serialization.NoEncryption(),
            )
        )
        public = private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return cls(path, "".join(public.decode().splitlines()[1:-1]))


def statements_of(script: Path, environ: Mapping[str, str]) -> list[str]:
    """The statements of an administrator's script, with its names put in as Snowflake CLI does."""
    known = {**names(environ), **environ}
    text = re.sub(
        r"<% ctx\.env\.(\w+) %>", lambda match: known[match[1]], script.read_text(encoding="utf-8")
    )
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    # A statement ends at the end of a line; a block of Snowflake Scripting stands between two $$.
    parts = re.findall(r"(?:\$\$.*?\$\$|;(?!\s*?\n)|[^;])+", text, flags=re.DOTALL)
    return [one.strip() for one in parts if one.strip()]


@dataclass
class Emulator:
    """A server of its own on a free port, which keeps its databases in `folder`."""

    folder: Path
    port: int = 0
    process: subprocess.Popen[str] | None = None
    keys: dict[str, Key] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """What a person exports to work with the account, as the transform user."""
        return {
            "SNOWFLAKE_ACCOUNT": "fakesnow",
            "SNOWFLAKE_HOST": "127.0.0.1",
            "SNOWFLAKE_PORT": str(self.port),
            "SNOWFLAKE_USER": "MARQUEE_TRANSFORM",
            "SNOWFLAKE_PRIVATE_KEY_PATH": str(self.keys["TRANSFORM"].path),
        }

    def start(self) -> None:
        """Serve, with what the folder holds from before."""
        if not PYTHON.exists():
            pytest.skip("`make test-snowflake` makes fakesnow's environment in .cache/fakesnow")
        self.folder.mkdir(exist_ok=True)
        server = [PYTHON, "-m", "tests.fakes.emulator.server", self.folder]
        secrets = ["--password", PASSWORD, "--token", TOKEN]
        with (self.folder / "server.log").open("a") as log:
            self.process = subprocess.Popen(
                [*map(str, server), *secrets],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=ROOT,
            )
        assert self.process.stdout
        self.port = int(self.process.stdout.readline())

    def stop(self) -> None:
        assert self.process
        self.process.kill()
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()

    def restart(self) -> None:
        """Serve again once it has exited, with what lives in the server's memory made again."""
        assert self.process
        self.process.wait()
        self.stop()
        self.start()
        self.set_up()

    def set_up(self, *, but: str = "") -> None:
        """Run the administrator's scripts, but those whose name begins with one of `but`."""
        for user in ("INGEST", "TRANSFORM"):
            if user not in self.keys:
                self.keys[user] = Key.make(self.folder / f"{user.lower()}.p8")
        public = {f"SNOWFLAKE_{user}_PUBLIC_KEY": key.public for user, key in self.keys.items()}
        left_out = tuple(but.split())
        scripts = [one for one in SCRIPTS if not (left_out and one.name.startswith(left_out))]
        self.run(*(statement for one in scripts for statement in statements_of(one, public)))

    def run(self, *statements: str) -> Rows:
        """Run statements as an administrator; all rows of the last one."""
        with (
            over_http(),
            snowflake.connector.connect(
                account="fakesnow",
                host="127.0.0.1",
                port=self.port,
                user=ADMINISTRATOR,
                password=PASSWORD,
            ) as connection,
        ):
            cursor = connection.cursor()
            for statement in statements:
                cursor.execute(statement)
            return [tuple(row) for row in cursor.fetchall()]

    def go_wrong(self, *faults: Mapping[str, Any]) -> None:
        """Have the server exit, or fail, at the next statement that matches, once a fault."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/test/faults", json.dumps(faults).encode(), method="POST"
        )
        urllib.request.urlopen(request).close()

    def log(self) -> list[dict[str, Any]]:
        """Every statement so far, with its session's user, role, warehouse and query tag."""
        lines = (self.folder / "statements.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]


@contextmanager
def emulator(folder: Path) -> Iterator[Emulator]:
    """A running, empty account; the scripts have yet to be run."""
    running = Emulator(folder)
    running.start()
    try:
        yield running
    finally:
        running.stop()


@contextmanager
def signed_in(running: Emulator, **variables: str) -> Iterator[None]:
    """Work with the account as a person does who has exported its variables."""
    with over_http(), mock.patch.dict(os.environ, {**running.environment, **variables}):
        yield
