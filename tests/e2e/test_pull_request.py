"""What happens on a pull request, rehearsed against a fake GitHub API."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from marquee.cli import plan_diff
from marquee.core.errors import MarqueeError
from marquee.core.settings import ROOT
from marquee.plan_diff import pr_comment as comment
from marquee.plan_diff.failure import failure
from marquee.plan_diff.revision import Revision
from tests.conftest import git
from tests.fakes.fake_github import HEAD, NUMBER, REPOSITORY, TOKEN, Document, FakeGitHub
from tests.small_warehouse import Rows, Warehouse

REVIEWER = "ada"


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGitHub]:
    with FakeGitHub().serving() as fake:
        monkeypatch.setenv("GITHUB_API_URL", fake.url)
        monkeypatch.setenv("GITHUB_REPOSITORY", REPOSITORY)
        monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
        yield fake


def post(report: str, folder: Path) -> int:
    file = folder / "plan-diff.md"
    file.write_text(report, encoding="utf-8")
    return comment.main([str(file), "--pull-request", str(NUMBER)])


def test_one_comment_is_created_found_among_hundreds_and_updated_and_nobody_elses_is_touched(
    github: FakeGitHub, tmp_path: Path
) -> None:
    for _ in range(150):
        github.add_comment("a talk", author="User")
    github.add_comment(f"{comment.MARKER}\nwritten by hand", author="User")
    assert post("first", tmp_path) == 0
    assert post("second", tmp_path) == 0
    assert len(github.comments) == 152
    assert github.comments[150]["body"].endswith("written by hand")
    assert github.comments[151]["body"] == f"{comment.MARKER}\nsecond"


def test_a_persons_token_updates_that_persons_comment_and_nobody_elses(
    github: FakeGitHub, tmp_path: Path
) -> None:
    github.add_comment(f"{comment.MARKER}\na bot's")
    github.add_comment(f"{comment.MARKER}\nanother person's", author="User", login="grace")
    github.person = REVIEWER
    assert post("first", tmp_path) == 0
    assert post("second", tmp_path) == 0
    bodies = [found["body"].removeprefix(f"{comment.MARKER}\n") for found in github.comments]
    assert bodies == ["a bot's", "another person's", "second"]


def test_a_job_that_wrote_no_report_replaces_the_old_comment_and_names_the_commit(
    github: FakeGitHub, tmp_path: Path
) -> None:
    assert post("of an older commit", tmp_path) == 0
    run = "https://github.test/runs/1"
    nowhere = str(tmp_path / "nowhere.md")
    revisions = ["--head", HEAD, "--base", "b" * 40, "--run", run]
    assert comment.main([nowhere, "--pull-request", str(NUMBER), *revisions]) == 0
    (posted,) = github.comments
    lines = posted["body"].splitlines()
    assert lines[3].startswith("**Plan diff failed** (`aaaaaaa` against `bbbbbbb`)")
    assert run in lines[3]
    assert f"make plan-diff BASE={'b' * 40}" in lines
    assert "of an older commit" not in posted["body"]


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (MarqueeError("The base revision does not build.\nIts own reason."), "does not build"),
        (RuntimeError("no room on the disk"), "RuntimeError: no room on the disk"),
        (KeyboardInterrupt(), "it was interrupted"),
    ],
    ids=["expected", "crash", "timeout"],
)
def test_a_plan_diff_that_fails_replaces_the_report_with_step_error_and_what_to_type(
    error: BaseException,
    message: str,
    github: FakeGitHub,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(plan_diff, "merge_base", lambda *_: Revision("main", "b" * 40))
    monkeypatch.setattr(plan_diff, "head_label", lambda *_: "aaaaaaa")
    monkeypatch.setattr(plan_diff, "sandbox_bronze", fail)
    assert post("of an older commit", tmp_path) == 0
    report = tmp_path / "plan-diff.md"
    assert plan_diff.main(["--base", "main", "--head", HEAD, "--out", str(report)]) == 2
    assert post(report.read_text(encoding="utf-8"), tmp_path) == 0
    (posted,) = github.comments
    verdict = posted["body"].splitlines()[3]
    assert verdict.startswith(
        "**Plan diff failed** (`aaaaaaa` against `main (bbbbbbb)`) while loading the sandbox's data"
    )
    assert message in verdict
    assert f"git switch --detach {HEAD} && make plan-diff BASE=main" in posted["body"]


def test_a_failure_shows_no_secret_and_the_end_of_a_long_error() -> None:
    secrets = {"TMDB_ACCESS_TOKEN": "sesame-open", "HOME": "/home/ada"}
    text = failure(
        "loading", "x" * 9_000 + " sesame-open", head="a", base="b", command="c", environ=secrets
    )
    assert "sesame" not in text
    assert " ***\n```" in text
    assert len(text) < 6_000


def test_a_report_too_long_for_a_comment_is_cut_between_its_parts_and_reports_it() -> None:
    part = "<details>\n<summary>rows</summary>\n\n" + "x" * 9_000 + "\n\n</details>\n\n"
    cut = comment.fitting("the verdict\n\n" + part * 10)
    assert len(cut) + len(comment.MARKER) + 1 <= comment.MOST_CHARACTERS
    assert cut.startswith("the verdict")
    assert cut.count("<details>") == cut.count("</details>") == 7
    assert "longer than a comment" in cut
    assert comment.fitting(part) == part


def test_a_fork_learns_that_it_may_not_comment(
    github: FakeGitHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    github.may_write = False
    assert post("first", tmp_path) == 1
    output = capsys.readouterr().err
    assert "is this a fork?" in output
    assert TOKEN not in output


def test_without_a_token_the_poster_shows_what_to_set(
    github: FakeGitHub,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("GITHUB_TOKEN")
    assert post("first", tmp_path) == 1
    assert capsys.readouterr().err == "GITHUB_TOKEN must be set.\n"
    assert github.requests == []


@pytest.mark.parametrize("character", ["\n", "\u201c", "\u200b", " "])
def test_a_token_that_no_header_can_carry_is_rejected_by_name(
    github: FakeGitHub,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    character: str,
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", f"ghp_5ec2e7{character}5ec2e7")
    assert post("first", tmp_path) == 1
    output = capsys.readouterr()
    assert "GITHUB_TOKEN contains a character that no HTTP header can carry" in output.err
    assert "5ec2e7" not in output.out + output.err
    assert github.requests == []


def test_the_workflows_command_posts_with_the_standard_library_alone(
    github: FakeGitHub, tmp_path: Path
) -> None:
    step = workflow("plan-diff.yml")["jobs"]["comment"]["steps"][-1]
    command = step["run"].replace("python3", f"{sys.executable} -S", 1)  # -S: no packages
    (tmp_path / "plan-diff.md").write_text("first")
    command = command.replace("report/plan-diff.md", str(tmp_path / "plan-diff.md"))
    done = bash(command, ROOT, PULL_REQUEST=str(NUMBER), HEAD=HEAD, BASE="b" * 40, RUN="a run")
    assert done.returncode == 0, done.stderr
    assert [found["body"] for found in github.comments] == [f"{comment.MARKER}\nfirst"]


def workflow(name: str) -> Any:
    text = (ROOT / ".github" / "workflows" / name).read_text(encoding="utf-8")
    return yaml.safe_load(text)


def bash(command: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a step of a workflow as GitHub does."""
    environment = {**os.environ, **variables}
    return subprocess.run(
        ["bash", "-e", "-c", command], cwd=folder, env=environment, capture_output=True, text=True
    )


def test_a_fork_gets_the_diff_without_a_secret_and_without_a_right_to_write() -> None:
    text = (ROOT / ".github" / "workflows" / "plan-diff.yml").read_text(encoding="utf-8")
    assert "secrets." not in text
    assert workflow("plan-diff.yml")["permissions"] == {}
    jobs = workflow("plan-diff.yml")["jobs"]
    assert "if" not in jobs["diff"]
    assert jobs["diff"]["permissions"] == {"contents": "read"}
    commands = [step.get("run", "") for step in jobs["diff"]["steps"]]
    assert any(command.startswith("make plan-diff") for command in commands)
    # Who may write runs the base's code, and for branches of the repository itself only.
    assert "head.repo.full_name == github.repository" in jobs["comment"]["if"]
    checkout = jobs["comment"]["steps"][0]["with"]
    assert checkout["ref"] == "${{ github.event.pull_request.base.ref }}"


def test_the_bot_is_skipped_on_a_fork_until_it_is_switched_on_and_at_a_mere_comment() -> None:
    condition = workflow("bot.yml")["jobs"]["bot"]["if"]
    assert condition.split(" && ") == [
        "github.event.pull_request.head.repo.full_name == github.repository",
        "vars.MARQUEE_BOT == 'on'",
        "(github.event_name == 'pull_request' || github.event.review.state == 'approved')",
    ]


def test_the_bot_runs_no_code_that_was_pushed_after_what_the_reviewer_let_through(
    tmp_path: Path,
) -> None:
    checkout, look, *others = workflow("bot.yml")["jobs"]["bot"]["steps"]
    assert checkout["with"]["fetch-depth"] == 2
    assert look["env"] == {"HEAD": "${{ github.event.pull_request.head.sha }}"}
    assert "make install" in [step.get("run") for step in others]

    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message=base")
    git(tmp_path, "switch", "--quiet", "--create=change")
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message=seen")
    seen = git(tmp_path, "rev-parse", "HEAD")
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message=pushed since")
    newest = git(tmp_path, "rev-parse", "HEAD")
    git(tmp_path, "switch", "--quiet", "main")
    git(tmp_path, "merge", "--quiet", "--no-ff", "--message=merge", "change")
    ends = [bash(look["run"], tmp_path, HEAD=head).returncode for head in (seen, newest)]
    assert ends == [1, 0]


def test_the_refresh_is_daily_at_six_loads_both_domains_and_may_skip_that() -> None:
    refresh = workflow("refresh.yml")
    assert refresh[True]["schedule"] == [{"cron": "0 6 * * *"}]  # YAML 1.1 reads `on` so
    assert "skip_ingestion" in refresh[True]["workflow_dispatch"]["inputs"]
    steps = refresh["jobs"]["refresh"]["steps"]
    (filesystem,) = [step for step in steps if step.get("id") == "filesystem"]
    *pipelines, run, health = [
        step for step in steps if ".venv/bin/" in step.get("run", "") and step != filesystem
    ]
    assert ["tmdb.py" in pipelines[0]["run"], "studio.py" in pipelines[1]["run"]] == [True, True]
    assert all("!inputs.skip_ingestion" in step["if"] for step in pipelines)
    assert run["run"] == ".venv/bin/python -m marquee.cli.refresh --skip-plan"
    assert health["run"] == ".venv/bin/python pipelines/health.py --alert"
    # What goes wrong in one leaves the others to go on, on what was installed, and the job red.
    assert "cancelled()" not in pipelines[0]["if"]
    for step in (filesystem, pipelines[1], run, health):
        assert "!cancelled() && steps.install.outcome == 'success'" in step["if"]
    assert [step["run"] for step in steps if step.get("id") == "install"] == ["make install"]
    assert not any("continue-on-error" in step for step in steps)
    stopped = "failure() || needs.refresh.result == 'cancelled'"  # as a run over its time is
    assert refresh["jobs"]["alert"]["if"] == f"${{{{ {stopped} }}}}"


@pytest.mark.parametrize("name", ["s3fs", "gcsfs", "adlfs", "s3fs==1", "../evil", "-r x", ""])
def test_only_a_pinned_reader_of_buckets_is_installed(name: str, tmp_path: Path) -> None:
    steps = workflow("refresh.yml")["jobs"]["refresh"]["steps"]
    (filesystem,) = [step for step in steps if step.get("id") == "filesystem"]
    pip = tmp_path / ".venv" / "bin" / "pip"
    pip.parent.mkdir(parents=True)
    pip.write_text('#!/bin/sh\necho "$@"\n')
    pip.chmod(0o755)
    done = bash(filesystem["run"], tmp_path, STUDIO_FILESYSTEM=name)
    lock = ROOT / "requirements" / f"{name}.lock"
    if name in ("s3fs", "gcsfs", "adlfs"):
        pinned = f"--no-deps --require-hashes -r requirements/{name}.lock"
        assert done.stdout.strip() == f"install --quiet {pinned}"
        names = [line for line in lock.read_text().splitlines() if "==" in line]
        assert any(line.startswith(f"{name}==") for line in names)
        assert all(line.endswith("\\") for line in names)  # a hash follows
    else:
        assert (done.returncode, done.stdout) == (1, "")
    assert "secrets." not in json.dumps(filesystem)


def run_bot(
    warehouse: Warehouse, github: FakeGitHub, happened: Document
) -> subprocess.CompletedProcess[str]:
    """`sqlmesh_cicd github run-all`, as the workflow runs it."""
    event = warehouse.folder / "event.json"
    event.write_text(json.dumps(happened), encoding="utf-8")
    environment = {
        "GITHUB_ACTIONS": "true",  # otherwise the bot prints its checks
        "GITHUB_EVENT_PATH": str(event),
        "GITHUB_GRAPHQL_URL": f"{github.url}/graphql",
        "GITHUB_OUTPUT": str(warehouse.folder / "output.txt"),
        "MARQUEE_APPROVERS": REVIEWER,
        "MARQUEE_DUCKDB": str(warehouse.duckdb),
        "MARQUEE_STATE_DUCKDB": str(warehouse.state_duckdb),
    }
    command = f"{Path(sys.executable).parent / 'sqlmesh_cicd'} github run-all"
    return bash(command, warehouse.project, **environment)


@pytest.mark.e2e
def test_the_bot_builds_an_environment_shows_it_and_deploys_it_on_approval(
    github: FakeGitHub, tmp_path: Path
) -> None:
    # The seeds alone: the bot does the same with more models, and takes longer.
    warehouse = Warehouse(tmp_path)
    warehouse.copy_project_to(tmp_path / "project")
    project = warehouse.project / "sqlmesh_project"
    for model in (project / "models").rglob("*.sql"):
        if model.parent.name != "seeds":
            model.unlink()
    warehouse.plan()
    seed = project / "seeds" / "months.csv"
    months = seed.read_text(encoding="utf-8")
    seed.write_text(months.replace("FALL", "AUTUMN"), encoding="utf-8")
    model = project / "models" / "silver" / "seeds" / "seed_months.sql"
    model.write_text(model.read_text(encoding="utf-8").replace("'FALL'", "'AUTUMN'"))

    def season_of_october(schema: str) -> Rows:
        return warehouse.query(
            f"SELECT release_season FROM {schema}.seed_months WHERE calendar_month = 10"
        )

    unapproved = run_bot(warehouse, github, github.pushed())
    assert unapproved.returncode == 0, github.checks
    conclusions = {name: check["conclusion"] for name, check in github.checks.items()}
    assert conclusions.items() >= {
        ("SQLMesh - PR Environment Synced", "success"),
        ("SQLMesh - Prod Plan Preview", "success"),
        ("SQLMesh - Has Required Approval", "failure"),
        ("SQLMesh - Prod Environment Synced", "skipped"),
    }
    preview = github.checks["SQLMesh - Prod Plan Preview"]["output"]["summary"]
    assert "silver.seed_months" in preview
    assert season_of_october(f"silver__pr_{NUMBER}") == [("AUTUMN",)]
    assert season_of_october("silver") == [("FALL",)]
    assert [f"pr_{NUMBER}" in found["body"] for found in github.comments] == [True]

    approved = run_bot(warehouse, github, github.approved_by(REVIEWER))
    assert approved.returncode == 0, github.checks
    assert github.checks["SQLMesh - Prod Environment Synced"]["conclusion"] == "success"
    assert season_of_october("silver") == [("AUTUMN",)]
    assert len(github.comments) == 1
    assert github.is_merged
