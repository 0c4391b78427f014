"""Make `movies.csv` from the `movies` data of vega-datasets: `python build.py movies.json`.

It selects columns, numbers the rows and repairs the encoding of titles; every other value stays as
the source has it. What the values mean is decided when they are read, in `sandbox/vega_movies.py`.
"""

import csv
import io
import json
import sys
from pathlib import Path

# Column of the CSV -> key of the source.
COLUMNS = {
    "title": "Title",
    "release_date": "Release Date",
    "budget_usd": "Production Budget",
    "worldwide_gross_usd": "Worldwide Gross",
    "runtime_minutes": "Running Time min",
    "genre": "Major Genre",
    "creative_type": "Creative Type",
    "source": "Source",
    "distributor": "Distributor",
    "imdb_rating": "IMDB Rating",
    "imdb_votes": "IMDB Votes",
}


def table(movies_json: str) -> str:
    """Turn the text of vega-datasets' `data/movies.json` into that of `movies.csv`.

    It has `row` (1 for the first film of the source) and `COLUMNS`; null is the empty field.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["row", *COLUMNS])
    for row, film in enumerate(json.loads(movies_json), start=1):
        film["Title"] = repaired(film["Title"])
        writer.writerow([row, *(film[key] for key in COLUMNS.values())])
    return out.getvalue()


def repaired(title: object) -> object:
    """Undo the source's mistake: it read Windows-1252 as Mac Roman, `é` as `È`.

    A title that Mac Roman cannot write was not read so, and stays.
    """
    try:
        return title.encode("mac_roman").decode("cp1252") if isinstance(title, str) else title
    except UnicodeError:
        return title


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python build.py path/to/movies.json")
    Path(__file__).with_name("movies.csv").write_bytes(
        table(Path(sys.argv[1]).read_text(encoding="utf-8")).encode("utf-8")
    )
