"""Charts: from a table of `queries` to Altair, in colours that hold on light and dark."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

PLAIN, QUIET, GOOD, BAD = "#c8841a", "#8d99a6", "#2e9e6b", "#dc4c4c"
STATUS_COLOURS = {
    "succeeded": GOOD,
    "running": "#3b82f6",
    "failed": BAD,
    "unfinished": "#e08a1e",
    "stopped": "#8b8b8b",
}
LAYER_COLOURS = {
    "bronze": "#b0743a",
    "silver": QUIET,
    "snapshots": "#7a6cc9",
    "gold": "#d4a017",
    "ops": "#3b82f6",
}
HEIGHT = 260
# A phone has no room for all names in one line.
TOP = alt.Legend(orient="top", title=None, columns=alt.expr("width < 500 ? 2 : 6"))
LABELS = alt.expr("width < 500 ? 160 : 400")  # pixels of a name beside its bar
WEEKEND = pd.Timedelta(days=3)  # Friday to Sunday


def _scale(colours: dict[str, str]) -> alt.Scale:
    return alt.Scale(domain=list(colours), range=list(colours.values()))


def _numbers(unit: str = "") -> alt.Axis:
    """Label an axis of numbers: a thousand million is a B to people, a G to the formatter."""
    return alt.Axis(labelExpr=f"replace(format(datum.value, '{unit}~s'), 'G', 'B')", tickCount=5)


def _times(moments: pd.Series) -> alt.Axis:
    """Label an axis of moments as finely as they differ, and as often as a phone has room for."""
    span = moments.max() - moments.min() if len(moments) else pd.Timedelta(0)
    forms = {400: "%b %Y", 3: "%b %-d", 0.01: "%b %-d, %H:%M", -1: "%b %-d, %H:%M:%S"}
    form = next(form for days, form in forms.items() if span > pd.Timedelta(days=days))
    return alt.Axis(format=form, tickCount=5, labelOverlap=True, labelBound=True, grid=False)


def lines(
    table: pd.DataFrame,
    x: str,
    y: str,
    title: str,
    *,
    unit: str = "",
    colour: str = "",
    colours: dict[str, str] | None = None,
    height: int = HEIGHT,
    **mark: Any,
) -> alt.Chart:
    """Draw the column `y`, which people call `title`, over time or over years.

    `x` is a column of moments, or of years if it ends with `_year`. `unit` is "$" for money. Each
    value of the column `colour` has a line of its own, in `colours` if given. The height is in
    pixels, and `mark` are options of the lines: interpolate ...
    """
    is_year = x.endswith("_year")
    axis = alt.Axis(format="d", tickCount=6, grid=False) if is_year else _times(table[x])
    scale = _scale(colours) if colours else alt.Undefined
    drawn: alt.Chart = (
        alt.Chart(table, height=height)
        .mark_line(**{"point": True, **mark})
        .encode(
            x=alt.X(f"{x}:{'Q' if is_year else 'T'}", title=None, axis=axis),
            y=alt.Y(f"{y}:Q", title=title, axis=_numbers(unit), scale=alt.Scale(zero=False)),
            color=alt.Color(colour, legend=TOP, scale=scale) if colour else alt.value(PLAIN),
            tooltip=[
                alt.Tooltip(x, title="year")
                if is_year
                else alt.Tooltip(x, title="at", format="%Y-%m-%d %H:%M"),
                *([colour] if colour else []),
                alt.Tooltip(y, title=title, format=f"{unit},.0f" if unit else ",.10~g"),
            ],
        )
    )
    return drawn


def timeline(runs: pd.DataFrame, now: pd.Timestamp) -> alt.LayerChart:
    """Runs as bars from start to end, a lane a job; one without an end shows where it began."""
    shown = runs.assign(
        status=runs["status"].str.lower(),
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
    x = alt.X("started_at:T", title=None, axis=_times(shown["started_at"]))
    # The tick is there for runs that are too short for a bar, or have no end.
    drawn: alt.LayerChart = chart.mark_bar(height=16, cornerRadius=3).encode(
        x=x, x2="until:T"
    ) + chart.mark_tick(orient="vertical", thickness=3, size=22).encode(x=x)
    return drawn


def bars(table: pd.DataFrame, value: str, name: str, title: str, unit: str = "") -> alt.LayerChart:
    """Rank the rows of a table by a value, as bars with the value at their end."""
    form = f"{unit},.2f" if unit else ",.1~f"
    base = alt.Chart(table, height=alt.Step(24)).encode(
        x=alt.X(f"{value}:Q", title=title, axis=_numbers(unit), scale=_with_room(table[value])),
        y=alt.Y(f"{name}:N", sort="-x", title=None, axis=alt.Axis(labelLimit=LABELS)),
        tooltip=[name, alt.Tooltip(value, title=title, format=form)],
    )
    drawn: alt.LayerChart = base.mark_bar(color=PLAIN, cornerRadiusEnd=3) + base.mark_text(
        align="left", dx=5, color=QUIET
    ).encode(text=alt.Text(f"{value}:Q", format=form))
    return drawn


def _with_room(values: pd.Series, room: float = 0.25) -> alt.Scale:
    """Leave room for a text behind the longest bar."""
    return alt.Scale(domain=[0, float(values.max() or 1) * (1 + room)], nice=False)


def genre_returns(genres: pd.DataFrame) -> alt.LayerChart:
    """Genres by what comes back for a dollar of budget, and by how many movies they have.

    A genre has a row of its own: names never overlap.
    """
    shown = genres.assign(movies=genres["movie_count"].map("{:,} movies".format))
    base = alt.Chart(shown, height=alt.Step(24)).encode(
        x=alt.X(
            "revenue_per_budget_usd:Q",
            title="revenue per dollar of budget",
            axis=alt.Axis(format="$,.0f", tickCount=5),
            scale=_with_room(shown["revenue_per_budget_usd"], 0.4),
        ),
        y=alt.Y("genre_name:N", sort="-x", title=None),
        tooltip=[
            alt.Tooltip("genre_name", title="genre"),
            alt.Tooltip("movie_count", title="movies", format=","),
            alt.Tooltip("revenue_per_budget_usd", title="revenue per dollar", format="$,.2f"),
            alt.Tooltip("weighted_revenue_usd", title="its share of revenue", format="$,.0f"),
        ],
    )
    drawn: alt.LayerChart = (
        base.mark_rule(color=PLAIN, strokeWidth=2).encode(x2=alt.datum(0))
        + base.mark_circle(color=PLAIN, opacity=1).encode(
            size=alt.Size("movie_count:Q", legend=None, scale=alt.Scale(range=[40, 400]))
        )
        + base.mark_text(align="left", dx=14, color=QUIET).encode(text="movies")
    )
    return drawn


def by_region(
    days: pd.DataFrame, value: str, title: str, releases: pd.DataFrame
) -> alt.Chart | alt.LayerChart:
    """Draw money per day, a line per region, and the weekends in which titles were released."""
    drawn = lines(days, "report_date", value, title, unit="$", colour="region", point=False)
    if releases.empty:
        return drawn
    shown = releases.groupby("release_date", as_index=False)["title_name"].agg(", ".join)
    middle = days["report_date"].min() + (days["report_date"].max() - days["report_date"].min()) / 2
    shown = shown.assign(
        until=shown["release_date"] + WEEKEND,
        is_late=shown["release_date"] > middle,
        line=shown.index % 3 * 14 + 8,  # names of weekends that follow stand below each other
    )
    base = alt.Chart(shown).encode(
        x=alt.X("release_date:T", title=None), tooltip=["title_name", "release_date"]
    )
    name = base.mark_text(
        y=0,
        dy=alt.expr("datum.line"),
        dx=alt.expr("datum.is_late ? -4 : 4"),
        align=alt.expr("datum.is_late ? 'right' : 'left'"),
        color=PLAIN,
        fontWeight="bold",
    )
    band = base.mark_rect(color=PLAIN, opacity=0.25)
    marked: alt.LayerChart = band.encode(x2="until:T") + drawn + name.encode(text="title_name:N")
    return marked


def retention(cohorts: pd.DataFrame) -> alt.LayerChart:
    """Draw the share of each month's fans that came back, month after month, as a heat map."""
    later = cohorts.loc[cohorts["months_since_first_seen"] > 0, "retention_pct"]
    most = float(later.max()) if len(later) else 100.0  # the first month is 100 % of itself
    base = alt.Chart(cohorts, height=alt.Step(30)).encode(
        x=alt.X("months_since_first_seen:O", title="months later", axis=alt.Axis(labelAngle=0)),
        y=alt.Y("yearmonth(acquisition_month):O", title=None, axis=alt.Axis(format="%b %Y")),
        tooltip=[
            alt.Tooltip("acquisition_month", title="first seen", format="%b %Y"),
            alt.Tooltip("fan_count", title="fans", format=","),
            alt.Tooltip("active_fan_count", title="came back", format=","),
            alt.Tooltip("retention_pct", title="%", format=".1f"),
        ],
    )
    scale = alt.Scale(scheme="goldorange", domain=[0, most], clamp=True)
    drawn: alt.LayerChart = base.mark_rect(cornerRadius=3).encode(
        color=alt.Color("retention_pct:Q", scale=scale, legend=None)
    ) + base.mark_text().encode(
        text=alt.Text("retention_pct:Q", format=".0f"),
        color=alt.condition(
            alt.datum.retention_pct > most / 2, alt.value("#ffffff"), alt.value("#22252b")
        ),
    )
    return drawn


def franchises_and_tmdb(franchises: pd.DataFrame) -> alt.LayerChart:
    """Draw the studio's box office of each franchise next to TMDb's revenue of the same movies."""
    sides = {"gross_usd": "the studio", "tmdb_revenue_usd": "TMDb"}
    long = franchises.rename(columns=sides).melt(
        id_vars="franchise", value_vars=list(sides.values()), var_name="of", value_name="revenue"
    )
    long = long.dropna(subset="revenue")
    base = alt.Chart(long, height=alt.Step(16)).encode(
        x=alt.X(
            "revenue:Q", title="box office", axis=_numbers("$"), scale=_with_room(long["revenue"])
        ),
        y=alt.Y("franchise:N", title=None, sort=franchises["franchise"].tolist()),
        yOffset=alt.YOffset("of:N", sort=list(sides.values())),
        tooltip=["franchise", "of", alt.Tooltip("revenue", format="$,.0f")],
    )
    hues = dict(zip(sides.values(), (PLAIN, QUIET), strict=True))
    drawn: alt.LayerChart = base.mark_bar(cornerRadiusEnd=3).encode(
        color=alt.Color("of:N", scale=_scale(hues), legend=TOP)
    ) + base.mark_text(align="left", dx=4, color=QUIET, fontSize=10).encode(text="shown:N")
    return drawn.transform_calculate(shown="replace(format(datum.revenue, '$.3~s'), 'G', 'B')")


def metric_over_time(history: pd.DataFrame) -> alt.LayerChart:
    """Draw a metric of quality with what is tolerated."""
    x = alt.X("measured_at:T", title=None, axis=_times(history["measured_at"]))
    base = alt.Chart(history, height=HEIGHT).encode(x=x)
    drawn: alt.LayerChart = base.mark_line(point=True).encode(
        y=alt.Y("measured_value:Q", title="measured", axis=_numbers()),
        color=alt.condition("datum.is_passed", alt.value(GOOD), alt.value(BAD)),
        tooltip=["measured_at", "measured_value", "threshold"],
    ) + base.mark_line(strokeDash=[4, 4], color=BAD).encode(y="threshold:Q")
    return drawn
