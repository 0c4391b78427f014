"""What a fault of the studio's data does: it is measured, reported, and stops what it must."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlmesh.utils.errors import PlanError

from marquee.cli import health
from tests.small_warehouse import TOKEN, Rows, Warehouse

OF_STUDIO = ("+gold.agg_franchise_performance", "+ops.data_quality_results")


@pytest.fixture
def warehouse(prebuilt: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    """A small studio in which all is well."""
    monkeypatch.setenv("MARQUEE_DUCKDB", str(tmp_path / "copy" / "warehouse.duckdb"))
    return prebuilt.copy_to(tmp_path / "copy", selected=OF_STUDIO)


def break_table(warehouse: Warehouse, model: str, statement: str) -> None:
    """Run a statement on the table behind a view; `{}` stands for it."""
    schema, _, name = model.partition(".")
    ((table,),) = warehouse.query(
        "SELECT table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE' "
        f"AND table_schema = 'sqlmesh__{schema}' AND table_name LIKE '{schema}__{name}__%'"
    )
    warehouse.execute(statement.format(f"sqlmesh__{schema}.{table}"))


def measured(warehouse: Warehouse, table: str, metric: str) -> Rows:
    """All results of a metric, oldest first, with how the run ended that measured."""
    return warehouse.query(
        "SELECT result.measured_value, result.is_passed, run.job, run.status "
        "FROM ops.data_quality_results AS result JOIN ops.run_log AS run USING (run_id) "
        f"WHERE table_name = '{table}' AND metric_name = '{metric}' ORDER BY measured_at"
    )


def age(warehouse: Warehouse, interval: str) -> None:
    """Have all that was measured be measured so much earlier."""
    earlier = f"UPDATE {{}} SET measured_at = measured_at - INTERVAL {interval}"
    break_table(warehouse, "ops.data_quality_results", earlier)


def failing(capsys: pytest.CaptureFixture[str]) -> str:
    """What `make health` complains about."""
    capsys.readouterr()
    code = health.main([])
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("FAIL")]
    assert code == bool(lines)
    return "\n".join(" ".join(line.split()) for line in lines)


def run(warehouse: Warehouse, *models: str) -> bool:
    """`sqlmesh run --ignore-cron`, of all that was planned or only some; whether it went well."""
    with warehouse.context(load=False) as context:
        ended = context.run(
            ignore_cron=True,
            select_models=models or warehouse.selected,
            no_auto_upstream=bool(models),
        )
        return bool(ended.is_success)


def test_a_metric_that_fails_is_appended_and_reported_and_stops_nothing(
    warehouse: Warehouse, capsys: pytest.CaptureFixture[str]
) -> None:
    of_franchise = "SELECT tmdb_movie_count, tmdb_revenue_usd FROM gold.agg_franchise_performance"
    assert warehouse.query(of_franchise) == [(2, 3_030_000_000)]
    warehouse.land_interactions(
        {"interaction_id": "I-new", "account_type": "TRIAL"}, batch_id="another"
    )
    wrong = "UPDATE {} SET imdb_score = imdb_score + 3.5, tmdb_id = 1"
    break_table(warehouse, "silver.stg_titles", wrong)
    assert run(warehouse)
    output = failing(capsys)
    assert "metric silver.stg_titles.imdb_score valid_imdb_score: 1, at most 0" in output
    assert "metric silver.stg_titles.tmdb_id shared_key_count: 1, at most 0" in output
    assert "stg_fan_interactions.account_type unknown_account_type_count: 1, at most 0" in output
    assert warehouse.query(of_franchise) == [(1, 3_000_000_000)]
    break_table(warehouse, "silver.stg_titles", "UPDATE {} SET imdb_score = imdb_score - 3.5")
    assert run(warehouse, "silver.stg_titles", "gold.dim_titles", "ops.data_quality_results")
    assert "valid_imdb_score" not in failing(capsys)
    # Within a minute, most likely: each run's results are its own.
    assert measured(warehouse, "silver.stg_titles", "valid_imdb_score") == [
        (0, True, "plan", "SUCCEEDED"),
        (1, False, "run", "SUCCEEDED"),
        (0, True, "run", "SUCCEEDED"),
    ]
    assert warehouse.query(
        "SELECT COUNT(DISTINCT measured_at), COUNT(DISTINCT run_id) FROM ops.data_quality_results"
    ) == [(3, 3)]


def test_a_metric_whose_audit_stops_the_refresh_is_appended_too(
    warehouse: Warehouse, capsys: pytest.CaptureFixture[str]
) -> None:
    before = warehouse.rows_of("gold")
    break_table(
        warehouse,
        "silver.stg_fan_interactions",
        "INSERT INTO {0} SELECT * FROM {0} WHERE interaction_id = 'I-1'",
    )
    assert not run(warehouse)
    assert "interaction_id duplicate_count: 1, at most 0" in failing(capsys)
    assert warehouse.rows_of("gold") == before
    break_table(
        warehouse,
        "silver.stg_fan_interactions",
        "DELETE FROM {0} WHERE rowid IN (SELECT MAX(rowid) FROM {0} WHERE interaction_id = 'I-1')",
    )
    assert run(warehouse, "silver.stg_fan_interactions", "ops.data_quality_results")
    assert measured(warehouse, "silver.stg_fan_interactions", "duplicate_count") == [
        (0, True, "plan", "SUCCEEDED"),
        (1, False, "run", "FAILED"),
        (0, True, "run", "SUCCEEDED"),
    ]


def test_a_plan_that_an_audit_stops_is_measured_too(warehouse: Warehouse) -> None:
    break_table(warehouse, "silver.fans", "INSERT INTO {0} FROM {0} LIMIT 1")
    with pytest.raises(PlanError):
        warehouse.plan(restate_models=["gold.dim_fans"])
    assert measured(warehouse, "silver.fans", "duplicate_count") == [
        (0, True, "plan", "SUCCEEDED"),
        (1, False, "plan", "FAILED"),
    ]


def test_rows_that_are_doubled_or_lost_are_reported(
    warehouse: Warehouse, capsys: pytest.CaptureFixture[str]
) -> None:
    subject = "metric silver.stg_box_office.box_office_sk"
    break_table(
        warehouse,
        "silver.stg_box_office",
        "INSERT INTO {0} SELECT * REPLACE (box_office_sk || 'x' AS box_office_sk) FROM {0}",
    )
    for _ in ("the plan of a refresh", "its run"):
        assert run(warehouse, "ops.data_quality_results")
        assert f"{subject} row_count_growth_pct: 100, at most 90" in failing(capsys)
    age(warehouse, "24 HOURS")
    break_table(warehouse, "silver.stg_box_office", "DELETE FROM {} WHERE box_office_sk LIKE '%x'")
    for _ in ("the plan of a refresh", "its run"):
        assert run(warehouse, "ops.data_quality_results")
        output = failing(capsys)
        assert f"{subject} row_count_loss_pct: 50, at most 0" in output
        assert "row_count_growth_pct" not in output  # what was measured yesterday is over
    age(warehouse, "13 HOURS")
    assert run(warehouse, "ops.data_quality_results")
    assert "row_count" not in failing(capsys)


def test_a_new_account_type_waits_until_a_plan_knows_it(tmp_path: Path) -> None:
    models = (
        *("+gold.dim_fans", "+gold.fan_history", "+gold.fact_daily_performance"),
        *("+silver.stg_fan_guest", "+ops.quarantine_fan_interactions"),
    )
    (tmp_path / "data").mkdir()
    warehouse = Warehouse.create(tmp_path / "data", models, is_audited=False)
    warehouse.copy_project_to(tmp_path)
    known = {"interaction_id": "I-0", "fan_token": TOKEN[::-1]}
    unknown = {"account_type": "trial", "ip_token": TOKEN}
    old = {**unknown, "interaction_id": "I-1"}  # from before the pipeline gave each a time
    new = {**unknown, "interaction_id": "I-2", "expires_at": "2100-01-01"}
    warehouse.land_interactions(known, old, new, at="2026-03-01 06:00:00")
    warehouse.plan()
    waiting = "SELECT interaction_id FROM ops.quarantine_fan_interactions ORDER BY ALL"
    assert warehouse.query(waiting) == [("I-1",), ("I-2",)]

    with (tmp_path / "sqlmesh_project" / "seeds" / "account_types.csv").open("a") as seed:
        seed.write("TRIAL,GUEST\n")
    warehouse.plan()
    assert warehouse.query(waiting) == []
    assert warehouse.query(
        "SELECT interaction_id, account_type, ip_token, expires_at::TEXT "
        "FROM silver.stg_fan_guest ORDER BY ALL"
    ) == [
        ("I-1", "TRIAL", TOKEN, "2026-03-31 06:00:00"),
        ("I-2", "TRIAL", TOKEN, "2100-01-01 00:00:00"),
    ]
    # What is replaced by partition is not rebuilt by a plan; the refresh after it sees to it.
    warehouse.refresh()
    assert warehouse.query("SELECT account_type, region FROM gold.dim_fans ORDER BY ALL") == [
        ("TRIAL", "Europe"),
        ("Unknown", "Unknown"),
        ("VERIFIED", "Europe"),
    ]
    assert warehouse.query("SELECT stream_count FROM gold.fact_daily_performance") == [(3,)]
