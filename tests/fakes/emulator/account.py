"""What an administrator makes in an account: fakesnow has databases, schemas and tables only.

Kept as far as `snowflake/` makes it and `snowflake/check_account.py` asks for it. Nothing is
enforced but the sign-in: a grant is written down, and shown, and that is all.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.serialization import load_der_public_key

Rows = list[dict[str, Any]]

NEEDS_WAREHOUSE = re.compile(
    r"\s*(/\*.*?\*/\s*)?"
    r"(SELECT\b.*\bFROM|WITH|COPY|INSERT|MERGE|DELETE|CREATE.*\bAS (SELECT|WITH))\b",
    re.DOTALL,
)
NAME = r'"?(?P<name>[\w$]+)"?'
SETTING = re.compile(r"(\w+)\s*=\s*('[^']*'|[\w$.]+)")
DATABASE = re.compile(
    r"CREATE DATABASE (?:IF NOT EXISTS |OR REPLACE )?(?P<name>\w+)(?P<rest>.*)", re.DOTALL
)

SCHEMA = re.compile(r'CREATE SCHEMA (?:IF NOT EXISTS )?"?(?P<database>\w+)"?\."?(?P<name>\w+)')


class SnowflakeError(Exception):
    """An error with Snowflake's own number and text."""

    def __init__(self, code: int, message: str, sqlstate: str = "02000") -> None:
        super().__init__(message)
        self.code, self.message, self.sqlstate = code, message, sqlstate


@dataclass
class Session:
    """What a session has set."""

    user: str = ""
    role: str | None = None
    warehouse: str | None = None
    query_tag: str = ""


@dataclass
class Account:
    """Objects by kind and name, and the grants.

    Attributes:
        password: that of every user who is not in `objects`; such a user may do anything.
        token: the OAuth token of every user.
    """

    password: str
    token: str
    objects: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    grants: list[dict[str, str]] = field(default_factory=list)

    def of(self, kind: str) -> dict[str, dict[str, str]]:
        """The objects of a kind, each with its settings."""
        return self.objects.setdefault(kind, {})

    def sign_in(self, data: dict[str, Any], role: str | None, warehouse: str | None) -> Session:
        """Check a login request; a role must exist, a warehouse need not, as in Snowflake."""
        user = str(data.get("LOGIN_NAME", "")).upper()
        authenticator = data.get("AUTHENTICATOR", "SNOWFLAKE")
        if authenticator == "SNOWFLAKE_JWT":
            self._check_key(user, data["TOKEN"])
        elif authenticator == "OAUTH":
            if data.get("TOKEN") != self.token:
                raise SnowflakeError(390303, "Invalid OAuth access token. ")
        elif data.get("PASSWORD") != self.password:
            raise SnowflakeError(390100, "Incorrect username or password was specified.")
        role = role.upper() if role else None
        if role and not self._is_role(role):
            raise SnowflakeError(
                390189,
                f"Role '{role}' specified in the connect string does not exist or not authorized. "
                "Contact your local system administrator, or attempt to login with another role, "
                "e.g. PUBLIC.",
            )
        warehouse = warehouse.upper() if warehouse else None
        tag = data.get("SESSION_PARAMETERS", {}).get("QUERY_TAG", "")
        return Session(user, role, warehouse if warehouse in self.of("WAREHOUSE") else None, tag)

    def _is_role(self, role: str) -> bool:
        return role in self.of("ROLE") or role.endswith("ADMIN") or role == "PUBLIC"

    def _check_key(self, user: str, token: str) -> None:
        key = self.of("USER").get(user, {}).get("RSA_PUBLIC_KEY", "")
        try:
            jwt.decode(
                token,
                load_der_public_key(base64.b64decode(key)),  # type: ignore[arg-type]
                algorithms=["RS256"],
                options={"verify_aud": False},
            )
        except (ValueError, jwt.InvalidTokenError):
            raise SnowflakeError(390144, "JWT token is invalid. [0ce9eb56]") from None

    def answer(self, sql: str, session: Session) -> Rows | None:
        """Do what an account's own statement says; None if the statement is not one."""
        statement = " ".join(re.sub(r"/\*.*?\*/", "", sql, flags=re.DOTALL).split()).rstrip(";")
        if match := DATABASE.match(statement):  # fakesnow creates it, and forgets its comment
            self.of("DATABASE").setdefault(match["name"].upper(), _settings(match["rest"]))
        if match := SCHEMA.match(statement):  # fakesnow creates it, and knows no owner
            name = f"{match['database']}.{match['name']}".upper()
            self.of("SCHEMA").setdefault(name, {"owner": session.role or ""})
        for pattern, method in STATEMENTS:
            if match := re.fullmatch(pattern, statement, re.IGNORECASE):
                return method(self, session, **match.groupdict())
        return None

    def check_warehouse(self, sql: str, session: Session) -> None:
        """Raise for what reads or writes tables where no warehouse would do it."""
        if session.user not in self.of("USER") or not NEEDS_WAREHOUSE.match(sql):
            return
        warehouse = self.of("WAREHOUSE").get(session.warehouse or "")
        is_asleep = warehouse and (
            warehouse.get("STATE") == "SUSPENDED" and warehouse.get("AUTO_RESUME") == "FALSE"
        )
        if warehouse is None or is_asleep:
            raise SnowflakeError(
                606,
                "No active warehouse selected in the current session.  Select an active warehouse "
                "with the 'use warehouse' command.",
                "57P03",
            )

    def block(self, sql: str) -> list[str] | None:
        """Run a block of `00_ownership.sql` or `99_teardown.sql`; return the statements it runs.

        Of Snowflake Scripting only what these two need: their list of objects, and whether each has
        a comment of ours. None if the statement is no block.

        Raises:
            SnowflakeError: an object belongs to someone else.
        """
        if not sql.startswith("EXECUTE IMMEDIATE $$"):
            return None
        drops = []
        for kind, name in re.findall(r"\('[A-Z ]+', '([A-Z ]+)', '(\w+)'\)", sql):
            thing = self.of(kind).get(name.upper())
            if thing is None:
                continue
            is_ours = thing.get("COMMENT", "").startswith("Marquee: ")
            if "DROP" in sql and is_ours and kind == "DATABASE":
                self.of(kind).pop(name.upper())  # fakesnow cannot drop one
            elif "DROP" in sql and is_ours:
                drops.append(f"DROP {kind} IF EXISTS {name}")
                self.of(kind).pop(name.upper())
            elif "RAISE" in sql and not is_ours:
                raise SnowflakeError(-20001, re.findall(r"EXCEPTION \(-20001, '(.+)'\)", sql)[0])
        monitor = re.search(r"DROP RESOURCE MONITOR (\w+)", sql)
        if monitor and not any(
            one.get("RESOURCE_MONITOR") == monitor[1] for one in self.of("WAREHOUSE").values()
        ):
            drops.append(f"DROP RESOURCE MONITOR IF EXISTS {monitor[1]}")
        return drops

    def create(self, _: Session, kind: str, name: str, rest: str) -> Rows:
        self.of(_kind(kind)).setdefault(name.upper(), _settings(rest))
        return DONE

    def alter(self, _: Session, kind: str, name: str, rest: str) -> Rows:
        thing = self._thing(kind, name)
        if re.match(r"\s*(SUSPEND|RESUME)", rest, re.IGNORECASE):
            thing["STATE"] = "SUSPENDED" if "SUSPEND" in rest.upper() else "STARTED"
        thing.update(_settings(rest))
        return DONE

    def drop(self, _: Session, kind: str, name: str) -> Rows:
        self.of(_kind(kind)).pop(name.upper(), None)
        return DONE

    def use(self, session: Session, kind: str, name: str) -> Rows:
        name = name.upper()
        if kind.upper() == "ROLE":
            if not self._is_role(name):
                raise SnowflakeError(2043, _missing("ROLE", name))
            session.role = name
        else:
            self._thing(kind, name)
            session.warehouse = name
        return DONE

    def grant(self, session: Session, what: str, on: str | None, to: str) -> Rows:
        """Write a grant down, under the names of the objects without quotes."""
        on = (on or "").replace('"', "").upper()
        future = on.startswith("FUTURE ")
        kind, _, name = on.removeprefix("FUTURE ").partition(" ")
        if future:
            kind = kind.removesuffix("S")
            name = f"{name.removeprefix('IN SCHEMA ')}.<{kind}>"
        for privilege in what.upper().split(","):
            granted = {
                "privilege": privilege.strip().removeprefix("ROLE "),
                "granted_on": kind if on else "ROLE",
                "name": name if on else what.upper().removeprefix("ROLE ").strip(),
                "grantee_name": to.replace('"', "").upper(),
                "granted_by": session.role or "",
                "future": "yes" if future else "",
            }
            if not on:
                granted["privilege"] = "USAGE"
            if granted not in self.grants:
                self.grants.append(granted)
        return DONE

    def revoke(self, _: Session, on: str, from_: str) -> Rows:
        name = on.replace('"', "").upper().partition(" ")[2]
        to = from_.replace('"', "").upper()
        self.grants = [
            one for one in self.grants if (one["name"], one["grantee_name"]) != (name, to)
        ]
        return DONE

    def show(self, _: Session, kind: str, like: str | None) -> Rows:
        kind = _kind(kind[:-1])
        shown: Rows = [
            {"name": name, **DEFAULTS.get(kind, {}), **{k.lower(): v for k, v in thing.items()}}
            for name, thing in self.of(kind).items()
            if like is None or name == like.upper()
        ] or [{"name": None}]
        columns = dict.fromkeys(column for row in shown for column in [*row, "comment"])
        return [{column: row.get(column) for column in columns} for row in shown]

    def show_schemas(self, _: Session, database: str) -> Rows:
        return [
            {"name": name.partition(".")[2], **thing}
            for name, thing in self.of("SCHEMA").items()
            if name.startswith(f"{database.upper()}.")
        ] or [{"name": None, "owner": None}]

    def show_grants(self, _: Session, future: str | None, role: str) -> Rows:
        if role.upper() not in self.of("ROLE"):
            raise SnowflakeError(2003, _missing("ROLE", role))
        kind = "grant_on" if future else "granted_on"
        return [
            {"privilege": one["privilege"], kind: one["granted_on"], "name": one["name"]}
            for one in self.grants
            if one["grantee_name"] == role.upper() and bool(one["future"]) == bool(future)
        ] or [{"privilege": None, kind: None, "name": None}]

    def table_privileges(self, session: Session, schema: str, table: str) -> Rows:
        return [
            {"privilege_type": one["privilege"], "grantee": one["grantee_name"]}
            for one in self.grants
            if one["name"].split(".")[1:] == [schema, table] and one["granted_by"] == session.role
        ] or [{"privilege_type": None, "grantee": None}]

    def current(self, session: Session, what: str) -> Rows:
        return [{what.upper(): getattr(session, what.lower())}]

    def tag(self, session: Session, value: str | None) -> Rows:
        session.query_tag = value or ""
        return DONE

    def ignore(self, _: Session) -> Rows:
        return DONE

    def _thing(self, kind: str, name: str) -> dict[str, str]:
        things = self.of(_kind(kind))
        if name.upper() not in things:
            raise SnowflakeError(2043, _missing(_kind(kind), name))
        return things[name.upper()]


DONE: Rows = [{"status": "Statement executed successfully."}]
DEFAULTS = {"WAREHOUSE": {"state": "SUSPENDED"}}

KINDS = r"(?P<kind>WAREHOUSE|RESOURCE MONITOR|ROLE|USER|NETWORK POLICY)"
STATEMENTS: list[tuple[str, Callable[..., Rows]]] = [
    (rf"CREATE {KINDS} IF NOT EXISTS {NAME}(?P<rest>.*)", Account.create),
    (rf"ALTER {KINDS}(?: IF EXISTS)? {NAME}(?P<rest>.*)", Account.alter),
    (rf"DROP {KINDS} IF EXISTS {NAME}", Account.drop),
    (rf"USE (?P<kind>ROLE|WAREHOUSE) {NAME}", Account.use),
    (r"GRANT (?P<what>.+?)(?: ON (?P<on>.+?))? TO (?:ROLE |USER )?(?P<to>\S+)", Account.grant),
    (r"REVOKE .+? ON (?P<on>.+?) FROM (?:ROLE )?(?P<from_>\S+)", Account.revoke),
    (r"SHOW (?P<future>FUTURE )?GRANTS TO ROLE \"?(?P<role>[\w$]+)\"?", Account.show_grants),
    (
        r"SHOW (?P<kind>WAREHOUSES|RESOURCE MONITORS|ROLES|USERS)(?: LIKE '(?P<like>.+)')?",
        Account.show,
    ),
    (r"SHOW SCHEMAS IN DATABASE (?P<database>\w+)", Account.show_schemas),
    (r"SHOW (?P<kind>DATABASES)(?P<like>X)?", Account.show),
    (r"SELECT CURRENT_(?P<what>ROLE|WAREHOUSE|USER)\(\)", Account.current),
    (r"ALTER SESSION SET QUERY_TAG = '(?P<value>.*)'", Account.tag),
    (r"USE SECONDARY ROLES (?:NONE|ALL)", Account.ignore),
    # Retention: fakesnow has no time travel.
    (r"ALTER (?:DATABASE|SCHEMA) \S+ SET .*", Account.ignore),
    (
        r"SELECT privilege_type, grantee FROM \S+TABLE_PRIVILEGES WHERE table_catalog = '\w+' AND "
        r"table_schema = '(?P<schema>\w+)' AND table_name = '(?P<table>\w+)' AND .*",
        Account.table_privileges,
    ),
]


def _kind(kind: str) -> str:
    return " ".join(kind.upper().split())


def _settings(text: str) -> dict[str, str]:
    return {key.upper(): value.strip("'") for key, value in SETTING.findall(text)}


def _missing(kind: str, name: str) -> str:
    return (
        "SQL compilation error:\n"
        f"{kind.capitalize()} '{name.upper()}' does not exist or not authorized."
    )
