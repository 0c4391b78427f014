"""The worked example of docs/where-does-my-change-go.md: its patch applies and is built."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from marquee.core.settings import ROOT
from tests.small_warehouse import OF_TMDB, Warehouse, movie

PATCH = ROOT / "docs" / "examples" / "add-a-field.patch"


def test_a_field_of_tmdb_reaches_gold_and_its_kpi(tmp_path: Path) -> None:
    warehouse = Warehouse.create(tmp_path, OF_TMDB, is_audited=False)
    warehouse.copy_project_to(tmp_path / "project")
    shutil.copytree(ROOT / "tests" / "models", warehouse.project / "tests" / "models")
    warehouse.land(movie(1, video=True), movie(2, video=False))
    warehouse.plan()
    warehouse.land(movie(3))
    warehouse.refresh()  # on the day of a refresh, as after `make tour`
    command = ["git", "apply", "--directory", "project", str(PATCH)]
    subprocess.run(command, cwd=tmp_path, check=True)
    warehouse.is_audited = True
    warehouse.plan("dev")
    assert warehouse.query("SELECT movie_id, is_video FROM gold__dev.fact_movies ORDER BY ALL") == [
        *((1, True), (2, False), (3, None))
    ]
    assert warehouse.query(
        "SELECT release_year, video_movie_count FROM gold__dev.kpi_yearly_trends"
    ) == [(2020, 1)]

    def unit_tests() -> None:
        with warehouse.context() as context:
            names = ("test_is_video", "test_kpi_yearly_trends", "test_fact_movies")
            files = [str(warehouse.project / f"tests/models/{name}.yaml") for name in names]
            assert context.test(tests=files).wasSuccessful()

    warehouse.apart(unit_tests)
