"""Is a Snowflake account set up as documented? `make snowflake-check`, which changes nothing.

Signs in with the SNOWFLAKE_* variables, as SQLMesh does, and compares what is there with what the
scripts of `snowflake/` make. Prints a line for each thing: pass, or what to run.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Any, NamedTuple

import snowflake.connector

from marquee.bronze.snowflake import connect, explain_snowflake, names, script
from marquee.core.errors import MarqueeError
from marquee.core.settings import ROOT

SCRIPTS = ROOT / "snowflake"
TEMPLATE = re.compile(r"<% ctx\.env\.(\w+) %>")
GRANT = re.compile(
    r"GRANT (?P<privilege>[A-Z ]+) ON (?P<future>FUTURE )?(?P<kind>[A-Z ]+?)(?(future)S IN SCHEMA) "
    r"(?P<name>[\w.]+) TO ROLE (?P<role>\w+);"
)

# The list of objects in 00_ownership.sql, and those kinds that every role may see.
OBJECT = re.compile(r"\('([A-Z ]+)', '([A-Z ]+)', '(\w+)'\)")
VISIBLE = ("ROLES", "WAREHOUSES", "DATABASES")
# SQLMesh's: the tables behind the views, and the views of an environment other than prod.
TABLES_BEHIND = "SQLMESH__"
ENVIRONMENT = re.compile(r"(SILVER|SNAPSHOTS|GOLD|SECURE|OPS)__\w+")

Row = Mapping[str, Any]
Query = Callable[[str], list[Row]]


class CheckResult(NamedTuple):
    """What was looked at, whether it is as it should be, and what to run if not."""

    subject: str
    problem: str = ""
    remedy: str = ""

    def __str__(self) -> str:
        """A line, and a second one with the remedy."""
        if not self.problem:
            return f"pass  {self.subject}"
        return f"FAIL  {self.subject}: {self.problem}\n      {self.remedy}"


class Grant(NamedTuple):
    """A privilege of a role; `future` for one on whatever will be made in a schema."""

    privilege: str
    kind: str
    name: str
    role: str
    future: bool


def main() -> int:
    """Check; return 1 if anything is not as it should be."""
    failed = 0
    for result in check_account(os.environ):
        print(result, flush=True)
        failed += bool(result.problem)
    print(f"\n{failed} to fix." if failed else "\nThe account is set up.")
    return 1 if failed else 0


def check_account(environ: Mapping[str, str]) -> Iterator[CheckResult]:
    """Look at one thing after the other; what cannot be queried without it is left out."""
    known = names(environ)
    try:
        # Without a role, to distinguish a missing one from a bad key.
        connection = connect(environ, "check")
    except (MarqueeError, ValueError, TypeError, snowflake.connector.Error) as error:
        yield CheckResult("connection", *_reason(error))
        return
    with closing(connection):
        yield CheckResult(f"connection: {environ['SNOWFLAKE_USER']} signs in")

        def query(query: str) -> list[Row]:
            cursor = connection.cursor(snowflake.connector.DictCursor)
            return [row for row in cursor.execute(query).fetchall() if isinstance(row, dict)]  # type: ignore[union-attr]

        # The role alone must suffice, as it does for a service user.
        query("USE SECONDARY ROLES NONE")

        checks = (role, ownership, warehouses, database, schemas, grants)
        for check in checks:
            try:
                yield from check(query, known)
            except snowflake.connector.Error as error:
                yield CheckResult(check.__name__, *_reason(error))


def role(query: Query, known: Mapping[str, str]) -> Iterator[CheckResult]:
    """The role to work with."""
    name = known["SNOWFLAKE_ROLE"]
    try:
        query(f"USE ROLE {name}")
    except snowflake.connector.Error:
        yield CheckResult(
            f"role {name}",
            "missing, or this user does not have it",
            f"{script('03_roles')}, then 05_users",
        )
    else:
        yield CheckResult(f"role {name}")


def ownership(query: Query, known: Mapping[str, str]) -> Iterator[CheckResult]:
    """Whether each object with one of our names is ours: its comment begins with `Marquee: `."""
    listed = OBJECT.findall(text("00_ownership", known))
    shown = {plural: query(f"SHOW {plural}") for plural in VISIBLE}
    others = [
        f"{kind.lower()} {name}"
        for plural, kind, name in listed
        for row in shown.get(plural, [])
        if row["name"] == name and not str(row.get("comment") or "").startswith("Marquee: ")
    ]
    yield CheckResult(
        "objects with our names are ours",
        f"of someone else: {', '.join(others)}" if others else "",
        "Set its variable to another name (snowflake/snowflake.yml), or, if the object is ours, "
        "give it a comment that begins with 'Marquee: '.",
    )


def warehouses(query: Query, known: Mapping[str, str]) -> Iterator[CheckResult]:
    """Both warehouses: there, and awake when needed."""
    for variable in ("SNOWFLAKE_INGEST_WAREHOUSE", "SNOWFLAKE_TRANSFORM_WAREHOUSE"):
        name = known[variable]
        found = [row for row in query(f"SHOW WAREHOUSES LIKE '{name}'") if row["name"] == name]
        problem = "missing, or hidden from this role"
        if found:
            is_awake = str(found[0].get("auto_resume", "true")).lower() == "true"
            problem = "" if is_awake else "suspended, and not resumed by itself"
        yield CheckResult(f"warehouse {name}", problem, script("01_warehouses"))


def database(query: Query, known: Mapping[str, str]) -> Iterator[CheckResult]:
    """The database, and how long its past can be seen."""
    name = known["SNOWFLAKE_DATABASE"]
    found = [row for row in query(f"SHOW DATABASES LIKE '{name}'") if row["name"] == name]
    problem = "" if found else "missing, or hidden from this role"
    if found and int(found[0]["retention_time"] or 0) < int(known["SNOWFLAKE_RETENTION_DAYS"]):
        problem = f"time travel of {found[0]['retention_time']} days"
    yield CheckResult(f"database {name}", problem, script("02_database"))


def schemas(query: Query, known: Mapping[str, str]) -> Iterator[CheckResult]:
    """The schemas that the scripts make, and the owners of those and of the environments'."""
    name = known["SNOWFLAKE_DATABASE"]
    wanted = re.findall(rf"CREATE SCHEMA IF NOT EXISTS {name}\.(\w+)", text("02_database", known))
    owners = {row["name"]: row["owner"] for row in query(f"SHOW SCHEMAS IN DATABASE {name}")}
    missing = [one for one in wanted if one not in owners]
    yield CheckResult(
        f"{len(wanted)} schemas",
        f"missing: {', '.join(missing)}" if missing else "",
        script("02_database"),
    )
    engineers = known["SNOWFLAKE_ROLE"]
    expected = {one: "SYSADMIN" for one in wanted} | {
        one: engineers for one in owners if ENVIRONMENT.fullmatch(one)
    }
    wrong = [one for one in owners if one in expected and owners[one] != expected[one]]
    yield CheckResult(
        "owners of schemas",
        ", ".join(f"{one} belongs to {owners[one]} and not to {expected[one]}" for one in wrong),
        "\n      ".join(
            f"GRANT OWNERSHIP ON SCHEMA {name}.{one} TO ROLE {expected[one]} COPY CURRENT GRANTS;"
            for one in wrong
        ),
    )


def grants(query: Query, known: Mapping[str, str]) -> Iterator[CheckResult]:
    """The grants that the scripts give, role by role."""
    wanted = [grant_of(match) for match in GRANT.finditer(text("04_grants", known))]
    for variable in ("SNOWFLAKE_ROLE", "SNOWFLAKE_ANALYST_ROLE", "SNOWFLAKE_PII_ROLE"):
        name = known[variable]
        of_role = [one for one in wanted if one.role == name]
        try:
            given = {*shown(query, name, future=False), *shown(query, name, future=True)}
        except snowflake.connector.Error as error:
            yield CheckResult(f"grants of {name}", *_reason(error))
            continue
        yield from hidden_schemas(name, given, known)
        missing = [one for one in of_role if one not in given]
        problem = f"{len(missing)} missing, such as {describe(missing[0])}" if missing else ""
        yield CheckResult(f"{len(of_role)} grants of {name}", problem, script("04_grants"))


def hidden_schemas(role: str, given: set[Grant], known: Mapping[str, str]) -> Iterator[CheckResult]:
    """Whether the readers' roles see neither tables behind the views nor an environment's views."""
    if role == known["SNOWFLAKE_ROLE"]:
        return
    schemas = {
        one.name.split(".")[1]
        for one in given
        if one.name.startswith(f"{known['SNOWFLAKE_DATABASE']}.") and not one.future
    }
    seen = [
        one
        for one in sorted(schemas)
        if one.startswith(TABLES_BEHIND) or ENVIRONMENT.fullmatch(one)
    ]
    subject = f"{role} sees no schema of SQLMesh's"
    if not seen:
        yield CheckResult(subject)
        return
    yield CheckResult(
        subject,
        f"it has privileges on {', '.join(seen)}",
        f"REVOKE ALL ON SCHEMA {known['SNOWFLAKE_DATABASE']}.{seen[0]} FROM ROLE {role};",
    )


def grant_of(match: re.Match[str]) -> Grant:
    """Read a GRANT of a script."""
    return Grant(
        match["privilege"], match["kind"], match["name"], match["role"], bool(match["future"])
    )


def shown(query: Query, role: str, *, future: bool) -> Iterator[Grant]:
    """Read what SHOW GRANTS says of a role; a future grant is on `DATABASE.SCHEMA.<KIND>`."""
    for row in query(f"SHOW {'FUTURE ' if future else ''}GRANTS TO ROLE {role}"):
        kind = str(row["grant_on" if future else "granted_on"]).replace("_", " ")
        name = str(row["name"]).replace('"', "")
        name = re.sub(r"\.<\w+>$", "", name)
        yield Grant(str(row["privilege"]), kind, name, role, future)


def describe(grant: Grant) -> str:
    """A grant for people."""
    where = f"FUTURE {grant.kind}S IN" if grant.future else grant.kind
    return f"{grant.privilege} ON {where} {grant.name}"


def text(name: str, known: Mapping[str, str]) -> str:
    """A script with the names put in."""
    template = (SCRIPTS / f"{name}.sql").read_text(encoding="utf-8")
    return TEMPLATE.sub(lambda match: known[match[1]], template)


def _reason(error: Exception) -> tuple[str, str]:
    explained = str(error) if isinstance(error, MarqueeError) else explain_snowflake(error)
    problem, _, remedy = (explained or f"{type(error).__name__}: {error}").partition("\n")
    return problem, remedy.replace("\n", "\n      ")


if __name__ == "__main__":
    sys.exit(main())
