"""fakesnow as a server, with what it lacks of Snowflake as far as Marquee needs it.

Runs in an environment of its own, for fakesnow's pins clash with SQLMesh's. Every adaptation to
fakesnow 0.12.1 is here and in `account.py`, and says what Snowflake does that fakesnow does not;
the pipelines and the models know nothing of it.

    python server.py FOLDER --password P --token T

serves on a free port of the loopback, which it prints. The databases are kept in FOLDER, and so is
`statements.jsonl`: each statement as it arrived, with its session's user, role, warehouse and tag.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
import socket
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

import fakesnow.arrow
import fakesnow.conn
import fakesnow.info_schema
import fakesnow.macros
import fakesnow.server
import pyarrow as pa
import pyarrow.compute as pc
import sqlglot
import uvicorn
from fakesnow import copy_into
from fakesnow.cursor import FakeSnowflakeCursor
from fakesnow.dialect import parse_one
from fakesnow.instance import FakeSnow
from snowflake.connector.errors import ProgrammingError
from sqlglot import exp
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.fakes.emulator.account import Account, Rows, Session, SnowflakeError

SIMPLE_NAME = re.compile(r'"([A-Z0-9_$%.]+)"')
COPY_JSON = re.compile(
    r"COPY INTO (?P<table>\S+)\s+FROM (?P<stage>\S+)\s+FILE_FORMAT = \(TYPE = 'JSON'.*"
    r"MATCH_BY_COLUMN_NAME='CASE_INSENSITIVE'",
    re.DOTALL,
)
REMOVE = re.compile(r"REMOVE '@(?P<file>\"(?P<schema>\w+)\"\.\"%(?P<table>\w+)\"/[^']+)'")
MERGE = re.compile(r"(/\*.*?\*/ )?MERGE INTO ")
INFER_SCHEMA = re.compile(r"SELECT COLUMN_NAME, TYPE FROM table\(infer_schema\(", re.IGNORECASE)
COLUMN_COMMENTS = re.compile(r"(/\*.*?\*/ )?ALTER (TABLE|VIEW) \S+ ALTER COLUMN \S+ COMMENT ")
SNOWFLAKE_TYPES = {"VARCHAR": "TEXT", "DOUBLE": "REAL", "BOOLEAN": "BOOLEAN"}

MACROS = """
CREATE OR REPLACE MACRO {catalog}.as_array(value) AS
  CASE WHEN json_type(value) = 'ARRAY' THEN value END;
CREATE OR REPLACE MACRO {catalog}.variant_text(value) AS
  CASE WHEN typeof(value) = 'JSON' THEN TRY_CAST(value AS JSON) ->> '$'
  ELSE CAST(value AS TEXT) END;
"""


def _decimals(of: str) -> str:
    """The scale of a DuckDB type as SQL; NULL of a type that is not a fixed-point number."""
    return (
        f"CASE WHEN TYPEOF({of}) LIKE 'DECIMAL%' "
        f"THEN CAST(REGEXP_EXTRACT(TYPEOF({of}), ',(\\d+)', 1) AS INT) "
        f"WHEN TYPEOF({of}) LIKE '%INT%' THEN 0 END"
    )


def _rounded(value: str, of: str) -> str:
    scale = _decimals(of)
    return f"ROUND({value}, GREATEST({scale}, LEAST({scale} + 6, 12)))"


QUOTIENT = (
    "CASE WHEN divisor = 0 THEN ERROR('Division by zero') "
    f"WHEN {_decimals('dividend')} IS NULL OR {_decimals('divisor')} IS NULL "
    f"THEN dividend / divisor ELSE {_rounded('dividend / divisor', 'dividend')} END"
)
MEAN = f"CASE WHEN {_decimals('sample')} IS NULL THEN value ELSE {_rounded('value', 'sample')} END"

REFRESH = re.compile(r"(/\*.*?\*/ )?ALTER DYNAMIC TABLE (IF EXISTS )?(?P<name>\S+) REFRESH")
CREATED = re.compile(
    r"(/\*.*?\*/ )?CREATE (?P<replace>OR REPLACE )?(TRANSIENT )?(?P<dynamic>DYNAMIC )?TABLE "
    r"(?P<name>\S+) "
)
# What a dynamic table has and an ordinary one has not.
DYNAMIC_PROPERTY = re.compile(
    r" (?P<name>WAREHOUSE|TARGET_LAG|REFRESH_MODE|INITIALIZE)=(?P<value>'[^']*'|\S+)"
)


@dataclass
class DynamicTable:
    """A dynamic table's definition.

    Attributes:
        statement: what fills it.
        is_full: whether each refresh computes all of it, by its declared refresh mode.
        parents: how often each table that it reads had been recreated when it was made.
    """

    statement: str
    is_full: bool
    parents: dict[str, int]


class DynamicTables:
    """Dynamic tables as ordinary ones that hold what their last refresh found.

    fakesnow has none. Here nothing is refreshed by a schedule: a table is filled when it is created
    and at each ALTER DYNAMIC TABLE ... REFRESH, and stale in between. One that is not declared FULL
    cannot be refreshed once a table that it reads was recreated, which ends change tracking.
    """

    def __init__(self) -> None:
        self.known: dict[str, DynamicTable] = {}
        self.recreated: Counter[str] = Counter()

    def read(self, command: str) -> str:
        """Note what a statement creates; return it as fakesnow understands it."""
        match = CREATED.match(command)
        if not match:
            return command.replace("DROP DYNAMIC TABLE", "DROP TABLE")
        name = match["name"].upper()
        if not match["dynamic"]:
            self.recreated[name] += bool(match["replace"])
            self.known.pop(name, None)
            return command
        properties = {one["name"]: one["value"] for one in DYNAMIC_PROPERTY.finditer(command)}
        statement = DYNAMIC_PROPERTY.sub("", command).replace("DYNAMIC TABLE", "TABLE", 1)
        statement = statement.replace("CREATE TABLE", "CREATE OR REPLACE TABLE", 1)
        self.known[name] = DynamicTable(
            statement,
            properties.get("REFRESH_MODE", "").strip("'").upper() == "FULL",
            {one: self.recreated[one] for one in self._read_by(statement)},
        )
        return statement

    def refresh(self, name: str) -> str:
        """Return the statement that refills a dynamic table.

        Raises:
            SnowflakeError: no table has this name, or its parents' changes are no longer tracked.
        """
        table = self.known.get(name.upper())
        if table is None:
            raise SnowflakeError(2003, f"Dynamic Table '{name}' does not exist or not authorized.")
        lost = [one for one, count in table.parents.items() if self.recreated[one] != count]
        if lost and not table.is_full:
            raise SnowflakeError(
                91930,
                f"Dynamic Table '{name}' needs to be recreated because a base table changed: "
                f"{', '.join(lost)}.",
            )
        return table.statement

    @staticmethod
    def _read_by(statement: str) -> Iterator[str]:
        tree = sqlglot.parse_one(statement, read="snowflake")
        query = tree.expression
        for table in query.find_all(exp.Table) if query else ():
            yield table.sql("snowflake", comments=False).partition(" AS ")[0].upper()


class Faults:
    """What shall go wrong, set by POST /test/faults, each once."""

    def __init__(self) -> None:
        self.waiting: list[dict[str, Any]] = []

    def strike(self, sql: str, moment: str) -> None:
        """Exit, or raise, if a fault waits for this statement at this moment."""
        for fault in self.waiting:
            if fault["moment"] == moment and re.search(fault["match"], sql):
                self.waiting.remove(fault)
                if "code" not in fault:
                    os._exit(1)  # as a connection that is lost in the middle of an answer
                raise ProgrammingError(fault["message"], errno=fault["code"], sqlstate="57014")


class Cursor(FakeSnowflakeCursor):  # type: ignore[misc]
    """fakesnow's cursor behind the adaptations."""

    account: Account
    faults = Faults()
    dynamic_tables = DynamicTables()
    log: Any
    sessions: dict[int, Session] = {}  # noqa: RUF012 - of all cursors, by connection

    @property
    def session(self) -> Session:
        return self.sessions.setdefault(id(self._conn), Session())

    def execute(self, command: str, *arguments: Any, **options: Any) -> Any:
        """Run a request, and let no fault of fakesnow's be retried for minutes as an HTTP 500."""
        entry = {"sql": command, **vars(self.session)}
        try:
            self.faults.strike(command, "before")
            self._execute_all(command, *arguments, **options)
            self.faults.strike(command, "after")
        except SnowflakeError as error:
            entry["error"] = error.message
            raise ProgrammingError(
                error.message, errno=error.code, sqlstate=error.sqlstate
            ) from None
        except ProgrammingError as error:
            entry["error"] = str(error.msg)
            raise
        except Exception as error:
            entry["error"] = repr(error)
            raise ProgrammingError(f"fakesnow: {error!r}", errno=1, sqlstate="XX000") from error
        finally:
            self.log.write(json.dumps(entry) + "\n")
        return self

    def _execute_all(self, command: str, *arguments: Any, **options: Any) -> None:
        """Run several statements in one request, as Snowflake does with MULTI_STATEMENT_COUNT."""
        block = self.account.block(command)
        if block is not None:
            for one in block:
                self._execute_one(one)
            self._return([])
            return
        try:
            is_one = ";" not in command.rstrip().removesuffix(";")  # parsing takes half of the time
            statements = [] if is_one else [*filter(None, sqlglot.parse(command, read="snowflake"))]
        except sqlglot.ParseError:
            statements = []
        if len(statements) < 2:
            self._execute_one(command, *arguments, **options)
        else:
            for statement in statements:
                self._execute_one(statement.sql("snowflake"), *arguments, **options)

    def _execute_one(self, command: str, *arguments: Any, **options: Any) -> None:
        self.account.check_warehouse(command, self.session)
        if match := REFRESH.match(command):
            command = self.dynamic_tables.refresh(match["name"])
        else:
            command = self.dynamic_tables.read(command)
        rows = self.account.answer(command, self.session)
        command = with_variant_text(command)
        if rows is None and COLUMN_COMMENTS.match(command):
            rows = []  # comments on columns: fakesnow takes them in CREATE TABLE only
        if rows is not None:
            self._return(rows)
        elif match := COPY_JSON.search(command):
            self._copy_json(exp.to_table(match["table"], dialect="snowflake"), match["stage"])
        elif match := REMOVE.match(command):
            self._remove(match["file"], exp.table_(match["table"], db=match["schema"]))
        elif MERGE.match(command):
            self._merge(parse_one(command))
        elif INFER_SCHEMA.match(command):
            self._infer_schema(options["binding_params"][0])
        else:
            command, options = plain_stages(command, options)
            super().execute(without_temporary(command), *arguments, **options)

    def _return(self, rows: Rows) -> None:
        """Answer with rows of our own; one that is empty throughout stands for none."""
        rows = rows or [{"status": "Statement executed successfully."}]
        selects = [
            exp.select(
                *(exp.alias_(exp.convert(cell), name, quoted=True) for name, cell in row.items())
            )
            for row in rows
        ]
        query = exp.union(*selects, distinct=False) if len(selects) > 1 else selects[0]
        if all(cell is None for row in rows for cell in row.values()):
            query = exp.select("*").from_(query.subquery("t")).where("FALSE")
        super().execute(query.sql("snowflake"), server=True)

    def _files(self, stage: str, table: exp.Table | None = None) -> str:
        return str(
            copy_into.stage_url_from_var(
                stage.strip("'").lstrip("@").replace('"', ""),
                self._duck_conn,
                self._conn.database,
                self._conn.schema,
                self._conn.table_stages,
                table,
            )
        )

    def _copy_json(self, table: exp.Table, stage: str) -> None:
        """COPY of JSON by the names of columns: fakesnow puts the whole line into one column."""
        name = table.sql("duckdb", identify=True)
        columns = self._duck_conn.execute(f"DESCRIBE {name}").fetchall()
        values = ", ".join(_value(column, kind) for column, kind, *_ in columns)
        files = self._files(stage, table)
        self._duck_conn.execute(
            f"INSERT INTO {name} SELECT {values} FROM read_ndjson_objects('{files}')"
        )
        self._return([{"status": "LOADED"}])

    def _remove(self, file: str, table: exp.Table) -> None:
        """REMOVE of a file in a table's stage, which fakesnow does not know."""
        Path(self._files(file, table)).unlink()
        self._return([{"name": file, "result": "removed"}])

    def _merge(self, merge: exp.Merge) -> None:
        """MERGE, by DuckDB's own: fakesnow's has no place for the names SQLMesh gives.

        Neither minds a row that several rows of the source match; Snowflake fails.
        """
        transformed = self._transform(merge, None)
        assert isinstance(transformed, exp.Merge)
        merge = transformed
        target, source = merge.this.sql("duckdb"), merge.args["using"].sql("duckdb")
        twice = self._duck_conn.execute(
            f"SELECT 1 FROM {target} JOIN {source} ON {merge.args['on'].sql('duckdb')} "
            f"GROUP BY {merge.this.alias_or_name}.rowid HAVING COUNT(*) > 1"
        ).fetchone()
        if twice:
            raise ProgrammingError(
                "Duplicate row detected during DML action", errno=100090, sqlstate="42P18"
            )
        for column in _assigned(merge):
            column.set("table", None)  # DuckDB knows whose they are, and fails on a qualified name
        ((count,),) = self._duck_conn.execute(merge.sql("duckdb")).fetchall()
        self._return([{"number of rows inserted or updated": count}])

    def _infer_schema(self, stage: str) -> None:
        """INFER_SCHEMA of the files in a stage, which `write_pandas` asks for."""
        columns = self._duck_conn.execute(
            f"DESCRIBE SELECT * FROM read_parquet('{self._files(stage)}/*')"
        ).fetchall()
        self._return(
            [
                {"COLUMN_NAME": column, "TYPE": SNOWFLAKE_TYPES.get(kind, "NUMBER(38, 0)")}
                for column, kind, *_ in columns
            ]
        )

    def _transform(self, expression: exp.Expr, params: Any) -> exp.Expr:
        """Replace what fakesnow leaves as Snowflake says it, or makes another of."""
        for add in expression.find_all(exp.Add):
            if isinstance(add.expression, exp.Cast) and add.expression.is_type("INT"):
                add.expression.meta["is_days"] = True
        transformed: exp.Expr = super()._transform(expression, params)
        for cast in transformed.find_all(exp.Cast):
            if cast.meta.get("is_days"):
                # A date plus a number: fakesnow makes every integer a BIGINT, DuckDB adds INTEGERs.
                cast.set("to", exp.DataType.build("INT"))
        for function in list(transformed.find_all(exp.Typeof)):
            # The type of a VARIANT's value, and not of the column.
            function.replace(exp.func("json_type", function.this, dialect="duckdb"))
        for total in transformed.find_all(exp.Sum, exp.Avg):
            # fakesnow adds up doubles, as a column may be a text; Snowflake adds decimals exactly.
            if isinstance(total.this, exp.TryCast) and total.this.is_type("DOUBLE"):
                total.set("this", total.this.this)
        return fixed_point(transformed)


def _replace(node: exp.Expr, template: str, **parts: exp.Expr) -> None:
    """Put a template in the place of a node, with each name in it replaced by its part."""
    parts = {name: part.copy() for name, part in parts.items()}
    if isinstance(node, exp.Div):
        parts = {name: exp.paren(part, copy=False) for name, part in parts.items()}
    filled = sqlglot.parse_one(template, read="duckdb")
    for column in list(filled.find_all(exp.Column)):
        column.replace(parts[column.name].copy())
    node.replace(exp.paren(filled, copy=False))


def _assigned(merge: exp.Merge) -> Iterator[exp.Column]:
    """Yield the columns that a MERGE writes to."""
    for update in merge.find_all(exp.Update):
        yield from (assignment.this for assignment in update.expressions)
    for insert in merge.find_all(exp.Insert):
        columns: exp.Expr = insert.this
        yield from columns.find_all(exp.Column)


def _value(column: str, kind: str) -> str:
    path = f"'$.{column.lower()}'"
    if kind == "JSON":
        return f"CASE WHEN json_type(json, {path}) <> 'NULL' THEN json -> {path} END"
    return f"CAST(json ->> {path} AS {kind})"


def plain_stages(command: str, options: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Unquote names of stages: fakesnow does not read '@"A"."B"', nor such a name as a bind.

    Binds of the statements around them are put into their text.
    """
    command = re.sub(r"'(@\"[^']+)'", lambda match: match[1].replace('"', ""), command)
    binds: list[str] = options.get("binding_params") or []
    if command.startswith("CREATE TEMP STAGE"):
        return command, {**options, "binding_params": [bind.replace('"', "") for bind in binds]}
    if "identifier(?)" not in command or not binds:
        return command, options
    target, *rest = binds
    command = command.replace("identifier(?)", target)
    for bind in rest:
        command = command.replace("=?", f"={bind.upper()}")
    # Options of COPY that fakesnow does not know and that change nothing here.
    command = re.sub(
        r"COMPRESSION=\w+|USE_VECTORIZED_SCANNER=\w+|BINARY_AS_TEXT=\w+|USE_LOGICAL_TYPE=\w+",
        "",
        command,
    )
    if re.match("DROP (STAGE|FILE FORMAT)|CREATE TEMP FILE FORMAT", command):
        command = "SELECT 'Statement executed successfully.' AS status"
    return command, {**options, "binding_params": None}


def with_variant_text(command: str) -> str:
    """Cast a VARIANT column to text as Snowflake does: a string loses its quotes.

    fakesnow does so only where the cast stands around GET_PATH itself.
    """
    if "GET_PATH" not in command:
        return command
    statement = sqlglot.parse_one(command, read="snowflake")
    for cast in list(statement.find_all(exp.Cast)):
        if (
            type(cast) is exp.Cast
            and isinstance(cast.this, exp.Column)
            and cast.is_type(*exp.DataType.TEXT_TYPES)
        ):
            cast.replace(exp.Anonymous(this="VARIANT_TEXT", expressions=[cast.this]))
    return statement.sql("snowflake")


def without_temporary(command: str) -> str:
    """Make temporary tables lasting ones: DuckDB's live in another catalog. SQLMesh drops them."""
    return re.sub(r"CREATE (OR REPLACE )?TEMP(ORARY)? TABLE", r"CREATE \1TABLE", command)


def fixed_point(statement: exp.Expr) -> exp.Expr:
    """Round quotients and means of numbers as Snowflake does, where DuckDB computes in doubles.

    A number divided by a number has max(S1, min(S1 + 6, 12)) decimals, S1 being those of the
    dividend, and so has a mean; a double on either side makes it a double. What is rounded stays a
    DuckDB DOUBLE, so a quotient of a quotient is rounded once only.
    https://docs.snowflake.com/en/sql-reference/operators-arithmetic
    """
    for mean in list(statement.find_all(exp.Avg)):
        outer = mean.parent if isinstance(mean.parent, exp.Window) else mean
        # One of the values, for its type: an aggregate, over the same window.
        sample: exp.Expr = outer.copy()
        smallest: exp.Expr = exp.Min(this=mean.this.copy())
        if isinstance(sample, exp.Window):
            sample.set("this", smallest)
        else:
            sample = smallest
        _replace(outer, MEAN, value=outer.copy(), sample=sample)
    # From the inside out, so that a replaced quotient's parts are replaced already.
    for quotient in reversed(list(statement.find_all(exp.Div))):
        _replace(quotient, QUOTIENT, dividend=quotient.this, divisor=quotient.expression)
    return statement


def escape_comments() -> None:
    """Let a table's comment have an apostrophe: fakesnow puts it into SQL as it is."""
    insert = fakesnow.info_schema.insert_table_comment_sql
    fakesnow.info_schema.insert_table_comment_sql = lambda catalog, schema, table, comment: insert(
        catalog, schema, table, (comment or "").replace("'", "''")
    )


def keep_missing_times() -> None:
    """Let a missing time be NULL: fakesnow sends it as the first second of 1970."""
    convert = fakesnow.arrow.timestamp_to_sf_struct

    def with_nulls(times: Any) -> Any:
        found = convert(times)
        if isinstance(times, pa.ChunkedArray):
            times = times.combine_chunks()
        return pc.if_else(times.is_null(), pa.scalar(None, found.type), found)

    fakesnow.arrow.timestamp_to_sf_struct = with_nulls


def add_functions() -> None:
    """Give each database the functions of Snowflake that fakesnow lacks."""
    create = fakesnow.macros.creation_sql
    fakesnow.macros.creation_sql = lambda catalog: create(catalog) + MACROS.format(catalog=catalog)


def list_views() -> None:
    """Let INFORMATION_SCHEMA.TABLES have views: fakesnow lists tables only."""
    template = fakesnow.info_schema.SQL_CREATE_INFORMATION_SCHEMA_TABLES_VIEW
    fakesnow.info_schema.SQL_CREATE_INFORMATION_SCHEMA_TABLES_VIEW = Template(
        template.template
        + """
UNION ALL BY NAME
SELECT database_name AS TABLE_CATALOG, schema_name AS TABLE_SCHEMA, view_name AS TABLE_NAME,
  'VIEW' AS TABLE_TYPE, 'NO' AS IS_DYNAMIC
FROM duckdb_views
WHERE database_name = '${catalog}' AND schema_name <> '_fs_information_schema' AND NOT internal
"""
    )


async def sign_in(request: Request) -> JSONResponse:
    """Deny access to those who may not sign in: fakesnow lets everybody in."""
    body = await request.body()
    if request.headers.get("Content-Encoding") == "gzip":
        body = gzip.decompress(body)
    parameters = request.query_params
    try:
        session = Cursor.account.sign_in(
            json.loads(body)["data"], parameters.get("roleName"), parameters.get("warehouse")
        )
    except SnowflakeError as error:
        return JSONResponse(
            {"success": False, "code": str(error.code), "message": error.message, "data": {}}
        )
    answer: JSONResponse = await fakesnow.server.login_request(request)
    token = json.loads(bytes(answer.body))["data"]["token"]
    Cursor.sessions[id(fakesnow.server.sessions[token])] = session
    return answer


async def faults(request: Request) -> JSONResponse:
    """Take what shall go wrong."""
    Cursor.faults.waiting = await request.json()
    return JSONResponse({})


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--password", required=True)
    parser.add_argument("--token", required=True)
    options = parser.parse_args()
    escape_comments()
    keep_missing_times()
    add_functions()
    list_views()
    fakesnow.conn.FakeSnowflakeCursor = Cursor
    fakesnow.server.shared_fs = FakeSnow(
        create_database_on_connect=False, create_schema_on_connect=False, db_path=options.folder
    )
    Cursor.account = Account(options.password, options.token)
    Cursor.log = (options.folder / "statements.jsonl").open("a", buffering=1)
    app = fakesnow.server.app
    app.router.routes.insert(0, Route("/session/v1/login-request", sign_in, methods=["POST"]))
    app.router.routes.insert(0, Route("/test/faults", faults, methods=["POST"]))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        server.run(sockets=[listener])


if __name__ == "__main__":
    main()
