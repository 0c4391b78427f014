"""Runs the dashboard's bundle as Snowflake does: with few packages, and a session that exists.

    python -c "<this file>" PORT PASSWORD      in the bundle's folder, first on the path then

The session reads the emulator on PORT, and there what the analysts are granted. Without arguments
it sees one empty table. Prints a JSON object with each page's texts, figures and errors.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import snowflake.connector
from streamlit.testing.v1 import AppTest

# Installed here and not in Snowflake.
MISSING = {"dlt", "duckdb", "macros", "pipelines", "sqlglot", "sqlmesh", "tests"}


class Missing:
    """Lets the import of such a package fail."""

    def find_spec(self, name: str, *_: Any) -> None:
        if name.partition(".")[0] in MISSING:
            raise ModuleNotFoundError(f"No module named {name!r} in Snowflake")


class Frame:
    """The answer to a query."""

    def __init__(self, rows: pd.DataFrame) -> None:
        self._rows = rows

    def to_pandas(self) -> pd.DataFrame:
        return self._rows


class EmptySession:
    """A session that sees one empty table."""

    def sql(self, query: str, params: Sequence[Any] = ()) -> Frame:
        if "information_schema" in query:
            columns = ["TABLE_SCHEMA", "TABLE_NAME", "COLUMN_NAME"]
            return Frame(pd.DataFrame([("gold", "dim_dates", "date_sk")], columns=columns))
        assert query.startswith("SELECT 'gold.dim_dates' AS table_name, COUNT(*)"), query
        return Frame(pd.DataFrame({"TABLE_NAME": ["gold.dim_dates"], "ROW_COUNT": [0]}))


class Session:
    """A session of the analysts' role: the emulator itself enforces no grant."""

    def __init__(self, port: str, password: str) -> None:
        self._connection = snowflake.connector.connect(
            account="fakesnow",
            host="127.0.0.1",
            port=int(port),
            protocol="http",
            user="ADMINISTRATOR",
            password=password,
            database="MARQUEE",
            paramstyle="qmark",
        )
        granted = self._connection.cursor().execute("SHOW GRANTS TO ROLE MARQUEE_ANALYST")
        assert granted
        self.granted = {
            name.partition(".")[2].lower()
            for privilege, _, name in granted.fetchall()
            if privilege == "SELECT"
        }

    def sql(self, query: str, params: Sequence[Any] = ()) -> Frame:
        if "information_schema" in query:
            names = ", ".join(f"'{name}'" for name in sorted(self.granted))
            name = "table_schema || '.' || table_name"
            query = f"SELECT * FROM ({query}) AS t WHERE {name} IN ({names})"
        layers = "bronze|silver|snapshots|gold|ops"
        for name in re.findall(rf"(?:FROM|JOIN)\s+((?:{layers})\.\w+)", query):
            assert name in self.granted, f"{name} does not exist or not authorized"
        with self._connection.cursor() as cursor:
            cursor.execute(query, list(params))
            columns = [column.name for column in cursor.description]
            return Frame(pd.DataFrame(cursor.fetchall(), columns=columns))


PAGE = """
from snowflake.snowpark.context import get_active_session
from marquee.dashboard.app import show
from marquee.dashboard.pages import PAGES
from marquee.monitoring.store import SnowparkStore
show(PAGES[{name!r}][2], lambda: (SnowparkStore(get_active_session()), None, None))
"""


def drawn(app: AppTest) -> dict[str, Any]:
    """What a visitor sees."""
    app.run(timeout=120)
    return {
        "titles": [one.value for one in app.title],
        "figures": {one.label: one.value for one in app.metric},
        "tables": len(app.dataframe),
        "texts": [one.value for kind in (app.info, app.caption) for one in kind],
        "errors": [one.value for one in app.exception],
    }


def main(arguments: Sequence[str]) -> None:
    sys.meta_path.insert(0, Missing())
    session = Session(*arguments) if arguments else EmptySession()
    context = ModuleType("snowflake.snowpark.context")
    context.get_active_session = lambda: session  # type: ignore[attr-defined]
    sys.modules["snowflake.snowpark"] = ModuleType("snowflake.snowpark")
    sys.modules["snowflake.snowpark.context"] = context
    found = {"app": drawn(AppTest.from_file(str(Path("streamlit_app.py").resolve())))}
    from marquee.dashboard.pages import PAGES

    for name in PAGES:
        found[name] = drawn(AppTest.from_string(PAGE.format(name=name)))
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1:])
