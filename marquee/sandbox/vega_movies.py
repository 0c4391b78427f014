"""The bundled movie set: the films of `data/movies.csv` in the shape of TMDb's `/movie/{id}`.

The mapping follows the facts in the table; the few things added to them are named in
`data/README.md`. What is not known becomes what TMDb answers for unknown (`data/tmdb.yaml`). The
table's dirt is kept on purpose.
"""

import csv
import json
import math
from collections.abc import Iterator
from datetime import datetime

import yaml

from marquee.sandbox import clock, genres
from marquee.sandbox.documents import DATA, TMDB, Document, encode

_SHAPE = yaml.safe_load((DATA / "shape.yaml").read_text(encoding="utf-8"))

# Far above TMDb's own ids (some 1.5 million), so that the two are never taken for one another,
# and below 2^31.
FIRST_MOVIE_ID = 90_000_001
FIRST_COMPANY_ID = 90_000_001

_MAX_GENRES = 3
_NO_DISTRIBUTOR = "Distributor Unknown"
_ORIGIN_COUNTRIES = {
    company: country
    for country, companies in _SHAPE["companies_of_country"].items()
    for company in companies
}


def documents() -> dict[int, bytes]:
    """Return the JSON text of `/movie/{id}` of every bundled film by id, in the table's order."""
    company_ids: dict[str, int] = {}
    with (DATA / "movies.csv").open(encoding="utf-8", newline="") as table:
        films = (_document(film, company_ids) for film in csv.DictReader(table))
        return {film["id"]: encode(film) for film in films}


def _document(film: dict[str, str], company_ids: dict[str, int]) -> Document:
    release_date = (
        datetime.strptime(film["release_date"], "%b %d %Y").date() if film["release_date"] else None
    )
    votes, gross = int(film["imdb_votes"] or 0), int(film["worldwide_gross_usd"] or 0)
    is_to_come = release_date is not None and release_date > clock.DAY_0
    known = {
        "budget": int(film["budget_usd"] or 0),
        "genres": [{"id": genres.IDS[name], "name": name} for name in _genres(film)],
        "id": FIRST_MOVIE_ID - 1 + int(film["row"]),
        "original_language": "hi" if _is_hindi(film) else "en",
        "original_title": film["title"],
        "popularity": _popularity(votes),
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
        "release_date": release_date.isoformat() if release_date else "",
        "revenue": gross,
        "runtime": int(film["runtime_minutes"] or 0),
        # A film that people saw is out, whatever the table's date.
        "status": "Post Production" if is_to_come and not (votes or gross) else "Released",
        "title": film["title"],
        # A number of JSON's, so that `8` is an integer and `8.1` is not, as in TMDb's answers.
        "vote_average": json.loads(film["imdb_rating"] or "0"),
        "vote_count": votes,
    }
    return {**TMDB["movie"], **known}


def _genres(film: dict[str, str]) -> list[str]:
    names = [
        name for column, words in _SHAPE["genres"].items() for name in words.get(film[column], ())
    ]
    if _is_hindi(film):
        names.append("Foreign")
    return list(dict.fromkeys(names))[:_MAX_GENRES]


def _is_hindi(film: dict[str, str]) -> bool:
    return film["distributor"] in _SHAPE["hindi_distributors"]


def _companies(distributor: str) -> Iterator[str]:
    if distributor and distributor != _NO_DISTRIBUTOR:
        for part in distributor.split("/"):
            yield _SHAPE["long_names"].get(part, part)


def _popularity(votes: int) -> int | float:
    """Spread votes over TMDb's usual range: 0 for none, some 150 for the most voted film."""
    return round(math.sqrt(votes) / 5, 3) if votes else 0
