"""`make tour`: three days of the movies and two batches of the studio, and what each step changes.

It starts where the warehouse is: without one, with the first day and batch. Each step is what
`make demo DAY=N BATCH=N` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from rich.console import Console
from rich.markup import escape

from marquee.cli.demo import Pipeline, advance, read_loaded
from marquee.cli.report import (
    answer,
    print_changes,
    print_findings,
    print_next_steps,
    title_cell,
    titled,
)
from marquee.core.clock import utcnow
from marquee.core.settings import Settings
from marquee.core.text import counted
from marquee.monitoring.store import Store
from marquee.monitoring.view import open_warehouse
from marquee.sandbox.studio import BATCHES

SHOWN = 5


def main(pipelines: Mapping[str, Pipeline]) -> int:
    """Play the steps; return the exit code, of the first command that failed."""
    console = Console()
    loaded = read_loaded()
    if loaded is None:
        return 1
    last_batch = min(loaded.batch + 1, max(BATCHES))
    steps = [(loaded.day + 1, loaded.batch), (loaded.day + 2, last_batch)]
    if not (loaded.days.get(loaded.day) and loaded.batches.get(loaded.batch)):
        steps.insert(0, (loaded.day, loaded.batch))
    for day, batch in steps:
        console.print(f"\n[bold]Day {day} of the movies, batch {batch} of the studio[/bold]")
        loaded = read_loaded()
        if loaded is None:
            return 1
        # Of a first build all is new; the time of its plan is a whole minute, perhaps before this.
        since = utcnow() if loaded.days else datetime.min
        if code := advance(loaded, day, batch, pipelines):
            return code
        with open_warehouse(Settings.from_environment().duckdb) as store:
            print_step(console, store, since)
            if (day, batch) == steps[-1]:
                print_findings(console, store)
                print_next_steps(console, store)
    return 0


def print_step(console: Console, store: Store, since: datetime) -> None:
    """Print what a step changed, which began at `since`, UTC without a zone."""
    loads = answer(store, "newest_loads")
    if len(loads) > 1:
        print_changes(console, store, loads[0]["batch_id"])
    moved = answer(store, "moved_fans", since)
    if moved:
        table = titled("Fans who moved", "from", "to", "fans")
        for one in moved[:SHOWN]:
            table.add_row(*map(escape, (one["region_before"], one["region"])), f"{one['fans']:,}")
        console.print(table)
        print_rest(console, sum(one["fans"] for one in moved[SHOWN:]), "fan")
    corrected = answer(store, "corrected_box_office", since)
    if corrected:
        columns = ("title", "day", "currency", "before", "now")
        table = titled("Box office that the studio corrected", *columns)
        for one in corrected[:SHOWN]:
            table.add_row(
                title_cell(one["title_name"]),
                f"{one['report_date']:%Y-%m-%d}",
                escape(one["local_currency"]),
                f"{one['gross_before']:,.0f}",
                f"{one['gross_local']:,.0f}",
            )
        console.print(table)
        print_rest(console, len(corrected) - SHOWN, "figure")
    table = titled("Histories", "table", "periods begun", "periods ended")
    for one in answer(store, "new_periods", *[since] * 3):
        table.add_row(one["table_name"], f"{one['begun']:,}", f"{one['ended']:,}")
    console.print(table)


def print_rest(console: Console, count: int, noun: str) -> None:
    """Print how many are not listed, if any."""
    if count > 0:
        console.print(f"  and {counted(count, noun)} more", highlight=False)
