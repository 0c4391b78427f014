"""Who is alerted of a failure, and that an alert never hides it: real failures, local receivers."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from marquee.cli.health import send_alert_of
from marquee.monitoring.checks import CheckResult
from marquee.ops.alerts import send_alert
from marquee.ops.log_tables import one_line
from marquee.sandbox.server import Sandbox
from tests.conftest import Project
from tests.fakes.fake_receivers import Receiver, mail_server, slack, text_of
from tests.small_warehouse import Warehouse, movie

# A project of one model: a plan of it takes a second.
FILMS = """
MODEL (
  name silver.films,
  kind FULL,
  description 'One row per movie that landed.',
  grain movie_id,
  column_descriptions (movie_id = 'The movie.'),
  audits (number_of_rows(threshold := 2))
);

SELECT
  movie_id::BIGINT AS movie_id
FROM bronze.raw_movies
"""


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with slack() as receiver:
        yield receiver


@pytest.fixture
def mail(tmp_path: Path) -> Iterator[Receiver]:
    with mail_server(tmp_path) as receiver:
        yield receiver


@pytest.fixture
def small(tmp_path: Path) -> Warehouse:
    """A warehouse of one table, which must have more than two rows; bronze has none."""
    (tmp_path / "small").mkdir()
    warehouse = Warehouse.create(tmp_path / "small")
    warehouse.copy_project_to(tmp_path / "project")
    models = warehouse.project / "sqlmesh_project" / "models"
    shutil.rmtree(models)
    (models / "silver").mkdir(parents=True)
    (models / "silver" / "films.sql").write_text(FILMS)
    return warehouse


@pytest.fixture
def receivers(hook: Receiver, mail: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """As docs/runbook.md says."""
    monkeypatch.setenv("MARQUEE_SLACK_WEBHOOK_URL", hook.url)
    for name, value in mail.mail_settings.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = Receiver(port=9)
    monkeypatch.setenv("MARQUEE_SLACK_WEBHOOK_URL", nowhere.url)
    for name, value in nowhere.mail_settings.items():
        monkeypatch.setenv(name, value)


def log_of(warehouse: Warehouse) -> list[tuple[str, str, bool, str | None]]:
    return [
        (job, status, is_ended, error)
        for job, status, is_ended, error in warehouse.query(
            "SELECT job, status, ended_at IS NOT NULL, error FROM ops.run_log ORDER BY started_at"
        )
    ]


def test_a_plan_and_a_run_that_an_audit_stops_are_alerted_once_each(
    small: Warehouse, hook: Receiver, mail: Receiver, receivers: None
) -> None:
    with pytest.raises(AssertionError, match="Plan application failed"):
        small.plan()
    assert [status for _, status, _, _ in log_of(small)] == ["FAILED"]
    small.land(movie(1), movie(2), movie(3))
    small.plan()
    small.execute("DELETE FROM bronze.raw_movies")
    with pytest.raises(AssertionError):
        small.refresh()
    assert [one[:3] for one in log_of(small)] == [
        ("plan", "FAILED", True),
        ("plan", "SUCCEEDED", True),
        ("run", "FAILED", True),
    ]
    for job, posted, mailed in zip(("plan", "run"), hook.received, mail.received, strict=True):
        subject = f"Marquee: sqlmesh {job} of environment prod failed"
        text = text_of(mailed)
        assert mailed["Subject"] == subject
        assert mailed["To"] in ("a@example.com, b@example.com",)
        assert posted.split() == f"{subject} {text}".split()
        assert "silver.films: Audits failed: number_of_rows" in posted
        assert "What to do:" in posted
        assert "secret" not in posted + str(mailed)


def test_a_plan_that_a_guard_rejects_is_logged_and_alerted(
    small: Warehouse, hook: Receiver, receivers: None
) -> None:
    small.execute("CREATE SCHEMA snapshots")
    small.execute("CREATE VIEW snapshots.snap_fans AS SELECT 1 AS fan_id")
    with pytest.raises(AssertionError, match="its history would go"):
        small.plan()
    ((job, status, is_ended, error),) = log_of(small)
    assert (job, status, is_ended) == ("plan", "FAILED", True)
    assert error
    assert error.startswith("This plan is stopped")
    assert "snapshots.snap_fans is no longer in the project: its history would go" in error
    (posted,) = hook.received
    assert error in " ".join(posted.split())
    assert "\nIf that is meant: MARQUEE_ALLOW=snapshots.snap_fans\n" in posted


def test_receivers_that_are_down_hide_no_failure_and_leave_no_row_open(
    small: Warehouse, nobody_listens: None
) -> None:
    with pytest.raises(AssertionError, match="Plan application failed") as failure:
        small.plan()
    ((_, status, is_ended, error),) = log_of(small)
    assert (status, is_ended) == ("FAILED", True)
    assert error == "silver.films: Audits failed: number_of_rows"
    message = str(failure.value)
    assert "The alert by Slack could not be sent" in message
    assert "The alert by mail could not be sent" in message
    assert "secret" not in message


def test_a_run_that_cannot_be_logged_is_alerted_when_it_fails(
    small: Warehouse, hook: Receiver, receivers: None
) -> None:
    small.execute("CREATE SCHEMA ops")
    small.execute("CREATE TABLE ops.run_log (nonsense INT)")
    with pytest.raises(AssertionError, match="could not be written"):
        small.plan()
    assert ["number_of_rows" in posted for posted in hook.received] == [True]


def break_tmdb(project: Project, sandbox: Sandbox) -> None:
    project.monkeypatch.setenv("TMDB_BASE_URL", "http://127.0.0.1:9/3")
    project.monkeypatch.setenv("SOURCES__TMDB__ATTEMPTS", "1")


def test_a_pipeline_that_fails_is_alerted_by_dlts_own_mechanism(
    project: Project, sandbox: Sandbox, hook: Receiver
) -> None:
    project.monkeypatch.setenv("RUNTIME__SLACK_INCOMING_HOOK", hook.url)
    assert project.load().code == 0
    assert hook.received == []
    break_tmdb(project, sandbox)
    assert project.load().code == 75
    (posted,) = hook.received
    ((run_id, error),) = project.query(
        "SELECT run_id, error FROM ops.run_log WHERE status = 'FAILED'"
    )
    assert posted.startswith("Marquee: pipeline tmdb failed")
    assert " ".join(posted.split()).startswith(f"Marquee: pipeline tmdb failed {error}")
    assert run_id in posted
    assert "What to do:" in posted
    assert sandbox.credential not in posted


def test_a_pipeline_that_fails_is_alerted_by_mail(
    project: Project, sandbox: Sandbox, mail: Receiver
) -> None:
    for name, value in mail.mail_settings.items():
        project.monkeypatch.setenv(name, value)
    break_tmdb(project, sandbox)
    assert project.load().code == 75
    (mailed,) = mail.received
    assert mailed["Subject"] == "Marquee: pipeline tmdb failed"
    assert "127.0.0.1:9" in text_of(mailed)
    assert "secret" not in str(mailed)


def test_a_pipeline_that_cannot_alert_reports_that_and_what_failed(
    project: Project, sandbox: Sandbox
) -> None:
    project.monkeypatch.setenv("MARQUEE_SLACK_WEBHOOK_URL", Receiver(port=9).url)
    break_tmdb(project, sandbox)
    ended = project.load()
    assert ended.code == 75
    assert "127.0.0.1:9" in ended.err
    assert "The alert by Slack could not be sent" in ended.err
    assert "secret-hook" not in ended.output
    assert project.query("SELECT status FROM ops.run_log") == [("FAILED",)]


FAILING = [CheckResult("disk", "/data", False, "0.1 GB free")]


def test_what_health_finds_is_reported(
    hook: Receiver, mail: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(mail.certificate))
    assert send_alert_of(FAILING, {}) == []
    environ = {"MARQUEE_SLACK_WEBHOOK_URL": hook.url, **mail.mail_settings}
    assert send_alert_of(FAILING, environ) == ["Slack", "mail"]
    assert "disk /data: 0.1 GB free" in hook.received[0]
    assert mail.received[0]["Subject"] == "Marquee: health check failed"
    assert "disk /data: 0.1 GB free" in text_of(mail.received[0])


def test_a_receiver_that_rejects_is_reported_and_hurts_nobody(
    hook: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    hook.status = 404
    for url in (hook.url, Receiver(port=9).url):
        assert send_alert_of(FAILING, {"MARQUEE_SLACK_WEBHOOK_URL": url}) == []
        output = capsys.readouterr().err
        assert "could not be sent" in output
        assert "secret-hook" not in output


def test_a_receiver_that_never_answers_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("marquee.ops.alerts.TIMEOUT_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = Receiver(port=silent.getsockname()[1]).url
        assert send_alert_of(FAILING, {"MARQUEE_SLACK_WEBHOOK_URL": url}) == []
    assert "could not be sent (no answer)" in capsys.readouterr().err


def test_a_mail_server_with_an_unknown_certificate_gets_nothing(
    mail: Receiver, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    assert send_alert_of(FAILING, mail.mail_settings) == []
    assert mail.received == []
    assert "could not be sent (SSLCertVerificationError)" in capsys.readouterr().err


def test_a_certificate_of_another_host_is_rejected(
    mail: Receiver, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(mail.certificate))
    settings = {**mail.mail_settings, "MARQUEE_SMTP_HOST": "localhost"}
    assert send_alert_of(FAILING, settings) == []
    assert "could not be sent (SSLCertVerificationError)" in capsys.readouterr().err


def test_a_long_alert_keeps_the_command_it_recommends(
    hook: Receiver, mail: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(mail.certificate))
    environ = {"MARQUEE_SLACK_WEBHOOK_URL": hook.url, **mail.mail_settings}
    command = "MARQUEE_ALLOW='rebuild:gold.fact_movies' sqlmesh plan <prod> & more"
    text = "\n".join([*(f"table {number} would be rebuilt" for number in range(2000)), command])
    assert send_alert("Marquee: plan failed", text, environ) == ["Slack", "mail"]
    assert hook.received[0].endswith(
        "MARQUEE_ALLOW='rebuild:gold.fact_movies' sqlmesh plan &lt;prod&gt; &amp; more"
    )
    assert len(hook.received[0]) < 40_000
    assert text_of(mail.received[0]).rstrip().endswith(command)
    assert one_line(text).endswith(command)
