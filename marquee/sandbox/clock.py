"""The sandbox's clock: what the movie set looks like N days later.

Day N is day N-1 with the rules below applied once, so changes add up. Who is struck is drawn from
a hash of the day and the id, never from a random state: the same movie set on the same day is the
same bytes on every machine. Rules that strike a single film draw it from the `LOOKED_AT` most
popular ones while any of those qualifies: what people look at is what they edit, and a client that
reads the first pages of the popular list gets to see every kind of change.

Each day, in this order, on the films of the day before:

1. vanish: one film is deleted, as long as another one is left. `/movie/{id}` answers 404 from then
   on and the id export drops it; `/movie/popular` lists it for `LIST_LAG_DAYS` more days.
2. release: the most popular film that is Rumored, Planned, In Production or Post Production becomes
   Released. A missing or later release date becomes the clock's date, a revenue of 0 becomes a
   first gross.
3. rename: one film (two from 1,000 films on) gets another `title`; `original_title` stays.
4. lose a genre: one film with two genres or more loses one of them, the main one included.
5. lose a company: one film loses one of its companies, perhaps its only one.
6. rename a company: the first company of one film has another name in every film that lists it,
   also in films that are added later. Its id stays.
7. earn: the revenue of about half of the recent films (the latest twentieth of the released ones
   with a known revenue, by release date, up to the day) grows by up to 2 %.
8. vote: about a tenth of the released films get votes; `vote_average` moves by 0.1 at most and
   `popularity` by 5 % at most.
9. arrive: two of the films held back are added, the most popular ones first; every second one
   comes unreleased, without date, revenue or votes, and is left to rule 2.

Only the bundled movie set holds films back (see `hold_back`). A movie set from a file is served
whole on day 0 and gets no films later: the sandbox does not make up films.

Every rule strikes on every day as long as it finds a film, which for the bundled movie set is so
for at least 40 days, and for any movie set of 100 films or more on the first days (releases only
where it has unreleased films). In a movie set of a few films one film may be struck by several
rules, and rules without a candidate rest. A field that a document lacks or has retyped is left
alone.
"""

import struct
from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from enum import IntEnum
from functools import partial
from hashlib import blake2b
from itertools import islice
from typing import NamedTuple

from marquee.sandbox.documents import (
    Document,
    encode,
    is_integer,
    is_number,
    members,
    parse,
    popularity,
)

# The date of day 0: in documents (release dates that the clock sets, and which films are not out
# yet), and with --sandbox also of the server and of the arrival of its responses. Fixed, so that it
# depends on the movie set and the day alone, not on the time of the request. The studio's second
# batch is of the same day.
DAY_0 = date(2026, 1, 1)

# TMDb's lists are cached and lag behind its movies.
LIST_LAG_DAYS = 7

UNRELEASED = frozenset({"Rumored", "Planned", "In Production", "Post Production"})

# Enough for 80 days at two a day, and few enough that day 0 still looks whole.
HELD_BACK_SHARE = 0.05
ARRIVALS_PER_DAY = 2

# 15 pages of the popular list.
LOOKED_AT = 300

RECENT_SHARE = 0.05
EARNING_SHARE = 0.5
VOTING_SHARE = 0.1

# The popularity that TMDb gave to films that nobody had looked at yet.
FIRST_POPULARITY = 0.6

# Renames toggle a suffix, so that a second rename of the same thing is a change again.
TITLE_SUFFIX = " (Restored)"
COMPANY_SUFFIX = " Group"


class Draw(IntEnum):
    """The independent numbers that one hash yields, by what they decide."""

    VANISH = 0
    RENAME = 1
    GENRE = 2
    WHICH_GENRE = 3
    COMPANY = 4
    WHICH_COMPANY = 5
    COMPANY_RENAME = 6
    EARN = 7
    EARN_AMOUNT = 8
    VOTE = 9
    VOTE_COUNT = 10
    VOTE_AVERAGE = 11
    POPULARITY = 12
    FIRST_GROSS = 13
    HOLD_BACK = 14


class Vanished(NamedTuple):
    """A film that was deleted: since which day, and its last document."""

    day: int
    document: bytes


def date_of(day: int) -> date:
    """Return the date of a day of the clock."""
    return DAY_0 + timedelta(days=day)


def hold_back(documents: Mapping[int, bytes]) -> tuple[dict[int, bytes], dict[int, bytes]]:
    """Split a movie set into the films of day 0, and those held back in the order of arrival."""
    held = [key for key in documents if _draws(0, key)[Draw.HOLD_BACK] < HELD_BACK_SHARE * 2**32]
    held.sort(key=lambda key: (-popularity(parse(documents[key])), key))
    later = {key: documents[key] for key in held}
    return {key: text for key, text in documents.items() if key not in later}, later


def run(
    documents: Mapping[int, bytes], arrivals: Mapping[int, bytes], days: int
) -> tuple[Mapping[int, bytes], Mapping[int, Vanished], Mapping[int, tuple[int, ...]]]:
    """Let the clock run from day 0.

    Films that no rule struck keep their text byte for byte.

    Args:
        documents: JSON text by movie id on day 0; each an object with that id.
        arrivals: Films held back, in the order of their arrival.
        days: How many days to run, 0 or more.

    Returns:
        Documents, vanished films and changes, as `movies.MovieSet` has them.

    Raises:
        ValueError: If there are fewer than 0 days.
    """
    if days < 0:
        raise ValueError(f"day {days}: the sandbox's clock starts on day 0")
    if days == 0:
        return documents, {}, {}
    clock = _Clock(documents)
    changes: dict[int, tuple[int, ...]] = {}
    waiting = iter(arrivals.items())
    for day in range(1, days + 1):
        clock.begin(day)
        for rule in _RULES:
            rule(clock)
        for place, (movie_id, text) in enumerate(islice(waiting, ARRIVALS_PER_DAY)):
            _arrive(clock, movie_id, parse(text), is_released=not place)
        changes[day] = tuple(sorted(clock.changed))
    struck = {movie_id for ids in changes.values() for movie_id in ids}
    texts = {
        movie_id: encode(document) if movie_id in struck else documents[movie_id]
        for movie_id, document in clock.films.items()
    }
    return texts, clock.vanished, changes


class _Clock:
    """The films while the clock runs, as documents rather than text, and the draws of one day."""

    def __init__(self, documents: Mapping[int, bytes]) -> None:
        self.films: dict[int, Document] = {key: parse(text) for key, text in documents.items()}
        self.vanished: dict[int, Vanished] = {}
        self.company_names: dict[int, str] = {}

    def begin(self, day: int) -> None:
        """Draw for a day."""
        self.day = day
        self.today = date_of(day).isoformat()
        self.changed: set[int] = set()
        self._draws = {movie_id: _draws(day, movie_id) for movie_id in self.films}
        self._looked_at = set(self.by_popularity(self.films)[:LOOKED_AT])

    def candidates(self, wanted: Callable[[Document], bool]) -> list[int]:
        """Return the ids of the films that a rule may strike."""
        return [movie_id for movie_id, document in self.films.items() if wanted(document)]

    def by_popularity(self, candidates: Iterable[int]) -> list[int]:
        """Return the candidates, the most popular one first."""
        return sorted(
            candidates, key=lambda movie_id: (-popularity(self.films[movie_id]), movie_id)
        )

    def fraction(self, movie_id: int, draw: Draw) -> float:
        """Return the film's draw as a number from 0 to below 1."""
        return self._draws[movie_id][draw] / 2**32

    def first(self, candidates: Iterable[int], draw: Draw, count: int = 1) -> list[int]:
        """Draw `count` of the candidates, popular ones first, and note them as changed."""

        def lot(movie_id: int) -> tuple[bool, int, int]:
            return movie_id not in self._looked_at, self._draws[movie_id][draw], movie_id

        ids = sorted(candidates, key=lot)[:count]
        self.changed.update(ids)
        return ids

    def share(self, candidates: list[int], draw: Draw, share: float) -> list[int]:
        """Return about `share` of the candidates, at least one, and note them as changed."""
        ids = [movie_id for movie_id in candidates if self.fraction(movie_id, draw) < share]
        self.changed.update(ids)
        return ids or self.first(candidates, draw)


def _draws(day: int, movie_id: int) -> tuple[int, ...]:
    return struct.unpack(">16I", blake2b(f"{day}/{movie_id}".encode()).digest())


def _is_released(document: Document) -> bool:
    return document.get("status") not in UNRELEASED


def _is_known(document: Document, field_name: str) -> bool:
    value = document.get(field_name)
    return is_integer(value) and value > 0


def _toggled(name: str, suffix: str) -> str:
    return name.removesuffix(suffix) if name.endswith(suffix) else name + suffix


def _vanish(clock: _Clock) -> None:
    if len(clock.films) < 2:  # an emptied movie set would show nothing any more
        return
    for movie_id in clock.first(clock.films, Draw.VANISH):
        clock.vanished[movie_id] = Vanished(clock.day, encode(clock.films.pop(movie_id)))


def _release(clock: _Clock) -> None:
    unreleased = clock.candidates(lambda document: not _is_released(document))
    for movie_id in clock.by_popularity(unreleased)[:1]:
        clock.changed.add(movie_id)
        document = clock.films[movie_id]
        document["status"] = "Released"
        if not document.get("release_date") or str(document["release_date"]) > clock.today:
            document["release_date"] = clock.today
        if is_integer(document.get("revenue")) and document["revenue"] == 0:
            scale = document["budget"] if _is_known(document, "budget") else 5_000_000
            document["revenue"] = int(scale * (0.2 + clock.fraction(movie_id, Draw.FIRST_GROSS)))


def _rename(clock: _Clock) -> None:
    titled = clock.candidates(
        lambda document: isinstance(document.get("title"), str) and bool(document["title"])
    )
    for movie_id in clock.first(titled, Draw.RENAME, count=2 if len(titled) >= 1000 else 1):
        document = clock.films[movie_id]
        document["title"] = _toggled(document["title"], TITLE_SUFFIX)


def _lose(clock: _Clock, field_name: str, at_least: int, draw: Draw, which: Draw) -> None:
    candidates = clock.candidates(lambda document: len(members(document, field_name)) >= at_least)
    for movie_id in clock.first(candidates, draw):
        document = clock.films[movie_id]
        listed = members(document, field_name)
        lost = listed[int(clock.fraction(movie_id, which) * len(listed))]
        document[field_name] = [item for item in document[field_name] if item is not lost]


def _rename_company(clock: _Clock) -> None:
    candidates = clock.candidates(
        lambda document: any(
            isinstance(company.get("name"), str)
            for company in members(document, "production_companies")[:1]
        )
    )
    for chosen_id in clock.first(candidates, Draw.COMPANY_RENAME):
        chosen = members(clock.films[chosen_id], "production_companies")[0]
        name = _toggled(chosen["name"], COMPANY_SUFFIX)
        clock.company_names[chosen["id"]] = name
        for movie_id, document in clock.films.items():
            for company in members(document, "production_companies"):
                if company["id"] == chosen["id"]:
                    company["name"] = name
                    clock.changed.add(movie_id)


def _earn(clock: _Clock) -> None:
    known = clock.candidates(
        lambda document: (
            _is_released(document)
            and _is_known(document, "revenue")
            and isinstance(document.get("release_date"), str)
            and document["release_date"] <= clock.today
        )
    )
    known.sort(key=lambda movie_id: (clock.films[movie_id]["release_date"], movie_id))
    recent = known[-max(1, round(len(known) * RECENT_SHARE)) :]
    for movie_id in clock.share(recent, Draw.EARN, EARNING_SHARE):
        document = clock.films[movie_id]
        growth = document["revenue"] * 0.02 * clock.fraction(movie_id, Draw.EARN_AMOUNT)
        document["revenue"] += 1 + int(growth)


def _vote(clock: _Clock) -> None:
    candidates = clock.candidates(
        lambda document: _is_released(document) and is_integer(document.get("vote_count"))
    )
    for movie_id in clock.share(candidates, Draw.VOTE, VOTING_SHARE):
        document = clock.films[movie_id]
        had_votes = document["vote_count"] > 0
        at_most = max(3, document["vote_count"] // 200)
        document["vote_count"] += 1 + int(clock.fraction(movie_id, Draw.VOTE_COUNT) * at_most)
        if is_number(document.get("vote_average")):
            swing = clock.fraction(movie_id, Draw.VOTE_AVERAGE)
            average = document["vote_average"] + (swing - 0.5) * 0.2 if had_votes else 5 + 3 * swing
            document["vote_average"] = round(min(10.0, max(0.5, average)), 1)
        if is_number(document.get("popularity")):
            factor = 0.95 + 0.1 * clock.fraction(movie_id, Draw.POPULARITY)
            document["popularity"] = round(document["popularity"] * factor, 3) or FIRST_POPULARITY


def _arrive(clock: _Clock, movie_id: int, document: Document, *, is_released: bool) -> None:
    if not is_released:
        document |= {
            "release_date": "",
            "revenue": 0,
            "status": "In Production",
            "vote_average": 0,
            "vote_count": 0,
        }
    for company in members(document, "production_companies"):
        company["name"] = clock.company_names.get(company["id"], company["name"])
    clock.films[movie_id] = document
    clock.changed.add(movie_id)


_RULES: tuple[Callable[[_Clock], None], ...] = (
    _vanish,
    _release,
    _rename,
    partial(_lose, field_name="genres", at_least=2, draw=Draw.GENRE, which=Draw.WHICH_GENRE),
    partial(
        _lose,
        field_name="production_companies",
        at_least=1,
        draw=Draw.COMPANY,
        which=Draw.WHICH_COMPANY,
    ),
    _rename_company,
    _earn,
    _vote,
)
