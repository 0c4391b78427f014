"""A short report on the warehouse: `python pipelines/report.py`, the last step of `make demo`.

Prints the rows of each table, the ten top-grossing movies, the genres by return on investment, what
the newest load changed, and the studio's franchises, fans and data quality. Its queries are those
of the dashboard; it reads a snapshot of the warehouse and writes nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from marquee.core.settings import Settings
from marquee.dashboard import queries
from marquee.monitoring.store import LAYERS, MissingWarehouse, Store, open_warehouse, rows

CHANGES_SHOWN = 12
TITLES_SHOWN = 4
TEXT_WIDTH = 36  # leaves room for the numbers on a terminal of 80 columns

NEXT_STEPS = """\
[bold]Next steps[/bold]
  make demo DAY=2                     the movies of two days later: see what changed
  make demo BATCH=2                   the studio's next day: new events, corrected figures
  source .venv/bin/activate           puts the tools on the path; then
  sqlmesh plan dev                    an environment beside prod
  sqlmesh fetchdf "FROM gold.kpi_top_movies ORDER BY weighted_rating_rank"
  make ui                             models and lineage in a browser
  python pipelines/tmdb.py            today's movies, with a key of TMDb"""


def main() -> int:
    """Print the report; return 1 where there is nothing to report on yet."""
    console = Console()
    path = Settings.from_environment().duckdb
    try:
        with open_warehouse(path) as view:
            store = view.store
            known = store.tables()
            if "gold.fact_movies" not in known:
                console.print("There is no gold layer yet: `sqlmesh plan` builds it.")
                return 1
            console.print(row_counts(store))
            console.print(top_grossing(store))
            console.print(genres_by_roi(store))
            loads = answer(store, queries.NEWEST_LOADS)
            if len(loads) > 1:
                print_changes(console, store, loads[0]["batch_id"])
            if "bronze.quarantine_studio" in known:
                print_studio(console, store)
    except MissingWarehouse as error:
        console.print(escape(str(error)))
        return 1
    console.print(NEXT_STEPS, highlight=False)
    return 0


def answer(store: Store, query: str, *parameters: Any) -> list[dict[str, Any]]:
    """Return the answer to a query of the dashboard as plain values; NULL is None."""
    known = store.tables()
    if any(table not in known for table in queries.REQUIRED_TABLES[query]):
        return []
    return rows(store, query, parameters)


def row_counts(store: Store) -> Table:
    """Rows of each table, layer by layer."""
    table = titled("Rows per layer", "layer", "table", "rows")
    counts = queries.row_counts(store)
    for layer in LAYERS:
        of_layer = counts[counts["layer"] == layer]
        table.add_section()
        for place, one in enumerate(of_layer.itertuples(index=False)):
            name = str(one.table_name).partition(".")[2]
            table.add_row("" if place else layer, name, f"{one.row_count:,}")
    return table


def top_grossing(store: Store) -> Table:
    """The ten released movies with the largest known revenue."""
    table = titled("Top-grossing movies", "title", "year", "revenue", "ROI")
    for one in answer(store, queries.TOP_GROSSING):
        table.add_row(
            title_of(one),
            f"{one['release_year']:.0f}" if one["release_year"] else "?",
            dollars(one["revenue_usd"]),
            percent(one["roi_pct"]),
        )
    return table


def genres_by_roi(store: Store) -> Table:
    """Genres by median return on investment."""
    columns = ("genre", "movies", "complete", "median ROI", "revenue")
    table = titled("Genres by return on investment", *columns)
    ranked = [one for one in answer(store, queries.GENRES) if one["roi_rank"] is not None]
    for one in sorted(ranked, key=lambda genre: (genre["roi_rank"], genre["genre_name"])):
        table.add_row(
            escape(one["genre_name"]),
            f"{one['movie_count']:,}",
            f"{one['financially_complete_count']:,}",
            percent(one["median_roi_pct"]),
            dollars(one["total_revenue_usd"]),
        )
    return table


def print_changes(console: Console, store: Store, batch_id: str) -> None:
    """What the newest load changed, and the periods of the history that it opened."""
    added = answer(store, queries.ADDED_MOVIES, batch_id)
    deleted = answer(store, queries.DELETED_MOVIES, batch_id)
    changed = answer(store, queries.CHANGED_MOVIES, batch_id)
    console.print(
        f"[bold]The newest load[/bold], {batch_id}\n"
        f"  {len(added):,} movies are new{some(added)}\n"
        f"  {len(deleted):,} are deleted{some(deleted)}\n"
        f"  {len(changed):,} opened a new period in snapshots.snap_silver_movies",
        highlight=False,
    )
    table = titled("What changed, beyond popularity", "title", "column", "before", "now")
    differences = [
        (title_of(one), name, one[f"{name}_before"], one[f"{name}_after"])
        for one in changed
        for name in queries.TRACKED
        if one[f"{name}_before"] != one[f"{name}_after"]
    ]
    for title, name, before, now in differences[:CHANGES_SHOWN]:
        table.add_row(title, name, value(name, before), value(name, now))
    console.print(table)
    if len(differences) > CHANGES_SHOWN:
        console.print(f"  and {len(differences) - CHANGES_SHOWN:,} more", highlight=False)


def print_studio(console: Console, store: Store) -> None:
    """The studio's franchises, what its fans are worth, and how good its data is."""
    table = titled("The studio's franchises", "franchise", "titles", "gross", "TMDb", "fans")
    for one in answer(store, queries.FRANCHISES):
        table.add_row(
            escape(one["franchise"]),
            f"{one['title_count']:,}",
            dollars(one["gross_usd"]),
            dollars(one["tmdb_revenue_usd"]),
            f"{one['unique_fans']:,}",
        )
    console.print(table)
    columns = ("region", "fans", "revenue per fan", "orders", "active in 30 days")
    table = titled("Its fans", *columns)
    for one in answer(store, queries.LIFETIME_VALUE_BY_REGION):
        table.add_row(
            escape(one["region"]),
            f"{one['fan_count']:,.0f}",
            f"${one['revenue_per_fan_usd']:,.2f}",
            f"{one['order_count']:,.0f}",
            percent(one["active_30_days_pct"]),
        )
    console.print(table)
    metrics = answer(store, queries.METRICS)
    passed = sum(one["is_passed"] for one in metrics)
    for one in answer(store, queries.STUDIO_REJECTIONS):
        console.print(
            f"[bold]Its data[/bold]: {passed} of {len(metrics)} quality metrics passed; "
            f"{one['interaction_count']:,} interactions quarantined, "
            f"{one['value_count']:,} values rejected, {one['line_count']:,} lines are no records",
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


def title_of(movie: dict[str, Any]) -> str:
    """The title of a movie for a terminal."""
    return escape(movie["title"] or "untitled")


def some(movies: Sequence[dict[str, Any]]) -> str:
    """The first few titles, after a colon."""
    more = ", ..." if len(movies) > TITLES_SHOWN else ""
    return f": {', '.join(map(title_of, movies[:TITLES_SHOWN]))}{more}" if movies else ""


def value(name: str, given: Any) -> str:
    """A value of the history for people."""
    if given is None:
        return "unknown"
    if isinstance(given, float) and given.is_integer():
        given = int(given)
    return dollars(given) if name.endswith("_usd") else str(given)


def dollars(amount_usd: float | None) -> str:
    """Such as $2,787,965,087."""
    return "unknown" if amount_usd is None else f"${amount_usd:,.0f}"


def percent(share_pct: float | None) -> str:
    """Such as 1,076 %."""
    return "unknown" if share_pct is None else f"{share_pct:,.0f} %"


if __name__ == "__main__":
    sys.exit(main())
