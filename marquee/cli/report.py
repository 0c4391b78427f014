"""A short report on the warehouse: `python pipelines/report.py`, the last step of `make demo`.

Prints the rows per layer, the ten top-grossing movies, the genres by return on investment, what
the newest load changed, and the studio's franchises, fans and data quality. Reads the warehouse
file that MARQUEE_DUCKDB names and writes nothing.
"""

from __future__ import annotations

import sys
from typing import Any

import duckdb
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from marquee.core.settings import Settings

Rows = list[tuple[Any, ...]]

LAYERS = ["bronze", "silver", "snapshots", "gold", "ops"]
CHANGES_SHOWN = 12
TITLES_SHOWN = 4
TEXT_WIDTH = 36  # leaves room for the numbers on a terminal of 80 columns

TABLES = """
SELECT table_schema, table_name
FROM information_schema.tables
WHERE list_contains($1, table_schema) AND NOT starts_with(table_name, '_dlt')
ORDER BY list_position($1, table_schema), table_name
"""
TOP_GROSSING = """
SELECT title, release_year, revenue_usd, roi_pct
FROM gold.fact_movies
WHERE is_released AND revenue_usd IS NOT NULL
ORDER BY revenue_usd DESC, movie_id
LIMIT 10
"""
GENRES_BY_ROI = """
SELECT genre_name, movie_count, financially_complete_count, median_roi_pct, total_revenue_usd
FROM gold.kpi_genre_performance
WHERE roi_rank IS NOT NULL
ORDER BY roi_rank, genre_name
"""
NEWEST_LOADS = "SELECT DISTINCT batch_id FROM bronze.raw_movies ORDER BY batch_id DESC LIMIT 2"
# A movie whose first response came with the newest load.
ADDED = """
SELECT title FROM (
  SELECT movie_id FROM bronze.raw_movies GROUP BY movie_id HAVING min(batch_id) = $1
) JOIN silver.silver_movies USING (movie_id) ORDER BY popularity_score DESC, movie_id
"""
DELETED = """
SELECT title FROM silver.silver_movies WHERE is_deleted AND _source_batch_id = $1
ORDER BY popularity_score DESC, movie_id
"""
# Popularity moves every day and would hide the rest.
TRACKED = ["status", "budget_usd", "revenue_usd", "runtime_minutes", "vote_average"]
CHANGED = f"""
SELECT movie.title, {", ".join(f"older.{name}, newer.{name}" for name in TRACKED)}
FROM snapshots.snap_silver_movies AS newer
JOIN snapshots.snap_silver_movies AS older
  ON older.movie_id = newer.movie_id AND older.valid_to = newer.valid_from
JOIN silver.silver_movies AS movie ON movie.movie_id = newer.movie_id
WHERE newer._source_batch_id = $1
  AND newer.superseded_at IS NULL AND NOT newer.is_withdrawn
  AND older.superseded_at IS NULL AND NOT older.is_withdrawn
ORDER BY movie.popularity_score DESC, movie.movie_id
"""  # noqa: S608 - column names of this module

FRANCHISES = """
SELECT franchise, title_count, gross_usd, tmdb_revenue_usd, unique_fans
FROM gold.agg_franchise_performance
ORDER BY gross_rank, franchise
"""
LIFETIME_VALUES = """
SELECT region, SUM(fan_count), SUM(revenue_usd) / SUM(fan_count), SUM(order_count),
  SUM(active_30_days_count) * 100.0 / SUM(fan_count)
FROM gold.agg_fan_lifetime_value
GROUP BY region
ORDER BY 3 DESC, region
"""
QUALITY = """
SELECT COUNT(*), COUNT_IF(is_passed), (SELECT COUNT(*) FROM ops.quarantine_fan_interactions),
  (SELECT COUNT(*) FROM ops.rejected_studio_values), (SELECT COUNT(*) FROM bronze.quarantine_studio)
FROM ops.data_quality_results
WHERE measured_at = (SELECT MAX(measured_at) FROM ops.data_quality_results)
"""

NEXT = """\
[bold]What to type next[/bold]
  make demo DAY=2                     the world two days later: see what changed
  make demo BATCH=2                   the studio's next day: fans move, figures are corrected
  source .venv/bin/activate           the tools on the path; then
  sqlmesh plan dev                    a second warehouse beside prod
  sqlmesh fetchdf "FROM gold.kpi_top_movies ORDER BY weighted_rating_rank"
  sqlmesh ui                          models and lineage in a browser
  python pipelines/tmdb.py            movies of today, with a key of TMDb's"""


def main() -> int:
    """Print the report; return 1 where there is nothing to report on yet."""
    console = Console()
    path = Settings.from_environment().duckdb
    if not path.exists():
        console.print(f"There is no warehouse at {path} yet. `make demo` makes one.")
        return 1
    try:
        warehouse = duckdb.connect(str(path), read_only=True)
    except duckdb.IOException:
        console.print(f"Another process holds {path}. Close it and try again.")
        return 1
    with warehouse:
        tables = run(warehouse, TABLES, LAYERS)
        if ("gold", "fact_movies") not in tables:
            console.print(f"{path} has no gold layer yet: `sqlmesh plan` makes it.")
            return 1
        console.print(row_counts(warehouse, tables))
        console.print(top_grossing(run(warehouse, TOP_GROSSING)))
        console.print(genres_by_roi(run(warehouse, GENRES_BY_ROI)))
        loads = run(warehouse, NEWEST_LOADS)
        if len(loads) > 1:
            print_changes(console, warehouse, batch_id=loads[0][0])
        if ("bronze", "quarantine_studio") in tables:
            print_studio(console, warehouse)
    console.print(NEXT, highlight=False)
    return 0


def run(warehouse: duckdb.DuckDBPyConnection, query: str, *parameters: Any) -> Rows:
    """Return all rows of a query."""
    return warehouse.execute(query, parameters).fetchall()


def row_counts(warehouse: duckdb.DuckDBPyConnection, tables: Rows) -> Table:
    """Rows of each table, layer by layer."""
    table = titled("Rows per layer", "layer", "table", "rows")
    layer_before = None
    for layer, name in tables:
        count = run(warehouse, f'SELECT count(*) FROM "{layer}"."{name}"')[0][0]  # noqa: S608
        if layer != layer_before:
            table.add_section()
        table.add_row("" if layer == layer_before else layer, name, f"{count:,}")
        layer_before = layer
    return table


def top_grossing(rows: Rows) -> Table:
    """The ten released movies with the largest known revenue."""
    table = titled("Top-grossing movies", "title", "year", "revenue", "ROI")
    for title, year, revenue_usd, roi_pct in rows:
        table.add_row(
            escape(title or "untitled"), str(year or "?"), dollars(revenue_usd), percent(roi_pct)
        )
    return table


def genres_by_roi(rows: Rows) -> Table:
    """Genres by median return on investment."""
    table = titled(
        "Genres by return on investment",
        "genre",
        "movies",
        "complete",
        "median ROI",
        "revenue",
    )
    for genre, movies, complete, roi_pct, revenue_usd in rows:
        table.add_row(genre, f"{movies:,}", f"{complete:,}", percent(roi_pct), dollars(revenue_usd))
    return table


def print_changes(console: Console, warehouse: duckdb.DuckDBPyConnection, batch_id: str) -> None:
    """What the newest load changed, and the periods of the history that it opened."""
    added = [title for (title,) in run(warehouse, ADDED, batch_id)]
    deleted = [title for (title,) in run(warehouse, DELETED, batch_id)]
    changed = run(warehouse, CHANGED, batch_id)
    console.print(
        f"[bold]The newest load[/bold], {batch_id}\n"
        f"  {len(added):,} movies are new{some(added)}\n"
        f"  {len(deleted):,} are gone{some(deleted)}\n"
        f"  {len(changed):,} opened a new period in snapshots.snap_silver_movies",
        highlight=False,
    )
    table = titled("What changed, beyond popularity", "title", "column", "before", "now")
    differences = [
        (title, name, before, now)
        for title, *values in changed
        for name, before, now in zip(TRACKED, values[::2], values[1::2], strict=True)
        if before != now
    ]
    for title, name, before, now in differences[:CHANGES_SHOWN]:
        table.add_row(escape(title or "untitled"), name, value(name, before), value(name, now))
    console.print(table)


def print_studio(console: Console, warehouse: duckdb.DuckDBPyConnection) -> None:
    """The studio's franchises, what its fans are worth, and how good its data is."""
    table = titled("The studio's franchises", "franchise", "titles", "gross", "TMDb", "fans")
    for franchise, titles, gross_usd, tmdb_revenue_usd, fans in run(warehouse, FRANCHISES):
        table.add_row(
            escape(franchise),
            f"{titles:,}",
            dollars(round(gross_usd)),
            dollars(tmdb_revenue_usd),
            f"{fans:,}",
        )
    console.print(table)
    table = titled("Its fans", "region", "fans", "value of a fan", "orders", "active in 30 days")
    for region, fans, value_usd, orders, active_pct in run(warehouse, LIFETIME_VALUES):
        table.add_row(
            escape(region), f"{fans:,}", f"${value_usd:,.2f}", f"{orders:,}", percent(active_pct)
        )
    console.print(table)
    ((metrics, passed, unrouted, refused, broken),) = run(warehouse, QUALITY)
    console.print(
        f"[bold]Its data[/bold]: {passed} of {metrics} quality metrics passed; "
        f"{unrouted:,} interactions quarantined, {refused:,} values refused, "
        f"{broken:,} lines that are no records",
        highlight=False,
    )


def titled(title: str, *columns: str) -> Table:
    """An empty table; every column after the text columns is set flush right."""
    table = Table(title=title, title_justify="left", title_style="bold")
    for column in columns:
        is_text = column in ("layer", "table", "title", "genre", "column", "franchise", "region")
        if is_text:
            table.add_column(column, max_width=TEXT_WIDTH, no_wrap=True)
        else:
            table.add_column(column, justify="right", no_wrap=True)
    return table


def some(titles: list[str]) -> str:
    """The first few titles, after a colon."""
    shown = ", ".join(escape(title or "untitled") for title in titles[:TITLES_SHOWN])
    more = ", ..." if len(titles) > TITLES_SHOWN else ""
    return f": {shown}{more}" if titles else ""


def value(name: str, given: Any) -> str:
    """A value of the history for people."""
    if given is None:
        return "unknown"
    return dollars(given) if name.endswith("_usd") else str(given)


def dollars(amount_usd: int | None) -> str:
    """Such as $2,787,965,087."""
    return "unknown" if amount_usd is None else f"${amount_usd:,}"


def percent(share_pct: float | None) -> str:
    """Such as 1,076 %."""
    return "unknown" if share_pct is None else f"{share_pct:,.0f} %"


if __name__ == "__main__":
    sys.exit(main())
