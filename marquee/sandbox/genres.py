"""TMDb's movie genres, by id and by name."""

from marquee.sandbox.documents import TMDB

LISTED: dict[int, str] = TMDB["genres"]
# Movies still list it, `/genre/movie/list` does not.
FOREIGN = 10769
IDS = {**{name: key for key, name in LISTED.items()}, "Foreign": FOREIGN}
