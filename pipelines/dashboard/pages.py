"""The pages: what is drawn where. Figures come from `queries`, charts from `charts`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pandas as pd
import streamlit as st

from dashboard import charts, queries
from dashboard.lineage import Lineage, read_lineage
from landing.settings import ROOT
from monitoring.cadence import read_cadence
from monitoring.checks import check_all, now_utc
from monitoring.store import Store

TEST_RESULTS = ROOT / ".cache" / "test"  # JUnit files that `make test` writes
ALL = "All"
FORMATS = {
    "_usd": "dollar",
    "_pct": "%.1f %%",
    "pct_profitable": "%.1f %%",
    "_seconds": "%.1f s",
    "_count": "localized",
    "_bytes": "bytes",
    "byte_count": "bytes",
    "vote_average": "%.1f",
    "weighted_rating": "%.2f",
    "popularity_score": "%.1f",
    "_year": "%d",
}


def table(frame: pd.DataFrame, name: str) -> None:
    """Show a table that sorts, with numbers for people, and offer it as CSV."""
    if frame.empty:
        st.caption("Nothing here yet.")
        return
    columns = {
        str(column): st.column_config.NumberColumn(label(str(column)), format=form)
        if (form := next((f for end, f in FORMATS.items() if str(column).endswith(end)), None))
        and pd.api.types.is_numeric_dtype(frame[column])
        else label(str(column))
        for column in frame.columns
    }
    st.dataframe(
        frame,
        column_config=columns,
        hide_index=True,
        width="stretch",
        key=f"table-{name}",
    )
    st.download_button(
        "CSV", frame.to_csv(index=False), f"{name}.csv", "text/csv", key=f"csv-{name}"
    )


def label(column: str) -> str:
    """Name a column for people: `total_revenue_usd` is `Total revenue (USD)`."""
    for end, unit in (("_usd", " (USD)"), ("_pct", " (%)"), ("_at", ""), ("_count", "s")):
        if column.endswith(end):
            column = column.removesuffix(end) + unit
            break
    words = column.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def draw(chart: Any, frame: pd.DataFrame) -> None:
    """Draw a chart over the whole width, if there is something to draw."""
    if not frame.empty:
        st.altair_chart(chart, width="stretch")


def big(number: float | None, unit: str = "") -> str:
    """Shorten a number: `$2.8 B`; unknown where there is none."""
    if number is None or pd.isna(number):
        return "unknown"
    for size, suffix in ((1e12, " T"), (1e9, " B"), (1e6, " M")):
        if abs(number) >= size:
            return f"{unit}{number / size:,.1f}{suffix}"
    return f"{unit}{number:,.0f}"


def overview(store: Store, warehouse: Path | None) -> None:
    """Draw rows per layer and their growth, the last runs, freshness and what is wrong."""
    st.title("Overview")
    cadence = read_cadence()
    findings = check_all(store, cadence, now_utc(), warehouse)
    failing = [one for one in findings if not one.is_ok]
    if failing:
        st.error(
            "\n".join(
                [f"**{len(failing)} checks fail**", ""]
                + [f"- {one.check} `{one.subject}`: {one.message}" for one in failing]
            )
        )
    else:
        st.success(f"All {len(findings)} checks are well.")
    counts = queries.row_counts(store)
    layers = counts.groupby("layer", sort=False)["row_count"].sum()
    with st.container(horizontal=True):
        for layer in [one for one in charts.LAYER_COLOURS if one in layers]:
            st.metric(f"{layer} rows", f"{layers[layer]:,}", border=True)
    st.subheader("Growth")
    history = queries.answer(store, queries.ROW_HISTORY)
    if history.empty:
        st.caption("Shown after the first logged run.")
    else:
        draw(charts.row_growth(history), history)
    st.subheader("Last runs")
    table(queries.runs(store, cadence, now_utc()).head(10), "last-runs")
    st.subheader("Freshness and checks")
    table(
        pd.DataFrame(
            [
                {
                    "state": "ok" if one.is_ok else "FAIL",
                    "check": one.check,
                    "subject": one.subject,
                    "message": one.message,
                }
                for one in findings
            ]
        ),
        "checks",
    )
    with st.expander("Rows of each table"):
        table(counts, "row-counts")


def quality(store: Store, warehouse: Path | None) -> None:
    """Draw audits and metrics, failing first, over time, and rows that break them."""
    st.title("Data quality")
    audits = queries.answer(store, queries.AUDITS)
    metrics = queries.answer(store, queries.METRICS)
    if audits.empty and metrics.empty:
        st.info("Nothing was audited yet: `make refresh` does it.")
        return
    checks = [
        one for one in check_all(store, read_cadence(), now_utc(), warehouse) if not one.is_ok
    ]
    with st.container(horizontal=True):
        st.metric("audits", f"{len(audits):,}", border=True)
        st.metric(
            "failing audits",
            f"{(~audits['is_passed'].astype(bool)).sum():,}" if len(audits) else "0",
            border=True,
        )
        st.metric("metrics", f"{len(metrics):,}", border=True)
        st.metric(
            "failing metrics",
            f"{(~metrics['is_passed'].astype(bool)).sum():,}" if len(metrics) else "0",
            border=True,
        )
    for one in checks:
        st.warning(f"{one.check} `{one.subject}`: {one.message}")
    st.subheader("Audits, failing first")
    table(audits.drop(columns=["failing_rows_query"], errors="ignore"), "audits")
    history = queries.answer(store, queries.AUDIT_HISTORY)
    if not history.empty:
        draw(charts.line(history, "audited_at", "failing_count", "failing audits"), history)
    failing = audits[~audits["is_passed"].astype(bool)] if len(audits) else audits
    for place, audit in enumerate(failing.itertuples()):
        with st.expander(f"Rows that break {audit.audit_name} of {audit.table_name}"):
            if audit.failing_rows_query:
                table(queries.failing_rows(store, str(audit.failing_rows_query)), f"broken-{place}")
    st.subheader("Metrics, failing first")
    table(metrics, "metrics")
    if metrics.empty:
        return
    names = (
        metrics["table_name"] + "." + metrics["column_name"] + " " + metrics["metric_name"]
    ).tolist()
    chosen = st.selectbox("Metric over time", names)
    one = metrics.iloc[names.index(chosen)]
    key = (one["table_name"], one["column_name"], one["metric_name"])
    over_time = queries.answer(store, queries.METRIC_HISTORY, *key)
    draw(charts.metric_over_time(over_time), over_time)
    breaking = queries.breaking_rows(store, *key)
    if not breaking.empty:
        st.caption("Rows that break it")
        table(breaking, "breaking")


def pipelines(store: Store, warehouse: Path | None) -> None:
    """Draw runs as a timeline, durations, requests, retries, quarantine."""
    st.title("Pipeline health")
    found = queries.runs(store, read_cadence(), now_utc())
    if found.empty:
        st.info("No run was logged yet: `make demo` makes some.")
    else:
        jobs = st.multiselect("Jobs", sorted(found["job"].unique()), placeholder="all jobs")
        shown = found[found["job"].isin(jobs)] if jobs else found
        draw(charts.timeline(shown, pd.Timestamp(now_utc())), shown)
        with st.container(horizontal=True):
            st.metric("runs", f"{len(shown):,}", border=True)
            st.metric("without success", f"{(shown['status'] != 'SUCCEEDED').sum():,}", border=True)
            st.metric("requests", f"{shown['request_count'].sum():,.0f}", border=True)
            st.metric("retries", f"{shown['retry_count'].sum():,.0f}", border=True)
        table(shown, "runs")
        st.subheader("Slowest tables of the last build")
        models = queries.answer(store, queries.MODEL_RUNS)
        if not models.empty:
            last = models[models["run_id"] == models.iloc[0]["run_id"]]
            slowest = last.nlargest(15, "duration_seconds")
            draw(charts.bars(slowest, "duration_seconds", "table_name", "seconds"), slowest)
            table(last, "models")
        st.subheader("Loads of dlt")
        table(queries.answer(store, queries.LOADS), "loads")
    st.subheader("Quarantine")
    quarantine = queries.answer(store, queries.QUARANTINE)
    if not quarantine.empty:
        reasons = quarantine.groupby("reason", as_index=False)["row_count"].sum()
        reasons = reasons.nlargest(12, "row_count")
        draw(charts.bars(reasons, "row_count", "reason", "rows"), reasons)
    table(quarantine, "quarantine")


@st.cache_resource(show_spinner="SQLMesh reads the project ...")
def project_lineage() -> Lineage:
    """Load the graph once a server."""
    return read_lineage()


def lineage(store: Store, warehouse: Path | None) -> None:
    """Draw the graph of the tables, and the columns of the one that is chosen."""
    st.title("Lineage")
    graph = project_lineage()
    names = sorted(graph.nodes["table_name"])
    clicked = st.session_state.get("graph", {}).get("selection", {}).get("table", [])
    if clicked and clicked[0].get("table_name") != st.session_state.get("clicked"):
        st.session_state["clicked"] = clicked[0].get("table_name")
        st.session_state["chosen"] = clicked[0].get("table_name")
    if st.session_state.get("chosen") not in names:
        st.session_state["chosen"] = "gold.fact_movies"
    chosen = st.selectbox("Table (or click on one)", names, key="chosen")
    st.altair_chart(
        charts.graph(graph.nodes, graph.edges, chosen),
        width="stretch",
        on_select="rerun",
        selection_mode="table",
        key="graph",
    )
    about = graph.nodes.set_index("table_name").loc[chosen]
    st.subheader(chosen)
    st.caption(f"{about['kind']}. {about['description']}")
    table(graph.columns(chosen), "columns")


def tests(store: Store, warehouse: Path | None) -> None:
    """Draw what audits and unit tests said the last time."""
    st.title("Test results")
    st.subheader("Audits of the last run")
    audits = queries.answer(store, queries.AUDITS)
    if not audits.empty:
        newest = audits[audits["run_id"] == audits.sort_values("audited_at")["run_id"].iloc[-1]]
        with st.container(horizontal=True):
            st.metric("audits passed", f"{newest['is_passed'].sum():,}", border=True)
            st.metric(
                "audits failed", f"{(~newest['is_passed'].astype(bool)).sum():,}", border=True
            )
        table(newest.drop(columns=["failing_rows_query"]), "last-audits")
    else:
        st.caption("Nothing was audited yet.")
    st.subheader("Tests of the code")
    found = test_results(TEST_RESULTS)
    if found.empty:
        st.caption("`make test` writes its results here.")
        return
    with st.container(horizontal=True):
        for outcome, count in found["outcome"].value_counts().items():
            st.metric(f"tests {outcome}", f"{count:,}", border=True)
    order = {"failed": 0, "skipped": 1, "passed": 2}
    table(found.sort_values("outcome", key=lambda one: one.map(order)), "tests")


def test_results(folder: Path) -> pd.DataFrame:
    """Read JUnit files: `suite`, `test`, `outcome`, `duration_seconds`, `message`."""
    rows = []
    for path in sorted(folder.glob("*.xml")):
        try:
            cases = ElementTree.parse(path).iter("testcase")  # noqa: S314 - our own file
            for case in cases:
                bad = next((one for one in case if one.tag in ("failure", "error")), None)
                skipped = case.find("skipped")
                said = bad if bad is not None else skipped
                rows.append(
                    {
                        "suite": case.get("classname"),
                        "test": case.get("name"),
                        "outcome": "failed"
                        if bad is not None
                        else "skipped"
                        if skipped is not None
                        else "passed",
                        "duration_seconds": float(case.get("time") or 0),
                        "message": said.get("message") if said is not None else None,
                    }
                )
        except ElementTree.ParseError:
            continue  # being written
    return pd.DataFrame(rows)


def movies(store: Store, warehouse: Path | None) -> None:
    """Draw what the warehouse says: genres, years, top movies, a movie's history, the studio."""
    st.title("Movies")
    genres = queries.answer(store, queries.GENRES)
    years = queries.answer(store, queries.YEARS)
    if genres.empty and years.empty:
        st.info("There are no movies yet: `make demo` brings some.")
    else:
        film_tabs(store, genres, years)
    st.header("The studio")
    franchises = queries.answer(store, queries.FRANCHISES)
    if franchises.empty:
        st.caption("No feeds of the studio yet: `python pipelines/studio.py --sandbox`.")
        return
    st.subheader("Franchise performance")
    draw(charts.bars(franchises, "gross_usd", "franchise", "box office", money=True), franchises)
    table(franchises, "franchises")
    st.subheader("Lifetime value")
    values = queries.answer(store, queries.LIFETIME_VALUE)
    kinds = values.groupby("account_type", as_index=False)[["fan_count", "revenue_usd"]].sum()
    kinds["revenue_per_fan_usd"] = kinds["revenue_usd"] / kinds["fan_count"]
    draw(
        charts.bars(kinds, "revenue_per_fan_usd", "account_type", "revenue a fan", money=True),
        kinds,
    )
    table(values, "lifetime-value")


def film_tabs(store: Store, genres: pd.DataFrame, years: pd.DataFrame) -> None:
    """Draw the movies of TMDb."""
    with st.container(horizontal=True):
        st.metric("genres", f"{len(genres):,}", border=True)
        st.metric("movies since 1980", f"{years['movie_count'].sum():,}", border=True)
        st.metric("revenue since 1980", big(years["total_revenue_usd"].sum(), "$"), border=True)
    st.subheader("Genres")
    draw(charts.bars(genres, "total_revenue_usd", "genre_name", "revenue", money=True), genres)
    table(genres, "genres")
    st.subheader("Years")
    draw(charts.line(years, "release_year", "total_revenue_usd", "revenue", money=True), years)
    table(years, "years")
    st.subheader("Top movies")
    every = queries.top_movies(store, "", 0, 9999, "")
    if every.empty:
        st.caption("No movie has enough votes yet.")
        return
    first, last = int(every["release_year"].min()), int(every["release_year"].max())
    genre = st.selectbox("Genre", [ALL, *genres["genre_name"].sort_values()], key="genre")
    since, until = (
        st.slider("Years", first, last, (first, last), key="years")
        if first < last
        else (first, last)
    )
    title = st.text_input("Title contains", key="title")
    found = queries.top_movies(store, "" if genre == ALL else genre, since, until, title)
    st.metric("movies found", f"{len(found):,}")
    table(found, "top-movies")
    if found.empty:
        return
    st.subheader("A movie's history")
    names = dict(zip(found["movie_id"], found["title"], strict=True))
    movie = st.selectbox("Movie", list(names), format_func=lambda one: names.get(one, "?"))
    history = queries.answer(store, queries.MOVIE_HISTORY, int(movie))
    draw(charts.line(history, "valid_from", "popularity_score", "popularity"), history)
    table(history, "history")


def path(name: str) -> str:
    """Return a page's place below the address; the first one is the address itself."""
    return "" if name == next(iter(PAGES)) else name


Page = Callable[[Store, Path | None], None]
PAGES: dict[str, tuple[str, str, Page]] = {
    "overview": ("Overview", ":material/dashboard:", overview),
    "quality": ("Data quality", ":material/fact_check:", quality),
    "pipelines": ("Pipeline health", ":material/monitor_heart:", pipelines),
    "lineage": ("Lineage", ":material/account_tree:", lineage),
    "tests": ("Test results", ":material/science:", tests),
    "movies": ("Movies", ":material/movie:", movies),
}
