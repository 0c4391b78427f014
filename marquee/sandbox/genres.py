"""TMDb's movie genres, by their ids."""

ACTION = 28
ADVENTURE = 12
COMEDY = 35
DOCUMENTARY = 99
DRAMA = 18
FAMILY = 10751
FANTASY = 14
HISTORY = 36
HORROR = 27
MUSIC = 10402
ROMANCE = 10749
SCIENCE_FICTION = 878
THRILLER = 53
WESTERN = 37

# Movies still list it, `/genre/movie/list` does not.
FOREIGN = 10769

# What `/genre/movie/list` answers, in its order.
LISTED = {
    ACTION: "Action",
    ADVENTURE: "Adventure",
    16: "Animation",
    COMEDY: "Comedy",
    80: "Crime",
    DOCUMENTARY: "Documentary",
    DRAMA: "Drama",
    FAMILY: "Family",
    FANTASY: "Fantasy",
    HISTORY: "History",
    HORROR: "Horror",
    MUSIC: "Music",
    9648: "Mystery",
    ROMANCE: "Romance",
    SCIENCE_FICTION: "Science Fiction",
    10770: "TV Movie",
    THRILLER: "Thriller",
    10752: "War",
    WESTERN: "Western",
}


def name(genre_id: int) -> str:
    """Return the name that a movie document gives to a genre.

    Args:
        genre_id: One of the ids above.

    Returns:
        The name in TMDb's own casing.

    """
    return "Foreign" if genre_id == FOREIGN else LISTED[genre_id]
