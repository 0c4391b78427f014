"""What the studio adds on Snowflake, as far as it can be tested without an account."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlglot import exp

from macros import studio_rules
from macros.quality import METRICS
from macros.studio_rules import EVENT_TYPES, RULES
from macros.text import cleaned
from marquee.core.settings import ROOT

SCRIPTS = sorted((ROOT / "snowflake").glob("s*.sql"))  # those of the setup begin with a number


def test_every_metric_is_attached_where_the_models_have_it() -> None:
    script = (ROOT / "snowflake" / "studio_data_metric_functions.sql").read_text(encoding="utf-8")
    functions = set(re.findall(r"CREATE DATA METRIC FUNCTION IF NOT EXISTS OPS\.(\w+)", script))
    assert len(functions) == 6
    calls = re.findall(r"CALL OPS\.ATTACH_METRIC\('([\w.]+)', '(\w+)', '(\w+)", script)
    assert {(view.lower(), column.lower(), metric.lower()) for view, metric, column in calls} == {
        (table, column, metric)
        for table, column, metric, _ in METRICS
        if metric.upper() in functions
    }


def test_the_task_routes_by_the_rules_of_the_models() -> None:
    script = (ROOT / "snowflake" / "streams_and_tasks.sql").read_text(encoding="utf-8")
    model = (ROOT / "models/silver/studio/stg_fan_interactions.sql").read_text(encoding="utf-8")
    assert script.count(", ".join(f"'{event}'" for event in EVENT_TYPES)) == 2
    reasons = [*re.findall(r"THEN '([a-z0-9 ]+)'", model), RULES["parse_timestamp"]]
    assert len(reasons) == 3
    assert "TIMEZONE = 'UTC'" in script
    readable = re.sub(r"\\u([0-9a-f]{4})", lambda code: chr(int(code[1], 16)), script)
    snowflake = SimpleNamespace(dialect="snowflake")
    for name in ("account_type", "event_type", "currency"):
        assert f"UPPER({name}) AS {name}" in script
    for parsed in (
        studio_rules.parse_key(snowflake, exp.column("title_id")),
        studio_rules.parse_name(snowflake, exp.column("region")),
        studio_rules.parse_timestamp(
            snowflake, exp.column("event_timestamp"), exp.column("ingested_at")
        ),
        studio_rules.parse_amount(snowflake, exp.column("amount")),
        *(cleaned(exp.column(name)) for name in ("interaction_id", "event_timestamp", "amount")),
    ):
        assert parsed.sql("snowflake") in readable
    assert re.findall(r"THEN '([A-Za-z0-9 ]+)'", script) == reasons


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_name_what_can_be_renamed_by_its_variable(path: Path) -> None:
    script = path.read_text(encoding="utf-8")
    for name in ("MARQUEE_", "LECTURE_", "ANALYST_ROLE", "PII_ROLE"):
        assert name not in re.sub(r"<%.*?%>", "", script)
