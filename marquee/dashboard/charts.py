"""Charts: from a table of `queries` to Altair, in colours that hold on light and dark."""

from __future__ import annotations

import altair as alt
import pandas as pd

PLAIN, GOOD, BAD = "#c8841a", "#2e9e6b", "#dc4c4c"
STATUS_COLOURS = {
    "SUCCEEDED": GOOD,
    "RUNNING": "#3b82f6",
    "FAILED": BAD,
    "UNFINISHED": "#e08a1e",
    "STOPPED": "#8b8b8b",
}
LAYER_COLOURS = {
    "bronze": "#b0743a",
    "silver": "#8d99a6",
    "snapshots": "#7a6cc9",
    "gold": "#d4a017",
    "ops": "#3b82f6",
}
HEIGHT = 260
TOP = alt.Legend(orient="top", title=None)
TIME = alt.Axis(tickCount=6, labelOverlap=True, grid=False)  # as many as a phone has room for
# A thousand million is a B to people, a G to the formatter.
DOLLARS = alt.Axis(labelExpr="replace(format(datum.value, '$~s'), 'G', 'B')", tickCount=6)


def _scale(colours: dict[str, str]) -> alt.Scale:
    return alt.Scale(domain=list(colours), range=list(colours.values()))


def row_growth(history: pd.DataFrame) -> alt.Chart:
    """Rows of each layer over time, as `queries.layer_history` has them."""
    drawn: alt.Chart = (
        alt.Chart(history, height=HEIGHT)
        .mark_line(point=True, interpolate="step-after")
        .encode(
            x=alt.X("counted_at:T", title=None, axis=TIME),
            y=alt.Y("row_count:Q", title="rows", axis=alt.Axis(format="~s", tickCount=5)),
            color=alt.Color("layer:N", scale=_scale(LAYER_COLOURS), legend=TOP),
            tooltip=["layer", "counted_at", alt.Tooltip("row_count", format=",")],
        )
    )
    return drawn


def timeline(runs: pd.DataFrame, now: pd.Timestamp) -> alt.LayerChart:
    """Runs as bars from start to end, a lane a job; one without an end shows where it began."""
    shown = runs.assign(
        lane=runs["tool"] + " " + runs["job"],
        until=runs["ended_at"].where(
            runs["ended_at"].notna(),
            runs["started_at"].where(runs["status"] != "RUNNING", now),
        ),
    )
    states = {name: STATUS_COLOURS[name] for name in STATUS_COLOURS if name in {*shown["status"]}}
    chart = alt.Chart(shown, height=alt.Step(38)).encode(
        y=alt.Y("lane:N", title=None),
        color=alt.Color("status:N", scale=_scale(states), legend=TOP),
        tooltip=["job", "status", "started_at", "ended_at", "duration_seconds", "error"],
    )
    x = alt.X("started_at:T", title=None, axis=TIME)
    # The tick is there for runs that are too short for a bar, or have no end.
    drawn: alt.LayerChart = chart.mark_bar(height=16, cornerRadius=3).encode(
        x=x, x2="until:T"
    ) + chart.mark_tick(orient="vertical", thickness=3, size=22).encode(x=x)
    return drawn


def bars(table: pd.DataFrame, value: str, name: str, title: str, money: bool = False) -> alt.Chart:
    """Rank the rows of a table by a value, as bars."""
    drawn: alt.Chart = (
        alt.Chart(table, height=alt.Step(22))
        .mark_bar(color=PLAIN, cornerRadiusEnd=3)
        .encode(
            x=alt.X(
                f"{value}:Q",
                title=title,
                axis=DOLLARS if money else alt.Axis(format="~s", tickCount=6),
            ),
            y=alt.Y(f"{name}:N", sort="-x", title=None, axis=alt.Axis(labelLimit=230)),
            tooltip=[name, alt.Tooltip(value, format="$,.0f" if money else ",.2f")],
        )
    )
    return drawn


def line(table: pd.DataFrame, x: str, y: str, title: str, money: bool = False) -> alt.Chart:
    """Draw a value over time, or over years."""
    kind, years = "Q" if x.endswith("_year") else "T", alt.Axis(format="d", grid=False)
    drawn: alt.Chart = (
        alt.Chart(table, height=HEIGHT)
        .mark_line(color=PLAIN, point=alt.OverlayMarkDef(color=PLAIN))
        .encode(
            x=alt.X(f"{x}:{kind}", title=None, axis=years if kind == "Q" else TIME),
            y=alt.Y(
                f"{y}:Q",
                title=title,
                axis=DOLLARS if money else alt.Axis(format="~s", tickCount=5),
                scale=alt.Scale(zero=False),
            ),
            tooltip=[x, alt.Tooltip(y, format=",.2f")],
        )
    )
    return drawn


def genre_returns(genres: pd.DataFrame) -> alt.LayerChart:
    """Genres by how many movies they have and what comes back for a dollar of budget."""
    base = alt.Chart(genres, height=340).encode(
        x=alt.X(
            "movie_count:Q",
            title="movies",
            axis=alt.Axis(tickCount=6, grid=False),
            scale=alt.Scale(type="log"),  # a genre has 6 movies, or 800
        ),
        y=alt.Y(
            "revenue_per_budget_usd:Q",
            title="revenue per dollar of budget",
            axis=alt.Axis(format="$,.1f", tickCount=5),
            scale=alt.Scale(zero=False),
        ),
    )
    drawn: alt.LayerChart = base.mark_circle(color=PLAIN, opacity=0.75).encode(
        size=alt.Size("weighted_revenue_usd:Q", legend=None, scale=alt.Scale(range=[60, 900])),
        tooltip=[
            alt.Tooltip("genre_name", title="genre"),
            alt.Tooltip("movie_count", title="movies", format=","),
            alt.Tooltip("revenue_per_budget_usd", title="revenue per dollar", format="$,.2f"),
            alt.Tooltip("weighted_revenue_usd", title="its share of revenue", format="$,.0f"),
        ],
    ) + base.mark_text(dy=-14, fontSize=10, color="#8d99a6").encode(text="genre_name:N")
    return drawn


def steps(history: pd.DataFrame, value: str, title: str, money: bool = False) -> alt.Chart:
    """Draw a value that holds from one moment to the next, as periods of a history do."""
    drawn: alt.Chart = (
        alt.Chart(history, height=HEIGHT)
        .mark_line(color=PLAIN, interpolate="step-after", point=alt.OverlayMarkDef(color=PLAIN))
        .encode(
            x=alt.X("valid_from:T", title=None, axis=TIME),
            y=alt.Y(
                f"{value}:Q",
                title=title,
                axis=DOLLARS if money else alt.Axis(format="~s", tickCount=5),
                scale=alt.Scale(zero=False),
            ),
            tooltip=["valid_from", "valid_to", alt.Tooltip(value, title=title, format=",")],
        )
    )
    return drawn


def by_region(days: pd.DataFrame, value: str, title: str) -> alt.Chart:
    """Draw money per day, a line per region."""
    drawn: alt.Chart = (
        alt.Chart(days, height=HEIGHT)
        .mark_line()
        .encode(
            x=alt.X("report_date:T", title=None, axis=TIME),
            y=alt.Y(f"{value}:Q", title=title, axis=DOLLARS),
            color=alt.Color("region:N", legend=TOP),
            tooltip=["report_date", "region", alt.Tooltip(value, title=title, format="$,.0f")],
        )
    )
    return drawn


def retention(cohorts: pd.DataFrame) -> alt.Chart:
    """Draw the share of each month's fans that came back, month after month, as a heat map."""
    drawn: alt.Chart = (
        alt.Chart(cohorts, height=alt.Step(30))
        .mark_rect(cornerRadius=3)
        .encode(
            x=alt.X("months_since_first_seen:O", title="months later", axis=alt.Axis(labelAngle=0)),
            y=alt.Y("yearmonth(acquisition_month):O", title=None, axis=alt.Axis(format="%b %Y")),
            color=alt.Color(
                "retention_pct:Q",
                title="came back (%)",
                scale=alt.Scale(scheme="goldorange"),
                legend=alt.Legend(orient="top"),
            ),
            tooltip=[
                alt.Tooltip("acquisition_month", title="first seen", format="%b %Y"),
                alt.Tooltip("fan_count", title="fans", format=","),
                alt.Tooltip("active_fan_count", title="came back", format=","),
                alt.Tooltip("retention_pct", title="%", format=".1f"),
            ],
        )
    )
    return drawn


def franchises_and_tmdb(franchises: pd.DataFrame) -> alt.Chart:
    """Draw the studio's box office of each franchise next to TMDb's revenue of the same movies."""
    sides = {"gross_usd": "the studio", "tmdb_revenue_usd": "TMDb"}
    long = franchises.rename(columns=sides).melt(
        id_vars="franchise", value_vars=list(sides.values()), var_name="of", value_name="revenue"
    )
    drawn: alt.Chart = (
        alt.Chart(long.dropna(subset="revenue"), height=alt.Step(14))
        .mark_bar(cornerRadiusEnd=3)
        .encode(
            x=alt.X("revenue:Q", title="box office", axis=DOLLARS),
            y=alt.Y("franchise:N", title=None, sort=franchises["franchise"].tolist()),
            yOffset=alt.YOffset("of:N", sort=list(sides.values())),
            color=alt.Color(
                "of:N",
                scale=alt.Scale(domain=list(sides.values()), range=[PLAIN, "#8d99a6"]),
                legend=TOP,
            ),
            tooltip=["franchise", "of", alt.Tooltip("revenue", format="$,.0f")],
        )
    )
    return drawn


def metric_over_time(history: pd.DataFrame) -> alt.LayerChart:
    """Draw a metric of quality with what is tolerated."""
    base = alt.Chart(history, height=HEIGHT).encode(x=alt.X("measured_at:T", title=None, axis=TIME))
    drawn: alt.LayerChart = base.mark_line(point=True).encode(
        y=alt.Y("measured_value:Q", title="measured"),
        color=alt.condition("datum.is_passed", alt.value(GOOD), alt.value(BAD)),
        tooltip=["measured_at", "measured_value", "threshold"],
    ) + base.mark_line(strokeDash=[4, 4], color=BAD).encode(y="threshold:Q")
    return drawn


def graph(nodes: pd.DataFrame, paths: pd.DataFrame, chosen: str) -> alt.LayerChart:
    """Draw tables from left to right as they are made of each other.

    A click on a table is reported as the selection `table`.

    Args:
        nodes: the tables, with their places x and y.
        paths: the points of the lines between them: `parent`, `child`, x and y.
        chosen: the table that stands out.

    """
    hidden = alt.Axis(labels=False, ticks=False, grid=False, domain=False, title=None)
    right = float(nodes["x"].max()) + 0.95  # room for the last names
    bottom = float(nodes["y"].max()) + 20
    x = alt.X("x:Q", axis=hidden, scale=alt.Scale(domain=[-0.1, right]))
    y = alt.Y("y:Q", axis=hidden, scale=alt.Scale(domain=[bottom, 0]))
    lines = (
        alt.Chart(paths)
        .mark_line(color="#8d99a6", strokeWidth=1.2, opacity=0.55, interpolate="monotone")
        .encode(x=x, y=y, detail=["parent:N", "child:N"], order="x:Q")
    )
    points = (
        alt.Chart(nodes.assign(size=nodes["table_name"].eq(chosen).map({True: 420, False: 150})))
        .mark_circle(opacity=1)
        .encode(
            x=x,
            y=y,
            size=alt.Size("size:Q", scale=None),
            color=alt.Color("layer:N", scale=_scale(LAYER_COLOURS), legend=TOP),
            tooltip=["table_name", "kind", "description"],
        )
        .add_params(alt.selection_point(name="table", fields=["table_name"], on="click"))
    )
    labels = (
        alt.Chart(nodes.assign(label=nodes["table_name"].str.partition(".")[2]))
        .mark_text(
            align="left",
            dx=10,
            dy=-5,
            fontSize=11,
            color="#8d99a6",
            opacity=alt.expr("width < 500 ? 0 : 1"),  # on a phone a tap says the name
        )
        .encode(x=x, y=y, text="label:N")
    )
    drawn: alt.LayerChart = (lines + points + labels).properties(height=max(260, bottom))
    return drawn
