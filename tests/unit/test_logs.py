"""The log of the commands: what a line contains with and without a terminal, and its level."""

import json
import logging
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from marquee.cli.base import build_parser, execute
from marquee.core.errors import MarqueeError
from marquee.core.logs import LEVEL_VARIABLE, LOGGERS, configure_logging
from marquee.sources.tmdb.report import Report

logger = logging.getLogger("marquee.anything")
parse = build_parser("python pipelines/tmdb.py", "Load.", "").parse_args


@pytest.fixture(autouse=True)
def unchanged_loggers() -> Iterator[None]:
    """The loggers are as before afterwards."""
    before = {name: logging.getLogger(name).handlers[:] for name in LOGGERS}
    yield
    for name, handlers in before.items():
        logging.getLogger(name).handlers[:] = handlers
        logging.getLogger(name).setLevel(logging.NOTSET)


STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


@pytest.mark.parametrize(
    ("is_terminal", "run_id", "line"),
    [
        (False, None, rf"{STAMP} WARNING 3 movies\n"),
        (False, "20261128T060000Z-3f9c1a", rf"{STAMP} WARNING 20261128T060000Z-3f9c1a 3 movies\n"),
        (True, None, r"3 movies\n"),
    ],
)
def test_a_line_has_time_level_and_run_but_on_a_terminal(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    is_terminal: bool,
    run_id: str | None,
    line: str,
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal)
    configure_logging(run_id=run_id)
    logger.warning("3 movies")
    assert re.fullmatch(line, capsys.readouterr().err)


def test_configured_twice_a_line_is_written_once(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging()
    configure_logging()
    logger.info("3 movies")
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize(
    ("option", "variable", "expected"),
    [
        (None, None, ["INFO", "WARNING"]),
        ("DEBUG", None, ["DEBUG", "INFO", "WARNING"]),
        (None, "warning", ["WARNING"]),
        ("DEBUG", "WARNING", ["DEBUG", "INFO", "WARNING"]),
        (None, "loud", ["INFO", "WARNING"]),
    ],
)
def test_the_level_is_the_option_or_the_variable(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    option: str | None,
    variable: str | None,
    expected: list[str],
) -> None:
    if variable is not None:
        monkeypatch.setenv(LEVEL_VARIABLE, variable)
    configure_logging(option)
    for level in (logging.DEBUG, logging.INFO, logging.WARNING):
        logger.log(level, "text")
    assert [line.split(" ")[1] for line in capsys.readouterr().err.splitlines()] == expected


def test_a_command_has_the_option_and_rejects_other_levels(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert parse(["--log-level", "warning"]).log_level == "WARNING"
    assert parse([]).log_level is None
    with pytest.raises(SystemExit):
        parse(["--log-level", "loud"])
    assert "choose from" in capsys.readouterr().err


def test_the_option_applies_to_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    def load(_: ExitStack) -> str:
        logger.info("3 movies")
        logger.warning("a problem")
        return "the summary"

    ended = execute(load, Report(), parse(["--log-level", "warning"]), explain_error=str)
    assert ended == 0
    printed = capsys.readouterr()
    assert "a problem" in printed.err
    assert "3 movies" not in printed.err
    assert printed.out == "the summary\n"


@pytest.mark.parametrize("is_option", [True, False])
def test_as_json_a_line_is_an_object(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, is_option: bool
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    if not is_option:
        monkeypatch.setenv("MARQUEE_LOG_FORMAT", "json")
    configure_logging(log_format="json" if is_option else None, run_id="r1")
    logger.warning('%s "movies"\nof two lines', 3)
    (line,) = capsys.readouterr().err.splitlines()
    record = json.loads(line)
    assert re.fullmatch(STAMP, record.pop("time"))
    assert record == {
        "level": "WARNING",
        "run_id": "r1",
        "logger": "marquee.anything",
        "message": '3 "movies"\nof two lines',
    }


def test_each_line_of_an_error_has_the_id_of_its_run(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report()

    def fail(_: ExitStack) -> str:
        raise MarqueeError("No key.", "Set one.")

    assert execute(fail, report, parse([]), explain_error=str) == 1
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(" ")[2] for line in lines] == [
        f"ERROR {report.batch_id} No key.",
        f"ERROR {report.batch_id} Set one.",
    ]
