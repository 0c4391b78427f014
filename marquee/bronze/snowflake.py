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

OUTAGE = "Snowflake cannot be reached, or the connection was lost."
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
    key: str | None = dlt.secrets.get(f"{SECTION}.private_key", str)
    _check_complete(credentials, key)
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


def _check_complete(credentials: SnowflakeCredentials, private_key: str | None) -> None:
    lacking = [
        variable
        for variable, value in (
            ("SNOWFLAKE_ACCOUNT", credentials.host),
            ("SNOWFLAKE_USER", credentials.username),
            (
                "private key, password or token",
                credentials.private_key_path
                or private_key
                or credentials.password
                or credentials.token
                or (credentials.authenticator or "").upper() in WITHOUT_SECRET,
            ),
        )
        if not value
    ]
    if lacking:
        raise MarqueeError(
            f"Nothing to sign in to Snowflake with: no {', no '.join(lacking)}.", SIGN_IN
        )
    if credentials.private_key_path:
        key_bytes(credentials.private_key_path, credentials.private_key_passphrase)


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
    key_file = environ.get("SNOWFLAKE_PRIVATE_KEY_PATH")
    given = {
        "account": environ.get("SNOWFLAKE_ACCOUNT"),
        "user": environ.get("SNOWFLAKE_USER"),
        "password": environ.get("SNOWFLAKE_PASSWORD"),
        "authenticator": environ.get("SNOWFLAKE_AUTHENTICATOR"),
        "token": environ.get("SNOWFLAKE_TOKEN"),
        "workload_identity_provider": environ.get("SNOWFLAKE_WORKLOAD_IDENTITY_PROVIDER"),
        "host": environ.get("SNOWFLAKE_HOST"),
        "port": environ.get("SNOWFLAKE_PORT"),
        "private_key": key_file
        and key_bytes(key_file, environ.get("SNOWFLAKE_PRIVATE_KEY_PASSPHRASE")),
    }
    lacking = [f"SNOWFLAKE_{one.upper()}" for one in ("account", "user") if not given[one]]
    signs_in = given["password"] or given["token"] or given["private_key"]
    if lacking or not (signs_in or (given["authenticator"] or "").upper() in WITHOUT_SECRET):
        raise MarqueeError(
            f"not set: {', '.join(lacking) or 'a private key, a password or a token'}", SIGN_IN
        )
    return snowflake.connector.connect(
        **{name: value for name, value in given.items() if value},
        **PATIENCE,
        session_parameters=session_parameters(part),
        **settings,
    )


def script(name: str) -> str:
    """Return the command that runs a script of `snowflake/`, for a person to type."""
    return f"snow sql --project snowflake --role ACCOUNTADMIN -f snowflake/{name}.sql"


# Snowflake's number of an error, or a part of its text, and what fixes it. The numbers are those of
# the connector's log-in and of "SQL compilation error"; the texts are in English on every account.
REMEDIES: tuple[tuple[str, str, str], ...] = (
    (
        "390100|Incorrect username or password",
        "Snowflake does not know this user or password.",
        f"{SIGN_IN} The service users have keys and no password: {script('05_users')}",
    ),
    (
        "390144|JWT token is invalid",
        "Snowflake does not accept this private key for this user.",
        f"Give the user its public key: {script('05_users')}",
    ),
    (
        "390303|390318|OAuth access token",
        "Snowflake does not accept the OAuth token, or it has expired.",
        "Set SNOWFLAKE_TOKEN to a fresh one.",
    ),
    (
        "390189|Role '.+' specified in the connect string|250001.*[Rr]ole",
        "The role is missing, or this user does not have it.",
        f"Run {script('03_roles')} and then the same with 05_users.",
    ),
    (
        "390422|IP.*not allowed to access",
        "A network policy keeps this machine out.",
        f"Add its address to SNOWFLAKE_ALLOWED_IPS: {script('06_network_policy')}",
    ),
    (
        "000606|390201|No active warehouse|[Ww]arehouse '.+' (does not exist|cannot be resumed)",
        "The warehouse is missing, suspended without being resumed by itself, or its monthly "
        "credits are used up.",
        f"Run {script('01_warehouses')}; a quota is raised by SNOWFLAKE_CREDIT_QUOTA.",
    ),
    (
        "090105|does not have a current database|[Dd]atabase '.+' does not exist",
        "The database is missing, or the role may not use it.",
        f"Run {script('02_database')} and then the same with 04_grants.",
    ),
    (
        "090106|does not have a current schema|[Ss]chema '.+' does not exist",
        "A schema is missing, or the role may not use it.",
        f"Run {script('02_database')} and then the same with 04_grants.",
    ),
    (
        "003001|Insufficient privileges",
        "The role lacks a privilege.",
        f"Run {script('04_grants')}",
    ),
    (
        "290404|404 Not Found|Name or service not known|getaddrinfo",
        "There is no Snowflake account at this address.",
        "SNOWFLAKE_ACCOUNT is its identifier, such as myorg-myaccount.",
    ),
    (
        "250001|250003|251011|Connection (reset|aborted)|Connection refused|timed ?out|"
        "Failed to execute",
        OUTAGE,
        "What landed before is safe; run the same command again to resume.",
    ),
    (
        "(?i)bad decrypt|private key|deserialize key|password was not given|incorrect password",
        "The private key cannot be read.",
        "Set SNOWFLAKE_PRIVATE_KEY_PASSPHRASE if it is encrypted; the file must be PKCS#8 in PEM.",
    ),
)


def explain_snowflake(error: BaseException) -> str | None:
    """Say what Snowflake's error means and which script or command fixes it.

    Returns:
        The text with Snowflake's own first lines; None if the error is not of Snowflake's kind.
        Snowflake's messages name users and objects and never a credential.

    """
    is_key = isinstance(error, (TypeError, ValueError))  # cryptography's, of a private key
    if not is_key and not type(error).__module__.startswith("snowflake."):
        return None
    text = str(error)
    for pattern, meaning, remedy in REMEDIES:
        if re.search(pattern, text):
            return "\n".join([meaning, remedy, f"Snowflake reported: {_first_lines(text)}"])
    return None


def is_outage(error: BaseException) -> bool:
    """Tell whether Snowflake could not be reached, so that the same command may succeed later."""
    return (explain_snowflake(error) or "").startswith(OUTAGE)


EXPLANATIONS.append(explain_snowflake)
TEMPORARY.append(is_outage)


def _first_lines(text: str) -> str:
    return " ".join(line.strip() for line in text.strip().splitlines()[:2])
