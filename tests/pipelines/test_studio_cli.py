"""The command line of the studio: what is loaded from the landing folder, and what is reported."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import duckdb
import fsspec
import pytest
import tomlkit
from dlt.load.load import Load
from dlt.pipeline.pipeline import Pipeline
from ruamel.yaml import YAML
from sqlmesh.core.config.loader import load_config_from_yaml

from marquee.core.settings import ROOT
from marquee.sandbox.studio import write_batch
from marquee.sources.studio.encryption import open_vault
from marquee.sources.studio.files import File
from marquee.sources.studio.pseudonymize import verified_account_types
from marquee.sources.studio.settings import StudioSettings, derived_vault_key
from marquee.sources.studio.tables import TABLES
from marquee.sources.studio.tokens import Tokens
from marquee.sources.studio.vault import Vault
from pipelines import studio
from tests.conftest import CliResult, Project
from tests.crash_points import before, is_killed

KEY = "4f1c9a7e2b8d06355dab71e0c3f82964"
HEADER = (
    "record_id,title_id,theater_id,name,region,country,report_date,tickets_sold,"
    "gross_revenue_local,local_currency,exchange_rate_usd,gross_revenue_usd,screen_count,"
    "showtime_count"
)


def interaction(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "interaction_id": f"I-{number}",
        "fan_id": "F1",
        "account_type": "VERIFIED",
        "email": "Ann@Example.com ",
        "first_name": "Ann",
        "last_name": "Lee",
        "title_id": "T-1",
        "event_type": "STREAM",
        "event_timestamp": "2026-01-01T10:00:00Z",
        "session_id": "s1",
        "ip_address": "10.1.2.3",
        **fields,
    }


def record(number: int, *more: str) -> str:
    where = 'T-1,C-1,"Odeon, Hall 1",Europe,ESP,2026-01-01'
    return ",".join([f"B-{number}", where, "100,900.50,EUR,1.10,990.55,2,4", *more])


class Folder:
    """A landing folder, and the command line on it."""

    def __init__(self, project: Project, path: Path) -> None:
        self.project = project
        self.path = path
        path.mkdir()
        project.monkeypatch.setenv("STUDIO_URL", str(path))
        project.monkeypatch.setenv("STUDIO_TOKEN_KEY", KEY)

    def write(self, name: str, *lines: str | bytes | dict[str, Any], end: str = "\n") -> None:
        """Append lines to a file."""
        target = self.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("ab") as file:
            for line in lines:
                text = json.dumps(line) if isinstance(line, dict) else line
                file.write((text.encode() if isinstance(text, str) else text) + end.encode())

    def load(self, *arguments: str) -> CliResult:
        """Run the command line in this process."""
        self.project.capsys.readouterr()
        try:
            code = studio.main(arguments)
        except SystemExit as leaving:
            code = int(str(leaving.code))
        return CliResult(code, *self.project.capsys.readouterr())

    def rejects(self, message: str, *arguments: str) -> CliResult:
        """Run the command line, which must fail with this message."""
        ended = self.load(*arguments)
        assert ended.code == 1, ended.output
        assert message in ended.err
        return ended

    def begin(self) -> None:
        """Load the first time, or copy what another test loaded from the same files."""
        files = [path for path in sorted(self.path.rglob("*")) if path.is_file()]
        loaded = tuple((str(path.relative_to(self.path)), path.read_bytes()) for path in files)
        self.project.begin_with((self.path.name, *loaded), lambda: self.load().check())

    def landed(self, sql: str) -> list[Any]:
        """The rows of a query; bare values where it has one column."""
        rows = self.project.query(sql)
        return [row[0] if len(row) == 1 else row for row in rows]

    def people(self, columns: str) -> list[Any]:
        """The rows of the vault, in order."""
        with open_vault(self.project.vault, derived_vault_key(KEY), read_only=True) as connection:
            return connection.execute(
                f"SELECT {columns} FROM secure.pii_vault ORDER BY ALL"
            ).fetchall()


@pytest.fixture
def folder(project: Project, tmp_path: Path) -> Folder:
    return Folder(project, tmp_path / "feed")


INTERACTIONS = "SELECT interaction_id FROM bronze.raw_fan_interactions ORDER BY ALL"
QUARANTINE = "SELECT source_file, source_line, reason FROM bronze.quarantine_studio ORDER BY ALL"


def test_a_file_is_loaded_once_its_new_lines_once_and_a_file_overwritten_again(
    folder: Folder,
) -> None:
    folder.write("fan_interactions/a.jsonl", interaction(1), "", interaction(2))
    folder.write("titles/t.json", {"title_id": "T-1", "budget_usd": 8.2e-05, "tmdb_id": 7})
    folder.write("box_office/b.csv", HEADER, record(1))
    assert folder.load().code == 0
    again = folder.load()
    assert "rows landed: none" in again.out
    assert folder.landed(INTERACTIONS) == ["I-1", "I-2"]
    # as they came: numbers are the text they were, a quoted comma is no border
    assert folder.landed("SELECT budget_usd, tmdb_id FROM bronze.raw_title_metadata") == [
        ("8.2e-05", "7")
    ]
    assert folder.landed("SELECT name, gross_revenue_local FROM bronze.raw_box_office") == [
        ("Odeon, Hall 1", "900.50")
    ]

    folder.write("fan_interactions/a.jsonl", interaction(3))
    folder.write("box_office/b.csv", record(2))
    (folder.path / "titles/t.json").write_text('[{"title_id": "T-1"}, {"title_id": "T-2"}]')
    assert folder.load().code == 0
    assert folder.landed(INTERACTIONS) == ["I-1", "I-2", "I-3"]
    assert folder.landed("SELECT record_id, source_line FROM bronze.raw_box_office") == [
        ("B-1", 2),
        ("B-2", 3),
    ]
    assert folder.landed("SELECT title_id, source_line FROM bronze.raw_title_metadata") == [
        ("T-1", 1),
        ("T-1", 1),
        ("T-2", 2),
    ]
    lines = "SELECT source_line FROM bronze.raw_fan_interactions ORDER BY ALL"
    assert folder.landed(lines) == [1, 3, 4]

    (folder.path / "fan_interactions/a.jsonl").unlink()
    folder.write("fan_interactions/a.jsonl", interaction(9))
    rewritten = folder.load()
    assert "was overwritten" in rewritten.err
    assert folder.landed(INTERACTIONS) == ["I-1", "I-2", "I-3", "I-9"]


def test_a_line_that_is_being_written_waits_for_its_end(folder: Folder) -> None:
    folder.write("box_office/b.csv", HEADER, record(1))
    folder.write("box_office/b.csv", record(2)[:-4], end="")
    folder.load()
    assert folder.landed("SELECT record_id FROM bronze.raw_box_office") == ["B-1"]
    folder.write("box_office/b.csv", record(2)[-4:])
    folder.write("box_office/b.csv", record(3), end="")
    os.utime(folder.path / "box_office/b.csv", (0, 0))  # nobody writes it any more
    folder.load()
    folder.write("box_office/b.csv", "", record(4))
    folder.load()
    assert folder.landed("SELECT record_id, source_line FROM bronze.raw_box_office") == [
        ("B-1", 2),
        ("B-2", 3),
        ("B-3", 4),
        ("B-4", 5),
    ]


def test_what_is_no_record_is_quarantined_by_file_and_line_and_stops_nothing(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.write(
        "fan_interactions/a.jsonl",
        interaction(1),
        '{"interaction_id": "I-2", ',
        "[1]",
        interaction(3, interaction_id=""),
        '{"interaction_id": "I-4", "fan_id": NaN}',
        b'{"interaction_id": "I-\xff"}',
        '{"interaction_id": "I-5", "fan_id": "\\ud800"}',
        "[" * 100_000,
        interaction(6, telephone="555", amount={"value": 1}),
    )
    folder.write("fan_interactions/empty.jsonl", end="")
    folder.write("fan_interactions/lost.jsonl", interaction(7))
    folder.write("fan_interactions/utf16.jsonl", json.dumps(interaction(8)).encode("utf-16"))
    folder.write("titles/broken.json", '[{"title_id": "T-1"},')
    folder.write("box_office/b.csv", HEADER, "B-1,T-1", record(2, "extra"), record(3))
    folder.write("box_office/short.csv", "record_id,theater_id,title_id,report_date,new")
    folder.write("box_office/short.csv", "B-4,C-1,T-1,2026-01-01,x", 'B-5,"C-1,T-1,2026-01-01,x')
    folder.write("box_office/keyless.csv", "theater_id,title_id", "C-1,T-1")

    real_open = File.open
    monkeypatch.setattr(
        "marquee.sources.studio.files.File.open",
        lambda file: not_found() if "lost" in file.path else real_open(file),
    )
    ended = folder.load()

    assert ended.code == 0
    assert "was listed and no longer exists" in ended.err
    assert "bronze.quarantine_studio" in ended.out
    assert folder.landed(INTERACTIONS) == ["I-1", "I-6"]
    assert folder.landed("SELECT record_id FROM bronze.raw_box_office ORDER BY 1") == ["B-3", "B-4"]
    named = [(Path(name).name, line, reason) for name, line, reason in folder.landed(QUARANTINE)]
    assert [(name, line) for name, line, _ in named] == [
        ("b.csv", 2),
        ("b.csv", 3),
        ("keyless.csv", 1),
        ("short.csv", 3),
        *[("a.jsonl", line) for line in range(2, 9)],
        ("empty.jsonl", 0),
        ("lost.jsonl", 0),
        ("utf16.jsonl", 1),
        ("broken.json", 0),
    ]
    reasons = " ".join(reason for _, _, reason in named)
    for part in (
        "2 columns where the header has 14",
        "15 columns where the header has 14",
        "the header has no record_id, report_date",
        "quotation mark",
        "no JSON object",
        "no interaction_id",
        "NaN is no number",
        "not UTF-8 at byte",
        "surrogate",
        "too deeply nested",
        "an empty file",
    ):
        assert part in reasons
    # undeclared fields are not loaded; their positions are reported, not their names
    assert folder.landed(
        "SELECT undeclared_fields, missing_fields IS NULL FROM bronze.studio_files "
        "WHERE NOT undeclared_fields IS NULL ORDER BY ALL"
    ) == [("1: column 5", False), ("1: field 12 of line 9", True)]

    monkeypatch.setattr("marquee.sources.studio.files.File.open", real_open)
    folder.load()
    assert folder.landed(INTERACTIONS) == ["I-1", "I-6", "I-7"]
    assert len(folder.landed(QUARANTINE)) == len(named)


def not_found() -> Any:
    raise FileNotFoundError


def test_any_url_that_fsspec_knows_is_a_landing_folder(folder: Folder) -> None:
    with fsspec.open("memory://feeds/fan_interactions/a.jsonl", "wb") as file:
        file.write(json.dumps(interaction(1)).encode() + b"\n")
    folder.project.monkeypatch.setenv("STUDIO_URL", "memory://feeds")
    assert folder.load().code == 0
    assert folder.landed(INTERACTIONS) == ["I-1"]


@pytest.mark.parametrize(
    ("key", "message"),
    [(None, "token_hex(32)"), ("short", "fewer than 32 characters")],
)
def test_without_a_good_key_nothing_is_loaded(
    folder: Folder, key: str | None, message: str
) -> None:
    folder.write("fan_interactions/a.jsonl", interaction(1))
    if key:
        folder.project.monkeypatch.setenv("STUDIO_TOKEN_KEY", key)
    else:
        folder.project.monkeypatch.delenv("STUDIO_TOKEN_KEY")
    folder.rejects(message)
    assert not folder.project.duckdb.exists()


def test_another_key_is_rejected(folder: Folder) -> None:
    folder.write("fan_interactions/a.jsonl", interaction(1))
    folder.begin()
    folder.project.monkeypatch.setenv("STUDIO_TOKEN_KEY", KEY[::-1])
    folder.write("fan_interactions/a.jsonl", interaction(2))
    for arguments in ([], ["--forget", "F1"]):
        folder.rejects("another token key", *arguments)
    assert folder.landed(INTERACTIONS) == ["I-1"]


def test_wrong_usage_and_a_missing_folder_are_reported(folder: Folder) -> None:
    assert folder.load("--batch", "2").code == 2
    assert folder.load("--forget", " ").code == 2
    folder.project.monkeypatch.setenv("STUDIO_URL", str(folder.path / "nowhere"))
    folder.rejects("There is no landing folder")


def test_a_dry_run_writes_nothing(folder: Folder) -> None:
    folder.write("fan_interactions/a.jsonl", interaction(1))
    ended = folder.load("--dry-run")
    assert ended.code == 0
    assert "raw_fan_interactions 1" in ended.out
    assert list(folder.project.folder.iterdir()) == []


def test_persons_are_tokens_in_bronze_and_themselves_in_the_vault(folder: Folder) -> None:
    folder.write(
        "fan_interactions/a.jsonl",
        interaction(1),
        interaction(2, fan_id="F2", email="ann@example.com"),
        interaction(3),
        interaction(4, fan_id="G1", account_type=" guest", email="x@y.example"),
        interaction(5, fan_id="F3", account_type="TRIAL"),
    )
    folder.load()
    tokens = Tokens(KEY)
    rows = folder.landed(
        "SELECT fan_token, email_token, first_name_token, session_token, ip_token, expires_at "
        "FROM bronze.raw_fan_interactions ORDER BY source_line"
    )
    first, second, third, guest, trial = rows
    assert first == third
    assert first[:2] == (tokens.fan("F1"), tokens.email("ann@example.com"))
    assert first[1] == second[1]  # one address, two fans
    assert first[2] != second[2]  # one name, two fans: no counting of names
    assert guest[1:3] == (None, None)
    assert guest[3] == first[3]
    assert guest[5] is not None
    # An unknown type has no more than a guest until somebody has declared what it is.
    assert trial[1:3] == (None, None)
    assert trial[5] == guest[5]
    assert folder.people("fan_id, email, first_name, last_name, ip_address") == [
        ("F1", "Ann@Example.com ", "Ann", "Lee", "10.1.2.3"),
        ("F2", "ann@example.com", "Ann", "Lee", "10.1.2.3"),
    ]


def test_the_vault_is_a_file_that_its_owner_alone_reads(folder: Folder) -> None:
    folder.write("fan_interactions/a.jsonl", interaction(1))
    modes: set[int] = set()
    stage = Vault._stage

    def look(vault: Vault, client: Any, people: Any) -> None:
        client.execute_sql("CREATE TABLE secure.written AS SELECT 1")
        stage(vault, client, people)
        modes.update(path.stat().st_mode & 0o777 for path in folder.project.folder.glob("vault.*"))

    folder.project.monkeypatch.setattr(Vault, "_stage", look)
    folder.load()
    assert modes == {0o600}
    assert folder.project.vault.stat().st_mode & 0o777 == 0o600
    assert folder.project.duckdb.stat().st_mode & 0o044
    assert folder.landed("SELECT COUNT(*) FROM duckdb_schemas() WHERE schema_name = 'secure'") == [
        0
    ]


def test_a_vault_that_is_lost_or_of_another_warehouse_is_rejected(folder: Folder) -> None:
    folder.write("fan_interactions/a.jsonl", interaction(1))
    folder.begin()
    folder.write("fan_interactions/a.jsonl", interaction(2))
    folder.project.monkeypatch.setenv(
        "MARQUEE_VAULT_DUCKDB", str(folder.project.folder / "o.duckdb")
    )
    for arguments in ([], ["--forget", "F1"]):
        folder.rejects("The vault of this warehouse is not at", *arguments)
    assert folder.landed(INTERACTIONS) == ["I-1"]

    folder.project.monkeypatch.delenv("MARQUEE_VAULT_DUCKDB")
    folder.project.monkeypatch.setenv("MARQUEE_DUCKDB", str(folder.project.folder / "other.duckdb"))
    folder.project.monkeypatch.setenv("STUDIO_TOKEN_KEY", KEY[::-1])
    folder.rejects("belongs to another token key")  # another warehouse in the same folder
    folder.project.monkeypatch.setenv("MARQUEE_DUCKDB", str(folder.project.vault))
    folder.rejects("The vault cannot be the warehouse")


def test_the_tokens_of_guests_expire(folder: Folder) -> None:
    folder.project.monkeypatch.setenv("SOURCES__STUDIO__GUEST_RETENTION_DAYS", "0")
    folder.write("fan_interactions/a.jsonl", interaction(1, account_type="GUEST"), interaction(2))
    folder.load()
    assert folder.landed(
        "SELECT account_type, session_token IS NULL, ip_token IS NULL, fan_token IS NULL "
        "FROM bronze.raw_fan_interactions ORDER BY source_line"
    ) == [("GUEST", True, True, False), ("VERIFIED", False, False, False)]


def test_a_forgotten_fan_does_not_come_back_with_an_old_file(folder: Folder) -> None:
    folder.write("fan_interactions/a.jsonl", interaction(1), interaction(2, fan_id="F2"))
    folder.load()
    folder.project.monkeypatch.setattr("sys.argv", ["pipelines/studio.py", "--forget", "F1"])
    assert folder.load("--forg", "F1").code == 2  # an abbreviated option would not be masked
    assert "secure.pii_vault" in folder.load("--forget", "F1").out
    assert "Nothing to forget" in folder.load("--forget", "F1").out
    assert folder.landed("SELECT job, status, command FROM ops.run_log ORDER BY started_at")[
        1:
    ] == [
        ("studio_erasure", "SUCCEEDED", "studio.py --forget ***"),
        ("studio_erasure", "SUCCEEDED", "studio.py --forget ***"),
    ]
    assert not any("F1" in str(row) for row in folder.landed("FROM ops.run_log"))
    folder.write("fan_interactions/old.jsonl", interaction(3), interaction(4, fan_id="F2"))
    folder.write("fan_interactions/old.jsonl", interaction(5, event_timestamp="2100-01-01"))
    ended = folder.load()
    assert "1 lines left out" in ended.out
    # what a fan does after asking to be forgotten is a new acquaintance
    assert folder.landed(INTERACTIONS) == ["I-1", "I-2", "I-4", "I-5"]
    assert folder.landed("SELECT COUNT(DISTINCT fan_token) FROM bronze.raw_fan_interactions") == [3]


@pytest.mark.parametrize("kind", [ValueError, duckdb.ConversionException])
def test_a_message_of_others_is_not_printed_for_it_may_hold_a_value(
    folder: Folder, kind: type[Exception]
) -> None:
    def fails(*_: Any) -> None:
        raise kind("Could not convert 'canary@example.com'")

    folder.write("fan_interactions/a.jsonl", interaction(1))
    folder.project.monkeypatch.setattr(
        "marquee.sources.studio.pseudonymize.Pseudonymizer.split", fails
    )
    ended = folder.load()
    assert ended.code == 1
    assert kind.__name__ in ended.err
    assert "canary" not in ended.out + ended.err
    assert not folder.project.files_with("canary")


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("sftp://ann:sesame@host/studio", "sftp://***@host/studio"),
        ("sftp://ann:ses@me@host:22/a@b", "sftp://***@host:22/a@b"),
        ("s3://bucket/studio", "s3://bucket/studio"),
        ("/feeds/studio", "/feeds/studio"),
    ],
)
def test_the_password_of_a_url_is_not_printed(url: str, place: str) -> None:
    settings = StudioSettings(url, KEY)
    assert settings.place == place
    assert repr(settings) == f"StudioSettings({place!r})"


def test_a_finished_run_names_its_folder_without_the_password(folder: Folder) -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe("/host/studio/titles/t.json", b"[]")
    folder.project.monkeypatch.setenv("STUDIO_URL", "memory://ann:sesame@host/studio")
    ended = folder.load()
    memory.rm("/host", recursive=True)
    assert "memory://***@host/studio ->" in ended.out
    assert "sesame" not in ended.out + ended.err
    assert not folder.project.files_with("sesame")


KILLS = {
    "before the vault": before(Vault, "add"),
    "before the load": before(Pipeline, "load"),
    "between two tables": before(Load, "complete_jobs", 2),
    "before the load is complete": before(Load, "complete_package"),
}


@pytest.mark.parametrize("moment", KILLS)
def test_killed_at_any_moment_a_run_is_finished_by_the_next_one(
    folder: Folder, tmp_path: Path, moment: str
) -> None:
    folder.project.monkeypatch.setenv("SOURCES__STUDIO__CHUNK_LINES", "4")
    folder.write("fan_interactions/a.jsonl", *(interaction(one) for one in range(6)), "{")
    folder.write("box_office/b.csv", HEADER, record(1), record(2), "B-3")
    assert is_killed(tmp_path / "output.txt", KILLS[moment], lambda: studio.main([]))
    assert folder.load().code == 0
    assert folder.landed(INTERACTIONS) == [f"I-{one}" for one in range(6)]
    assert folder.landed("SELECT record_id FROM bronze.raw_box_office ORDER BY 1") == ["B-1", "B-2"]
    assert [line for _, line, _ in folder.landed(QUARANTINE)] == [4, 7]
    assert folder.people("fan_id") == [("F1",)]


def test_the_sandbox_is_the_same_bytes_each_time_and_loads(folder: Folder, tmp_path: Path) -> None:
    for batch in (1, 2, 3):
        one, other = (write_batch(batch, tmp_path / place, 0.01) for place in ("one", "other"))
        assert [path.read_bytes() for path in one] == [path.read_bytes() for path in other]
    ended = folder.load("--sandbox", "--scale", "0.01")
    assert ended.code == 0
    assert "raw_fan_interactions 327" in ended.out


def test_tables_that_models_read_are_declared_alike_everywhere() -> None:
    declared = YAML().load((ROOT / "external_models.yaml").read_text(encoding="utf-8"))
    bronze_as_declared = {model["name"]: [*model["columns"]] for model in declared}
    for table in TABLES:
        names = [column.name for column in table.columns] + ["_dlt_load_id", "_dlt_id"]
        assert bronze_as_declared[f"bronze.{table.name}"] == names


def test_the_pipeline_and_the_models_go_by_the_same_list_and_the_same_time() -> None:
    assert verified_account_types() == {"VERIFIED", "VERIFIED_LINKED"}
    days = tomlkit.parse((ROOT / ".dlt" / "config.toml").read_text(encoding="utf-8"))
    variables = load_config_from_yaml(ROOT / "config.yaml")["variables"]
    assert variables["guest_retention_days"] == days["sources"]["studio"]["guest_retention_days"]


def test_of_many_undeclared_fields_the_first_are_reported(folder: Folder) -> None:
    more = {f"Jane Canary {number}": 1 for number in range(12)}
    folder.write("fan_interactions/a.jsonl", interaction(1), interaction(2, **more))
    folder.load()
    ((listed,),) = folder.project.query("SELECT undeclared_fields FROM bronze.studio_files")
    assert listed.startswith("12: field 12 of line 2, field 13 of line 2, ")
    assert listed.endswith("field 21 of line 2, ...")
    assert folder.project.files_with("Jane Canary") == []
