"""The workflows of production pass on every variable that what they run listens to."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import yaml
from sqlmesh.utils.yaml import load

from marquee.core.settings import ROOT

WORKFLOWS = ROOT / ".github" / "workflows"

# Ends with an underscore where the rest of the name is put together.
VARIABLE = re.compile(r"(MARQUEE|SNOWFLAKE|STUDIO|TMDB)_[A-Z_]+")

# What a workflow leaves out, and why.
FILES = "a file or folder of the machine: a runner has none that lasts"
PEOPLE = "a way to sign in for people; a service user has a key, which is a secret of its own"
LEFT_OUT = {
    "MARQUEE_DUCKDB": FILES,
    "MARQUEE_DUCKDB_MEMORY_LIMIT": FILES,
    "MARQUEE_STATE_DUCKDB": FILES,
    "MARQUEE_VAULT_DUCKDB": FILES,
    "STUDIO_VAULT_KEY": FILES,
    "STUDIO_OLD_VAULT_KEY": FILES,
    "MARQUEE_DLT_DIR": FILES,
    "MARQUEE_LOG_FORMAT": "the default is right for a job",
    "MARQUEE_SANDBOX": "of `make dagster`",
    "SNOWFLAKE_AUTHENTICATOR": PEOPLE,
    "SNOWFLAKE_TOKEN": PEOPLE,
    "SNOWFLAKE_PRIVATE_KEY_PASSPHRASE": PEOPLE,
    "MARQUEE_ALLOW": "set by a person, for one plan",
    "MARQUEE_LOG_LEVEL": "the default is right for a job",
    "SNOWFLAKE_WORKLOAD_IDENTITY_PROVIDER": "SQLMesh's connection has no setting for it",
}
LEFT_OUT_BY = {
    "bot.yml": {"MARQUEE_SLACK_WEBHOOK_URL", "MARQUEE_SMTP_"},  # its checks tell who is at it
    "refresh.yml": {"MARQUEE_APPROVERS"},  # it deploys nothing
}


def read_by_sqlmesh() -> dict[str, str]:
    """The variables that config.yaml asks for on Snowflake, in every branch, with its defaults."""
    defaults: dict[str, str] = {}

    def recorded(name: str, default: str | None = None) -> str:
        defaults[name] = defaults.get(name) or default or ""
        return "snowflake" if name == "SQLMESH__DEFAULT_GATEWAY" else "1"

    with mock.patch("sqlmesh.utils.yaml.getenv", recorded):
        load(ROOT / "config.yaml")
    return defaults


def constants(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def sources(script: Path) -> set[Path]:
    """A script and the modules of ours that it imports, one by way of the other."""
    found, pending = set(), {script}
    while pending:
        file = pending.pop()
        found.add(file)
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("marquee"):
                names = [node.module, *(f"{node.module}.{name.name}" for name in node.names)]
                modules = [ROOT / str(name).replace(".", "/") for name in names]
                files = [m / "__init__.py" for m in modules]
                files += [m.with_suffix(".py") for m in modules]
                pending |= {file for file in files if file.exists()} - found
    return found


def read_in(files: set[Path]) -> set[str]:
    names = {name for file in files for name in constants(file) if VARIABLE.fullmatch(name)}
    known = read_by_sqlmesh()
    whole = {name for name in names if not name.endswith("_")}
    return whole | {name for name in known if name.startswith(tuple(names - whole) or ("?",))}


def read_by(command: str) -> set[str]:
    """The variables that a step's command listens to."""
    if script := re.search(r"pipelines/\w+\.py", command):
        return read_in(sources(ROOT / script[0]))
    if ".venv/bin/sqlmesh" in command or "marquee.cli.refresh" in command:
        macros = set((ROOT / "sqlmesh_project" / "macros").glob("*.py"))
        return set(read_by_sqlmesh()) | read_in(macros)
    return set()


def steps_of(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each command of a workflow with the variables that its environment holds."""
    for job in yaml.safe_load((WORKFLOWS / name).read_text(encoding="utf-8"))["jobs"].values():
        handed_on: dict[str, Any] = {}
        for step in job["steps"]:
            command = step.get("run", "")
            yield command, {**job.get("env", {}), **step.get("env", {}), **handed_on}
            for variable in re.findall(r'echo "(\w+)=.*GITHUB_ENV', command):
                handed_on[variable] = ""


@pytest.mark.parametrize("name", ["bot.yml", "refresh.yml"])
def test_a_workflow_passes_on_every_variable_that_its_commands_read(name: str) -> None:
    commands = 0
    for command, given in steps_of(name):
        wanted = read_by(command)
        commands += bool(wanted)
        left_out = tuple(LEFT_OUT_BY[name])
        missing = {
            one for one in wanted - set(given) - set(LEFT_OUT) if not one.startswith(left_out)
        }
        assert missing == set(), f"{name}: `{command}` reads what it is not given"
    assert commands == {"bot.yml": 1, "refresh.yml": 4}[name]


@pytest.mark.parametrize("name", ["bot.yml", "refresh.yml"])
def test_a_variable_that_is_not_set_on_github_has_the_default_of_the_project(name: str) -> None:
    """GitHub passes on what is not set as an empty text, which the project would take."""
    names = yaml.safe_load((ROOT / "snowflake" / "snowflake.yml").read_text(encoding="utf-8"))
    defaults = {**names["env"], **{one: text for one, text in read_by_sqlmesh().items() if text}}
    for command, given in steps_of(name):
        for variable in read_by(command) & set(given) & set(defaults):
            if variable != "SQLMESH__DEFAULT_GATEWAY":
                assert given[variable].endswith(f"|| '{defaults[variable]}' }}}}"), variable


def test_the_reader_of_settings_finds_those_of_every_branch_and_of_every_package() -> None:
    assert {"SNOWFLAKE_PRIVATE_KEY_PATH", "MARQUEE_STATE_POSTGRES_SSLMODE"} <= set(
        read_by_sqlmesh()
    )
    assert read_by_sqlmesh()["SNOWFLAKE_DATABASE"] == "MARQUEE"
    assert {"TMDB_API_KEY", "SNOWFLAKE_INGEST_WAREHOUSE"} <= read_by("pipelines/tmdb.py")
    assert {"MARQUEE_SMTP_RECIPIENTS", "SNOWFLAKE_ROLE"} <= read_by("pipelines/health.py")


def test_the_refresh_and_the_deployment_have_an_environment_each() -> None:
    """A reviewer who approves deployments must not have to approve each daily refresh."""

    def environments(name: str) -> set[str]:
        jobs = yaml.safe_load((WORKFLOWS / name).read_text(encoding="utf-8"))["jobs"].values()
        return {job["environment"] for job in jobs if "environment" in job}

    assert environments("bot.yml") == {"production"}
    assert environments("refresh.yml") == {"refresh"}
