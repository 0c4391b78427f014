"""What a fault of the studio's data does: it is measured, reported, and stops what it must."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlmesh.utils.errors import PlanError

from marquee.cli import health
from tests.small_warehouse import TOKEN, Rows, Warehouse, movie

OF_STUDIO = ("+gold.agg_franchise_performance", "+ops.data_quality_results")


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A small studio in which all is well."""
    warehouse = Warehouse.create(tmp_path_factory.mktemp("sound"), OF_STUDIO)
    warehouse.land(movie(1, revenue=500), movie(2, revenue=700))
    warehouse.land_titles(
        {"title_id": "T-1", "franchise": "Saga", "imdb_score": "7", "tmdb_id": "1"},
        {"title_id": "T-2", "franchise": "Saga", "tmdb_id": "2"},
    )
    warehouse.land_box_office({"record_id": "B-1"})
    warehouse.land_interactions(
        {"interaction_id": "I-1"},
        {
            "interaction_id": "I-2",
            "fan_token": TOKEN[::-1],
            "account_type": "GUEST",
            "expires_at": "2100-01-01",
        },
    )
    warehouse.plan()
    return warehouse


@pytest.fixture
def warehouse(sound: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    monkeypatch.setenv("MARQUEE_DUCKDB", str(tmp_path / "copy" / "warehouse.duckdb"))
    return sound.copy_to(tmp_path / "copy")


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
    assert warehouse.query(of_franchise) == [(2, 1200)]
    warehouse.land_interactions(
        {"interaction_id": "I-3", "account_type": "TRIAL"}, batch_id="another"
    )
    wrong = "UPDATE {} SET imdb_score = imdb_score + 3.5, tmdb_id = 1"
    break_table(warehouse, "silver.stg_titles", wrong)
    assert run(warehouse)
    output = failing(capsys)
    assert "metric silver.stg_titles.imdb_score valid_imdb_score: 1, at most 0" in output
    assert "metric silver.stg_titles.tmdb_id shared_key_count: 1, at most 0" in output
    assert "stg_fan_interactions.account_type unknown_account_type_count: 1, at most 0" in output
    assert warehouse.query(of_franchise) == [(1, 500)]
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


# Blocking audits of the studio's models, a value of the source that could make them fail, and the
# column under which it is listed in `ops` instead; None where it is cleaned, and nothing is lost.
# Audits that compare a table with its parents, or tokens, cannot be reached by a value.
REACHABLE: list[tuple[str, str, dict[str, str], str | None]] = [
    ("dim_titles: has_unknown_member", "titles", {"title_id": "-1"}, "title_id"),
    ("dim_titles: has_unknown_member", "titles", {"title_id": "\u00a0-1\t"}, "title_id"),
    ("stg_titles: not_null", "titles", {"title_id": "\u200b"}, "title_id"),
    ("dim_titles: unique_values", "titles", {"title_id": " T-1\u00a0", "franchise": "Saga"}, None),
    ("stg_titles: forall", "titles", {"title_id": "T-3", "release_year": "99999"}, "release_year"),
    (
        "stg_titles: forall",
        "titles",
        {"title_id": "T-4", "runtime_minutes": "-90"},
        "runtime_minutes",
    ),
    ("stg_titles: cast", "titles", {"title_id": "T-5", "budget_usd": "1e17"}, "budget_usd"),
    ("stg_titles: cast", "titles", {"title_id": "T-6", "tmdb_id": "9" * 30}, "tmdb_id"),
    ("agg_franchise: unique", "titles", {"title_id": "T-7", "franchise": "sa ga"}, None),
    (
        "agg_franchise: unique",
        "titles",
        {"title_id": "T-8", "franchise": "standalone"},
        "franchise",
    ),
    ("agg_franchise: unique", "titles", {"title_id": "T-9", "franchise": " Unknown"}, "franchise"),
    ("stg_box_office: not_null", "box_office", {"title_id": "-1"}, "title_id"),
    ("stg_box_office: not_null", "box_office", {"theater_id": "\u3000"}, "theater_id"),
    ("stg_box_office: not_null", "box_office", {"report_date": "01/02/2026"}, "report_date"),
    ("fact: relationship to dim_dates", "box_office", {"report_date": "9999-12-31"}, "report_date"),
    ("fact: relationship to dim_dates", "box_office", {"report_date": "0001-01-01"}, "report_date"),
    ("stg_box_office: forall", "box_office", {"tickets_sold": "-1"}, "tickets_sold"),
    ("stg_box_office: forall", "box_office", {"screen_count": "1.5"}, "screen_count"),
    ("stg_box_office: forall", "box_office", {"gross_revenue_usd": "1e8"}, "gross_usd"),
    ("fact: cast", "box_office", {"gross_revenue_usd": "100000000000000000"}, "gross_usd"),
    ("fact: cast", "box_office", {"gross_revenue_local": "1,000.00"}, "gross_local"),
    (
        "fact: cast",
        "box_office",
        {"gross_revenue_local": "9" * 12, "exchange_rate_usd": "9999", "gross_revenue_usd": "1"},
        "gross_usd",
    ),
    ("fact: unique", "box_office", {"theater_id": "C-2", "region": "UNKNOWN"}, "region"),
    (
        "stg_fan_interactions: not_null",
        "interactions",
        {"interaction_id": "\ufeff"},
        "interaction_id",
    ),
    ("stg_fan_interactions: forall", "interactions", {"amount": "-1"}, "amount"),
    (
        "stg_fan_interactions: forall",
        "interactions",
        {"event_timestamp": "2026-02-01T10:00:00+99:00"},
        "event_at",
    ),
    ("stg_fan: routed_by_account_type", "interactions", {"account_type": "TRIAL"}, "account_type"),
    ("fact: relationship to dim_titles", "interactions", {"title_id": "-1 "}, "title_id"),
    (
        "fact: cast",
        "interactions",
        {"event_type": "PURCHASE", "amount": "1e12", "currency": "EUR"},
        "amount",
    ),
    (
        "stg_fan_interactions: cast",
        "interactions",
        {"event_type": "PURCHASE", "amount": "999999999", "currency": "EUR"},
        None,
    ),
    ("fact: unique", "interactions", {"region": "unknown"}, "region"),
    ("dim_fans: unique", "interactions", {"device_type": "unknown"}, "device_type"),
]


def test_no_value_of_the_source_stops_gold(warehouse: Warehouse) -> None:
    keys = {"titles": "title_id", "box_office": "record_id", "interactions": "interaction_id"}
    expected = set()
    for number, (_, feed, values, column) in enumerate(REACHABLE):
        row = {keys[feed]: f"X-{number}", **values}
        getattr(warehouse, f"land_{feed}")(row, batch_id=f"case {number}")
        if column:
            expected.add((f"case {number}", column))
    warehouse.selected = (*OF_STUDIO, "ops.rejected_studio_values")
    warehouse.plan()
    assert run(warehouse)
    listed = warehouse.query(
        "SELECT DISTINCT _source_batch_id, column_name FROM ops.rejected_studio_values"
    )
    assert {*listed} == expected
    # Of the fan feed nothing is kept that could be about a person.
    described = r"'^((text|number) of length \d+)?$'"
    assert warehouse.query(
        "SELECT table_name = 'raw_fan_interactions' AS is_of_fans, "
        f"BOOL_AND(REGEXP_MATCHES(rejected_value, {described})) "
        "FROM ops.rejected_studio_values GROUP BY ALL ORDER BY ALL"
    ) == [(False, False), (True, True)]
    assert warehouse.query(
        "SELECT franchise, title_count FROM gold.agg_franchise_performance ORDER BY ALL"
    ) == [("Saga", 3), ("Standalone", 6), ("Unknown", 0)]


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
        *("+gold.dim_fans", "+gold.fact_daily_performance"),
        *("+silver.stg_fan_guest", "+ops.quarantine_fan_interactions"),
    )
    (tmp_path / "data").mkdir()
    warehouse = Warehouse.create(tmp_path / "data", models)
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
