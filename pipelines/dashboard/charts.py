"""Charts: from a table of `queries` to Altair, in colours that hold on light and dark."""

from __future__ import annotations

import altair as alt
import pandas as pd

STATUS_COLOURS = {
    "SUCCEEDED": "#2e9e6b",
    "RUNNING": "#3b82f6",
    "FAILED": "#dc4c4c",
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
HEIGHT = 280
TOP = alt.Legend(orient="top")
# A thousand million is a B to people, a G to the formatter.
DOLLARS = alt.Axis(labelExpr="replace(format(datum.value, '$~s'), 'G', 'B')")


def _scale(colours: dict[str, str]) -> alt.Scale:
    return alt.Scale(domain=list(colours), range=list(colours.values()))


def row_growth(history: pd.DataFrame) -> alt.Chart:
    """Rows of each layer over time: of each table the newest count up to each moment."""
    wide = history.pivot_table(index="counted_at", columns="table_name", values="row_count")
    tall = wide.ffill().reset_index().melt("counted_at", value_name="row_count").dropna()
    tall["layer"] = tall["table_name"].str.partition(".")[0]
    totals = tall.groupby(["counted_at", "layer"], as_index=False)["row_count"].sum()
    drawn: alt.Chart = (
        alt.Chart(totals, height=HEIGHT)
        .mark_line(point=True)
        .encode(
            x=alt.X("counted_at:T", title=None),
            y=alt.Y("row_count:Q", title="rows", axis=alt.Axis(format="~s")),
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
    chart = alt.Chart(shown, height=alt.Step(42)).encode(
        x=alt.X("started_at:T", title=None),
        y=alt.Y("lane:N", title=None),
        color=alt.Color("status:N", scale=_scale(STATUS_COLOURS), legend=TOP),
        tooltip=["job", "status", "started_at", "ended_at", "duration_seconds", "error"],
    )
    drawn: alt.LayerChart = chart.mark_bar(height=14).encode(x2="until:T") + chart.mark_point(
        shape="stroke", size=300, strokeWidth=3
    )
    return drawn


def bars(table: pd.DataFrame, value: str, name: str, title: str, money: bool = False) -> alt.Chart:
    """Rank the rows of a table by a value, as bars."""
    drawn: alt.Chart = (
        alt.Chart(table, height=alt.Step(22))
        .mark_bar()
        .encode(
            x=alt.X(f"{value}:Q", title=title, axis=DOLLARS if money else alt.Axis(format="~s")),
            y=alt.Y(f"{name}:N", sort="-x", title=None),
            tooltip=[name, alt.Tooltip(value, format="$,.0f" if money else ",.2f")],
        )
    )
    return drawn


def line(table: pd.DataFrame, x: str, y: str, title: str, money: bool = False) -> alt.Chart:
    """Draw a value over time, or over years."""
    kind, plain = "Q" if x.endswith("_year") else "T", alt.Axis(format="d")
    drawn: alt.Chart = (
        alt.Chart(table, height=HEIGHT)
        .mark_line(point=True)
        .encode(
            x=alt.X(f"{x}:{kind}", title=None, axis=plain if kind == "Q" else alt.Axis()),
            y=alt.Y(
                f"{y}:Q",
                title=title,
                axis=DOLLARS if money else alt.Axis(format="~s"),
                scale=alt.Scale(zero=False),
            ),
            tooltip=[x, alt.Tooltip(y, format=",.2f")],
        )
    )
    return drawn


def metric_over_time(history: pd.DataFrame) -> alt.LayerChart:
    """Draw a metric of quality with what is tolerated."""
    base = alt.Chart(history, height=HEIGHT).encode(x=alt.X("measured_at:T", title=None))
    drawn: alt.LayerChart = base.mark_line(point=True).encode(
        y=alt.Y("measured_value:Q", title="measured"),
        color=alt.condition("datum.is_passed", alt.value("#2e9e6b"), alt.value("#dc4c4c")),
        tooltip=["measured_at", "measured_value", "threshold"],
    ) + base.mark_line(strokeDash=[4, 4], color="#dc4c4c").encode(y="threshold:Q")
    return drawn


def graph(nodes: pd.DataFrame, edges: pd.DataFrame, chosen: str) -> alt.LayerChart:
    """Draw the tables from left to right as they are made of each other.

    What the chosen table is made of, and what is made of it, stands out. A click on a table is
    reported as the selection `table`.
    """
    related = _related(edges, chosen)
    shown = nodes.assign(
        is_related=nodes["table_name"].isin(related),
        label=nodes["table_name"].str.partition(".")[2],
    )
    places = nodes.set_index("table_name")[["x", "y"]]
    lines = edges.join(places, on="parent").join(places.add_suffix("2"), on="child")
    lines = lines.assign(is_related=lines["parent"].isin(related) & lines["child"].isin(related))
    hidden = alt.Axis(labels=False, ticks=False, grid=False, domain=False, title=None)
    x = alt.X("x:Q", axis=hidden, scale=alt.Scale(domain=[-0.3, float(nodes["x"].max()) + 0.9]))
    y = alt.Y("y:Q", axis=hidden, scale=alt.Scale(domain=[1, 0]))
    faint = alt.condition("datum.is_related", alt.value(1.0), alt.value(0.25))
    drawn = (
        alt.Chart(lines)
        .mark_rule(color="#8d99a6")
        .encode(
            x=x,
            y=y,
            x2="x2",
            y2="y2",
            opacity=alt.condition("datum.is_related", alt.value(0.8), alt.value(0.08)),
        )
    )
    points = (
        alt.Chart(shown)
        .mark_circle(size=140)
        .encode(
            x=x,
            y=y,
            color=alt.Color("layer:N", scale=_scale(LAYER_COLOURS), legend=TOP),
            opacity=faint,
            tooltip=["table_name", "kind", "description"],
        )
        .add_params(alt.selection_point(name="table", fields=["table_name"], on="click"))
    )
    labels = (
        alt.Chart(shown)
        .mark_text(align="left", dx=9, fontSize=11, color="#8d99a6")
        .encode(x=x, y=y, text="label:N", opacity=faint)
    )
    whole: alt.LayerChart = (drawn + points + labels).properties(height=640)
    return whole


def _related(edges: pd.DataFrame, table: str) -> set[str]:
    """Return a table, all it is made of, and all that is made of it."""
    found = {table}
    for start, end in (("child", "parent"), ("parent", "child")):
        step = {table}
        while step:
            step = set(edges.loc[edges[start].isin(step), end]) - found
            found |= step
    return found
