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
from rich.text import Text

from marquee.core.settings import Settings
from marquee.core.text import counted
from marquee.dashboard import queries
from marquee.monitoring.store import LAYERS, MissingWarehouse, Store, records
from marquee.monitoring.view import open_warehouse
from marquee.sandbox.loaded import Loaded
from marquee.sandbox.studio import BATCHES, UNMAPPED_TYPE

CHANGES_SHOWN = 12
TITLES_SHOWN = 4
TEXTS = ("layer", "table", "title", "genre", "column", "franchise", "region", "from", "to")
UNTITLED = "untitled"
TEXT_WIDTH = 36  # leaves room for the numbers on a terminal of 80 columns

QUERIES = """\
Three queries (first: source .venv/bin/activate)
  sqlmesh fetchdf "SELECT title, weighted_rating, vote_count
    FROM gold.kpi_top_movies ORDER BY weighted_rating_rank LIMIT 10"
  sqlmesh fetchdf "SELECT title, revenue_usd, valid_from
    FROM gold.movie_history WHERE title = 'Avatar' ORDER BY valid_from"
  sqlmesh fetchdf "SELECT title_name, SUM(gross_usd) AS gross_usd
    FROM gold.fact_daily_performance JOIN gold.dim_titles USING (title_sk)
    GROUP BY title_name ORDER BY gross_usd DESC LIMIT 5"
Ten more, with answers: docs/questions.md"""


def next_steps(day: int | None, batch: int | None) -> list[tuple[str, str]]:
    """Return commands and what they do, the best first.

    They depend on the day of the sandbox's movies that the warehouse has, None if it has none, and
    on the studio's batch.
    """
    steps = [
        ("make dashboard", "the figures in a browser"),
        ("make catalog", "tables, columns, checks and lineage, as a web site"),
        ("make export", "gold as Parquet and CSV files, for other tools"),
    ]
    if day is None:
        return [*steps, ("make demo", "movies and an invented studio, without a key")]
    if day == 0:
        steps.append(("make tour", "two more days, and what each of them changes"))
    steps.append((f"make demo DAY={day + 1}", "the movies a day later"))
    if batch is not None and batch + 1 in BATCHES:
        steps.append((f"make demo BATCH={batch + 1}", "the studio's next files"))
    return [
        *steps,
        ("make health", "one line per check"),
        ("python pipelines/tmdb.py", "today's movies, with your key (README)"),
    ]


def main() -> int:
    """Print the report; return 1 where there is nothing to report on yet."""
    console = Console()
    try:
        with open_warehouse(Settings.from_environment().duckdb) as store:
            known = store.tables()
            if "gold.fact_movies" not in known:
                console.print("There is no gold layer yet: `sqlmesh plan` builds it.")
                return 1
            console.print(row_counts(store))
            console.print(top_grossing(store))
            console.print(genres_by_roi(store))
            loads = answer(store, "newest_loads")
            if len(loads) > 1:
                print_changes(console, store, loads[0]["batch_id"])
            if "bronze.quarantine_studio" in known:
                print_studio(console, store)
            print_findings(console, store)
            print_next_steps(console, store)
    except MissingWarehouse as error:
        console.print(escape(str(error)))
        return 1
    return 0


def print_findings(console: Console, store: Store) -> None:
    """Name the account types that no line of the seed maps."""
    for one in answer(store, "unknown_account_types"):
        name, count = escape(one["account_type"]), counted(one["interaction_count"], "interaction")
        head = "One finding is planted" if name == UNMAPPED_TYPE else "To fix"
        console.print(
            f"[bold]{head}[/bold]: account type {name} is not mapped ({count}).\n"
            "  Map it in seeds/account_types.csv, then: make refresh",
            highlight=False,
            soft_wrap=True,
        )


def print_next_steps(console: Console, store: Store) -> None:
    """Print what to do next, which depends on what the warehouse has."""
    runs = answer(store, "sandbox_runs")
    loaded = Loaded.of((one["job"], one["command"], one["status"]) for one in runs)
    steps = next_steps(
        loaded.day if loaded.days else None, loaded.batch if loaded.batches else None
    )
    width = max(len(command) for command, _ in steps)
    lines = [f"  {command:<{width}}  {purpose}" for command, purpose in steps]
    console.print("\n".join(["[bold]Next steps[/bold]", *lines]), highlight=False)
    console.print(f"\n{escape(QUERIES)}", highlight=False, soft_wrap=True)


def answer(store: Store, name: str, *parameters: Any) -> list[dict[str, Any]]:
    """Return the answer to a query of the dashboard as plain values; NULL is None."""
    return records(queries.answer(store, name, *parameters))


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
    for one in answer(store, "top_grossing"):
        year = f"{one['release_year']:.0f}" if one["release_year"] else "?"
        table.add_row(
            title_cell(one["title"]), year, dollars(one["revenue_usd"]), percent(one["roi_pct"])
        )
    return table


def genres_by_roi(store: Store) -> Table:
    """Genres by median return on investment."""
    columns = ("genre", "movies", "complete", "median ROI", "revenue")
    table = titled("Genres by return on investment", *columns)
    ranked = [one for one in answer(store, "genres") if one["roi_rank"] is not None]
    for one in sorted(ranked, key=lambda genre: (genre["roi_rank"], genre["genre_name"])):
        counts = (f"{one[name]:,}" for name in ("movie_count", "financially_complete_count"))
        shares = percent(one["median_roi_pct"]), dollars(one["total_revenue_usd"])
        table.add_row(escape(one["genre_name"]), *counts, *shares)
    return table


def print_changes(console: Console, store: Store, batch_id: str) -> None:
    """What the newest load changed, and the periods of the history that it opened."""
    added = answer(store, "added_movies", batch_id)
    deleted = answer(store, "deleted_movies", batch_id)
    changed = answer(store, "changed_movies", batch_id)
    console.print(
        "[bold]The newest load of movies[/bold]\n"
        f"  {counted(len(added), 'movie')} {are(added)} new{some(added)}\n"
        f"  {len(deleted):,} {are(deleted)} deleted{some(deleted)}\n"
        f"  {counted(len(changed), 'movie')} opened a new period of history",
        highlight=False,
    )
    table = titled("What changed, beyond popularity", "title", "column", "before", "now")
    differences = [
        (one["title"], name, one[f"{name}_before"], one[f"{name}_after"])
        for one in changed
        for name in queries.TRACKED
        if one[f"{name}_before"] != one[f"{name}_after"]
    ]
    for title, name, before, now in differences[:CHANGES_SHOWN]:
        table.add_row(title_cell(title), name, value(name, before), value(name, now))
    console.print(table)
    if len(differences) > CHANGES_SHOWN:
        console.print(f"  and {len(differences) - CHANGES_SHOWN:,} more", highlight=False)


def print_studio(console: Console, store: Store) -> None:
    """The studio's franchises, what its fans are worth, and how good its data is."""
    table = titled("The studio's franchises", "franchise", "titles", "gross", "TMDb", "fans")
    for one in answer(store, "franchises"):
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
    for one in answer(store, "lifetime_value_by_region"):
        table.add_row(
            escape(one["region"]),
            f"{one['fan_count']:,.0f}",
            f"${one['revenue_per_fan_usd']:,.2f}",
            f"{one['order_count']:,.0f}",
            percent(one["active_30_days_pct"]),
        )
    console.print(table)
    metrics = answer(store, "metrics")
    passed = sum(one["is_passed"] for one in metrics)
    for one in answer(store, "studio_rejections"):
        console.print(
            f"[bold]Its data[/bold]: {passed} of {counted(len(metrics), 'quality metric')} passed;"
            f" {counted(one['interaction_count'], 'interaction')} and "
            f"{counted(one['line_count'], 'line')} quarantined, "
            f"{counted(one['value_count'], 'value')} rejected",
            highlight=False,
        )


def titled(title: str, *columns: str) -> Table:
    """An empty table; every column after the text columns is set flush right."""
    table = Table(title=title, title_justify="left", title_style="bold")
    for column in columns:
        if column in TEXTS:
            table.add_column(column, max_width=TEXT_WIDTH, no_wrap=column != "title")
        else:
            table.add_column(column, justify="right", no_wrap=True)
    return table


def title_cell(title: str | None) -> Text:
    """A title in a table: where the terminal is narrow it is cut, and not the figures."""
    return Text(title or UNTITLED, no_wrap=True, overflow="ellipsis")


def are(movies: Sequence[Any]) -> str:
    """The verb that agrees with their number."""
    return "is" if len(movies) == 1 else "are"


def some(movies: Sequence[dict[str, Any]]) -> str:
    """The first few titles, after a colon."""
    titles = [escape(movie["title"] or UNTITLED) for movie in movies[:TITLES_SHOWN]]
    more = ", ..." if len(movies) > TITLES_SHOWN else ""
    return f": {', '.join(titles)}{more}" if titles else ""


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
