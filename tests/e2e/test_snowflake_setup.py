"""Snowflake before the first connection: the scripts, the names, the required settings."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
import sqlglot
from sqlglot import exp
from sqlmesh.core.config import Config
from sqlmesh.core.config.loader import load_configs

from macros import studio_rules
from macros.quality import METRICS
from macros.studio_rules import EVENT_TYPES, RULES
from macros.text import cleaned
from marquee.bronze.snowflake import (
    SESSION_PARAMETERS,
    connect,
    explain_snowflake,
    names,
    snowflake_destination,
)
from marquee.core.settings import ROOT
from tests.conftest import Project
from tests.fakes.snowflake_emulator import SCRIPTS, Key, statements_of
from tests.snowflake_lint import problems

TEARDOWN = ROOT / "snowflake" / "99_teardown.sql"
KEYS = {"SNOWFLAKE_INGEST_PUBLIC_KEY": "MIIB", "SNOWFLAKE_TRANSFORM_PUBLIC_KEY": "MIIC"}

# What can be run again and leaves the same behind.
IDEMPOTENT = re.compile(
    r"USE (ROLE|DATABASE) |GRANT |ALTER [A-Z ]+ [\w.]+\s+(MODIFY COLUMN \w+ )?SET |"
    r"CREATE [A-Z ]+ IF NOT EXISTS |CREATE OR REPLACE (TASK|PROCEDURE|SEMANTIC VIEW) |"
    r"ALTER TASK [\w.]+ RESUME|CALL OPS\.ATTACH_METRIC\(|EXECUTE IMMEDIATE \$\$"
)


EVERY_SCRIPT = sorted((ROOT / "snowflake").glob("*.sql"))


@pytest.mark.parametrize("script", EVERY_SCRIPT, ids=lambda path: path.name)
def test_a_script_is_snowflakes_and_can_be_run_again(script: Path) -> None:
    statements = statements_of(script, KEYS)
    assert len(statements) > 1
    assert statements[0].startswith("USE ROLE "), "the role comes first"
    for statement in statements:
        assert IDEMPOTENT.match(statement), statement
        if statement.startswith("CREATE OR REPLACE SEMANTIC VIEW"):
            # sqlglot has no grammar for it; tests/unit/test_project.py reads its clauses.
            assert sqlglot.tokenize(statement, read="snowflake")
        else:
            assert sqlglot.parse_one(statement, dialect="snowflake")


def test_every_query_in_a_script_is_snowflakes() -> None:
    """Of what sqlglot reads as a whole only: the body of the task, the metrics and the policy."""
    bodies = [
        metric.replace("''", "'").replace("measured", "bronze.measured") or other
        for script in EVERY_SCRIPT
        for statement in statements_of(script, KEYS)
        for metric, other in re.findall(
            r"(?:\nAS\n\s+'(SELECT .+)'|(?:\nAS\n|->)\s+(MERGE .+|CASE .+? END))",
            statement,
            flags=re.DOTALL,
        )
    ]
    assert len(bodies) == 6 + 1 + 2
    for body in bodies:
        query = f"SELECT {body}" if body.startswith("CASE") else body
        assert problems(query) == [], query


@pytest.mark.parametrize("script", [*SCRIPTS, TEARDOWN], ids=lambda path: path.name)
def test_a_script_takes_its_names_from_the_one_file(script: Path) -> None:
    text = script.read_text(encoding="utf-8")
    known = names({})
    for name in known.values():
        assert not re.search(rf"\b{re.escape(name)}\b", re.sub(r"= \d+", "", text)), name
    assert set(re.findall(r"ctx\.env\.(\w+)", text)) <= set(known) | set(KEYS)


def test_every_metric_is_attached_where_the_models_have_it() -> None:
    script = (ROOT / "snowflake" / "studio_data_metric_functions.sql").read_text(encoding="utf-8")
    functions = set(re.findall(r"CREATE DATA METRIC FUNCTION IF NOT EXISTS OPS\.(\w+)", script))
    assert len(functions) == 6
    calls = re.findall(r"CALL OPS\.ATTACH_METRIC\('([\w.]+)', '(\w+)', '(\w+)", script)
    assert {(view.lower(), column.lower(), metric.lower()) for view, metric, column in calls} == {
        (table, column, metric)
        for table, column, metric, _ in METRICS
        if metric.upper() in functions
    }


def test_the_task_routes_by_the_rules_of_the_models() -> None:
    script = (ROOT / "snowflake" / "streams_and_tasks.sql").read_text(encoding="utf-8")
    model = (ROOT / "models/silver/studio/stg_fan_interactions.sql").read_text(encoding="utf-8")
    assert script.count(", ".join(f"'{event}'" for event in EVENT_TYPES)) == 2
    reasons = [*re.findall(r"THEN '([a-z0-9 ]+)'", model), RULES["parse_timestamp"]]
    assert len(reasons) == 3
    assert "TIMEZONE = 'UTC'" in script
    readable = re.sub(r"\\u([0-9a-f]{4})", lambda code: chr(int(code[1], 16)), script)
    snowflake = SimpleNamespace(dialect="snowflake")
    for name in ("account_type", "event_type", "currency"):
        assert f"UPPER({name}) AS {name}" in script
    for parsed in (
        studio_rules.parse_key(snowflake, exp.column("title_id")),
        studio_rules.parse_name(snowflake, exp.column("region")),
        studio_rules.parse_timestamp(
            snowflake, exp.column("event_timestamp"), exp.column("ingested_at")
        ),
        studio_rules.parse_amount(snowflake, exp.column("amount")),
        *(cleaned(exp.column(name)) for name in ("interaction_id", "event_timestamp", "amount")),
    ):
        assert parsed.sql("snowflake") in readable
    assert re.findall(r"THEN '([A-Za-z0-9 ]+)'", script) == reasons


@pytest.mark.parametrize(
    "script", sorted((ROOT / "snowflake").glob("s*.sql")), ids=lambda one: one.name
)
def test_a_script_of_the_studio_names_what_can_be_renamed_by_its_variable(script: Path) -> None:
    text = re.sub(r"<%.*?%>", "", script.read_text(encoding="utf-8"))
    assert not re.search("MARQUEE_|LECTURE_|ANALYST_ROLE|PII_ROLE", text)


def test_what_a_script_creates_the_teardown_drops_and_the_guard_looks_at() -> None:
    created = {
        (match[1], match[2])
        for script in SCRIPTS
        for statement in statements_of(script, KEYS)
        if (match := re.match(r"CREATE ([A-Z ]+) IF NOT EXISTS (\w+)(?!\.)\b", statement))
        and "." not in statement.splitlines()[0]
    }
    assert len(created) == 10
    monitors = {one for one in created if one[0] == "RESOURCE MONITOR"}  # can have no comment
    teardown = "\n".join(statements_of(TEARDOWN, KEYS))
    guard = "\n".join(statements_of(SCRIPTS[0], KEYS))
    listed = r"\('[A-Z ]+', '([A-Z ]+)', '(\w+)'\)"
    assert set(re.findall(listed, guard)) == created - monitors
    assert set(re.findall(listed, teardown)) == created - monitors
    assert {
        ("RESOURCE MONITOR", one) for one in re.findall(r"DROP RESOURCE MONITOR (\w+)", teardown)
    } == monitors


def test_every_object_of_the_account_bears_our_comment() -> None:
    for script in SCRIPTS:
        for statement in statements_of(script, KEYS):
            if re.match(r"CREATE (WAREHOUSE|DATABASE|ROLE|USER|NETWORK POLICY) ", statement):
                assert re.search(r"COMMENT = 'Marquee: .+'$", statement), statement


def test_service_users_have_keys_and_no_passwords() -> None:
    text = "\n".join(statements_of(ROOT / "snowflake" / "05_users.sql", KEYS))
    assert text.count("TYPE = SERVICE") == 4
    assert "RSA_PUBLIC_KEY = 'MIIB'" in text
    assert "PASSWORD" not in text


def test_sqlmeshs_configuration_has_the_same_names() -> None:
    config = (ROOT / "config.yaml").read_text(encoding="utf-8")
    repeated = dict(re.findall(r"env_var\('(SNOWFLAKE_\w+)', '(\w+)'\)", config))
    assert len(repeated) == 4
    assert repeated.items() <= names({}).items()
    assert len(re.findall(r"env_var\('SNOWFLAKE_\w+', '\w+'\) \| upper", config)) == len(repeated)


ACCOUNT = {"SNOWFLAKE_ACCOUNT": "a", "SNOWFLAKE_USER": "u"}
SIGN_INS = [
    {"SNOWFLAKE_PASSWORD": "p"},
    {"SNOWFLAKE_AUTHENTICATOR": "externalbrowser"},
    {"SNOWFLAKE_AUTHENTICATOR": "oauth", "SNOWFLAKE_TOKEN": "t"},
    {
        "SNOWFLAKE_AUTHENTICATOR": "WORKLOAD_IDENTITY",
        "SNOWFLAKE_WORKLOAD_IDENTITY_PROVIDER": "OIDC",
        "SNOWFLAKE_TOKEN": "t",
    },
]


def of_the_pipelines(variables: dict[str, str]) -> dict[str, Any]:
    """What dlt, and with it the vault, passes to the connector."""
    factory = snowflake_destination({**ACCOUNT, **variables}).factory
    found: dict[str, Any] = factory.config_params["credentials"].to_connector_params()
    return found


def of_the_check(variables: dict[str, str]) -> dict[str, Any]:
    """What the check, the health check and the dashboard pass to the connector."""
    with mock.patch("snowflake.connector.connect") as connector:
        connect({**ACCOUNT, **variables}, "check")
    return dict(connector.call_args.kwargs)


def of_sqlmesh(variables: dict[str, str], folder: Path) -> dict[str, Any]:
    """What SQLMesh passes to the connector."""
    gateway = {"SQLMESH__DEFAULT_GATEWAY": "snowflake", **ACCOUNT, **variables}
    with mock.patch.dict(os.environ, {"MARQUEE_STATE_DUCKDB": str(folder / "state"), **gateway}):
        (config,) = load_configs(None, Config, [ROOT]).values()
    connection = config.gateways["snowflake"].connection
    assert connection
    return dict(connection.dict())


@pytest.mark.parametrize("variables", SIGN_INS, ids=lambda one: next(iter(one.values())))
def test_every_connection_signs_in_and_sets_the_session(
    project: Project, variables: dict[str, str]
) -> None:
    connections = [of_the_pipelines(variables), of_the_check(variables)]
    if "SNOWFLAKE_WORKLOAD_IDENTITY_PROVIDER" not in variables:  # SQLMesh has no setting for it
        connections.append(of_sqlmesh(variables, project.folder))
    for given in connections:
        for variable, value in variables.items():
            assert given[variable.removeprefix("SNOWFLAKE_").lower()] == value
        assert given["session_parameters"].items() >= SESSION_PARAMETERS.items()


def test_the_task_has_the_session_of_the_models() -> None:
    task = (ROOT / "snowflake" / "streams_and_tasks.sql").read_text(encoding="utf-8")
    found = dict(re.findall(r"^  ([A-Z_]+) = '?([^'\n]+?)'?$", task, flags=re.MULTILINE))
    for name, value in SESSION_PARAMETERS.items():
        assert found[name] == (str(value).upper() if isinstance(value, bool) else str(value))


def test_the_seed_documents_names_are_one_file_of_variables() -> None:
    file = (ROOT / "snowflake" / "seed_names.env").read_text(encoding="utf-8")
    given = dict(line.split("=") for line in file.splitlines() if line and line[0] != "#")
    assert set(given) == {name for name, value in names({}).items() if re.match("MARQUEE", value)}
    assert names(given)["SNOWFLAKE_DATABASE"] == "LECTURE_DE"
    assert names({"SNOWFLAKE_ROLE": "de_role"})["SNOWFLAKE_ROLE"] == "DE_ROLE"


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
        (ACCOUNT, "no private key, password or token."),
        (
            {**ACCOUNT, "SNOWFLAKE_PRIVATE_KEY_PATH": "nowhere.p8"},
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


def test_an_encrypted_key_without_its_passphrase_is_named(project: Project, tmp_path: Path) -> None:
    key = Key.make(tmp_path / "key.p8", passphrase="5ec2e7")
    for name, value in {**ACCOUNT, "SNOWFLAKE_PRIVATE_KEY_PATH": str(key.path)}.items():
        project.monkeypatch.setenv(name, value)
    ended = project.load("--sandbox", "--destination", "snowflake")
    assert ended.code == 1
    assert "SNOWFLAKE_PRIVATE_KEY_PASSPHRASE" in ended.err


@pytest.mark.parametrize(
    ("message", "script"),
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
def test_an_access_error_names_the_script_that_fixes_it(message: str, script: str) -> None:
    from snowflake.connector.errors import DatabaseError

    explained = explain_snowflake(DatabaseError(message)) or ""
    assert f"-f snowflake/{script}" in explained
    assert "Snowflake reported: " in explained
    assert explain_snowflake(RuntimeError(message)) is None, "of Snowflake's errors only"
