"""The limits of the health check, and what to do about a check that fails."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from marquee.cli import health
from marquee.core.errors import MarqueeError
from marquee.monitoring import checks
from marquee.monitoring.thresholds import THRESHOLDS_FILE, Thresholds, read_thresholds

OURS = THRESHOLDS_FILE.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("part", "given", "problem"),
    [
        ("disk: {", "disc: {", "disk is missing; disc is unknown"),
        (" max_rows: 20 ", " ", "quarantine.max_rows is missing"),
        ("min_runs:", "least_runs:", "row_counts.min_runs is missing; row_counts.least_runs is"),
        ("studio: { max_age_hours: 30 }", "studio: {}", "jobs.studio.max_age_hours is missing"),
        # of version 0.1
        ("{ max_age_hours: 8760 }", "{ column: a, max_age_hours: 8 }", "raw_genres.column is unk"),
        ("longest_run_hours: 6", "longest_run_hours: six", "longest_run_hours must be a number"),
        ("[bronze, silver, snapshots, gold]", "gold", "row_counts.schemas must be a list"),
        (OURS, "", "the file must be a mapping"),
        (OURS, "jobs: [", "while parsing a flow node"),
    ],
)
def test_a_part_that_is_missing_or_unknown_is_named(
    part: str,
    given: str,
    problem: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "limits.yaml"
    assert part in OURS
    file.write_text(OURS.replace(part, given), encoding="utf-8")
    with pytest.raises(MarqueeError, match=f"{re.escape(str(file))} cannot be used: ") as error:
        read_thresholds(file)
    assert problem in str(error.value)
    monkeypatch.setenv("MARQUEE_DUCKDB", str(tmp_path / "warehouse.duckdb"))
    assert health.main(["--thresholds", str(file)]) == 1
    assert problem in capsys.readouterr().out


def test_jobs_and_sources_are_chosen_freely(tmp_path: Path) -> None:
    file = tmp_path / "limits.yaml"
    jobs = re.sub(r"^  (tmdb|studio|refresh): .*\n", "", OURS, flags=re.MULTILINE)
    file.write_text(jobs.replace("jobs:\n", "jobs:\n  nightly: { max_age_hours: 3 }\n"), "utf-8")
    found = read_thresholds(file)
    assert isinstance(found, Thresholds)
    assert found.jobs == {"nightly": {"max_age_hours": 3}}


def test_each_kind_of_check_has_a_remedy() -> None:
    source = Path(checks.__file__).read_text(encoding="utf-8")
    kinds = {*re.findall(r'(?:CheckResult|_rejected_share)\(\s*"(\w+)"', source)}
    assert kinds == checks.REMEDIES.keys()
    for kind in kinds:
        failing = checks.with_remedy(checks.CheckResult(kind, "subject", False, "message"))
        assert failing.message == f"message; to do: {checks.REMEDIES[kind]}"
