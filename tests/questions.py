"""The results in docs/questions.md: `python -m tests.questions` writes them from the warehouse."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from marquee.core.settings import ROOT, Settings

PAGE = ROOT / "docs" / "questions.md"
# A query, and its result if the page has it already.
BLOCK = re.compile(r"```sql\n(?P<sql>.*?)```\n(?:\n(?P<result>\|.*?\n)(?=\n|\Z))?", re.DOTALL)


def result_table(connection: duckdb.DuckDBPyConnection, sql: str) -> str:
    """Return the result of a query as a table in Markdown."""
    cursor = connection.execute(sql)
    names = [str(column[0]) for column in cursor.description or []]
    rows = [[shown(value) for value in row] for row in cursor.fetchall()]
    lines = [names, ["---"] * len(names), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def shown(value: Any) -> str:
    """Return a value for people."""
    if isinstance(value, float):
        return f"{value:,.12g}"
    # Years have no separator.
    is_large = isinstance(value, int | Decimal) and abs(float(value)) >= 10_000
    return f"{value:,}" if is_large else str(value)


def with_results(page: str, connection: duckdb.DuckDBPyConnection) -> str:
    """Return the page with the results of its queries on a warehouse."""
    return BLOCK.sub(
        lambda block: f"```sql\n{block['sql']}```\n\n{result_table(connection, block['sql'])}",
        page,
    )


def main(page: Path = PAGE) -> None:
    """Write the results into the page."""
    with duckdb.connect(str(Settings.from_environment().duckdb), read_only=True) as connection:
        page.write_text(with_results(page.read_text(), connection))


if __name__ == "__main__":
    main()
