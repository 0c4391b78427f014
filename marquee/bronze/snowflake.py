"""Signing in to Snowflake, and what its errors mean; loaded only if Snowflake is configured."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dlt
import snowflake.connector
import yaml
from dlt.common.libs.cryptography import decode_private_key
from dlt.destinations.impl.snowflake.configuration import SnowflakeCredentials
from snowflake.connector import SnowflakeConnection

from marquee.bronze.destination import Destination
from marquee.core.errors import EXPLANATIONS, TEMPORARY, MarqueeError
from marquee.core.settings import ROOT

SECTION = "destination.snowflake.credentials"

# What dlt calls a setting, and the variable that SQLMesh's gateway and the check read too.
VARIABLES = {
    "host": "SNOWFLAKE_ACCOUNT",
    "username": "SNOWFLAKE_USER",
    "password": "SNOWFLAKE_PASSWORD",
    "private_key_path": "SNOWFLAKE_PRIVATE_KEY_PATH",
    "private_key_passphrase": "SNOWFLAKE_PRIVATE_KEY_PASSPHRASE",
    "authenticator": "SNOWFLAKE_AUTHENTICATOR",
    "token": "SNOWFLAKE_TOKEN",
    "workload_identity_provider": "SNOWFLAKE_WORKLOAD_IDENTITY_PROVIDER",
    "database": "SNOWFLAKE_DATABASE",
    "warehouse": "SNOWFLAKE_INGEST_WAREHOUSE",
    "role": "SNOWFLAKE_ROLE",
}
# What the connector calls a setting, which is `SNOWFLAKE_*` in the environment.
SETTINGS = (
    *("account", "user", "password", "authenticator", "token", "workload_identity_provider"),
    *("host", "port"),
)
# Without them the connector repeats a request that nobody answers for minutes or for ever.
PATIENCE = {"network_timeout": 300, "login_timeout": 60}

# Set for each session, because the account's administrator may have set them otherwise: casts and
# comparisons then mean the same everywhere. config.yaml repeats them for SQLMesh and
# streams_and_tasks.sql for the task. WEEK_START 0 and WEEK_OF_YEAR_POLICY 0 are ISO weeks.
SESSION_PARAMETERS: dict[str, str | int | bool] = {
    "TIMEZONE": "UTC",
    "TIMESTAMP_TYPE_MAPPING": "TIMESTAMP_NTZ",
    "DATE_INPUT_FORMAT": "AUTO",
    "DATE_OUTPUT_FORMAT": "YYYY-MM-DD",
    "TIMESTAMP_INPUT_FORMAT": "AUTO",
    "TIMESTAMP_NTZ_OUTPUT_FORMAT": "YYYY-MM-DD HH24:MI:SS.FF6",
    "WEEK_START": 0,
    "WEEK_OF_YEAR_POLICY": 0,
    "QUOTED_IDENTIFIERS_IGNORE_CASE": False,
    "ABORT_DETACHED_QUERY": True,
}

# These authenticators find the user's identity themselves: a browser, or the workload's platform.
WITHOUT_SECRET = {"EXTERNALBROWSER", "WORKLOAD_IDENTITY"}

RUN_SCRIPT = "snow sql --project snowflake --role ACCOUNTADMIN -f snowflake"
ERRORS = Path(__file__).with_name("snowflake_errors.yaml")
SIGN_IN = (
    "Set SNOWFLAKE_ACCOUNT and SNOWFLAKE_USER, and SNOWFLAKE_PRIVATE_KEY_PATH, or "
    "SNOWFLAKE_AUTHENTICATOR=externalbrowser, or SNOWFLAKE_AUTHENTICATOR=oauth with "
    "SNOWFLAKE_TOKEN, or SNOWFLAKE_PASSWORD (docs/snowflake.md)."
)


def names(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the names of all objects, from `snowflake/snowflake.yml` and the variables before it.

    In upper case: the scripts write names without quotes, which Snowflake turns into upper case,
    and SQLMesh and dlt quote them, which would then name another object.
    """
    file = ROOT / "snowflake" / "snowflake.yml"
    kept: dict[str, str] = yaml.safe_load(file.read_text(encoding="utf-8"))["env"]
    return {name: (environ.get(name) or value).upper() for name, value in kept.items()}


def session_parameters(part: str) -> dict[str, str | int | bool]:
    """Return the parameters of a session of ours; `part` of Marquee stands in its query tag."""
    return {**SESSION_PARAMETERS, "QUERY_TAG": f'{{"app": "marquee", "part": "{part}"}}'}


def snowflake_destination(environ: Mapping[str, str] = os.environ) -> Destination:
    """Describe the Snowflake database to land in; nothing is connected to yet.

    A setting is taken from dlt's configuration (`destination.snowflake.credentials.*`), else from
    the `SNOWFLAKE_*` variables that SQLMesh's gateway reads too, else from `snowflake.yml`.

    Raises:
        MarqueeError: nothing to sign in with, or a private key that is not there.
    """
    defaults = {**environ, **names(environ)}
    credentials = SnowflakeCredentials()
    for name, variable in VARIABLES.items():
        setattr(
            credentials, name, dlt.secrets.get(f"{SECTION}.{name}", str) or defaults.get(variable)
        )
    secrets = (credentials.private_key_path, credentials.password, credentials.token)
    _check_complete(
        credentials.host,
        credentials.username,
        any(secrets) or dlt.secrets.get(f"{SECTION}.private_key", str),
        credentials.authenticator,
    )
    if credentials.private_key_path:
        key_bytes(credentials.private_key_path, credentials.private_key_passphrase)
    place = {
        setting: defaults[variable]
        for setting, variable in (("host", "SNOWFLAKE_HOST"), ("port", "SNOWFLAKE_PORT"))
        if defaults.get(variable)
    }
    given: dict[str, Any] = dlt.config.get(f"{SECTION}.query", dict) or {}
    # dlt sets the query tag itself (`Destination.label`).
    session = {"session_parameters": SESSION_PARAMETERS}
    credentials.query = {**PATIENCE, **session, **place, **given}
    return Destination(
        "snowflake",
        f"Snowflake, database {credentials.database}",
        dlt.destinations.snowflake(credentials=credentials),
        "jsonl",
    )


def _check_complete(account: Any, user: Any, secret: Any, authenticator: str | None) -> None:
    given = {
        "SNOWFLAKE_ACCOUNT": account,
        "SNOWFLAKE_USER": user,
        "private key, password or token": secret or (authenticator or "").upper() in WITHOUT_SECRET,
    }
    if lacking := [name for name, value in given.items() if not value]:
        raise MarqueeError(
            f"Nothing to sign in to Snowflake with: no {', no '.join(lacking)}.", SIGN_IN
        )


def key_bytes(path: str, passphrase: str | None) -> bytes:
    """Read a private key as the connector wants it: DER, PKCS#8, not encrypted.

    Raises:
        MarqueeError: there is no such file.
        ValueError, TypeError: it is no key, or the passphrase is wrong or missing.
    """
    if not Path(path).is_file():
        raise MarqueeError(
            f"There is no private key at {path} (SNOWFLAKE_PRIVATE_KEY_PATH).",
            "docs/snowflake.md says how to make one.",
        )
    key: bytes = decode_private_key(Path(path).read_text("ascii"), passphrase)
    return key


def connect(environ: Mapping[str, str], part: str, **settings: Any) -> SnowflakeConnection:
    """Sign in with the `SNOWFLAKE_*` variables, as SQLMesh does.

    Args:
        environ: the variables.
        part: which part of Marquee it is for, for the query tag.
        settings: further ones of the connector, such as a role.

    Raises:
        MarqueeError: a variable is missing, or there is no such private key.
        snowflake.connector.Error: Snowflake denies access, or cannot be reached.
    """
    given: dict[str, Any] = {name: environ.get(f"SNOWFLAKE_{name.upper()}") for name in SETTINGS}
    if key_file := environ.get("SNOWFLAKE_PRIVATE_KEY_PATH"):
        given["private_key"] = key_bytes(key_file, environ.get("SNOWFLAKE_PRIVATE_KEY_PASSPHRASE"))
    secret = given["password"] or given["token"] or key_file
    _check_complete(given["account"], given["user"], secret, given["authenticator"])
    return snowflake.connector.connect(
        **{name: value for name, value in given.items() if value},
        **PATIENCE,
        session_parameters=session_parameters(part),
        **settings,
    )


def script(name: str) -> str:
    """Return the command that runs a script of `snowflake/`, for a person to type."""
    return f"{RUN_SCRIPT}/{name}.sql"


def _remedy(error: BaseException) -> dict[str, Any] | None:
    """Find the entry of `snowflake_errors.yaml` for an error of Snowflake, or of a private key."""
    is_key = isinstance(error, (TypeError, ValueError))  # cryptography's, of a private key
    if not is_key and not type(error).__module__.startswith("snowflake."):
        return None
    remedies: list[dict[str, Any]] = yaml.safe_load(ERRORS.read_text(encoding="utf-8"))
    return next((one for one in remedies if re.search(one["pattern"], str(error))), None)


def explain_snowflake(error: BaseException) -> str | None:
    """Say what Snowflake's error means and which script or command fixes it.

    Returns:
        The text with Snowflake's own first lines; None if the error is not of Snowflake's kind.
        Snowflake's messages name users and objects and never a credential.
    """
    if not (found := _remedy(error)):
        return None
    remedy = found["remedy"].format(run=RUN_SCRIPT, sign_in=SIGN_IN)
    first_lines = " ".join(line.strip() for line in str(error).strip().splitlines()[:2])
    return "\n".join([found["meaning"], remedy, f"Snowflake reported: {first_lines}"])


def is_outage(error: BaseException) -> bool:
    """Tell whether Snowflake could not be reached, so that the same command may succeed later."""
    return "is_temporary" in (_remedy(error) or {})


EXPLANATIONS.append(explain_snowflake)
TEMPORARY.append(is_outage)
