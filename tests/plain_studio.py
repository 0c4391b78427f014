"""Gold of the sandbox's studio, recomputed in plain Python from the feed's files.

No SQL, no model and no rule of the project is used. The two seeds that are facts (exchange rates
and fan segments) are read from their files.
"""

from __future__ import annotations

import csv
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

from marquee.core.settings import ROOT

Rows = list[tuple[Any, ...]]
CENT = Decimal("0.01")
CLASSES = {"VERIFIED": "VERIFIED", "VERIFIED_LINKED": "VERIFIED", "GUEST": "GUEST"}
EVENT_TYPES = {"STREAM", "PURCHASE", "REVIEW", "WISHLIST", "TRAILER_VIEW"}
SEEDS = ROOT / "sqlmesh_project" / "seeds"


def seed(name: str) -> list[dict[str, str]]:
    """Return the rows of a seed's file."""
    with (SEEDS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def ratio(dividend: Decimal | int | None, divisor: Decimal | int | None) -> float | None:
    """Return the quotient; None where the divisor is 0 or a part is unknown."""
    return float(dividend) / float(divisor) if divisor and dividend is not None else None


def known_sum(values: Iterable[Any]) -> Any:
    """Return the sum of the known values; None where none is known."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def amount_of(text: Any) -> Decimal | None:
    """Return an amount of 0 or more."""
    return Decimal(str(text)) if text not in (None, "") and Decimal(str(text)) >= 0 else None


def month_of(day: date) -> int:
    """Return the number of a day's month."""
    return day.year * 12 + day.month - 1


@dataclass(frozen=True)
class Event:
    """An accepted interaction; `load` is the number of the batch that brought it."""

    interaction_id: str
    fan_id: str
    account_type: str
    event_type: str
    at: datetime
    title_id: str
    region: str | None
    country: str | None
    device: str | None
    usd: Decimal | None
    load: int


@dataclass
class Fan:
    """A fan with all events, oldest first."""

    events: list[Event] = field(default_factory=list)

    def attributes(self, load: int) -> tuple[str | None, str | None, str | None]:
        """Return region, country and preferred device as known after a load."""
        events = [event for event in self.events if event.load <= load]
        devices: dict[str, list[int]] = defaultdict(list)
        for place, event in enumerate(events):
            if event.device:
                devices[event.device].append(place)
        most_used = max(devices, key=lambda one: (len(devices[one]), devices[one][-1]), default="")
        return (
            next((one.region for one in reversed(events) if one.region), None),
            next((one.country for one in reversed(events) if one.country), None),
            most_used or None,
        )

    @property
    def now(self) -> tuple[str, str, str]:
        """Region, country and preferred device of today."""
        region, country, device = self.attributes(self.events[-1].load + 99)
        return region or "Unknown", country or "Unknown", device or "Unknown"

    @property
    def orders(self) -> list[Event]:
        """The purchases."""
        return [event for event in self.events if event.event_type == "PURCHASE"]

    @property
    def usd(self) -> Decimal:
        """What the fan paid."""
        return sum((order.usd for order in self.orders if order.usd is not None), Decimal(0))

    @property
    def group(self) -> tuple[str, str, str, int]:
        """Region, country and account type of today, and the month of the first event."""
        first, newest = self.events[0], self.events[-1]
        return (*self.now[:2], newest.account_type, month_of(first.at.date()))


class PlainStudio:
    """What gold must hold after all files of a feed; each table is a method of its name.

    Args:
        feed: folder of the three feeds.
        countries: codes that exist.
        movie_revenues: the revenue of each movie of TMDb, by number.
    """

    def __init__(
        self, feed: Path, countries: set[str], movie_revenues: dict[int, int | None]
    ) -> None:
        self.countries = countries
        self.movie_revenues = movie_revenues
        self.rates = {row["currency"]: Decimal(row["rate_usd"]) for row in seed("exchange_rates")}
        self.events = list(self._events(sorted((feed / "fan_interactions").iterdir())))
        self.records = self._records(sorted((feed / "box_office").iterdir()))
        self.described = {
            title["title_id"]: title
            for path in sorted((feed / "titles").iterdir())
            for title in json.loads(path.read_bytes())
        }
        self.fans: dict[str, Fan] = defaultdict(Fan)
        for event in sorted(self.events, key=lambda one: (one.at, one.interaction_id)):
            self.fans[event.fan_id].events.append(event)
        mentioned = {one.title_id for one in self.events} | {
            one["title_id"] for one in self.records
        }
        self.titles = {one: self.described.get(one, {}) for one in mentioned | {*self.described}}
        self.days = [event.at.date() for event in self.events]

    def _events(self, paths: list[Path]) -> Iterator[Event]:
        seen = set()
        for path in paths:
            for line in path.read_bytes().splitlines():
                try:
                    row = json.loads(line, parse_float=Decimal)
                except ValueError:
                    continue
                if not isinstance(row, dict) or not row.get("interaction_id"):
                    continue
                account_type = row["account_type"].strip().upper()
                at = datetime.fromisoformat(row["event_timestamp"]).replace(tzinfo=None)
                is_accepted = account_type in CLASSES and row["event_type"] in EVENT_TYPES
                if row["interaction_id"] in seen or not is_accepted or at.year > 2090:
                    continue
                seen.add(row["interaction_id"])
                paid, rate = amount_of(row["amount"]), self.rates.get(row["currency"])
                usd = None
                if paid is not None and rate is not None:
                    usd = (paid * rate).quantize(CENT, ROUND_HALF_UP)
                yield Event(
                    row["interaction_id"],
                    row["fan_id"],
                    account_type,
                    row["event_type"],
                    at,
                    row["title_id"],
                    row["region"],
                    row["country_code"] if row["country_code"] in self.countries else None,
                    row["device_type"],
                    usd,
                    int(path.name.split("_")[1]) if path.name.startswith("batch") else 1,
                )

    def _records(self, paths: list[Path]) -> list[dict[str, Any]]:
        newest = {}
        for path in paths:
            with path.open(encoding="utf-8", newline="") as file:
                header, *lines = csv.reader(file)
            for line in lines:
                if len(line) != len(header):
                    continue
                row: dict[str, Any] = dict(zip(header, line, strict=True))
                local, usd = (amount_of(row[f"gross_revenue_{one}"]) for one in ("local", "usd"))
                if local is not None and row["exchange_rate_usd"]:
                    converted = local * Decimal(row["exchange_rate_usd"])
                    converted = converted.quantize(CENT, ROUND_HALF_UP)
                    if usd is None or abs(usd - converted) > max(Decimal(1), converted / 100):
                        usd = converted
                row["usd"] = usd
                row["day"] = date.fromisoformat(row["report_date"])
                row["tickets"] = int(row["tickets_sold"]) if row["tickets_sold"].isdigit() else None
                newest[row["title_id"], row["theater_id"], row["day"]] = row
        return list(newest.values())

    def franchise(self, title_id: str) -> str:
        """Return the franchise of a title."""
        return self.titles[title_id].get("franchise") or "Standalone"

    def movie(self, title_id: str) -> int:
        """Return the number of a title's movie of TMDb; -1 where there is none."""
        number = self.titles[title_id].get("tmdb_id")
        return number if number in self.movie_revenues else -1

    def dim_titles(self) -> Rows:
        """Title, its movie, and what describes it."""
        names = ("genre", "sub_genre", "release_year", "runtime_minutes", "imdb_score", "rating")
        more = ("budget_usd", "studio", "director", "production_status")
        rows: Rows = [("-1", -1, "Unknown", "Unknown", *[None] * (len(names) + len(more)), False)]
        for title_id, title in self.titles.items():
            valid = dict(title)
            valid["budget_usd"] = amount_of(title.get("budget_usd"))
            score = title.get("imdb_score")
            valid["imdb_score"] = score if score is None or 0 <= score <= 10 else None
            described = [valid.get(name) for name in (*names, *more)]
            named = title.get("title_name") or title_id
            where = self.movie(title_id), named, self.franchise(title_id)
            rows.append((title_id, *where, *described, bool(title)))
        return rows

    def dim_fans(self) -> Rows:
        """Fan id, account, class, the attributes of today, first and newest event."""
        return [
            (
                fan_id,
                (account := fan.events[-1].account_type),
                CLASSES[account],
                *fan.now,
                fan.events[0].at,
                fan.events[-1].at,
            )
            for fan_id, fan in self.fans.items()
        ]

    def fan_history(self) -> Rows:
        """Fan id, number of the period, its attributes, and whether it is open."""
        rows: Rows = []
        for fan_id, fan in self.fans.items():
            periods: list[tuple[Any, ...]] = []
            for load in sorted({event.load for event in fan.events}):
                attributes = fan.attributes(load)
                if not periods or periods[-1] != attributes:
                    periods.append(attributes)
            for number, period in enumerate(periods, 1):
                rows.append((fan_id, number, *period, number == len(periods)))
        return rows

    def fact_daily_performance(self) -> Rows:
        """Title, day and region, and what happened there."""
        sold, done = defaultdict(list), defaultdict(list)
        for row in self.records:
            sold[row["title_id"], row["day"], row["region"] or "Unknown"].append(row)
        for event in self.events:
            done[event.title_id, event.at.date(), event.region or "Unknown"].append(event)
        rows: Rows = []
        for key in {*sold, *done}:
            records, events = sold[key], done[key]
            priced = [one for one in records if None not in (one["usd"], one["tickets"])]
            rows.append(
                (
                    *key,
                    known_sum(one["tickets"] for one in records) or 0,
                    known_sum(one["usd"] for one in records) or 0,
                    len({one["theater_id"] for one in records}),
                    sum(int(one["screen_count"]) for one in records),
                    ratio(
                        sum(one["usd"] for one in priced),
                        sum(one["tickets"] for one in priced),
                    ),
                    *_counts(events),
                    *_fans(events),
                )
            )
        return rows

    def agg_franchise_performance(self) -> Rows:
        """Franchise, and what its titles did."""
        rows: Rows = []
        gross: dict[str, Decimal] = {}
        for name in {self.franchise(one) for one in self.titles}:
            titles = {one for one in self.titles if self.franchise(one) == name}
            records = [one for one in self.records if one["title_id"] in titles]
            events = [one for one in self.events if one.title_id in titles]
            gross[name] = known_sum(one["usd"] for one in records) or Decimal(0)
            streams, purchases, paid = _counts(events)
            days = [one["day"] for one in records] + [one.at.date() for one in events]
            movies = {self.movie(one) for one in titles} - {-1}
            buyers = {one.fan_id for one in events if one.event_type == "PURCHASE"}
            rows.append(
                (
                    name,
                    len(titles),
                    known_sum(one["tickets"] for one in records) or 0,
                    gross[name],
                    purchases,
                    paid,
                    streams,
                    *_fans(events),
                    len(buyers),
                    ratio(len(buyers) * 100, len({one.fan_id for one in events})),
                    known_sum(amount_of(self.titles[one].get("budget_usd")) for one in titles),
                    min(days),
                    max(days),
                    ratio(gross[name], len(titles)),
                    len(movies),
                    known_sum(self.movie_revenues[one] for one in movies),
                )
            )
        return [(*row, 1 + sum(one > gross[row[0]] for one in gross.values())) for row in rows]

    def _groups(self) -> dict[tuple[str, str, str, int], list[Fan]]:
        groups = defaultdict(list)
        for fan in self.fans.values():
            groups[fan.group].append(fan)
        return groups

    def agg_fan_retention(self) -> Rows:
        """Group, months since the first, fans, those active then, and their share."""
        newest = month_of(max(self.days))
        rows: Rows = []
        for group, fans in self._groups().items():
            for month in range(group[-1], newest + 1):
                active = sum(
                    any(month_of(event.at.date()) == month for event in fan.events) for fan in fans
                )
                share = ratio(active * 100, len(fans))
                rows.append((*group, month - group[-1], len(fans), active, share))
        return rows

    def agg_fan_lifetime_value(self) -> Rows:
        """Group, and what its fans are worth."""
        newest = max(self.days)
        retained = {row[:5]: row[-1] for row in self.agg_fan_retention()}
        segments = sorted(seed("fan_segments"), key=lambda one: int(one["priority"]))
        rows: Rows = []
        for group, fans in self._groups().items():
            ages = [(newest - fan.events[-1].at.date()).days for fan in fans]
            orders = [order for fan in fans for order in fan.orders]
            usd = sum((fan.usd for fan in fans), Decimal(0))
            segment = Counter(
                next(
                    one["fan_segment"]
                    for one in segments
                    if age <= int(one["max_recency_days"])
                    and len(fan.orders) >= int(one["min_orders"])
                    and fan.usd >= Decimal(one["min_revenue_usd"])
                )
                for fan, age in zip(fans, ages, strict=True)
            )
            devices = Counter(fan.now[2] for fan in fans)
            rows.append(
                (
                    *group,
                    len(fans),
                    usd,
                    ratio(usd, len(fans)),
                    len(orders),
                    ratio(usd, sum(order.usd is not None for order in orders)),
                    sum(len(fan.events) for fan in fans),
                    sum(age < 7 for age in ages),
                    sum(age < 30 for age in ages),
                    *(retained.get((*group, month)) for month in (1, 3, 6)),
                    *(segment[one["fan_segment"]] for one in segments),
                    min(devices, key=lambda one: (-devices[one], one)),
                )
            )
        return rows


def _counts(events: list[Event]) -> tuple[int, int, Decimal]:
    """Streams, purchases, and the money of these."""
    purchases = [event for event in events if event.event_type == "PURCHASE"]
    paid = sum((one.usd for one in purchases if one.usd is not None), Decimal(0))
    return sum(event.event_type == "STREAM" for event in events), len(purchases), paid


def _fans(events: list[Event]) -> tuple[int, int, int]:
    """Distinct fans, verified ones, guests."""
    verified, guests = (
        {one.fan_id for one in events if CLASSES[one.account_type] == name}
        for name in ("VERIFIED", "GUEST")
    )
    return len(verified | guests), len(verified), len(guests)
