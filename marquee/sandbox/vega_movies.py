"""The bundled movie set: the films of `data/movies.csv` in the shape of TMDb's `/movie/{id}`.

The mapping follows the facts in the table; the few things added to them are named in
`data/README.md`. What is not known becomes what TMDb answers for unknown: 0 for money, runtime and
votes, `""` for texts and dates, null for references, an empty list for lists. The table's dirt is
kept on purpose.
"""

import csv
import math
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from marquee.sandbox import clock, genres
from marquee.sandbox.documents import Document, encode

_TABLE = Path(__file__).with_name("data") / "movies.csv"

# Far above TMDb's own ids (some 1.5 million), so that the two are never taken for one another,
# and below 2^31.
FIRST_MOVIE_ID = 90_000_001
FIRST_COMPANY_ID = 90_000_001

# The main genre comes first, then what the creative type and the source add.
_MAJOR_GENRES = {
    "Action": (genres.ACTION,),
    "Adventure": (genres.ADVENTURE,),
    "Black Comedy": (genres.COMEDY,),
    "Comedy": (genres.COMEDY,),
    "Concert/Performance": (genres.MUSIC,),
    "Documentary": (genres.DOCUMENTARY,),
    "Drama": (genres.DRAMA,),
    "Horror": (genres.HORROR,),
    "Musical": (genres.MUSIC,),
    "Romantic Comedy": (genres.COMEDY, genres.ROMANCE),
    "Thriller/Suspense": (genres.THRILLER,),
    "Western": (genres.WESTERN,),
}
_CREATIVE_GENRES = {
    "Factual": (genres.DOCUMENTARY,),
    "Fantasy": (genres.FANTASY,),
    "Historical Fiction": (genres.HISTORY,),
    "Kids Fiction": (genres.FAMILY,),
    "Science Fiction": (genres.SCIENCE_FICTION,),
    "Super Hero": (genres.ACTION,),
}
_SOURCE_GENRES = {
    "Based on Musical/Opera": (genres.MUSIC,),
    "Musical Group Movie": (genres.MUSIC,),
    "Traditional/Legend/Fairytale": (genres.FANTASY,),
}
_MAX_GENRES = 3

# Distributors of which every film in the table is a Hindi film; any other language is not known
# and taken for English, since the table lists films as released in the United States.
_HINDI_DISTRIBUTORS = frozenset(
    {"AdLab Films", "Reliance Big Pictures", "UTV Communications", "Yash Raj Films"}
)

# Where the table shortens a name within a pair such as `Sony/Columbia`.
_SHORT_NAMES = {
    "Focus": "Focus Features",
    "Goldwyn": "Samuel Goldwyn Films",
    "IDP": "IDP Distribution",
    "Roadside": "Roadside Attractions",
    "Sony": "Sony Pictures",
    "Weinstein": "Weinstein Co.",
}
_NO_DISTRIBUTOR = "Distributor Unknown"

# Only what is beyond doubt; TMDb knows no country for 4 companies in 10 either.
_AMERICAN = """
20th Century Fox, Artisan, CBS Films, Columbia, Dimension, Dreamworks SKG, Fine Line,
Focus Features, Fox Searchlight, IFC Films, MGM, Magnolia Pictures, Miramax, New Line,
Newmarket Films, Orion Pictures, Overture Films, Paramount Pictures, Paramount Vantage,
RKO Radio Pictures, Roadside Attractions, Samuel Goldwyn Films, Screen Gems, Sony Pictures,
Sony Pictures Classics, Summit Entertainment, TriStar, United Artists, Universal,
Walt Disney Pictures, Warner Bros., Warner Independent, Weinstein Co.
"""
_ORIGIN_COUNTRIES = {
    **dict.fromkeys(_AMERICAN.replace("\n", " ").strip().split(", "), "US"),
    **dict.fromkeys((*_HINDI_DISTRIBUTORS, "Eros Entertainment"), "IN"),
}


def documents() -> dict[int, bytes]:
    """Return every bundled film.

    Returns:
        The JSON text of `/movie/{id}` by movie id, in the order of the table.

    """
    company_ids: dict[str, int] = {}
    with _TABLE.open(encoding="utf-8", newline="") as table:
        films = (_document(film, company_ids) for film in csv.DictReader(table))
        return {film["id"]: encode(film) for film in films}


def _document(film: dict[str, str], company_ids: dict[str, int]) -> Document:
    release_date = (
        datetime.strptime(film["release_date"], "%b %d %Y").date() if film["release_date"] else None
    )
    votes, gross = int(film["imdb_votes"] or 0), int(film["worldwide_gross_usd"] or 0)
    is_to_come = release_date is not None and release_date > clock.DAY_0
    return {
        "adult": False,
        "backdrop_path": None,
        "belongs_to_collection": None,
        "budget": int(film["budget_usd"] or 0),
        "genres": [{"id": key, "name": genres.name(key)} for key in _genre_ids(film)],
        "homepage": "",
        "id": FIRST_MOVIE_ID - 1 + int(film["row"]),
        "imdb_id": None,
        "original_language": "hi" if film["distributor"] in _HINDI_DISTRIBUTORS else "en",
        "original_title": film["title"],
        "overview": "",
        "popularity": _popularity(votes),
        "poster_path": None,
        "production_companies": [
            {
                # Numbered as they turn up in the table, hence stable as long as the table is.
                "id": company_ids.setdefault(name, FIRST_COMPANY_ID + len(company_ids)),
                "logo_path": None,
                "name": name,
                "origin_country": _ORIGIN_COUNTRIES.get(name, ""),
            }
            for name in _companies(film["distributor"])
        ],
        "production_countries": [],
        "release_date": release_date.isoformat() if release_date else "",
        "revenue": gross,
        "runtime": int(film["runtime_minutes"] or 0),
        "spoken_languages": [],
        # A film that people saw is out, whatever the table's date.
        "status": "Post Production" if is_to_come and not (votes or gross) else "Released",
        "tagline": "",
        "title": film["title"],
        "video": False,
        "vote_average": _number(film["imdb_rating"] or "0"),
        "vote_count": votes,
    }


def _genre_ids(film: dict[str, str]) -> list[int]:
    found = (
        *_MAJOR_GENRES.get(film["genre"], ()),
        *_CREATIVE_GENRES.get(film["creative_type"], ()),
        *_SOURCE_GENRES.get(film["source"], ()),
        *((genres.FOREIGN,) if film["distributor"] in _HINDI_DISTRIBUTORS else ()),
    )
    return list(dict.fromkeys(found))[:_MAX_GENRES]


def _companies(distributor: str) -> Iterator[str]:
    if distributor and distributor != _NO_DISTRIBUTOR:
        for part in distributor.split("/"):
            yield _SHORT_NAMES.get(part, part)


def _popularity(votes: int) -> int | float:
    """Spread votes over TMDb's usual range: 0 for none, some 150 for the most voted film."""
    return round(math.sqrt(votes) / 5, 3) if votes else 0


def _number(text: str) -> int | float:
    """Keep the source's own type: `8` is an integer and `8.1` is not, as in TMDb's answers."""
    return float(text) if "." in text else int(text)
