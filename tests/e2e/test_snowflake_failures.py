"""What goes wrong on Snowflake: who may not sign in, what is missing, what breaks in the middle."""

from __future__ import annotations

import gzip
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from snowflake.connector.errors import ProgrammingError

from marquee.cli import snowflake_check
from marquee.core.settings import ROOT
from marquee.sandbox.server import Sandbox
from tests.conftest import CliResult, Project, films, movie, serving
from tests.fakes.snowflake_emulator import (
    ADMINISTRATOR,
    PASSWORD,
    TOKEN,
    Emulator,
    Key,
    emulator,
    signed_in,
    statements_of,
)

pytestmark = pytest.mark.snowflake

TEARDOWN = ROOT / "snowflake" / "99_teardown.sql"
WRONG = "5ec2e7-wr0ng-5ec2e7"
# Neither the connector nor dlt waits long for a server that is down. The connector also cancels a
# statement that takes longer than `network_timeout`.
QUICKLY = {
    "DESTINATION__SNOWFLAKE__CREDENTIALS__QUERY": '{"network_timeout": 30, "login_timeout": 20}',
    "LOAD__RAISE_ON_MAX_RETRIES": "1",
}


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """An account that is set up; a test undoes what it changes."""
    with emulator(tmp_path_factory.mktemp("trouble") / "account") as running:
        running.set_up()
        yield running


@pytest.fixture
def bare(project: Project, tmp_path: Path) -> Iterator[Emulator]:
    """An account in which nothing has been made yet."""
    with emulator(tmp_path / "account") as running:
        yield running


def load(project: Project, running: Emulator, **variables: str) -> CliResult:
    """Run the pipeline into the account."""
    key = {"SNOWFLAKE_USER": "MARQUEE_INGEST", "SNOWFLAKE_PRIVATE_KEY_PATH": ""}
    if "SNOWFLAKE_PASSWORD" not in variables and "SNOWFLAKE_TOKEN" not in variables:
        key["SNOWFLAKE_PRIVATE_KEY_PATH"] = str(running.keys["INGEST"].path)
    with signed_in(running, **{**key, **QUICKLY, **variables}):
        return project.load("--destination", "snowflake")


def check(running: Emulator, project: Project, code: int = 1, /, **variables: str) -> str:
    """Run `make snowflake-check`, which ends with the code; return what it prints."""
    project.capsys.readouterr()
    with signed_in(running, **variables):
        ended = snowflake_check.main()
    out = project.capsys.readouterr().out
    assert ended == code, out
    return out


SQLMESH = """
import sys
from tests.fakes.snowflake_emulator import over_http
from sqlmesh.cli.main import cli
with over_http(network_timeout=30):
    cli()
"""


def sqlmesh(
    project: Project, running: Emulator, *arguments: str
) -> subprocess.CompletedProcess[str]:
    """Type a command of SQLMesh's, signed in with a password."""
    variables = {
        "SQLMESH__DEFAULT_GATEWAY": "snowflake",
        "SNOWFLAKE_USER": ADMINISTRATOR,
        "SNOWFLAKE_PASSWORD": PASSWORD,
        "SNOWFLAKE_PRIVATE_KEY_PATH": "",
    }
    logs = ["--log-file-dir", str(project.folder / "logs")]
    with signed_in(running, **variables):
        return subprocess.run(
            [sys.executable, "-c", SQLMESH, *logs, *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
        )


def movies(running: Emulator) -> list[int]:
    rows = running.run("SELECT movie_id FROM MARQUEE.BRONZE.RAW_MOVIES ORDER BY movie_id")
    return [int(one) for (one,) in rows]


def signing_in(way: str, password: str, token: str, key: Path) -> dict[str, str]:
    """The variables of a way to sign in."""
    return {
        "key": {"SNOWFLAKE_PRIVATE_KEY_PATH": str(key)},
        "password": {"SNOWFLAKE_PASSWORD": password},
        "token": {"SNOWFLAKE_TOKEN": token, "SNOWFLAKE_AUTHENTICATOR": "oauth"},
    }[way]


@pytest.mark.parametrize("way", ["key", "password", "token"])
def test_every_way_to_sign_in_leads_in(
    project: Project, account: Emulator, sandbox: Sandbox, way: str
) -> None:
    ended = load(project, account, **signing_in(way, PASSWORD, TOKEN, account.keys["INGEST"].path))
    assert ended.code == 0, ended.err
    assert movies(account) == [1, 2, 3], "what bronze has does not land again"


@pytest.mark.parametrize("way", ["password", "token", "key"])
def test_a_failed_login_shows_what_to_do_and_shows_no_secret(
    project: Project,
    account: Emulator,
    sandbox: Sandbox,
    caplog: pytest.LogCaptureFixture,
    way: str,
) -> None:
    key = Key.make(account.folder / "other.p8").path
    variables = signing_in(way, WRONG, WRONG, key)
    secret = key.read_text().splitlines()[5] if way == "key" else WRONG
    caplog.set_level(logging.DEBUG)
    project.monkeypatch.setenv("RUNTIME__LOG_LEVEL", "DEBUG")
    ended = load(project, account, **variables)
    assert ended.code == 1
    expected = {"password": "user or password", "token": "OAuth token", "key": "private key"}[way]
    assert expected in ended.err.splitlines()[0]
    assert "Traceback" in ended.err, "at debug level"
    out = check(account, project, **{"SNOWFLAKE_PRIVATE_KEY_PATH": "", **variables})
    assert out.startswith("FAIL  connection: ")
    assert secret not in ended.output + out + caplog.text
    assert project.files_with(secret) == []
    for path in project.folder.rglob("*.gz"):
        assert secret.encode() not in gzip.decompress(path.read_bytes())


@pytest.mark.parametrize(
    ("left_out", "script"),
    [("03 04 05 06", "03_roles"), ("01", "01_warehouses"), ("02 04", "02_database")],
)
def test_what_is_missing_is_named_with_the_script_that_makes_it(
    project: Project, bare: Emulator, sandbox: Sandbox, left_out: str, script: str
) -> None:
    bare.set_up(but=left_out)
    variables = {"SNOWFLAKE_PASSWORD": PASSWORD} if "05" in left_out else {}
    ended = load(project, bare, **variables)
    assert ended.code == 1
    assert f"-f snowflake/{script}.sql" in ended.err
    user = {"SNOWFLAKE_PRIVATE_KEY_PATH": "", **variables} if variables else {}
    out = check(bare, project, **user)
    assert f"-f snowflake/{script}.sql" in out
    bare.set_up()
    assert load(project, bare).code == 0
    assert movies(bare) == [1, 2, 3]


def test_a_suspended_warehouse_is_named(
    project: Project, account: Emulator, sandbox: Sandbox
) -> None:
    warehouse = "ALTER WAREHOUSE MARQUEE_INGEST_WH"
    account.run(f"{warehouse} SET AUTO_RESUME = FALSE", f"{warehouse} SUSPEND")
    ended = load(project, account)
    out = check(account, project)
    account.set_up()
    assert ended.code == 1
    assert "The warehouse is missing, suspended" in ended.err
    assert "-f snowflake/01_warehouses.sql" in ended.err
    assert "FAIL  warehouse MARQUEE_INGEST_WH: suspended, and not resumed by itself" in out


def test_the_check_passes_where_all_scripts_were_run(project: Project, account: Emulator) -> None:
    lines = check(account, project, 0).splitlines()
    assert sum(line.startswith("pass  ") for line in lines) == 13
    assert lines[-1] == "The account is set up."


def test_what_belongs_to_someone_else_is_named_and_neither_changed_nor_dropped(
    project: Project, bare: Emulator
) -> None:
    bare.run("CREATE ROLE IF NOT EXISTS MARQUEE_ANALYST COMMENT = 'Finance reads reports'")
    with pytest.raises(ProgrammingError, match='no comment that begins with "Marquee: "'):
        bare.set_up()
    bare.set_up(but="00")
    out = check(bare, project)
    assert "of someone else: role MARQUEE_ANALYST" in out
    bare.run(*statements_of(TEARDOWN, {}))
    assert bare.run("SHOW ROLES LIKE 'MARQUEE_ANALYST'")[0][0] == "MARQUEE_ANALYST"
    assert bare.run("SHOW ROLES LIKE 'MARQUEE_ENGINEER'") == []
    assert bare.run("SHOW WAREHOUSES LIKE 'MARQUEE_INGEST_WH'") == []
    assert bare.run("SHOW RESOURCE MONITORS LIKE 'MARQUEE_MONITOR'") == []


def test_the_check_finds_a_grant_that_is_missing(project: Project, account: Emulator) -> None:
    account.run("REVOKE USAGE ON SCHEMA MARQUEE.GOLD FROM ROLE MARQUEE_ANALYST")
    out = check(account, project)
    account.set_up()
    assert "grants of MARQUEE_ANALYST: " in out
    assert "missing, such as USAGE ON SCHEMA MARQUEE.GOLD" in out
    assert "-f snowflake/04_grants.sql" in out


def test_the_check_finds_a_schema_of_another_owner_and_one_that_analysts_see(
    project: Project, bare: Emulator
) -> None:
    bare.set_up()
    use = "USE ROLE {}".format
    bare.run(
        *(use("MARQUEE_ENGINEER"), 'CREATE SCHEMA IF NOT EXISTS "MARQUEE"."GOLD__DEV"'),
        *(use("ACCOUNTADMIN"), 'CREATE SCHEMA IF NOT EXISTS "MARQUEE"."OPS__DEV"'),
        "GRANT USAGE ON SCHEMA MARQUEE.SQLMESH__GOLD TO ROLE MARQUEE_ANALYST",
    )
    out = check(bare, project)
    assert "owners of schemas: OPS__DEV belongs to ACCOUNTADMIN and not to MARQUEE_ENGINEER" in out
    assert "GRANT OWNERSHIP ON SCHEMA MARQUEE.OPS__DEV TO ROLE MARQUEE_ENGINEER" in out
    assert "MARQUEE_ANALYST sees no schema of SQLMesh's: it has privileges on SQLMESH__GOLD" in out
    assert sum(line.startswith("FAIL  ") for line in out.splitlines()) == 2


@pytest.mark.parametrize(
    ("statement", "moment"),
    [
        ('COPY INTO "BRONZE"."RAW_MOVIES"', "after"),
        ('INSERT INTO "BRONZE"."_DLT_LOADS"', "before"),
    ],
)
def test_a_connection_lost_in_the_middle_of_a_load_loses_and_doubles_nothing(
    project: Project, bare: Emulator, statement: str, moment: str
) -> None:
    bare.set_up()
    with serving(project, films(*(movie(one) for one in range(1, 31)))) as sandbox:
        assert load(project, bare).code == 0
        sandbox.movie_set = films(*(movie(one, revenue=one) for one in range(1, 41)))
        bare.go_wrong({"match": statement, "moment": moment})
        ended = load(project, bare)
        assert ended.code == 75
        assert "Snowflake cannot be reached, or the connection was lost." in ended.err
        bare.restart()
        again = load(project, bare)
        assert again.code == 0, again.err
    landed = movies(bare)
    assert sorted(set(landed)) == list(range(1, 41)), "nothing is lost"
    assert len(landed) == 30 + 40, "30 movies, 30 that changed, 10 new ones: nothing is doubled"


def test_a_connection_lost_in_the_middle_of_a_run_is_reported_and_repaired_by_the_next_one(
    project: Project, bare: Emulator
) -> None:
    bare.set_up()
    with serving(project, films(*(movie(one) for one in range(1, 4)))) as sandbox:
        assert load(project, bare).code == 0
        few = ["--select-model", "+silver.silver_movie_genres"]
        first = sqlmesh(project, bare, "plan", "--auto-apply", "--no-prompts", "--skip-tests", *few)
        assert first.returncode == 0, first.stdout
        drama = [{"id": 18, "name": "Drama"}]
        sandbox.movie_set = films(*(movie(one, revenue=one, genres=drama) for one in range(1, 6)))
        assert load(project, bare).code == 0
    bare.go_wrong({"match": "MERGE INTO .*SILVER__SILVER_MOVIES__", "moment": "after"})
    cut_short = sqlmesh(project, bare, "run", "--ignore-cron")
    assert cut_short.returncode == 1
    failed = cut_short.stdout.partition("Failed models")[2]
    assert '"SILVER"."SILVER_MOVIES"' in failed
    assert "250003: Failed to execute request" in failed, "docs/snowflake.md says what that means"
    assert PASSWORD not in cut_short.stdout + cut_short.stderr
    assert project.files_with(PASSWORD) == []

    bare.restart()
    again = sqlmesh(project, bare, "run", "--ignore-cron")
    assert again.returncode == 0, again.stdout
    silver = "MARQUEE.SILVER.SILVER_MOVIES"
    rows = bare.run(f"SELECT movie_id, revenue_usd FROM {silver} ORDER BY movie_id")
    assert [(int(key), int(revenue)) for key, revenue in rows] == [(n, n) for n in range(1, 6)]
    pairs = "MARQUEE.SILVER.SILVER_MOVIE_GENRES"
    assert bare.run(f"SELECT COUNT(DISTINCT movie_id) FROM {pairs}") == [(5,)]


def test_a_statement_that_snowflake_rejects_is_reported(
    project: Project, account: Emulator, sandbox: Sandbox
) -> None:
    account.go_wrong(
        {
            "match": "SELECT source_url FROM raw_movies",
            "moment": "before",
            "code": 3001,
            "message": "SQL access control error:\nInsufficient privileges to operate on table",
        }
    )
    ended = load(project, account)
    assert ended.code == 1
    assert "-f snowflake/04_grants.sql" in ended.err


def test_the_project_names_no_secret() -> None:
    scripts = [file for file in ROOT.glob("snowflake/**/*") if file.is_file()]
    for file in [*scripts, ROOT / "config.yaml"]:
        assert PASSWORD not in file.read_text(encoding="utf-8")
