"""Which movies a run fetches: everything, what changed, or what was named.

| the warehouse knows | the run fetches |
|---|---|
| nothing | the popular list, or with `--full` every id of the export |
| a cursor | what changed since, new movies of the list; what left the export is buried |
| movies, but no cursor that helps | the list and all the movies it tracks |
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from dlt.extract import DltSource

from marquee.bronze.reader import BronzeReader
from marquee.core.errors import MarqueeError, chain
from marquee.core.progress import Progress
from marquee.sources.tmdb import Window
from marquee.sources.tmdb.deletions import check_deletion_ratio
from marquee.sources.tmdb.export import Export, NoExport, read_export
from marquee.sources.tmdb.load_request import LoadRequest
from marquee.sources.tmdb.responses import Document, NoChanges, movie_document
from marquee.sources.tmdb.settings import TmdbSettings
from marquee.sources.tmdb.state import Cursor
from marquee.sources.tmdb.tables import QUARANTINE_TMDB, RAW_MOVIES

# Of the 14 days that TMDb allows: at some 6,000 ids a day three days are 180 of the 500 pages that
# it serves of a window, and a year's windows are read in parallel.
WINDOW_DAYS = 3

LOOKED_UP = 1000  # documents read from bronze at a time


@dataclass(frozen=True)
class Plan:
    """What a run is to do.

    Attributes:
        fetch: the movies to ask for, each once.
        next_cursor: the cursor when all that is done.
        tombstones: movies that are gone without being asked for: the export lacks them.
        export: that export.

    """

    fetch: Sequence[int]
    next_cursor: Cursor
    tombstones: Sequence[int] = ()
    export: Export | None = None


class Planner:
    """Makes the plan of a run out of what TMDb lists and what the warehouse knows."""

    def __init__(
        self,
        source: Callable[..., DltSource],
        warehouse: BronzeReader,
        settings: TmdbSettings,
        today: date,
        progress: Progress,
    ) -> None:
        """Take where to look.

        Args:
            source: `tmdb_source` with everything given but `pages` and `windows`.
            warehouse: what is known.
            settings: how far the change log is followed and what is believed of deletions.
            today: TMDb's date, up to which the plan is good.
            progress: where to say what is being read, and what is done instead of what.

        """
        self._source = source
        self._warehouse = warehouse
        self._settings = settings
        self._today = today
        self._progress = progress

    def plan(self, asked: LoadRequest, cursor: Cursor) -> Plan:
        """Decide what to fetch.

        Raises:
            MarqueeError: TMDb's lists cannot be used, or are not to be believed.

        """
        if asked.since and asked.since > self._today:
            raise MarqueeError(f"--since {asked.since} is to come: at TMDb it is {self._today}.")
        if asked.ids:
            return Plan(asked.ids, cursor)
        if asked.replay:
            quarantined = self._warehouse.refused(QUARANTINE_TMDB.name, RAW_MOVIES.name, "movie_id")
            return Plan(quarantined, cursor)
        tracked = self._warehouse.keys(RAW_MOVIES.name, "movie_id")
        if asked.full:
            return self._everything(tracked, cursor, asked.limit)
        listed = self._listed(asked.pages, tracked)
        if not tracked:
            return Plan(listed, Cursor(self._today))
        try:
            changed = self._changed(asked.since, cursor)
        except NoChanges as error:
            return self._fallback(str(error), listed, tracked, cursor)
        known = set(tracked)
        fetch = dict.fromkeys(
            [
                *(one for one in changed if cursor.is_full or one in known),
                *(one for one in listed if one not in known),
            ]
        )
        next_cursor = cursor
        if cursor.day and (asked.since is None or asked.since <= cursor.day):
            next_cursor = Cursor(self._today, cursor.is_full)
        try:
            export = read_export(self._settings, self._today)
        except NoExport as error:
            self._progress.note(f"{error} Deletions are noticed by their 404s only.")
            return Plan(list(fetch), next_cursor)
        tombstones, recheck = self._find_deleted(tracked, export, besides=fetch)
        return Plan([*fetch, *recheck], next_cursor, tombstones, export)

    def _everything(self, tracked: list[int], cursor: Cursor, limit: int | None) -> Plan:
        """Plan a backfill: what the export lists, and what is tracked and alive besides."""
        export = read_export(self._settings, self._today)
        if limit is not None:
            # A part says nothing of the rest, so the cursor stays where the rest left it.
            part: list[int] = export.ids[:limit].to_pylist()
            return Plan(part, cursor if tracked else Cursor(self._today))
        tombstones, recheck = self._find_deleted(tracked, export, besides=())
        fetch: list[int] = export.ids.to_pylist()
        return Plan([*fetch, *recheck], Cursor(self._today, is_full=True), tombstones, export)

    def _fallback(self, reason: str, listed: list[int], tracked: list[int], cursor: Cursor) -> Plan:
        """Plan to ask for all that is known, since nobody says what changed."""
        if cursor.is_full:
            try:
                plan = self._everything(tracked, cursor, None)
            except NoExport as error:
                self._progress.note(str(error))
            else:
                self._progress.note(
                    f"{reason}: all {len(plan.fetch):,} movies of the export are fetched instead."
                )
                return plan
        alive = [one for one, _, _ in self._not_deleted(tracked)]
        self._progress.note(
            f"{reason}: all {len(alive):,} movies that the warehouse tracks are fetched instead."
        )
        return Plan(list(dict.fromkeys([*listed, *alive])), Cursor(self._today, cursor.is_full))

    def _listed(self, pages: int, tracked: list[int]) -> list[int]:
        """Read the popular list.

        Raises:
            MarqueeError: it is empty although the warehouse tracks movies.

        """
        self._progress.stage("reading the list", pages, "pages at most")
        listed: dict[int, None] = {}
        for place, entry in enumerate(self._source(pages=pages).resources["popular"]):
            listed[entry["id"]] = None
            if place % 20 == 0:
                self._progress.advance(f"{len(listed):,} movies")
        if tracked and not listed:
            raise MarqueeError(
                f"The list of popular movies is empty, and the warehouse tracks {len(tracked):,}.",
                "Nothing was fetched: an answer that poor is not to be believed.",
            )
        return list(listed)

    def _changed(self, since: date | None, cursor: Cursor) -> list[int]:
        """Read the change log from a day on, that day included.

        Raises:
            NoChanges: there is no day to begin with, or no log that reaches back to it.

        """
        start = since or cursor.day
        if start is None:
            raise NoChanges("No run has noted yet how far it came")
        if start > self._today:
            raise NoChanges(f"The change log was read up to {start}, and TMDb has {self._today}")
        if not since and (self._today - start).days > self._settings.bridge_days:
            raise NoChanges(
                f"The change log was last read on {start}, more than "
                f"{self._settings.bridge_days:g} days ago (sources.tmdb.bridge_days)"
            )
        days = list(windows(start, self._today))
        self._progress.stage("reading the changes", len(days), "windows")
        changed: dict[int, None] = {}
        begun: set[str] = set()
        try:
            for entry in self._source(windows=days).resources["changes"]:
                changed[entry["id"]] = None
                if entry["_windows_start"] not in begun:
                    begun.add(entry["_windows_start"])
                    self._progress.advance(f"{len(changed):,} movies")
        except Exception as error:
            # dlt wraps what a hook raises
            for cause in chain(error):
                if isinstance(cause, NoChanges):
                    raise cause from None
            raise
        return list(changed)

    def _find_deleted(
        self, tracked: list[int], export: Export, besides: Iterable[int]
    ) -> tuple[list[int], list[int]]:
        """Look for tracked movies that left the export.

        Returns:
            Those that did, and those to be asked for: an export is made in the morning, so a movie
            that bronze has since that day only may be younger than it. Adult movies are not in it
            and hence in neither.

        Raises:
            DeletionThresholdExceeded: too many are gone.

        """
        asked_anyway = set(besides)
        made_at = datetime.combine(export.day, time.min)
        tombstones: list[int] = []
        recheck: list[int] = []
        suspects = (one for one in export.lacks(tracked) if one not in asked_anyway)
        for movie_id, document, arrived in self._not_deleted(suspects):
            if document.get("adult") is True:
                continue
            (tombstones if arrived < made_at else recheck).append(movie_id)
            check_deletion_ratio(
                len(tombstones) + len(recheck),
                len(tracked),
                self._settings.max_gone_share,
                export.url,
            )
        return tombstones, recheck

    def _not_deleted(self, ids: Iterable[int]) -> Iterator[tuple[int, Document, datetime]]:
        """Keep the movies without a tombstone, with their newest document and its arrival."""
        for piece in pieces(list(ids), LOOKED_UP):
            found = self._warehouse.newest(RAW_MOVIES.name, "movie_id", piece)
            for movie_id in piece:
                newest = found.get(movie_id)
                document = newest and movie_document(newest.document)
                if newest and document:
                    yield movie_id, document, newest.ingested_at


def windows(start: date, end: date) -> Iterator[Window]:
    """Cut the days from `start` to `end` into windows of the change log.

    Neighbours share a day: whether TMDb counts an end date in or not, none is left out.
    """
    while True:
        last = min(start + timedelta(days=WINDOW_DAYS), end)
        yield {"start": start.isoformat(), "end": last.isoformat()}
        if last == end:
            return
        start = last


def pieces(ids: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    """Cut a sequence into pieces of `size`, the last one shorter."""
    for start in range(0, len(ids), size):
        yield ids[start : start + size]
