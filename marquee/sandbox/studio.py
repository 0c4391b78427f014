"""A local sandbox of a film studio's three feeds: invented fans, real titles, a daily box office.

    python -m marquee.sandbox.studio --batch 1 --to studio_feed

The same batch and scale are the same bytes on every machine: everything is drawn from DuckDB's hash
of a row's number, never from a random state.

| batch | what arrives | at scale 1 |
|---|---|---|
| 1 | 245 days up to 2025-12-31 | 9,000 fans, 32,000 interactions, 15 titles, 60 theatres |
| 2 | 2026-01-01 | 1,500 fans more, 3 theatres more, and what a second day brings |
| 3 | 2026-01-02 to 11 | a title opens: 1,000 fans more, 6,000 interactions, all theatres |

What a second day brings, what can be found in the data, and the dirt that is in it on purpose stand
in `studio.sql`.

More dirt with `--fault`, to see `make health` and the dashboard report it:

    python -m marquee.sandbox.studio --to feed --fault negative_revenue --fault broken_json

It prints the two variables that `python pipelines/studio.py` lands them with.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import duckdb
import yaml

from marquee.core.text import sql_text

BATCHES = (1, 2, 3)
# Planted in every batch: no line of the seed `account_types.csv` maps it.
UNMAPPED_TYPE = "TRIAL"
ROWS_A_FILE = 250_000

# The invented fans need no secret; a key of its own keeps the sandbox apart from real data.
TOKEN_KEY = "marquee sandbox: not a secret, for its fans are invented"  # noqa: S105

# The data themselves: tables, and macros that draw rows from hashes.
WORLD = Path(__file__).with_suffix(".sql")
_TABLES = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
COUNTS: dict[str, int] = _TABLES["counts"]
FAULTS: dict[str, list[str]] = _TABLES["faults"]

# Lines that are no records; none of them names a person.
BROKEN_INTERACTIONS = (
    b'{"interaction_id": "BROKEN-1", "fan_id": "F0000',
    b'["BROKEN-2", "a list"]',
    b'{"account_type": "GUEST", "event_type": "STREAM"}',
    b'{"interaction_id": "BROKEN-4", "fan_id": "F\xff\xfe", "account_type": "GUEST"}',
    b"",
)
BROKEN_JSON = "broken_json"  # a third more lines of fan_interactions, cut off
FAULT_NAMES = (*FAULTS, BROKEN_JSON)
BROKEN_BOX_OFFICE = (b"BROKEN-1,T-001,C000001", b"BROKEN-2,T-001" + b",1" * 15)


def write_batch(
    batch: int, folder: Path, scale: float = 1, faults: Collection[str] = ()
) -> list[Path]:
    """Write a batch of the three feeds below `folder`.

    Args:
        batch: 1, 2 or 3.
        folder: where `fan_interactions/`, `titles/` and `box_office/` are, or will be.
        scale: how many times the fans, interactions and theatres of the table above.
        faults: what the feeds do wrong with every third row, of `FAULT_NAMES`.

    Returns:
        The files, in the order of their names.
    """
    written = []
    layouts = {
        "jsonl": "FORMAT json",
        "json": "FORMAT json, ARRAY true",
        "csv": "FORMAT csv, HEADER true",
    }
    with duckdb.connect() as connection:
        for feed, number, query, suffix in _files(connection, batch, scale):
            path = folder / feed / f"batch_{batch}_{number:03d}.{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            query = _faulty(query, feed, faults)
            connection.execute(f"COPY ({query}) TO {sql_text(path)} ({layouts[suffix]})")
            if BROKEN_JSON in faults and feed == "fan_interactions":
                _break(path, [line[:40] for line in path.read_bytes().splitlines()[::3]])
            written.append(path)
    _break(written[0], BROKEN_INTERACTIONS)
    _break(next(one for one in written if one.suffix == ".csv"), BROKEN_BOX_OFFICE)
    return sorted(written)


def _faulty(query: str, feed: str, faults: Collection[str]) -> str:
    """Make every third row of a query wrong; each fault takes other rows."""
    for place, (name, (of_feed, columns)) in enumerate(FAULTS.items()):
        if name in faults and of_feed == feed:
            wrong = [part.rpartition(" AS ") for part in columns.split(", ")]
            replaced = ", ".join(
                f"if(_number % 3 = {place % 2}, {value}, {column}) AS {column}"
                for value, _, column in wrong
            )
            query = (
                f"SELECT * EXCLUDE (_number) REPLACE ({replaced}) FROM "  # noqa: S608 - of FAULTS
                f"(SELECT *, row_number() OVER () AS _number FROM ({query}))"
            )
    return query


def _break(path: Path, lines: Sequence[bytes]) -> None:
    with path.open("ab") as file:
        file.writelines(line + b"\n" for line in lines)


def _files(
    connection: duckdb.DuckDBPyConnection, batch: int, scale: float
) -> Iterator[tuple[str, int, str, str]]:
    """Yield feed, number, query and suffix of each file of a batch."""
    for name, count in COUNTS.items():
        connection.execute(f"SET VARIABLE {name} = {max(1, round(count * scale))}")
    connection.execute(WORLD.read_text(encoding="utf-8"))
    connection.execute(f"INSERT INTO event FROM events_{batch}()")
    more = ", if(number % 331 = 0, '7.1', NULL) AS app_version" if batch == 2 else ""
    number = 0
    for number, part in enumerate(_parts(connection, "event")):
        yield "fan_interactions", number, _rows(f"interactions({batch})", part, more), "jsonl"
    if batch == 2:  # interactions that arrived before arrive again, word for word
        connection.execute("TRUNCATE event; INSERT INTO event FROM events_1()")
        again = _rows("interactions(1)", "number % 120 = 11")
        yield "fan_interactions", number + 1, again, "jsonl"
    yield "titles", 0, f"FROM titles({batch})", "json"
    connection.execute(f"INSERT INTO showing FROM showings_{batch}()")
    if batch == 2:
        connection.execute("INSERT INTO showing FROM corrections()")
    for number, part in enumerate(_parts(connection, "showing")):
        yield "box_office", number, _rows("box_office()", part), "csv"


def _parts(connection: duckdb.DuckDBPyConnection, table: str) -> Iterator[str]:
    """Yield the condition on `number` for each file of a table."""
    ((count,),) = connection.execute(f"SELECT count(*) FROM {table}").fetchall()  # noqa: S608
    for first in range(0, count, ROWS_A_FILE):
        yield f"number BETWEEN {first} AND {first + ROWS_A_FILE - 1}"


def _rows(macro: str, condition: str, more: str = "") -> str:
    return (
        f"SELECT * EXCLUDE (number){more} FROM {macro} "  # noqa: S608 - names of this module
        f"WHERE {condition} ORDER BY number"
    )


def main(arguments: list[str] | None = None) -> int:
    """Write a batch and name its files; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m marquee.sandbox.studio",
        description="Write the three feeds of an invented film studio, dirt included.",
        epilog="then: the exports that it prints, and python pipelines/studio.py",
    )
    parser.add_argument("--batch", type=int, choices=BATCHES, default=1, help="default: 1")
    parser.add_argument("--to", type=Path, required=True, metavar="DIR", help="where to write")
    parser.add_argument(
        "--scale", type=float, default=1, metavar="N", help="times so much (default: 1)"
    )
    parser.add_argument(
        "--fault",
        choices=FAULT_NAMES,
        action="append",
        default=[],
        help="what every third row does wrong; may be given again",
    )
    options = parser.parse_args(arguments)
    if not 0.01 <= options.scale <= 1000:
        parser.error("--scale must be between 0.01 and 1000")
    for path in write_batch(options.batch, options.to, options.scale, options.fault):
        print(f"{path}  {path.stat().st_size:,} bytes")
    print(f"export STUDIO_URL={shlex.quote(str(options.to.resolve()))}")
    print(f"export STUDIO_TOKEN_KEY={shlex.quote(TOKEN_KEY)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
