"""From lines to records: the three feeds, what they look like and what of a line is wrong.

A reason names the fault and never quotes the line, for that could be personal.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from marquee.bronze.tables import Table
from marquee.sources.studio.tables import RAW_BOX_OFFICE, RAW_FAN_INTERACTIONS, RAW_TITLE_METADATA

BOM = b"\xef\xbb\xbf"
# Of fields that are not declared; a file with keys for names has any number of them.
POSITIONS_REPORTED = 10

Record = dict[str, str | None]


class Rejected(NamedTuple):
    """A line that is no record."""

    line: int
    reason: str


class InvalidRecord(ValueError):
    """A line says something, but no record; the message is the reason."""


@dataclass
class Parsed:
    """What a chunk of a file holds.

    Attributes:
        records: line and record.
        rejected: what is no record.
        undeclared: fields that are not declared, by name, and where each was seen first.
        missing: declared columns that the file has not.

    """

    records: list[tuple[int, Record]] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    undeclared: dict[str, str] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)


# Takes the header (None where the feed has none), the lines, and the number of the first.
Parser = Callable[["Feed", "bytes | None", Sequence[bytes], int], Parsed]


@dataclass(frozen=True)
class Feed:
    """A feed as declared.

    Attributes:
        name: its folder.
        glob: its files.
        table: the bronze table of its records.
        fields: what of a record is read.
        keys: what a record must have.
        parse: makes records of lines; of the whole file where `is_document`.
        has_header: the first line names the columns.
        is_document: a file is one JSON document and lands anew as a whole when it changes.

    """

    name: str
    glob: str
    table: Table
    fields: tuple[str, ...]
    keys: tuple[str, ...]
    parse: Parser
    has_header: bool = False
    is_document: bool = False

    def record(self, given: object, line: int, undeclared: dict[str, str]) -> Record:
        """Take the declared fields of a JSON object.

        Args:
            given: what should be one.
            line: where it stands.
            undeclared: takes in which other fields it has, see `Parsed`.

        Raises:
            InvalidRecord: it is no object, or has no key.

        """
        if not isinstance(given, dict):
            raise InvalidRecord("no JSON object")
        record = {name: text(given.get(name)) for name in self.fields}
        for key in self.keys:
            if not (record[key] or "").strip():
                raise InvalidRecord(f"no {key}")
        if len(given) > len(self.fields) or given.keys() - record.keys():
            for place, name in enumerate(given, 1):
                if name not in record and name not in undeclared:
                    undeclared[name] = f"field {place} of line {line}"
        return record


def text(value: Any) -> str | None:
    """Return a JSON value as the text it came as; a list or an object in JSON."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value)


def read_json(line: bytes) -> Any:
    """Read a JSON document; numbers stay the text they are.

    Raises:
        InvalidRecord: it is none, or not UTF-8; the reason has the place and not the content.

    """
    try:
        decoded = line.decode()
        document = json.loads(decoded, parse_float=str, parse_int=str, parse_constant=_not_a_number)
        if "\\u" in decoded:
            json.dumps(document, ensure_ascii=False).encode()
    except UnicodeDecodeError as error:
        raise InvalidRecord(f"not UTF-8 at byte {error.start + 1}") from None
    except UnicodeEncodeError:
        raise InvalidRecord("half of a surrogate pair") from None
    except json.JSONDecodeError as error:
        raise InvalidRecord(f"no JSON: {error.msg} at character {error.pos + 1}") from None
    except RecursionError:
        raise InvalidRecord("no JSON: too deeply nested") from None
    return document


def _not_a_number(constant: str) -> Any:
    raise InvalidRecord(f"no JSON: {constant} is no number")


def parse_json_lines(
    feed: Feed, header: bytes | None, lines: Sequence[bytes], first_line: int
) -> Parsed:
    """Make a record of each line; a blank one is passed over."""
    parsed = Parsed()
    for number, line in enumerate(lines, first_line):
        if number == 1:
            line = line.removeprefix(BOM)
        if not line.strip():
            continue
        try:
            parsed.records.append((number, feed.record(read_json(line), number, parsed.undeclared)))
        except InvalidRecord as error:
            parsed.rejected.append(Rejected(number, str(error)))
    return parsed


def parse_document(
    feed: Feed, header: bytes | None, lines: Sequence[bytes], first_line: int
) -> Parsed:
    """Make records of a file that is an object, a list of objects, or an object a line."""
    whole = b"\n".join(lines).removeprefix(BOM)
    try:
        document = read_json(whole)
    except InvalidRecord as error:
        by_line = parse_json_lines(feed, None, lines, first_line)
        if by_line.records:
            return by_line
        return Parsed(rejected=[Rejected(0, str(error))])
    parsed = Parsed()
    for number, entry in enumerate(document if isinstance(document, list) else [document], 1):
        try:
            parsed.records.append((number, feed.record(entry, number, parsed.undeclared)))
        except InvalidRecord as error:
            parsed.rejected.append(Rejected(number, str(error)))
    return parsed


def parse_csv(feed: Feed, header: bytes | None, lines: Sequence[bytes], first_line: int) -> Parsed:
    """Make a record of each line after the header; a record does not span lines."""
    columns = _columns(header or b"")
    if isinstance(columns, str):
        return Parsed(rejected=[Rejected(1, columns)])
    if lacking := [key for key in feed.keys if key not in columns]:
        return Parsed(rejected=[Rejected(1, f"the header has no {', '.join(lacking)}")])
    parsed = Parsed(
        undeclared={
            name: f"column {place}"
            for place, name in enumerate(columns, 1)
            if name not in feed.fields
        },
        missing=set(feed.fields) - set(columns),
    )
    places = [(name, columns.index(name)) for name in feed.fields if name in columns]
    absent: Record = dict.fromkeys(feed.fields)
    for number, line in enumerate(lines, first_line):
        if not line.strip() or number == 1:
            continue
        try:
            cells = _cells(line)
            if len(cells) != len(columns):
                raise InvalidRecord(f"{len(cells)} columns where the header has {len(columns)}")
            record = absent | {name: cells[place] or None for name, place in places}
            for key in feed.keys:
                if not (record[key] or "").strip():
                    raise InvalidRecord(f"no {key}")
        except InvalidRecord as error:
            parsed.rejected.append(Rejected(number, str(error)))
        else:
            parsed.records.append((number, record))
    return parsed


def _columns(header: bytes) -> list[str] | str:
    """Return the names of a header, or what is wrong with it."""
    try:
        names = [name.strip().lower() for name in _cells(header.removeprefix(BOM))]
    except InvalidRecord as error:
        return f"the header is {error}"
    return names if len(set(names)) == len(names) else "the header names a column twice"


def _cells(line: bytes) -> list[str]:
    try:
        decoded = line.rstrip(b"\r").decode()
        if '"' not in decoded:
            return decoded.split(",")
        return next(csv.reader([decoded], strict=True))
    except UnicodeDecodeError as error:
        raise InvalidRecord(f"not UTF-8 at byte {error.start + 1}") from None
    except csv.Error:
        raise InvalidRecord("no CSV: a quotation mark out of place") from None


def join_names(several: Iterable[str]) -> str | None:
    """Return names of declared fields in order, None for none."""
    return ", ".join(sorted(several)) or None


def unknown_field_positions(undeclared: Mapping[str, str]) -> str | None:
    """Say how many fields are not declared, and where to see them; None for none.

    Their names are not told: whoever writes a file can put a value there, a name or an address.
    """
    if not undeclared:
        return None
    told = list(undeclared.values())[:POSITIONS_REPORTED]
    more = ", ..." if len(undeclared) > len(told) else ""
    return f"{len(undeclared)}: {', '.join(told)}{more}"


FAN_INTERACTIONS = Feed(
    name="fan_interactions",
    glob="fan_interactions/*.jsonl",
    table=RAW_FAN_INTERACTIONS,
    fields=(
        "interaction_id",
        "fan_id",
        "account_type",
        "email",
        "first_name",
        "last_name",
        "region",
        "country_code",
        "device_type",
        "title_id",
        "event_type",
        "event_timestamp",
        "session_id",
        "ip_address",
        "amount",
        "currency",
    ),
    keys=("interaction_id", "fan_id"),
    parse=parse_json_lines,
)
TITLES = Feed(
    name="titles",
    glob="titles/*.json",
    table=RAW_TITLE_METADATA,
    fields=tuple(column.name for column in RAW_TITLE_METADATA.columns[:-4]),
    keys=("title_id",),
    parse=parse_document,
    is_document=True,
)
BOX_OFFICE = Feed(
    name="box_office",
    glob="box_office/*.csv",
    table=RAW_BOX_OFFICE,
    fields=tuple(column.name for column in RAW_BOX_OFFICE.columns[:-4]),
    keys=("record_id", "title_id", "theater_id", "report_date"),
    parse=parse_csv,
    has_header=True,
)

# Titles first: they are few, and the others refer to them.
FEEDS = (TITLES, BOX_OFFICE, FAN_INTERACTIONS)
