"""Bad input of the studio's feeds: what is harmless is read, one bad thing affects only itself."""

from __future__ import annotations

import gzip
import json
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from marquee.core import clock
from marquee.core.text import WHITE_SPACE, clean_code, clean_text
from marquee.sources.studio.feeds import Feed, Parsed
from marquee.sources.studio.files import File, list_files
from marquee.sources.studio.pseudonymize import Pseudonymizer
from pipelines.studio import BOX_OFFICE, FAN_INTERACTIONS, TITLES
from tests.conftest import Project
from tests.pipelines.test_studio_cli import (
    HEADER,
    INTERACTIONS,
    QUARANTINE,
    Folder,
    interaction,
    record,
)

TITLE_IDS = "SELECT title_id FROM bronze.raw_title_metadata ORDER BY ALL"
RECORD_IDS = "SELECT record_id FROM bronze.raw_box_office ORDER BY ALL"


@pytest.fixture
def folder(project: Project, tmp_path: Path) -> Folder:
    return Folder(project, tmp_path / "feed")


def parsed(feed: Feed, content: bytes) -> Parsed:
    """What a file holds, parsed as a whole."""
    header, *_ = content.split(b"\n")
    return feed.parse(feed, header if feed.has_header else None, content.split(b"\n"), 1)


def keys(feed: Feed, content: bytes) -> list[str | None]:
    return [one[feed.keys[0]] for _, one in parsed(feed, content).records]


def rejected(feed: Feed, content: bytes) -> list[tuple[int, str]]:
    return [(one.line, one.reason) for one in parsed(feed, content).rejected]


def titles(*entries: str) -> bytes:
    return ("[" + ",\n".join(entries) + "]").encode(errors="surrogateescape")


GOOD = '{"title_id": "T-1"}', '{"title_id": "T-3"}'


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ('{"title_id": "T-2", "imdb_score": NaN}', "no JSON: NaN is no number"),
        ('{"title_id": "T-2", "imdb_score": -Infinity}', "no JSON: -Infinity is no number"),
        ('{"title_id": "T-2", "genre": "\\ud83d"}', "half of a surrogate pair in genre"),
        ('{"title_id": "T-2", "genre": "\udce9"}', "not UTF-8 in genre"),
        ('{"title_id": T-2}', "no JSON: Expecting value at character 36"),
        ('{"title_id": "T-2"', "no JSON: Expecting"),
        ('{"title_id": "T-2, "genre": "x"}', "no JSON: Expecting"),
        ('{"title_id": "T-2", "genre": ' + "[" * 100_000 + "}", "no JSON: too deeply nested"),
        ('{"title_id": " \\u200b", "genre": "x"}', "no title_id"),
        (
            '{"title_id": "T-2", "genre": {"name": "x"}}',
            "an object where a text is expected: genre",
        ),
        ('{"title_id": "T-2", "genre": [["x"]]}', "an object where a text is expected: genre"),
        ('"T-2"', "no JSON object"),
    ],
)
def test_one_bad_title_of_a_list_is_rejected_alone(bad: str, reason: str) -> None:
    content = titles(GOOD[0], bad, GOOD[1])
    assert keys(TITLES, content) == ["T-1", "T-3"]
    ((number, why),) = rejected(TITLES, content)
    assert number == 2
    assert why.startswith(reason)


@pytest.mark.parametrize(
    ("genre", "text"),
    [
        ('["Comédie", "2"]', "Comédie, 2"),
        ("[1, null, true]", "1, true"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("1e999", "1e999"),
        ('"Com\\u00e9die"', "Comédie"),
    ],
)
def test_a_value_lands_as_text_and_is_never_escaped(genre: str, text: str) -> None:
    content = titles(f'{{"title_id": "T-1", "genre": {genre}}}')
    assert parsed(TITLES, content).records[0][1]["genre"] == text


def test_a_number_with_more_digits_than_python_converts_is_a_text() -> None:
    digits = "9" * 10_000
    content = titles(f'{{"title_id": {digits}, "budget_usd": {digits}}}')
    assert keys(TITLES, content) == [digits]


def test_records_without_a_comma_between_them_are_read() -> None:
    assert keys(TITLES, b'[{"title_id": "T-1"} {"title_id": "T-2"}]') == ["T-1", "T-2"]


@pytest.mark.parametrize("more", ['[{"title_id": "T-2"}]', '\n{"title_id": "T-2"}', "]", "x"])
def test_what_follows_a_list_is_reported(more: str) -> None:
    content = b'[{"title_id": "T-1"}]' + more.encode()
    assert keys(TITLES, content) == ["T-1"]
    assert rejected(TITLES, content) == [(0, "no JSON: something follows the end of the list")]


CSV = f"{HEADER}\n{record(1)}\n"


@pytest.mark.parametrize(
    "content",
    [
        CSV.replace("\n", ",,\n"),  # as spreadsheets write it
        CSV.replace(HEADER, HEADER + ",,"),
        CSV.replace(record(1), record(1) + ",, "),
        CSV + "," * 13 + "\n",
        CSV.replace(HEADER, "\ufeff" + HEADER.upper().replace(",", " ,")),
        CSV.replace(HEADER, HEADER + ",note,note").replace(record(1), record(1) + ",1,2"),
        CSV.replace("\n", "\r\n"),
    ],
)
def test_a_csv_file_as_spreadsheets_write_it_is_read(content: str) -> None:
    assert keys(BOX_OFFICE, content.encode()) == ["B-1"]
    assert rejected(BOX_OFFICE, content.encode()) == []


def test_a_value_without_a_column_name_is_reported_and_two_columns_of_a_name_rejected() -> None:
    nameless = CSV.replace(HEADER, HEADER + ",").replace(record(1), record(1) + ",more")
    assert list(parsed(BOX_OFFICE, nameless.encode()).undeclared.values()) == ["column 15"]
    twice = CSV.replace(HEADER, HEADER + ",title_id").encode()
    assert rejected(BOX_OFFICE, twice) == [(1, "the header names a column twice")]
    beyond = CSV.replace(record(1), record(1) + ",more").encode()
    assert rejected(BOX_OFFICE, beyond) == [(2, "15 columns where the header has 14")]


@pytest.mark.parametrize("space", list(WHITE_SPACE))
def test_a_key_is_blank_and_cleaned_alike_in_every_feed(space: str) -> None:
    assert clean_text(f"{space}T-1{space}") == "T-1"
    assert clean_code(f"{space}t-1{space}") == "T-1"
    assert clean_text(space) is None
    title = json.dumps([{"title_id": space}]).encode()
    assert rejected(TITLES, title) == [(1, "no title_id")]
    event = json.dumps(interaction(1, fan_id=space)).encode()
    assert rejected(FAN_INTERACTIONS, event) == [(1, "no fan_id")]
    if space not in "\n\r":
        line = CSV.replace("B-1", f'"{space}"').encode()
        assert rejected(BOX_OFFICE, line) == [(2, "no record_id")]


def test_lines_that_end_in_cr_alone_are_read_also_when_the_file_grows(folder: Folder) -> None:
    folder.write("box_office/b.csv", HEADER, record(1), end="\r")
    folder.write("titles/t.json", '{"title_id": "T-1"}', '{"title_id": "T-2"}', end="\r")
    folder.load()
    folder.write("box_office/b.csv", record(2), end="\r")
    assert folder.load().code == 0
    assert folder.landed(RECORD_IDS) == ["B-1", "B-2"]
    assert folder.landed(TITLE_IDS) == ["T-1", "T-2"]
    assert folder.landed(QUARANTINE) == []


def test_other_endings_and_folders_are_read_and_the_rest_is_named(folder: Folder) -> None:
    folder.write("box_office/a.CSV", HEADER, record(1))
    folder.write("box_office/2026/11/k.csv", HEADER, record(2))
    folder.write("fan_interactions/e.ndjson", interaction(1))
    folder.write("titles/t.JSON", '{"title_id": "T-1"}')
    (folder.path / "box_office/c.csv.gz").write_bytes(
        gzip.compress(f"{HEADER}\n{record(3)}\n{record(4)}".encode())
    )
    folder.write("box_office/k.xlsx", "x")
    folder.write("notes.txt", "x")
    folder.write("fan_interactions/ann@example.com.bak", "x")
    (folder.path / "titles/dangling.json").symlink_to(folder.path / "nowhere")
    (folder.path / "titles/loop").symlink_to(folder.path)
    ended = folder.load()
    assert ended.code == 0
    assert folder.landed(RECORD_IDS) == ["B-1", "B-2", "B-3", "B-4"]
    assert folder.landed(INTERACTIONS) == ["I-1"]
    assert folder.landed(TITLE_IDS) == ["T-1"]
    for path in ("box_office/k.xlsx", "notes.txt", "titles/dangling.json", "titles/loop"):
        assert path in ended.out
    assert "ann@example.com" not in (ended.out + ended.err)
    assert "rows landed: none" in folder.load().out

    # a compressed file that grew
    (folder.path / "box_office/c.csv.gz").write_bytes(
        gzip.compress(f"{HEADER}\n{record(3)}\n{record(4)}\n{record(5)}".encode())
    )
    folder.load()
    assert folder.landed(RECORD_IDS) == ["B-1", "B-2", "B-3", "B-4", "B-5"]


def test_a_damaged_archive_is_quarantined_and_the_other_files_land(folder: Folder) -> None:
    whole = gzip.compress(f"{HEADER}\n{record(1)}\n".encode())
    folder.write("box_office/b.csv", HEADER, record(2))
    (folder.path / "box_office/a.csv.gz").write_bytes(whole[:-9])
    (folder.path / "box_office/c.csv.gz").write_bytes(b"no archive")
    assert folder.load().code == 0
    assert "B-2" in folder.landed(RECORD_IDS)
    assert [(name, line) for name, line, _ in folder.landed(QUARANTINE)] == [
        ("box_office/a.csv.gz", 0),
        ("box_office/c.csv.gz", 0),
    ]
    (folder.path / "box_office/a.csv.gz").write_bytes(whole)
    folder.load()
    assert set(folder.landed(RECORD_IDS)) == {"B-1", "B-2"}


def test_a_landing_folder_with_a_bracket_in_its_path_is_read(
    project: Project, tmp_path: Path
) -> None:
    folder = Folder(project, tmp_path / "feed [2026]*")
    folder.write("titles/t[1].json", '{"title_id": "T-1"}')
    assert folder.load().code == 0
    assert folder.landed(TITLE_IDS) == ["T-1"]


@pytest.mark.parametrize(
    "name",
    [
        *("a b", "a#b", "a?b", "a%20b", "{a}", "a'b\"c", "-a", "a&b;c", "\u00fc", "a\\b", "a\nb"),
        *("*", "~", "a" * 200, ".a"),
    ],
)
def test_a_folder_or_file_of_any_name_is_listed(tmp_path: Path, name: str) -> None:
    path = tmp_path / name / "titles" / name / f"{name}.JSON"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"[]")
    folder = tmp_path / name
    for url in (str(folder), f"{folder}/", folder.as_uri()):
        listing = list_files([TITLES], url)
        (file,) = listing.files["titles"]
        assert file.open().read() == b"[]"
        assert listing.unread == {}


@pytest.mark.parametrize("name", ["nowhere", "a#b"])
def test_a_landing_folder_of_a_url_that_does_not_exist_is_reported(
    folder: Folder, name: str
) -> None:
    folder.project.monkeypatch.setenv("STUDIO_URL", f"file://{folder.path.parent}/{name}")
    folder.rejects("There is no landing folder")
    assert list_files([TITLES], f"memory://{name}").unread == {".": "does not exist"}


def test_a_file_name_that_is_no_unicode_does_not_end_the_run(folder: Folder) -> None:
    (folder.path / "titles").mkdir()
    name = os.fsencode(folder.path / "titles") + b"/t\xff.json"
    with open(name, "wb") as file:
        file.write(b'{"title_id": "T-1"}')
    assert folder.load().code == 0
    assert folder.landed(TITLE_IDS) == ["T-1"]
    assert "rows landed: none" in folder.load().out


def test_a_file_or_record_that_raises_affects_only_itself(folder: Folder) -> None:
    kinds = {"a": PermissionError, "b": EOFError, "c": ValueError}
    for name in (*kinds, "d"):
        folder.write(f"titles/{name}.json", f'{{"title_id": "T-{name}"}}')
    folder.write("fan_interactions/a.jsonl", *(interaction(one) for one in (1, 2, 3)))
    real_open, split = File.open, Pseudonymizer.split

    def fails(file: File) -> Any:
        if file.path.startswith("titles/") and (kind := kinds.get(Path(file.path).stem)):
            raise kind("canary@example.com")
        return real_open(file)

    def fails_to_split(people: Pseudonymizer, given: dict[str, Any], *rest: Any) -> Any:
        if given["interaction_id"] == "I-2":
            raise OverflowError("canary@example.com")
        return split(people, given, *rest)

    folder.project.monkeypatch.setattr(File, "open", fails)
    folder.project.monkeypatch.setattr(Pseudonymizer, "split", fails_to_split)
    ended = folder.load()
    assert ended.code == 0
    assert "canary" not in (ended.out + ended.err)
    assert folder.landed(TITLE_IDS) == ["T-d"]
    assert folder.landed(INTERACTIONS) == ["I-1", "I-3"]
    assert folder.landed(QUARANTINE) == [
        ("fan_interactions/a.jsonl", 2, "cannot be processed: OverflowError"),
        *(
            (f"titles/{name}.json", 0, f"cannot be read: {kind.__name__}")
            for name, kind in kinds.items()
        ),
    ]


def test_a_file_of_which_no_record_can_be_processed_is_tried_again(folder: Folder) -> None:
    split = Pseudonymizer.split

    def fails(people: Pseudonymizer, given: dict[str, Any], *rest: Any) -> Any:
        if given["interaction_id"] == "I-1":
            raise OverflowError("canary@example.com")
        return split(people, given, *rest)

    folder.project.monkeypatch.setattr(Pseudonymizer, "split", fails)
    folder.write("fan_interactions/a.jsonl", interaction(1))
    folder.write("fan_interactions/b.jsonl", interaction(2))
    ended = folder.rejects("fan_interactions/a.jsonl (OverflowError)")
    assert "canary" not in (ended.out + ended.err)
    assert folder.landed(INTERACTIONS) == ["I-2"]
    folder.project.monkeypatch.setattr(Pseudonymizer, "split", split)
    assert folder.load().code == 0
    assert folder.landed(INTERACTIONS) == ["I-1", "I-2"]


def test_a_corrected_file_of_the_same_length_lands_again(folder: Folder) -> None:
    lines = [record(one) for one in range(4000)]
    path = folder.path / "box_office/b.csv"
    folder.write("box_office/b.csv", HEADER, *lines)
    os.utime(path, (1_700_000_000, 1_700_000_000))
    folder.load()
    lines[2000] = lines[2000].replace("900.50", "900.51")
    path.write_text("\n".join([HEADER, *lines]) + "\n")
    os.utime(path, (1_700_000_001, 1_700_000_001))
    ended = folder.load()
    assert "was overwritten" in ended.err
    assert folder.landed(
        "SELECT gross_revenue_local FROM bronze.raw_box_office WHERE record_id = 'B-2000' "
        "ORDER BY ingested_at"
    ) == ["900.50", "900.51"]
    os.utime(path, (1_700_000_002, 1_700_000_002))  # touched, and as it was
    assert "rows landed: studio_files 1" in folder.load().out
    assert "rows landed: none" in folder.load().out


def test_a_clock_that_ran_ahead_loads_no_line_twice(folder: Folder) -> None:
    real_now = clock.utcnow

    def ahead() -> datetime:
        return real_now() + timedelta(days=2)

    folder.write("fan_interactions/a.jsonl", interaction(1), interaction(2, account_type="GUEST"))
    for module in ("core.clock", "sources.studio.run"):
        folder.project.monkeypatch.setattr(f"marquee.{module}.utcnow", ahead)
    folder.load()
    for module in ("core.clock", "sources.studio.run"):
        folder.project.monkeypatch.setattr(f"marquee.{module}.utcnow", real_now)
    for number in (3, 4):
        folder.write("fan_interactions/a.jsonl", interaction(number, account_type="GUEST"))
        assert folder.load().code == 0
    assert folder.landed(INTERACTIONS) == ["I-1", "I-2", "I-3", "I-4"]
    rows = folder.landed(
        "SELECT ingested_at, expires_at FROM bronze.raw_fan_interactions ORDER BY source_line"
    )
    assert [at for at, _ in rows] == sorted(at for at, _ in rows)
    # The time of a guest counts from the real day.
    assert rows[3][1] < real_now() + timedelta(days=31)
