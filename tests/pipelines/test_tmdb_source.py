"""The source as dlt users use it: five lines, into their destination, from an empty folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from marquee.sandbox.faults import Fault
from marquee.sandbox.server import Sandbox
from pipelines.tmdb import tmdb_source
from tests.conftest import Project, films, movie

FIVE_LINES = """
import dlt
from pipelines.tmdb import tmdb_source

pipeline = dlt.pipeline("movies", destination="duckdb", dataset_name="bronze")
print(pipeline.run(tmdb_source(pages=2)))
"""


def test_five_lines_load_movies_and_genres(project: Project, tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    (folder / ".dlt").mkdir(parents=True)
    world = films(*(movie(one) for one in range(1, 51)))
    faults = [Fault(path="/movie/2", status=404), Fault(path="/movie/3", body=b"[]")]
    with Sandbox(world, faults=faults) as sandbox:
        secrets = f'[sources.tmdb]\naccess_token = "{sandbox.credential}"\n'
        (folder / ".dlt" / "secrets.toml").write_text(secrets)
        (folder / ".dlt" / "config.toml").write_text(
            f'[sources.tmdb]\nbase_url = "{sandbox.base_url}"\nrequests_per_second = 1000\n'
            "[runtime]\ndlthub_telemetry = false\n"
        )
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("DLT_", "SOURCES__", "TMDB_"))
        }
        done = subprocess.run(
            [sys.executable, "-c", FIVE_LINES],
            cwd=folder,
            env=environment | {"HOME": str(tmp_path), "DLT_DATA_DIR": str(tmp_path / "dlt")},
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stderr
    assert sandbox.credential not in done.stdout + done.stderr
    with duckdb.connect(str(folder / "movies.duckdb"), read_only=True) as connection:
        rows = connection.execute(
            "SELECT movie_id, raw_data->>'title' FROM bronze.raw_movies ORDER BY 1"
        ).fetchall()
        genres = connection.execute("SELECT raw_data FROM bronze.raw_genres").fetchall()
        quarantine = connection.execute(
            "SELECT movie_id, reason FROM bronze.quarantine_tmdb"
        ).fetchall()
    listed = [(one, f"Film {one}" if one != 2 else None) for one in range(1, 41) if one != 3]
    assert rows == listed
    assert len(json.loads(genres[0][0])["genres"]) == 19
    assert quarantine == [(3, "not an object: list")]


def test_nothing_is_requested_before_a_resource_is_iterated(
    project: Project, sandbox: Sandbox
) -> None:
    source = tmdb_source(pages=1)
    assert sandbox.requests.count() == 0
    assert sorted(row["movie_id"] for row in source.resources["raw_movies"]) == [1, 2, 3]
    assert set(source.selected_resources) == {"raw_genres", "raw_movies"}


@pytest.mark.parametrize("ids", [[3, 1], []])
def test_named_movies_are_loaded_instead_of_the_list(
    project: Project, sandbox: Sandbox, ids: list[int]
) -> None:
    rows = list(tmdb_source(movie_ids=ids).resources["raw_movies"])
    assert sorted(row["movie_id"] for row in rows) == sorted(ids)
    assert sandbox.requests.count("/3/movie/popular") == 0
