"""The pages: what is drawn where. Figures come from `queries`, charts from `charts`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any
from xml.etree import ElementTree

import pandas as pd
import streamlit as st
import yaml

from marquee.core.clock import utcnow
from marquee.core.csv_cells import neutralized
from marquee.core.settings import ROOT
from marquee.dashboard import charts, queries
from marquee.dashboard.lineage import Lineage, read_lineage
from marquee.monitoring.checks import CheckResult, check_all
from marquee.monitoring.store import Store
from marquee.monitoring.thresholds import read_thresholds

LAST = ("run_id", "last_batch_id", "command", "code_revision", "run_by", "host", "process_id")
MARKS = {"SUCCEEDED": "✓", "RUNNING": "…", "FAILED": "✗", "UNFINISHED": "!", "STOPPED": "-"}
TEST_RESULTS = ROOT / ".cache" / "test"  # JUnit files that `make test-models` and `make test` write
ALL = "All"
SEGMENTS_SHOWN = 12  # bars; the table has all
FIRST_TABLE = "gold.fact_movies"
EXTENTS = ["Neighbors", "All upstream and downstream", "All tables"]
# What the growth of a layer is measured over; None is since the last run that changed it.
LAST_CHANGE = "the last change"
PERIODS = {LAST_CHANGE: None, "a day": timedelta(days=1), "a week": timedelta(days=7)}
WHOLE_YEAR_MOVIES = 20  # fewer movies make no year to compare: it has just begun
# Measures of a movie's history, and of the studio's days by what people call them.
HISTORY_MEASURES = ("popularity_score", "revenue_usd", "vote_average", "budget_usd")
STUDIO_MEASURES = {"theaters": "gross_usd", "purchases": "purchase_revenue_usd"}
SEGMENTS = ("account_type", "region", "country_code", "acquisition_month")
# How columns are called and shown.
COLUMNS = yaml.safe_load(Path(__file__).with_name("columns.yaml").read_text(encoding="utf-8"))


def table(frame: pd.DataFrame, name: str, if_empty: str = "Nothing here yet.") -> None:
    """Show a table that sorts, with numbers for people, and offer it as CSV."""
    if frame.empty:
        st.caption(if_empty)
        return
    # What is read by machines rather than people comes last.
    order = sorted(map(str, frame.columns), key=lambda one: one in LAST)
    decimals = {one: by_end(COLUMNS["numbers"], one) for one in order}
    shown = frame.round({one: count for one, count in decimals.items() if isinstance(count, int)})
    if "status" in frame:
        marks = frame["status"].map(MARKS).fillna("")
        shown = shown.assign(status=marks + " " + frame["status"].str.lower())
    st.dataframe(
        shown,
        column_config={one: column(one, shown[one]) for one in order},
        column_order=order,
        hide_index=True,
        width="stretch",
        height=min(38 + 35 * len(frame), 388),
        placeholder="",
        key=f"table-{name}",
    )
    st.download_button(
        "CSV",
        lambda: csv(frame),
        f"{name}.csv",
        "text/csv",
        key=f"csv-{name}",
        icon=":material/download:",
        type="tertiary",
        on_click="ignore",
    )


def by_end(values: Mapping[str, Any], name: str) -> Any:
    """Return the value of the first key that a column's name ends with; None without one."""
    return next((value for end, value in values.items() if name.endswith(end)), None)


def column(name: str, values: pd.Series) -> Any:
    """Return how a column is shown: months and days have no time, numbers no needless decimals."""
    form = by_end(COLUMNS["numbers"], name)
    if form is not None and pd.api.types.is_numeric_dtype(values):
        form = "localized" if isinstance(form, int) else form
        return st.column_config.NumberColumn(label(name), format=form)
    if pd.api.types.is_datetime64_any_dtype(values):
        return st.column_config.DatetimeColumn(label(name), format=by_end(COLUMNS["moments"], name))
    return label(name)


def csv(frame: pd.DataFrame) -> str:
    """Write a table as CSV in which a spreadsheet takes no text for a formula."""
    texts = frame.select_dtypes(["object", "string", "category"]).columns
    neutral = frame.assign(**{name: frame[name].map(neutralized) for name in texts})
    neutral.columns = [neutralized(name) for name in neutral.columns]
    return str(neutral.to_csv(index=False))


def plain(text: str) -> str:
    """Return a text that Markdown shows as it is: no link, no image, no emphasis."""
    escaped = re.sub(r"([\\`*_\[\](){}<>#|~$!:&])", r"\\\1", " ".join(text.split()))
    return escaped.replace("www.", "www\u200b.")


def draw(chart: Any, frame: pd.DataFrame) -> None:
    """Draw a chart over the whole width, if there is something to draw."""
    if not frame.empty:
        st.altair_chart(chart, width="stretch")


def chart_and_table(chart: Any, frame: pd.DataFrame, name: str) -> None:
    """Show the same figures twice: drawn, and as a table behind a tab."""
    if frame.empty:
        st.caption("Nothing here yet.")
        return
    drawn, listed = st.tabs(["Chart", "Table"], key=f"tabs-{name}", on_change="rerun")
    with drawn:
        draw(chart, frame)
    if listed.open:  # what nobody looks at costs nothing
        with listed:
            table(frame, name)


def label(column: str) -> str:
    """Name a column for people: `total_revenue_usd` is `Total revenue (USD)`."""
    if column in COLUMNS["labels"]:
        return str(COLUMNS["labels"][column])
    units, known = COLUMNS["units"], COLUMNS["words"]
    end = next((one for one in units if column.endswith(one)), "")
    words = column.removesuffix(end).removeprefix("is_").replace("_", " ").strip().split(" ")
    name = " ".join(known.get(one, one) for one in words) + str(units.get(end, ""))
    return name[:1].upper() + name[1:]


def worded(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    """Write the codes of a column as words: `VERIFIED_LINKED` as `Verified linked`."""
    if column not in frame:
        return frame
    return frame.assign(**{column: frame[column].str.replace("_", " ").str.capitalize()})


def limited(frame: pd.DataFrame, noun: str, count: int | None = None) -> None:
    """Say that a list has its first rows only, if that is so; `count` is how many there are."""
    if count is None:
        if len(frame) == queries.LISTED:
            st.caption(f"The newest {len(frame):,} {noun} are listed; there may be more.")
    elif len(frame) < count:
        st.caption(f"The first {len(frame):,} of {count:,} {noun} are listed.")


def big(number: float | None, unit: str = "") -> str:
    """Shorten a number: `$2.8 B`; unknown where there is none."""
    if number is None or pd.isna(number):
        return "unknown"
    for size, suffix in ((1e12, " T"), (1e9, " B"), (1e6, " M")):
        if abs(number) >= size:
            return f"{unit}{number / size:,.1f}{suffix}"
    return f"{unit}{number:,.0f}"


def tiles(figures: Mapping[str, Any]) -> None:
    """Show figures large, side by side."""
    with st.container(horizontal=True):
        for name, value in figures.items():
            st.metric(name, value if isinstance(value, str) else f"{value:,.0f}", border=True)


def failures(failing: Sequence[CheckResult]) -> str:
    """Put what fails into one list."""
    head = "1 check fails" if len(failing) == 1 else f"{len(failing)} checks fail"
    lines = [
        f"- **{plain(one.check)}** {plain(one.subject)}: {plain(one.message)}" for one in failing
    ]
    return "\n".join([f"**{head}**", "", *lines])


def overview(store: Store, warehouse: Path | None, age: timedelta | None) -> None:
    """Draw rows per layer and their growth, the last runs, freshness and what is wrong."""
    st.title("Operation")
    thresholds = read_thresholds()
    results = check_all(store, thresholds, utcnow(), warehouse, age)
    failing = [one for one in results if not one.is_ok]
    if failing:
        st.error(failures(failing), icon=":material/error:")
    else:
        st.success(f"All {len(results)} checks passed.", icon=":material/check_circle:")
    counts = queries.row_counts(store)
    history = queries.answer(store, "layer_history")
    layers = counts.groupby("layer", sort=False)["row_count"].sum()
    if history.empty:
        history = pd.DataFrame({"layer": [], "counted_at": [], "row_count": []})
    period = PERIODS[
        st.segmented_control(
            "Growth over", PERIODS, default=LAST_CHANGE, required=True, key="period"
        )
    ]
    with st.container(horizontal=True):
        for layer in [one for one in charts.LAYER_COLOURS if one in layers and one != "ops"]:
            before = history.loc[history["layer"] == layer, "row_count"]
            since = utcnow() - period if period else None
            grown = queries.growth(history, layer, int(layers[layer]), since)
            st.metric(
                f"{layer} rows",
                f"{layers[layer]:,}",
                delta=f"{grown[0]:+,}" if grown else None,
                delta_color="blue",
                help=f"Change since {grown[1]:%Y-%m-%d %H:%M} UTC." if grown else None,
                delta_arrow="off",
                border=True,
                chart_data=before.tail(30).tolist() if len(before) > 1 else None,
                chart_type="area",
            )
    runs = queries.runs(store, thresholds, utcnow(), is_past=age is not None)
    st.subheader("Growth")
    if history.empty:
        st.caption("Shown after the first logged run.")
    else:
        growth = charts.lines(
            history,
            "counted_at",
            "row_count",
            "rows",
            colour="layer",
            colours=charts.LAYER_COLOURS,
            interpolate="step-after",
        )
        draw(growth, history)
    st.subheader("Last runs")
    table(runs.head(8), "last-runs")
    st.subheader("Freshness and checks")
    checks = pd.DataFrame(results, columns=["check", "subject", "is_ok", "message"])
    checks.insert(0, "state", checks.pop("is_ok").map({True: "✓ ok", False: "✗ fails"}))
    table(checks, "checks")
    with st.expander("Rows of each table"):
        table(counts, "row-counts")


def quality(store: Store, warehouse: Path | None, age: timedelta | None) -> None:
    """Draw what fails, audits and metrics, failing first, over time, and rows that break them."""
    st.title("Data quality")
    audits = queries.answer(store, "audits")
    metrics = queries.answer(store, "metrics")
    checks = check_all(store, read_thresholds(), utcnow(), warehouse, age)
    failing_checks = [one for one in checks if not one.is_ok]
    failing = audits[~audits["is_passed"].astype(bool)] if len(audits) else audits
    tiles(
        {
            "checks": len(checks),
            "failing checks": len(failing_checks),
            "audits": len(audits),
            "failing audits": len(failing),
            "metrics": len(metrics),
            "failing metrics": count_false(metrics),
        }
    )
    if failing_checks:
        st.error(failures(failing_checks), icon=":material/error:")
    if audits.empty and metrics.empty:
        st.info("Nothing was audited yet: `make refresh` does it.")
        return
    for place, audit in enumerate(failing.itertuples()):
        with st.expander(
            f"Rows that break {audit.audit_name} of {audit.table_name}", icon=":material/rule:"
        ):
            broken = queries.failing_rows(store, str(audit.failing_rows_query))
            if len(broken) == queries.SAMPLE_ROWS:
                st.caption(f"The first {len(broken)} of {audit.failing_row_count:,} rows.")
            if_empty = "They no longer exist: the table has changed since."
            table(broken, f"broken-{place}", if_empty)
    if len(metrics):
        st.subheader("Metrics, failing first")
        table(metrics, "metrics")
        metric_over_time(store, metrics)
    st.subheader("Audits, failing first")
    table(audits.drop(columns=["failing_rows_query"], errors="ignore"), "audits")
    history = queries.answer(store, "audit_history")
    if len(history) > 1:
        st.caption("Failing audits of each run")
        draw(charts.lines(history, "audited_at", "failing_count", "failing audits"), history)


def count_false(results: pd.DataFrame) -> int:
    """Count what was not passed."""
    return int((~results["is_passed"].astype(bool)).sum()) if len(results) else 0


def metric_over_time(store: Store, metrics: pd.DataFrame) -> None:
    """Draw one metric over time, and the rows that break it."""
    names = (
        metrics["table_name"] + "." + metrics["column_name"] + " " + metrics["metric_name"]
    ).tolist()
    chosen = st.selectbox("Metric over time", names)
    one = metrics.iloc[names.index(chosen)]
    key = (one["table_name"], one["column_name"], one["metric_name"])
    over_time = queries.answer(store, "metric_history", *key)
    draw(charts.metric_over_time(over_time), over_time)
    breaking = queries.violating_rows(store, *key)
    if not breaking.empty:
        is_limited = len(breaking) == queries.SAMPLE_ROWS
        st.caption(f"Rows that break it{', the first 20' if is_limited else ''}")
        table(breaking, "breaking")


def pipelines(store: Store, warehouse: Path | None, age: timedelta | None) -> None:
    """Draw runs as a timeline, durations, requests, retries, quarantine."""
    st.title("Pipeline health")
    totals = queries.answer(store, "run_totals")
    if totals.empty:
        st.info("No run was logged yet: `make demo` makes some.")
    else:
        jobs = st.multiselect("Jobs", totals["job"].tolist(), placeholder="all jobs")
        counted = totals[totals["job"].isin(jobs)] if jobs else totals
        names = ("run", "without_success", "request", "retry")
        sums = (counted[f"{name}_count"].sum() for name in names)
        tiles(dict(zip(("runs", "without success", "requests", "retries"), sums, strict=True)))
        shown = queries.runs(store, read_thresholds(), utcnow(), jobs=jobs, is_past=age is not None)
        draw(charts.timeline(shown, pd.Timestamp(utcnow())), shown)
        limited(shown, "runs", int(counted["run_count"].sum()))
        table(shown, "runs")
        models = queries.answer(store, "last_build")
        if not models.empty:
            st.subheader("Slowest tables of the last build")
            slowest = models.head(15)
            chart = charts.bars(slowest, "duration_seconds", "table_name", "seconds")
            chart_and_table(chart, models, "models")
        st.subheader("Loads of dlt")
        loads = queries.answer(store, "loads")
        limited(loads, "loads")
        table(loads, "loads")
    st.subheader("Quarantine")
    quarantine = queries.answer(store, "quarantine")
    if quarantine.empty:
        st.caption("Nothing was rejected yet.")
        return
    reasons = quarantine.groupby("reason", as_index=False)["row_count"].sum()
    reasons = reasons.nlargest(12, "row_count")
    chart_and_table(charts.bars(reasons, "row_count", "reason", "rows"), quarantine, "quarantine")


@st.cache_resource(ttl=300, show_spinner="SQLMesh reads the project ...")
def project_lineage() -> Lineage:
    """Load the graph for all visitors; every few minutes, for the project may change."""
    return read_lineage()


def lineage(store: Store, warehouse: Path | None, age: timedelta | None) -> None:
    """Draw the graph of the tables, and the columns of the one that is chosen."""
    st.title("Lineage")
    try:
        graph = project_lineage()
    except CalledProcessError:
        st.error(
            "SQLMesh cannot read the project: `sqlmesh lint` says why.", icon=":material/error:"
        )
        return
    names = sorted(graph.tables)
    first = names.index(FIRST_TABLE) if FIRST_TABLE in names else 0
    # A click on a table opens the address of its lineage.
    chosen = st.selectbox(
        "Table (or click on one)", names, index=first, key="table", bind="query-params"
    )
    extent = st.segmented_control(
        "Show", EXTENTS, default=EXTENTS[0], required=True, key="extent", bind="query-params"
    )
    st.graphviz_chart(graph.dot(chosen, EXTENTS.index(extent)))
    about = graph.tables[chosen]
    st.subheader(chosen)
    st.caption(f"{about['kind']}. {about['description']}")
    table(pd.DataFrame(about["columns"]), "columns")


def tests(store: Store, warehouse: Path | None, age: timedelta | None) -> None:
    """Draw the last results of audits, unit tests and tests."""
    st.title("Test results")
    st.subheader("Audits of the last run")
    audits = queries.answer(store, "audits")
    if audits.empty:
        st.caption("Nothing was audited yet: `make refresh` does it.")
    else:
        newest = audits[audits["run_id"] == audits.loc[audits["audited_at"].idxmax(), "run_id"]]
        failed = count_false(newest)
        tiles({"audits passed": len(newest) - failed, "audits failed": failed})
        table(newest.drop(columns=["failing_rows_query"]), "last-audits")
    for title, file, command, kind in (
        ("Unit tests of the models", "units.xml", "make test-models", "unit tests"),
        ("Tests of the code", "pytest.xml", "make test", "tests"),
    ):
        st.subheader(title)
        path = TEST_RESULTS / file
        found = test_results(path)
        if found.empty:
            st.caption(f"`{command}` writes its results for this page.")
            continue
        ran_at = datetime.fromtimestamp(path.stat().st_mtime, timezone.utc)
        st.caption(f"`{command}` of {ran_at:%Y-%m-%d %H:%M} UTC")
        counts = found["outcome"].value_counts()
        outcomes = ("passed", "failed", "skipped")
        tiles({f"{kind} {outcome}": counts.get(outcome, 0) for outcome in outcomes})
        order = {"failed": 0, "skipped": 1, "passed": 2}
        table(found.sort_values("outcome", key=lambda one: one.map(order)), f"tests-{file}")


def test_results(path: Path) -> pd.DataFrame:
    """Read a JUnit file: `outcome`, `suite`, `test`, `duration_seconds`, `message`.

    Empty where there is none, or it is being written.
    """
    try:
        cases = list(ElementTree.parse(path).iter("testcase"))  # noqa: S314 - our own file
    except (OSError, ElementTree.ParseError):
        return pd.DataFrame()
    rows = []
    for case in cases:
        children = {one.tag: one.get("message") for one in case}
        bad = children.get("failure", children.get("error"))
        is_bad = not children.keys().isdisjoint(("failure", "error"))
        is_skipped = "skipped" in children
        rows.append(
            {
                "outcome": "failed" if is_bad else "skipped" if is_skipped else "passed",
                "suite": case.get("classname"),
                "test": case.get("name"),
                "duration_seconds": float(case.get("time", "nan")),
                "message": bad if is_bad else children.get("skipped"),
            }
        )
    return pd.DataFrame(rows).dropna(axis="columns", how="all")


def business(store: Store, warehouse: Path | None, age: timedelta | None) -> None:
    """Draw what the warehouse says of movies and of the studio."""
    st.title("Business")
    genres = queries.answer(store, "genres")
    years = queries.answer(store, "years")
    if genres.empty and years.empty:
        st.info("There are no movies yet: `make demo` brings some.")
    else:
        revenue = big(years["total_revenue_usd"].sum(), "$")
        movies = years["movie_count"].sum()
        tiles({"Genres": len(genres), "Movies since 1980": movies, "Revenue since 1980": revenue})
        year_over_year(years)
        genre_tabs(genres, years)
        top_movies(store, genres)
        movie_history(store)
    st.header("The studio")
    franchises = queries.answer(store, "franchises")
    if franchises.empty:
        st.caption("No feeds of the studio yet: `python pipelines/studio.py --sandbox`.")
        return
    studio(store, franchises)


def year_over_year(years: pd.DataFrame) -> None:
    """Draw the figures of a year with their change from the year before."""
    st.subheader("This year compared with last")
    if years.empty:
        st.caption("No movie was released since 1980.")
        return
    newest_first = years.iloc[::-1]
    is_whole = (newest_first["movie_count"] >= WHOLE_YEAR_MOVIES).tolist()
    chosen = st.selectbox(
        "Year",
        newest_first["release_year"].astype(int).tolist(),
        index=is_whole.index(True) if any(is_whole) else 0,
        key="year",
        width=160,
    )
    by_year = years.set_index("release_year")
    year = by_year.loc[chosen]
    before = by_year["median_roi_pct"].get(chosen - 1)
    known = {
        name: (big(year[name], unit), year[change], "%")
        for name, unit, change in (
            ("movie_count", "", "movie_count_change_pct"),
            ("total_revenue_usd", "$", "total_revenue_change_pct"),
            ("avg_budget_usd", "$", "avg_budget_change_pct"),
        )
    }
    roi = year["median_roi_pct"]
    points = pd.NA if pd.isna(roi) or pd.isna(before) else roi - before
    known["median_roi_pct"] = ("unknown" if pd.isna(roi) else f"{roi:,.0f} %", points, "points")
    with st.container(horizontal=True):
        for name, (value, change, unit) in known.items():
            st.metric(
                label(name).partition(" (")[0],
                value,
                delta=f"no change from {chosen - 1} known"
                if pd.isna(change)
                else f"{change:+,.0f} {unit} from {chosen - 1}",
                delta_color="off" if name == "avg_budget_usd" or pd.isna(change) else "normal",
                delta_arrow="off" if pd.isna(change) else "auto",
                border=True,
            )


def genre_tabs(genres: pd.DataFrame, years: pd.DataFrame) -> None:
    """Draw genres by return and volume, and years by revenue."""
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Genres by return and volume")
        st.caption("A movie is divided evenly among its genres.")
        known = genres.dropna(subset="revenue_per_budget_usd")
        chart_and_table(charts.genre_returns(known), genres, "genres")
    with right:
        st.subheader("Years")
        st.caption("Worldwide revenue of the movies released in a year.")
        chart = charts.lines(years, "release_year", "total_revenue_usd", "revenue", unit="$")
        chart_and_table(chart, years, "years")


def top_movies(store: Store, genres: pd.DataFrame) -> None:
    """Filter all rated movies, and list the best."""
    st.subheader("Top movies")
    bounds = queries.answer(store, "top_movie_years")
    if bounds.empty or not bounds["movie_count"][0]:
        st.caption("No movie has enough votes yet.")
        return
    has_years = bounds["first_year"].notna()[0]
    first, last = (int(bounds[name][0]) if has_years else 0 for name in ("first_year", "last_year"))
    by_genre, by_title, by_year = st.columns([1, 1, 2], gap="medium")
    genre = by_genre.selectbox("Genre", [ALL, *genres["genre_name"].sort_values()], key="genre")
    title = by_title.text_input("Title contains", key="title").strip()
    years = (
        by_year.slider("Years", first, last, (first, last), key="years")
        if first < last
        else (first, last)
    )
    found = queries.top_movies(
        store,
        genre="" if genre == ALL else genre,
        years=None if years == (first, last) else years,
        title=title,
    )
    count = int(found["found_count"].max()) if len(found) else 0
    st.metric("Movies found", f"{count:,}")
    limited(found, "movies", count)
    filters = {
        f"genre {genre}": genre != ALL,
        f"a title with “{title}”": title,
        f"{years[0]} to {years[1]}": years != (first, last),
    }
    why = f"No movie matches: {', '.join(one for one, is_set in filters.items() if is_set)}."
    table(worded(found, "budget_tier").drop(columns=["found_count"]), "top-movies", plain(why))


def studio(store: Store, franchises: pd.DataFrame) -> None:
    """Draw the studio's revenue, franchises, and fans."""
    st.subheader("Revenue by day and region")
    days = queries.answer(store, "studio_revenue")
    releases = queries.answer(store, "studio_releases")
    if len(releases):
        releases = releases[releases["release_date"] >= days["report_date"].min()]
    measure = st.segmented_control(
        "Revenue of", STUDIO_MEASURES, default="theaters", required=True, key="studio-measure"
    )
    names = ", ".join(map(plain, releases["title_name"])) if len(releases) else "none in these days"
    st.caption(f"Weekends that released a title or brought it back are marked: {names}.")
    value = STUDIO_MEASURES[measure]
    chart = charts.by_region(days, value, label(value), releases)
    chart_and_table(chart, days, "studio-revenue")
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Franchise performance")
        st.caption("Next to TMDb's worldwide box office of the same movies.")
        chart_and_table(charts.franchises_and_tmdb(franchises), franchises, "franchises")
    with right:
        st.subheader("Retention of fans")
        st.caption("Of the fans first seen in a month, the percentage seen so many months later.")
        cohorts = queries.answer(store, "retention")
        chart_and_table(charts.retention(cohorts), cohorts, "retention")
    st.subheader("Lifetime value by segment")
    left, right = st.columns(2, gap="large")
    with left:
        lifetime_value(worded(queries.answer(store, "lifetime_value"), "account_type"))
    with right:
        st.caption("How many fans of a region are loyal, and how many have left.")
        by_region = queries.answer(store, "lifetime_value_by_region")
        table(by_region.drop(columns=["order_count", "active_30_days_pct"]), "segments")


def lifetime_value(values: pd.DataFrame) -> None:
    """Draw what a fan of each segment has paid."""
    segment = st.segmented_control(
        "Segment by", SEGMENTS, default=SEGMENTS[0], required=True, format_func=label, key="segment"
    )
    sums = values.groupby(segment, as_index=False)[["fan_count", "revenue_usd"]].sum()
    sums = sums.assign(revenue_per_fan_usd=sums["revenue_usd"] / sums["fan_count"])
    sums = sums.sort_values("revenue_per_fan_usd", ascending=False)
    shown = sums.head(SEGMENTS_SHOWN)
    if segment.endswith("_month"):
        shown = shown.assign(**{segment: pd.to_datetime(shown[segment]).dt.strftime("%b %Y")})
    chart = charts.bars(shown, "revenue_per_fan_usd", segment, "revenue per fan", "$")
    chart_and_table(chart, sums, "lifetime-value")


def movie_history(store: Store) -> None:
    """Find any movie by its title or number, and draw how it changed."""
    st.subheader("A movie's history")
    by_text, by_choice = st.columns([1, 2], gap="medium")
    text = by_text.text_input("Find a movie", placeholder="title or TMDb's number", key="find")
    found = queries.find_movies(store, text)
    if found.empty:
        st.caption(plain(f"No movie is called “{text.strip()}”, and none has that number."))
        return
    names = {int(one["movie_id"]): movie_name(one) for one in found.to_dict("records")}
    movie = by_choice.selectbox("Movie", list(names), format_func=lambda one: names.get(one, "?"))
    measures = st.pills(
        "Measures",
        HISTORY_MEASURES,
        selection_mode="multi",
        default=HISTORY_MEASURES[:2],
        format_func=label,
        key="measures",
    )
    if len(found) == queries.FOUND:
        st.caption(f"The {queries.FOUND} best known; a longer part of the title finds others.")
    history = queries.answer(store, "movie_history", movie)
    for measure in measures:
        known = history.dropna(subset=measure)
        if known.empty:
            st.caption(f"{label(measure)} of this movie was never known.")
            continue
        st.caption(label(measure))
        # What holds now is drawn up to now.
        today = known.tail(1).assign(valid_from=max(utcnow(), known["valid_from"].max()))
        draw(
            charts.lines(
                pd.concat([known, today]) if known["valid_to"].isna().any() else known,
                "valid_from",
                measure,
                "",
                unit="$" if measure.endswith("_usd") else "",
                height=160,
                interpolate="step-after",
            ),
            known,
        )
    table(history, "history")


def movie_name(movie: Mapping[Any, Any]) -> str:
    """Tell a movie from others of its title."""
    year = movie["release_year"]
    known = "no date" if pd.isna(year) else f"{int(year)}"
    return f"{movie['title']} ({known}{', deleted' if movie['is_deleted'] else ''})"


# What a page is given: the warehouse, its file, and how old what it shows is if that is the past.
Page = Callable[[Store, Path | None, timedelta | None], None]
PAGES: dict[str, tuple[str, str, Page]] = {
    "business": ("Business", ":material/movie:", business),
    "overview": ("Operation", ":material/dashboard:", overview),
    "quality": ("Data quality", ":material/fact_check:", quality),
    "pipelines": ("Pipeline health", ":material/monitor_heart:", pipelines),
    "lineage": ("Lineage", ":material/account_tree:", lineage),
    "tests": ("Test results", ":material/science:", tests),
}
