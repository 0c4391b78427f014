"""Which movies a run fetches: everything, what changed, or what was named.

| the warehouse has | the run fetches |
|---|---|
| nothing | the popular list, or with `--full` every id of the export |
| a cursor | what changed since, new movies of the list; what left the export gets a tombstone |
| movies, but no cursor that helps | the list and all the movies it tracks |

Besides, movies with a tombstone that are named again, and movies in quarantine that may be well.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial

from marquee.core.errors import MarqueeError, chain
from marquee.core.progress import Progress
from marquee.sources.tmdb.deletions import ALWAYS_PLAUSIBLE, check_deletion_ratio
from marquee.sources.tmdb.export import Export, NoExport, read_export
from marquee.sources.tmdb.lists import ListRead, Page, PageRequest, read_lists, read_popular
from marquee.sources.tmdb.load_request import LoadRequest
from marquee.sources.tmdb.reader import MovieReader
from marquee.sources.tmdb.responses import Document, NoChanges, movie_document
from marquee.sources.tmdb.settings import TmdbSettings
from marquee.sources.tmdb.state import Cursor

# Of the 14 days that TMDb allows: at some 6,000 ids a day three days are 180 of the 500 pages that
# it serves of a window, and a year's windows are read in parallel.
WINDOW_DAYS = 3
# The first day of TMDb's change log, as its documentation of /movie/changes gives it.
CHANGE_LOG_BEGINS = date(2012, 10, 5)

LOOKED_UP = 1000  # documents read from bronze at a time


@dataclass(frozen=True)
class Plan:
    """What a run is to do.

    Attributes:
        fetch: the movies to request, each once.
        next_cursor: the cursor when all that is done.
        tombstones: movies that are deleted without being requested: the export lacks them.
        export: that export.
        dropped: entries of TMDb's lists whose id no movie can have.
    """

    fetch: Sequence[int]
    next_cursor: Cursor
    tombstones: Sequence[int] = ()
    export: Export | None = None
    dropped: int = 0


@dataclass(frozen=True)
class Planner:
    """Makes the plan of a run out of what TMDb lists and what the warehouse has.

    Attributes:
        fetch: requests pages of a list, by the source's resource of that name.
        reader: reads what bronze has.
        settings: how far the change log is followed, and how many deletions are plausible.
        today: TMDb's date, up to which the plan is good.
        progress: where to report what is being read, and what is done instead of what.
    """

    fetch: Callable[[str, list[PageRequest]], Iterable[Page]]
    reader: MovieReader
    settings: TmdbSettings
    today: date
    progress: Progress

    def plan(self, request: LoadRequest, cursor: Cursor, retry: Iterable[int] = ()) -> Plan:
        """Decide what to fetch.

        Args:
            request: what a person requested.
            cursor: how far the warehouse is in step with TMDb.
            retry: movies in quarantine to request again, unless the request names its movies.

        Raises:
            MarqueeError: TMDb's lists cannot be used, or lack more than is plausible.
        """
        if request.since and request.since > self.today:
            raise MarqueeError(f"--since {request.since} is to come: at TMDb it is {self.today}.")
        if request.ids:
            return Plan(request.ids, cursor)
        if request.replay:
            return Plan(self.reader.quarantined(), cursor)
        tracked = self.reader.movie_ids()
        if request.full:
            return self._everything(tracked, cursor, request.limit, retry)
        listed = self._listed(request.pages, tracked)
        if not tracked:
            next_cursor = cursor if listed.problems else Cursor(self.today)
            fetch = dict.fromkeys([*listed.ids, *retry])
            return Plan(list(fetch), next_cursor, dropped=listed.dropped)
        try:
            changed = self._changed(request.since, cursor)
        except NoChanges as error:
            return self._fallback(str(error), listed, tracked, cursor, retry)
        try:
            export = read_export(self.settings, self.today)
        except NoExport as error:
            self.progress.note(f"{error} Deletions are noticed by their 404s only.")
            export = None
        known = set(tracked)
        fetch = dict.fromkeys(
            [
                *(one for one in changed.ids if cursor.is_full or one in known),
                *(one for one in listed.ids if one not in known),
                *self._named_again(listed.ids, export),
                *retry,
            ]
        )
        next_cursor = cursor
        if (
            cursor.day
            and (request.since is None or request.since <= cursor.day)
            and not (changed.problems or listed.problems)
        ):
            next_cursor = Cursor(self.today, cursor.is_full)
        dropped = listed.dropped + changed.dropped
        if export is None:
            return Plan(list(fetch), next_cursor, dropped=dropped)
        tombstones, recheck = self._find_deleted(tracked, export, besides=fetch, listed=listed.ids)
        dropped += export.dropped
        return Plan([*fetch, *recheck], next_cursor, tombstones, export, dropped)

    def _everything(
        self, tracked: list[int], cursor: Cursor, limit: int | None, retry: Iterable[int]
    ) -> Plan:
        """Plan a backfill: what the export lists, and what is tracked and not deleted besides."""
        export = read_export(self.settings, self.today)
        if limit is not None:
            # A part says nothing of the rest, so the cursor stays where the rest left it.
            part: list[int] = export.ids[:limit].to_pylist()
            next_cursor = cursor if tracked else Cursor(self.today)
            return Plan(part, next_cursor, dropped=export.dropped)
        tombstones, recheck = self._find_deleted(tracked, export)
        fetch = dict.fromkeys([*export.ids.to_pylist(), *recheck, *retry])
        next_cursor = Cursor(self.today, is_full=True)
        return Plan(list(fetch), next_cursor, tombstones, export, export.dropped)

    def _fallback(
        self,
        reason: str,
        listed: ListRead,
        tracked: list[int],
        cursor: Cursor,
        retry: Iterable[int],
    ) -> Plan:
        """Plan to request all that is known, since nobody reports what changed."""
        if cursor.is_full:
            try:
                plan = self._everything(tracked, cursor, None, retry)
            except NoExport as error:
                self.progress.note(str(error))
            else:
                self.progress.note(
                    f"{reason}: all {len(plan.fetch):,} movies of the export are fetched instead."
                )
                return plan
        current = [one for one, _, _ in self._not_deleted(tracked)]
        self.progress.note(
            f"{reason}: all {len(current):,} movies that the warehouse tracks are fetched instead."
        )
        next_cursor = cursor if listed.problems else Cursor(self.today, cursor.is_full)
        fetch = dict.fromkeys([*listed.ids, *current, *retry])
        return Plan(list(fetch), next_cursor, dropped=listed.dropped)

    def _listed(self, pages: int, tracked: list[int]) -> ListRead:
        """Read the popular list, which is not empty where the warehouse tracks movies."""
        self.progress.stage("reading the list", pages, "page", is_limit=True)
        listed = read_popular(
            partial(self.fetch, "popular"),
            pages,
            on_page=lambda count: self.progress.advance(f"{count:,} movies"),
        )
        if tracked and not listed.ids:
            raise MarqueeError(
                f"The list of popular movies is empty, and the warehouse tracks {len(tracked):,}.",
                "Nothing was fetched: such an answer is not plausible.",
            )
        self._report(listed)
        return listed

    def _changed(self, since: date | None, cursor: Cursor) -> ListRead:
        """Read the change log from a day on, that day included; else raise `NoChanges`."""
        start = since or cursor.day
        if start is None:
            raise NoChanges("No run has noted yet how far it came")
        if start > self.today:
            raise NoChanges(f"The change log was read up to {start}, and TMDb has {self.today}")
        if not since and (self.today - start).days > self.settings.bridge_days:
            raise NoChanges(
                f"The change log was last read on {start}, more than "
                f"{self.settings.bridge_days:g} days ago (sources.tmdb.bridge_days)"
            )
        days = list(windows(start, self.today))
        self.progress.stage("reading the changes", len(days), "window")
        try:
            changed = read_lists(partial(self.fetch, "changes"), "The change log", days)
        except Exception as error:
            # dlt wraps what a hook raises
            for cause in chain(error):
                if isinstance(cause, NoChanges):
                    raise cause from None
            raise
        self._report(changed)
        return changed

    def _report(self, read: ListRead) -> None:
        """Report where a list contradicts itself."""
        for problem in read.problems:
            self.progress.note(
                f"{problem}. What it names is used; the cursor stays, so the next run reads it "
                "again."
            )

    def _named_again(self, listed: Collection[int], export: Export | None) -> list[int]:
        """Return the movies with a tombstone that the export or the list names."""
        tombstones = self.reader.tombstones()
        on_list = set(listed)
        in_list = [one for one in tombstones if one in on_list]
        return [*in_list, *(export.lists(tombstones) if export else ())]

    def _find_deleted(
        self,
        tracked: list[int],
        export: Export,
        besides: Iterable[int] = (),
        listed: Iterable[int] = (),
    ) -> tuple[list[int], list[int]]:
        """Look for tracked movies that left the export.

        Returns:
            Those that are deleted by that alone, and those to request first: more than a handful,
            for then the export is short rather than the movies deleted; all of them, if lines of
            the export cannot be read; movies that the popular list names; and movies that bronze
            has since the export's day only, which may be younger than it. Adult movies are not in
            it and hence in neither.

        Raises:
            MarqueeError: too many are missing.
        """
        requested_anyway = set(besides)
        share = self.settings.max_deleted_share
        on_list = set(listed) if share < 1 else set()
        made_at = datetime.combine(export.day, time.min)
        tombstones: list[int] = []
        recheck: list[int] = []
        suspects = (one for one in export.lacks(tracked) if one not in requested_anyway)
        for movie_id, document, arrived in self._not_deleted(suspects):
            if document.get("adult") is True:
                continue
            is_certain = arrived < made_at and movie_id not in on_list
            (tombstones if is_certain else recheck).append(movie_id)
            check_deletion_ratio(len(tombstones) + len(recheck), len(tracked), share, export.url)
        if share < 1 and (len(tombstones) > ALWAYS_PLAUSIBLE or export.dropped):
            tombstones, recheck = [], [*tombstones, *recheck]
        return tombstones, recheck

    def _not_deleted(self, ids: Iterable[int]) -> Iterator[tuple[int, Document, datetime]]:
        """Keep the movies without a tombstone, with their newest document and its arrival."""
        for piece in pieces(list(ids), LOOKED_UP):
            found = self.reader.newest(piece)
            for movie_id in piece:
                newest = found.get(movie_id)
                document = newest and movie_document(newest.document)
                if newest and document:
                    yield movie_id, document, newest.ingested_at


def windows(start: date, end: date) -> Iterator[PageRequest]:
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
