"""Snowflake before the first connection: the scripts, the names, what is asked for and when."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import sqlglot

from marquee.bronze.snowflake import explain_snowflake, names
from marquee.core.settings import ROOT
from tests.conftest import Project
from tests.fakes.snowflake_emulator import SCRIPTS, Key, statements_of

TEARDOWN = ROOT / "snowflake" / "99_teardown.sql"
KEYS = {"SNOWFLAKE_INGEST_PUBLIC_KEY": "MIIB", "SNOWFLAKE_TRANSFORM_PUBLIC_KEY": "MIIC"}

# What can be run again and leaves the same behind.
IDEMPOTENT = re.compile(
    r"USE ROLE |GRANT |ALTER [A-Z ]+ \w+\s+SET |"
    r"CREATE [A-Z ]+ IF NOT EXISTS |DROP [A-Z ]+ IF EXISTS "
)


@pytest.mark.parametrize("script", [*SCRIPTS, TEARDOWN], ids=lambda path: path.name)
def test_a_script_is_snowflakes_and_can_be_run_again(script: Path) -> None:
    statements = statements_of(script, KEYS)
    assert len(statements) > 1
    assert statements[0].startswith("USE ROLE "), "who runs it is said first"
    for statement in statements:
        assert IDEMPOTENT.match(statement), statement
        assert sqlglot.parse_one(statement, dialect="snowflake")


@pytest.mark.parametrize("script", [*SCRIPTS, TEARDOWN], ids=lambda path: path.name)
def test_a_script_takes_its_names_from_the_one_file(script: Path) -> None:
    text = script.read_text(encoding="utf-8")
    known = names({})
    for name in known.values():
        assert not re.search(rf"\b{re.escape(name)}\b", re.sub(r"= \d+", "", text)), name
    assert set(re.findall(r"ctx\.env\.(\w+)", text)) <= set(known) | set(KEYS)


def test_what_a_script_makes_the_teardown_takes_away() -> None:
    made = {
        match.groups()
        for script in SCRIPTS
        for statement in statements_of(script, KEYS)
        if (match := re.match(r"CREATE ([A-Z ]+) IF NOT EXISTS (\w+)(?!\.)\b", statement))
        and "." not in statement.splitlines()[0]
    }
    dropped = {
        match.groups()
        for statement in statements_of(TEARDOWN, KEYS)
        if (match := re.match(r"DROP ([A-Z ]+) IF EXISTS (\w+)", statement))
    }
    assert len(made) == 10
    assert dropped == made


def test_service_users_have_keys_and_no_passwords() -> None:
    (users,) = [script for script in SCRIPTS if script.name == "05_users.sql"]
    text = "\n".join(statements_of(users, KEYS))
    assert text.count("TYPE = SERVICE") == 4
    assert "RSA_PUBLIC_KEY = 'MIIB'" in text
    assert "PASSWORD" not in text


def test_sqlmeshs_configuration_has_the_same_names() -> None:
    config = (ROOT / "config.yaml").read_text(encoding="utf-8")
    repeated = dict(re.findall(r"env_var\('(SNOWFLAKE_\w+)', '(\w+)'\)", config))
    assert len(repeated) == 4
    assert repeated.items() <= names({}).items()


def test_a_variable_goes_before_the_file() -> None:
    assert names({"SNOWFLAKE_DATABASE": "OTHER"})["SNOWFLAKE_DATABASE"] == "OTHER"
    assert names({"SNOWFLAKE_DATABASE": ""})["SNOWFLAKE_DATABASE"] == "MARQUEE"


ON_DUCKDB = """
import sys
from pipelines import tmdb
from pathlib import Path
from tests.small_warehouse import Warehouse
assert tmdb.main(["--sandbox", "--pages", "1"]) == 0
with Warehouse(Path(sys.argv[1])).context() as context:
    assert "gold.fact_movies" in {model.name for model in context.models.values()}
    assert set(context.config.gateways) == {"duckdb"}
loaded = {"snowflake.connector", "snowflake.snowpark", "psycopg2", "marquee.bronze.snowflake"}
print("loaded:", sorted(loaded & set(sys.modules)))
"""


def test_without_a_variable_of_snowflakes_nothing_of_it_is_loaded(project: Project) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", ON_DUCKDB, str(project.folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[-1] == "loaded: []"


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({}, "no SNOWFLAKE_ACCOUNT, no SNOWFLAKE_USER, no private key, password or token"),
        ({"SNOWFLAKE_ACCOUNT": "a", "SNOWFLAKE_USER": "u"}, "no private key, password or token."),
        (
            {
                "SNOWFLAKE_ACCOUNT": "a",
                "SNOWFLAKE_USER": "u",
                "SNOWFLAKE_PRIVATE_KEY_PATH": "nowhere.p8",
            },
            "no private key at nowhere.p8 (SNOWFLAKE_PRIVATE_KEY_PATH)",
        ),
    ],
)
def test_what_is_missing_to_sign_in_is_named(
    project: Project, variables: dict[str, str], named: str
) -> None:
    for name, value in variables.items():
        project.monkeypatch.setenv(name, value)
    ended = project.load("--sandbox", "--destination", "snowflake")
    assert ended.code == 1
    assert named in ended.err
    assert "docs/snowflake.md" in ended.err


def test_an_encrypted_key_without_its_passphrase_is_reported(
    project: Project, tmp_path: Path
) -> None:
    key = Key.make(tmp_path / "key.p8", passphrase="5ec2e7")
    project.monkeypatch.setenv("SNOWFLAKE_ACCOUNT", "a")
    project.monkeypatch.setenv("SNOWFLAKE_USER", "u")
    project.monkeypatch.setenv("SNOWFLAKE_PRIVATE_KEY_PATH", str(key.path))
    ended = project.load("--sandbox", "--destination", "snowflake")
    assert ended.code == 1
    assert "SNOWFLAKE_PRIVATE_KEY_PASSPHRASE" in ended.err


@pytest.mark.parametrize(
    ("said", "script"),
    [
        ("250001 (08001): Incorrect username or password was specified.", "05_users.sql"),
        ("JWT token is invalid. [0ce9eb56-821d-4ca9-a774-04ae89a0cf5a]", "05_users.sql"),
        ("Role 'MARQUEE_ENGINEER' specified in the connect string does not exist", "03_roles.sql"),
        (
            "000606 (57P03): No active warehouse selected in the current session.",
            "01_warehouses.sql",
        ),
        ("090105 (22000): This session does not have a current database.", "02_database.sql"),
        ("002003 (02000): Schema 'MARQUEE.BRONZE' does not exist", "02_database.sql"),
        ("003001 (42501): Insufficient privileges to operate on schema 'GOLD'", "04_grants.sql"),
        ("IP 192.0.2.1 is not allowed to access Snowflake.", "06_network_policy.sql"),
    ],
)
def test_an_access_error_names_the_script_that_fixes_it(said: str, script: str) -> None:
    from snowflake.connector.errors import DatabaseError

    explained = explain_snowflake(DatabaseError(said)) or ""
    assert f"-f snowflake/{script}" in explained
    assert "Snowflake said: " in explained
    assert explain_snowflake(RuntimeError(said)) is None, "of Snowflake's errors only"
