from __future__ import annotations

import os

import pytest
from filelock import FileLock

from tests.small_warehouse import TOKEN, Warehouse, genre, movie


@pytest.fixture(scope="session")
def prebuilt(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Four movies of the first of March and a small studio, planned into prod; to be copied.

    All models are built and audited, once for all workers of a run. All is well, but each kind of
    row is there: a rejected value, an interaction in quarantine.
    """
    folder = tmp_path_factory.getbasetemp()
    folder = (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "prebuilt"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            warehouse = Warehouse.create(tmp_path_factory.mktemp("building"))
            fill(warehouse)
            warehouse.plan()
            warehouse.folder.rename(folder)
    return Warehouse(folder)


def fill(warehouse: Warehouse) -> None:
    """Land what each test may need to be there already."""
    winter = {"release_date": "2021-12-01", "budget": 20_000_000}
    rejected = {"release_date": "2021-07-01", "vote_average": 12}
    warehouse.land(
        movie(1, revenue=3_000_000_000),
        movie(2, genres=[genre(35)], production_companies=[], **winter),
        movie(3, genres=[], budget=0, **rejected),
        movie(4, status="Post Production", release_date="", revenue=0),
        at="2026-03-01 06:00:00",
        batch_id="1",
    )
    known = {
        "imdb_score": "7",
        "budget_usd": "100",
        "release_year": "2020",
        "runtime_minutes": "90",
    }
    warehouse.land_titles(
        {"title_id": "T-1", "franchise": "Saga", "tmdb_id": "1", **known},
        {"title_id": "T-2", "franchise": "Saga", "tmdb_id": "2"},
    )
    warehouse.land_box_office({"record_id": "B-1"})
    purchase = {"event_type": "PURCHASE", "amount": "10", "currency": "EUR"}
    guest = {"account_type": "GUEST", "fan_token": TOKEN[::-1], "expires_at": "2100-01-01"}
    warehouse.land_interactions(
        {"interaction_id": "I-1", **purchase},
        {"interaction_id": "I-2", **guest},
        {"interaction_id": "I-3", "event_type": "SHARE"},
        *({"interaction_id": f"I-{number}"} for number in range(4, 24)),
    )
