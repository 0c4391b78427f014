"""Personal data of the studio's feeds, tested as an attacker would: canaries, erasure, keys."""

from __future__ import annotations

import hmac
import json
import secrets
import shutil
from base64 import b64encode
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from marquee.cli.studio import EXIT_UNKNOWN_FAN
from marquee.core.clock import utcnow
from marquee.sources.studio import encryption, erasure
from marquee.sources.studio.domains import FAN_DOMAINS, looks_personal
from marquee.sources.studio.encryption import is_encrypted, open_vault
from marquee.sources.studio.settings import check_strength, derived_vault_key
from marquee.sources.studio.tokens import Tokens
from marquee.sources.studio.vault import Vault
from pipelines import studio
from pipelines.studio import BOX_OFFICE, FAN_INTERACTIONS, TITLES
from tests.conftest import Project
from tests.crash_points import after, before, is_killed
from tests.pipelines.test_studio_cli import HEADER, KEY, QUARANTINE, Folder, interaction, record

VAULT_KEY = derived_vault_key(KEY)
MAIL = "jane.canary@example.com"
PHONE = "+34 600 111 222"
ADDRESS = "10.77.66.55"
NAMES = ("Janecanary", "Doecanary")
FAN = "F-CANARY-77"
SESSION = "sess-canary-1"
CANARIES = (MAIL, PHONE, ADDRESS, *NAMES, FAN, SESSION, "Jane Canary")


@pytest.fixture
def folder(project: Project, tmp_path: Path) -> Folder:
    return Folder(project, tmp_path / "feed")


def canary(number: int, **fields: Any) -> dict[str, Any]:
    """An interaction of the fan who must be in the vault and nowhere else."""
    person = {
        "fan_id": FAN,
        "email": MAIL,
        "first_name": NAMES[0],
        "last_name": NAMES[1],
        "ip_address": ADDRESS,
        "session_id": SESSION,
        "region": "Europe",
    }
    return interaction(number, **(person | fields))


def found_in(project: Project, *words: str) -> set[str]:
    """Files, and tables of databases, in which a word is, whatever its capitals."""
    found = {
        path.name
        for path in project.folder.rglob("*")
        if path.is_file()
        for word in words
        if word.lower().encode() in path.read_bytes().lower()
        or word.lower().encode() in str(path.relative_to(project.folder)).lower().encode()
    }
    for path in project.folder.glob("*.duckdb"):
        if path == project.vault:
            with open_vault(path, VAULT_KEY, read_only=True) as connection:
                found |= tables_with(connection, path, words)
        else:
            with duckdb.connect(str(path), read_only=True) as connection:
                found |= tables_with(connection, path, words)
    return found


def tables_with(connection: Any, path: Path, words: tuple[str, ...]) -> set[str]:
    tables = connection.execute(
        "SELECT schema_name || '.' || table_name FROM duckdb_tables() "
        "WHERE database_name = CURRENT_DATABASE()"
    ).fetchall()
    query = "SELECT COUNT(*) FROM {} AS row WHERE CONTAINS(LOWER(row::TEXT), LOWER($1))"
    return {
        f"{path.name}: {table}"
        for (table,) in tables
        for word in words
        if connection.execute(query.format(table), [word]).fetchone() != (0,)
    }


IN_THE_VAULT = {"vault.duckdb: secure.pii_vault"}
OTHER_VALUES = (MAIL, PHONE, ADDRESS, NAMES[0], f"{NAMES[0]} {NAMES[1]}", FAN)


def test_canaries_are_in_the_vault_only_and_after_forget_nowhere(folder: Folder) -> None:
    project = folder.project
    fields = [name for name in FAN_INTERACTIONS.fields if name in FAN_DOMAINS]
    lines = [
        canary(100 * place + number, **{field: value})
        for place, field in enumerate(fields, 1)
        for number, value in enumerate(OTHER_VALUES)
    ]
    folder.write(
        "fan_interactions/a.jsonl",
        canary(1),
        *lines,
        canary(2, **{MAIL: MAIL, "note": PHONE, "Jane Canary": 1}),
        json.dumps(canary(3))[:-1],
        json.dumps(canary(4)).replace("I-4", ""),
        json.dumps(canary(5)).encode().replace(b"example", b"\xff"),
        f"[{json.dumps(canary(6))}]",
        MAIL,
    )
    folder.write(f"fan_interactions/{MAIL}.jsonl", canary(7))
    folder.write(f"fan_interactions/{PHONE}.jsonl", canary(8))
    folder.write("fan_interactions/Jane Canary.jsonl", canary(9))
    folder.write(f"fan_interactions/of-{FAN}.jsonl", canary(10))
    folder.write(f"fan_interactions/{NAMES[0].lower()}.jsonl", canary(11))
    for name in (MAIL, NAMES[0], "Jane Canary", f"{NAMES[0]}/{NAMES[1]}"):
        folder.write(f"fan_interactions/{name}.bak", "x")
    personal = (MAIL, PHONE, ADDRESS)
    for number, value in enumerate(personal):
        folder.write(
            f"titles/{number}.json",
            json.dumps([{name: f"{value}" for name in TITLES.fields}, {MAIL: 1}]),
        )
        row = ",".join(value for _ in BOX_OFFICE.fields)
        folder.write(f"box_office/{number}.csv", HEADER, row, record(number), MAIL)
    folder.write(f"box_office/{MAIL}.csv", f"{MAIL},{PHONE}", MAIL)
    project.monkeypatch.setenv("RUNTIME__LOG_LEVEL", "DEBUG")

    ended = folder.load()
    assert ended.code == 0
    assert "values masked" in ended.out
    for word in CANARIES:
        assert word not in ended.out + ended.err
    assert found_in(project, *CANARIES) == IN_THE_VAULT
    # Rows are kept, and stay different: only the values are removed.
    ((rows, keys),) = project.query(
        "SELECT COUNT(*), COUNT(DISTINCT interaction_id) FROM bronze.raw_fan_interactions"
    )
    assert rows == keys + 0 == len(lines) + 2 + 5 - (len(OTHER_VALUES) - keys_of(lines))
    ((masked,),) = project.query("SELECT SUM(values_masked) FROM bronze.studio_files")
    assert masked >= len(lines)
    assert folder.load().out.count("rows landed: none") == 1

    token = Tokens(KEY).fan(FAN)
    assert folder.load("--forget", FAN).code == 0
    assert found_in(project, *CANARIES) == set()
    assert found_in(project, token) == {
        "vault.duckdb: secure.forgotten_fans",
        "vault.duckdb: secure.erasures",
    }
    assert project.query("SELECT COUNT(*) FROM bronze.raw_fan_interactions") == [(rows,)]


def keys_of(lines: list[dict[str, Any]]) -> int:
    """How many distinct keys those lines have whose key is a canary."""
    return len({line["interaction_id"] for line in lines} & set(OTHER_VALUES))


@pytest.mark.parametrize(
    ("value", "is_personal"),
    [
        ("a.b@c.de", True),
        ("mailto:a@b.example?x", True),
        ("192.168.0.1", True),
        ("host-10.1.2.3", True),
        ("2001:db8::1", True),
        ("+34600111222", True),
        ("(202) 555-0147-1", True),
        ("202-555-0147", True),
        ("600 111 222", True),
        ("\uff16\uff10\uff10 111 222", True),  # wide digits
        ("jane\uff20example.com", True),
        ("ip-2001:db8::1", True),
        ("ip-2001:db8:1::", True),
        ("[2001:db8::1]:443", True),
        ("Europe", False),
        ("2026-01-01", False),
        ("2026-01-01T10:00:00+02:00", False),
        ("0123456789", False),
        ("8d1f4f2e-0b1c-4d62-9a51-0d9d1b5f1a11", False),
        ("2001: A Space Odyssey", False),
        ("title::1", False),
        ("studio::a:2", False),
        ("10:20:30", False),
        ("Apollo 11-17", False),
        ("1,234,567.89", False),
        ("T-1", False),
    ],
)
def test_what_looks_personal(value: str, is_personal: bool) -> None:
    assert looks_personal(value) is is_personal


def test_a_name_is_recognized_however_it_is_written(folder: Folder) -> None:
    person = {"first_name": "Jos\u00e9", "last_name": "Mu\u00f1oz"}
    written = ("Jose\u0301", "JOSE", "\uff2aos\u00e9", "J.o.s\u200b\u00e9", "Mu\u00f1oz Jose")
    lines = [interaction(number, region=region, **person) for number, region in enumerate(written)]
    folder.write("fan_interactions/a.jsonl", *lines)
    assert folder.load().code == 0
    landed = folder.landed("SELECT region FROM bronze.raw_fan_interactions")
    assert landed == ["MASKED"] * len(written)


@pytest.mark.parametrize(
    ("field", "values"),
    {
        "interaction_id": ["I1-000000001", "8d1f4f2e-0b1c-4d62-9a51-0d9d1b5f1a11", "42"],
        "account_type": ["verified ", "TRIAL"],
        "region": ["North America", "Asia Pacific", "Île-de-France", "EMEA", "Region 2"],
        "country_code": ["USA", "XX", "esp"],
        "device_type": ["TV", "SMART_TV", "iOS", "PS5", "Roku 3"],
        "title_id": ["T-001", "T-LOST", "tt0111161", " T-1 "],
        "event_type": ["SHARE", "TRAILER_VIEW"],
        "event_timestamp": [
            *("2026-01-01", "2026-01-01T10:00:00Z", "2026-01-05 10:00:00+02", "20260105T100000"),
            *("2026-01-05T10:00:00.123456-05:30", "2099-01-01T00:00:00Z"),
        ],
        "amount": ["4.99", "-1", "1e3", "900"],
        "currency": ["EUR", "XTS"],
    }.items(),
)
def test_usual_values_of_the_feed_are_in_their_domains(field: str, values: list[str]) -> None:
    assert [value for value in values if not FAN_DOMAINS[field].holds(value.strip())] == []


def test_an_erasure_is_not_undone_by_delivering_a_file_again(folder: Folder) -> None:
    """Four fans, by the time of their event: before, ahead of, long before the erasure, never."""
    offsets = [timedelta(hours=-1), timedelta(hours=30), timedelta(days=-400)]
    times = [(utcnow() + offset).isoformat() for offset in offsets] + ["9999-12-31T23:59:59"]
    for number, at in enumerate(times):
        event = canary(number, fan_id=f"{FAN}-{number}", event_timestamp=at)
        folder.write(f"fan_interactions/{number}.jsonl", event)
        folder.write(f"fan_interactions/{number}.again", event, {**event, "event_timestamp": "?"})
    folder.load()
    for number in range(len(times)):
        assert folder.load("--forget", f"{FAN}-{number}").code == 0
        again = folder.path / f"fan_interactions/{number}.again"
        again.rename(again.with_name(f"again{number}.jsonl"))
    assert "8 lines left out" in folder.load().out
    assert found_in(folder.project, *CANARIES) == set()


def test_an_unknown_fan_has_an_exit_code_of_its_own(folder: Folder) -> None:
    folder.write("fan_interactions/a.jsonl", canary(1))
    folder.begin()
    assert folder.load("--forget", "F-CANARY-78").code == EXIT_UNKNOWN_FAN == 3
    assert folder.load("--forget", FAN).code == 0
    assert folder.load("--forget", FAN).code == 0  # forgotten before


def test_an_older_vault_beside_a_newer_warehouse_is_rejected(folder: Folder) -> None:
    project, backup = folder.project, folder.project.folder.parent / "vault.backup"
    folder.write("fan_interactions/a.jsonl", canary(1), interaction(2, fan_id="F2"))
    folder.begin()
    shutil.copy(project.vault, backup)
    folder.load("--forget", FAN)
    shutil.copy(backup, project.vault)
    folder.write("fan_interactions/b.jsonl", canary(3))
    for arguments in ([], ["--dry-run"]):
        ended = folder.rejects("The vault is older than the warehouse", *arguments)
        assert "--forget FAN_ID" in ended.err
    # Neither another fan's erasure nor that of a fan who is nobody stands for the missing one.
    assert folder.load("--forget", "F-CANARY-78").code == EXIT_UNKNOWN_FAN
    assert folder.load("--forget", "F2").code == 0
    assert "The vault is older than the warehouse: it lacks 1 erasure," in folder.load().err
    # As instructed: the erasure is repeated.
    assert folder.load("--forget", FAN).code == 0
    assert folder.load().code == 0
    assert found_in(project, *CANARIES) == set()


def test_an_older_warehouse_beside_a_newer_vault_is_rejected(folder: Folder) -> None:
    project, backup = folder.project, folder.project.folder.parent / "warehouse.backup"
    folder.write("fan_interactions/a.jsonl", canary(1), interaction(2))
    folder.begin()
    shutil.copy(project.duckdb, backup)
    folder.load("--forget", FAN)
    shutil.copy(backup, project.duckdb)
    folder.rejects("The warehouse is older than the vault")
    assert folder.load("--apply-erasures").code == 0
    assert folder.load().code == 0
    token = Tokens(KEY).fan(FAN)
    assert not [one for one in found_in(project, token) if "warehouse" in one]


def test_a_vault_of_another_warehouse_is_rejected_also_with_the_same_key(folder: Folder) -> None:
    project = folder.project
    folder.write("fan_interactions/a.jsonl", canary(1), interaction(2, fan_id="F2"))
    folder.begin()
    other = project.folder / "other"
    other.mkdir()
    for path in (project.duckdb, project.vault):
        shutil.copy(path, other)
    folder.load("--forget", FAN)
    project.monkeypatch.setenv("MARQUEE_DUCKDB", str(other / "warehouse.duckdb"))
    folder.load("--forget", "F2")
    project.monkeypatch.setenv("MARQUEE_VAULT_DUCKDB", str(project.vault))
    folder.rejects("do not belong together")


def test_who_comes_back_after_an_erasure_stays(folder: Folder) -> None:
    folder.write("fan_interactions/a.jsonl", canary(1))
    folder.begin()
    folder.load("--forget", FAN)
    later = (utcnow() + timedelta(days=3)).isoformat()
    folder.write("fan_interactions/b.jsonl", canary(2, event_timestamp=later))
    for _ in range(2):
        assert folder.load().code == 0
    assert found_in(folder.project, NAMES[0]) == IN_THE_VAULT
    assert folder.landed("SELECT COUNT(DISTINCT fan_token) FROM bronze.raw_fan_interactions") == [2]


def test_erasure_masks_what_an_earlier_version_left_in_other_fields(folder: Folder) -> None:
    folder.write("fan_interactions/a.jsonl", canary(1), interaction(2))
    folder.begin()
    with duckdb.connect(str(folder.project.duckdb)) as connection:
        connection.execute(
            f"""
            UPDATE bronze.raw_fan_interactions SET region = '{MAIL}', device_type = '{NAMES[0]}',
              interaction_id = 'of {FAN}', source_file = 'fan_interactions/{FAN}.jsonl'
            WHERE interaction_id = 'I-1';
            UPDATE bronze.studio_files SET source_file = 'fan_interactions/{FAN}.jsonl';
            CREATE SCHEMA silver;
            CREATE TABLE silver.fans AS SELECT fan_token, region, ingested_at AS _source_ingested_at
            FROM bronze.raw_fan_interactions;
            CREATE TABLE ops.rejected_studio_values AS SELECT '{MAIL}' AS rejected_value
            """
        )
    assert folder.load("--forget", FAN).code == 0
    assert found_in(folder.project, *CANARIES, Tokens(KEY).fan(FAN)) == {
        "vault.duckdb: secure.forgotten_fans",
        "vault.duckdb: secure.erasures",
    }


@pytest.mark.parametrize(
    "key",
    [
        *("a" * 32, "0" * 64, "password" * 5, "password" * 4 + "pass", "ab" * 16, "abcdefg" * 5),
        *("0123456789abcdef" * 2, "abcdefghijklmnopqrstuvwxyz012345", "aabbccddeeffgghhiijjkkllmm"),
        *("password" * 4 + "1", "ChangeMe" * 4 + "!", "qwertyuiopasdfghjklzxcvbnm123456"),
        *("my-secret-token-key-for-marquee-2026", "correct-horse-battery-staple-correct"),
        *(("password" * 4).encode().hex(), b64encode(b"password" * 4).decode()),
    ],
)
def test_a_weak_key_is_rejected(folder: Folder, key: str) -> None:
    folder.project.monkeypatch.setenv("STUDIO_TOKEN_KEY", key)
    ended = folder.rejects("could be guessed")
    assert key not in ended.err
    folder.project.monkeypatch.setenv("STUDIO_TOKEN_KEY", KEY)
    folder.project.monkeypatch.setenv("STUDIO_VAULT_KEY", key)
    assert "The vault key" in folder.load().err


def test_no_random_key_is_rejected() -> None:
    for make in (secrets.token_hex, secrets.token_urlsafe):
        for _ in range(2_000):
            check_strength("key", make(24)[:32])


@pytest.mark.parametrize("key", [KEY, "k" * 64, "k" * 65, "\u00e9" * 33])
def test_a_token_is_the_hmac_of_its_value(key: str) -> None:
    """A warehouse of version 0.1 keeps its tokens."""
    expected = hmac.digest(key.encode(), b"fan\x1fF1", "sha256").hex()
    assert Tokens(key).fan("F1") == expected


def test_no_value_can_move_the_border_between_two_parts_of_a_token() -> None:
    tokens = Tokens(KEY)
    parts = [("a\x1fb", "c"), ("a", "b\x1fc"), ("a\x1fb\x1fc", ""), ("", "a\x1fb\x1fc")]
    assert len({tokens.name("first_name", name or "x", fan) for name, fan in parts}) == 4
    assert tokens.record("a", "b\x1f", None) != tokens.record("a", "b", None)


def test_the_vault_is_encrypted_and_its_owners_alone_also_on_opening(folder: Folder) -> None:
    folder.write("fan_interactions/a.jsonl", canary(1))
    folder.begin()
    assert is_encrypted(folder.project.vault)
    folder.project.vault.chmod(0o644)
    folder.write("fan_interactions/a.jsonl", canary(2))
    folder.load()
    assert folder.project.vault.stat().st_mode & 0o777 == 0o600
    folder.project.vault.chmod(0o644)
    folder.load("--dry-run")
    assert folder.project.vault.stat().st_mode & 0o777 == 0o600
    # An encrypted file that another process left with a log is opened all the same.
    assert not list(folder.project.folder.glob("vault.duckdb.*"))


def test_an_unencrypted_vault_is_rejected_and_encrypted_by_one_command(folder: Folder) -> None:
    project = folder.project
    folder.write("fan_interactions/a.jsonl", canary(1))
    folder.begin()
    encryption.rewrite(project.vault, VAULT_KEY, None)
    assert not is_encrypted(project.vault)
    for arguments in ([], ["--forget", FAN]):
        folder.rejects("--encrypt-vault", *arguments)
    assert folder.load("--encrypt-vault").code == 0
    assert "this key already" in folder.load("--encrypt-vault").out
    assert folder.load().code == 0
    assert found_in(project, *CANARIES) == IN_THE_VAULT
    assert project.vault.stat().st_mode & 0o777 == 0o600

    # The key is changed.
    project.monkeypatch.setenv("STUDIO_VAULT_KEY", KEY[::-1] + "x")
    assert "encrypted with another key" in folder.load().err
    assert folder.load("--encrypt-vault").code == 0
    assert folder.load().code == 0
    project.monkeypatch.setenv("STUDIO_VAULT_KEY", KEY[::-1] + "y")
    assert folder.load("--encrypt-vault").code == 1
    project.monkeypatch.setenv("STUDIO_OLD_VAULT_KEY", KEY[::-1] + "x")
    assert folder.load("--encrypt-vault").code == 0


def test_a_vault_that_is_no_database_is_named(folder: Folder) -> None:
    folder.write("fan_interactions/a.jsonl", canary(1))
    folder.begin()
    folder.project.vault.write_bytes(b"x" * 20_000)
    folder.write("fan_interactions/a.jsonl", canary(2))
    ended = folder.rejects(str(folder.project.vault))
    assert str(folder.project.duckdb) not in ended.err


KILLS: dict[str, Callable[[], None]] = {
    "before the vault": before(Vault, "forget"),
    "between the two files": after(Vault, "forget"),
    "with the rows cut and nothing rewritten": before(erasure, "rewrite"),  # type: ignore[arg-type]
    "with the copy of the warehouse about to replace it": before(encryption, "put_in_place"),  # type: ignore[arg-type]
    "between the two rewrites": before(Vault, "complete_erasures"),
    "with the copy of the vault about to replace it": before(encryption, "put_in_place", 2),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("next_command", [[], ["--forget", FAN]], ids=["load", "forget"])
@pytest.mark.parametrize("moment", KILLS)
def test_killed_at_any_moment_an_erasure_is_completed_by_the_next_command(
    folder: Folder, moment: str, next_command: list[str]
) -> None:
    project = folder.project
    folder.write("fan_interactions/a.jsonl", canary(1), interaction(2), canary(3))

    def begin_and_die() -> None:
        folder.begin()
        output_file = project.folder.parent / "output.txt"
        assert is_killed(output_file, KILLS[moment], lambda: studio.main(["--forget", FAN]))

    project.begin_with(moment, begin_and_die)
    folder.write("fan_interactions/b.jsonl", canary(1), interaction(4))
    assert folder.load(*next_command).code == 0
    if moment == "before the vault":
        assert folder.load("--forget", FAN).code == 0
    assert folder.load().code == 0
    assert found_in(project, *CANARIES) == set()
    assert not [one for one in found_in(project, Tokens(KEY).fan(FAN)) if "warehouse" in one]
    keys = folder.landed("SELECT interaction_id FROM bronze.raw_fan_interactions ORDER BY ALL")
    assert sorted(set(keys)) == ["I-1", "I-2", "I-3", "I-4"]
    assert folder.landed(QUARANTINE) == []
    assert not list(project.folder.glob("*.rewritten*"))


def test_erasure_keeps_what_else_is_in_the_warehouse(folder: Folder) -> None:
    folder.write("fan_interactions/a.jsonl", canary(1), interaction(2))
    folder.begin()
    with duckdb.connect(str(folder.project.duckdb)) as connection:
        connection.execute(
            """
            CREATE SCHEMA gold;
            CREATE TABLE gold.kept (number INTEGER PRIMARY KEY, name TEXT NOT NULL);
            INSERT INTO gold.kept VALUES (1, 'one');
            COMMENT ON TABLE gold.kept IS 'a table';
            COMMENT ON COLUMN gold.kept.name IS 'a name';
            CREATE VIEW gold.seen AS SELECT * FROM warehouse.gold.kept;
            COMMENT ON VIEW gold.seen IS 'a view'
            """
        )
    before_mode = folder.project.duckdb.stat().st_mode
    folder.load("--forget", FAN)
    assert folder.project.duckdb.stat().st_mode == before_mode
    assert folder.landed("FROM gold.seen") == [(1, "one")]
    assert folder.landed(
        "SELECT comment FROM duckdb_tables() WHERE table_name = 'kept' "
        "UNION ALL SELECT comment FROM duckdb_views() WHERE view_name = 'seen' "
        "UNION ALL SELECT comment FROM duckdb_columns() WHERE column_name = 'name' "
        "AND table_name = 'kept'"
    ) == ["a table", "a view", "a name"]
    assert isinstance(folder.landed("SELECT erased_at FROM ops.studio_erasures")[0], datetime)
