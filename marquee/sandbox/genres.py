"""TMDb's movie genres."""

# What `/genre/movie/list` answers, in its order.
LISTED = {
    28: "Action",
    12: "Adventure",
    16: "Animation",
    35: "Comedy",
    80: "Crime",
    99: "Documentary",
    18: "Drama",
    10751: "Family",
    14: "Fantasy",
    36: "History",
    27: "Horror",
    10402: "Music",
    9648: "Mystery",
    10749: "Romance",
    878: "Science Fiction",
    10770: "TV Movie",
    53: "Thriller",
    10752: "War",
    37: "Western",
}
# Movies still list it, `/genre/movie/list` does not.
FOREIGN = 10769
IDS = {**{name: key for key, name in LISTED.items()}, "Foreign": FOREIGN}
