"""From lines to records: how a feed is declared, and what of a line is wrong.

A reason names the fault and never quotes the line, for that could be personal.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from marquee.bronze.tables import Table
from marquee.core.text import clean_text

BOM = b"\xef\xbb\xbf"
# Of fields that are not declared; a file with keys for names has any number of them.
POSITIONS_REPORTED = 10

Record = dict[str, str | None]


class Rejected(NamedTuple):
    """A line that is no record."""

    line: int
    reason: str


class InvalidRecord(ValueError):
    """A line is not blank and is no record; the message is the reason."""


def reason_of(error: Exception) -> str:
    """Return why a line is no record; of an exception that nobody expected the kind alone."""
    if isinstance(error, InvalidRecord):
        return str(error)
    return f"cannot be processed: {type(error).__name__}"


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
        endings: how the names of its files end, in small letters; `.gz` may follow.
        table: the bronze table of its records.
        fields: what of a record is read.
        keys: what a record must have.
        parse: makes records of lines; of the whole file where `is_document`.
        has_header: the first line names the columns.
        is_document: a file is one JSON document and lands again as a whole when it changes.
        masks_values: it is of persons, and each of its fields has a domain (`domains`).
    """

    name: str
    endings: tuple[str, ...]
    table: Table
    fields: tuple[str, ...]
    keys: tuple[str, ...]
    parse: Parser
    has_header: bool = False
    is_document: bool = False
    masks_values: bool = False

    def record(self, given: object, line: int, undeclared: dict[str, str]) -> Record:
        """Take the declared fields of a JSON object.

        Args:
            given: what should be one.
            line: where it stands.
            undeclared: takes in which other fields it has, see `Parsed`.

        Raises:
            InvalidRecord: it is no object, has no key, or a value that is no text.
        """
        if not isinstance(given, dict):
            raise InvalidRecord("no JSON object")
        record = {
            # Most values are plain texts, and a call for each of them costs more than all else.
            name: value
            if (value := given.get(name)) is None or (type(value) is str and value.isascii())
            else as_text(name, value, allow_objects=self.masks_values)
            for name in self.fields
        }
        self.check_keys(record)
        if len(given) > len(self.fields) or given.keys() - record.keys():
            for place, name in enumerate(given, 1):
                if name not in record and name not in undeclared:
                    undeclared[name] = f"field {place} of line {line}"
        return record

    def check_keys(self, record: Record) -> None:
        """Make sure that a record has its keys.

        Raises:
            InvalidRecord: one is missing or blank.
        """
        for key in self.keys:
            if clean_text(record[key]) is None:
                raise InvalidRecord(f"no {key}")


@dataclass
class NotANumber:
    """NaN or Infinity where JSON has a number: Python reads them, JSON does not know them."""

    constant: str


def as_text(name: str, value: Any, *, allow_objects: bool) -> str | None:
    """Return a JSON value as the text it came as; a list of texts joined by commas.

    Args:
        name: the field, for the reason.
        value: the value.
        allow_objects: keep an object as JSON text, for a field whose domain is checked later.

    Raises:
        InvalidRecord: an object, NaN, or half of a surrogate pair.
    """
    if isinstance(value, str):
        if not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError as error:
                is_raw = "\udc80" <= value[error.start] <= "\udcff"  # of `surrogateescape`
                fault = "not UTF-8" if is_raw else "half of a surrogate pair"
                raise InvalidRecord(f"{fault} in {name}") from None
        return value
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, NotANumber):
        raise InvalidRecord(f"no JSON: {value.constant} is no number")
    if isinstance(value, list) and not any(isinstance(one, list | dict) for one in value):
        parts = (as_text(name, one, allow_objects=False) for one in value)
        return ", ".join(part for part in parts if part)
    if allow_objects:
        written = json.dumps(value, ensure_ascii=False, default=str)
        return as_text(name, written, allow_objects=False)
    raise InvalidRecord(f"an object where a text is expected: {name}")


# Numbers stay the text they are.
DECODER = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=NotANumber)


def decode(content: bytes) -> str:
    """Decode UTF-8.

    Raises:
        InvalidRecord: it is none; the reason has the place and not the content.
    """
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise InvalidRecord(f"not UTF-8 at byte {error.start + 1}") from None


def read_json(text: str) -> Any:
    """Read a JSON document; numbers stay the text they are.

    Raises:
        InvalidRecord: it is none; the reason has the place and not the content.
    """
    try:
        return DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise InvalidRecord(_json_fault(error)) from None


def _json_fault(error: BaseException) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"no JSON: {error.msg} at character {error.pos + 1}"
    return "no JSON: too deeply nested"


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
            parsed.records.append(
                (number, feed.record(read_json(decode(line)), number, parsed.undeclared))
            )
        except Exception as error:
            parsed.rejected.append(Rejected(number, reason_of(error)))
    return parsed


def parse_document(
    feed: Feed, header: bytes | None, lines: Sequence[bytes], first_line: int
) -> Parsed:
    """Make records of a file that is an object, a list of objects, or an object a line."""
    whole = b"\n".join(lines).removeprefix(BOM)
    fault = None
    try:
        text = decode(whole)
    except InvalidRecord as error:
        # Only the records with these bytes are invalid; `as_text` finds them.
        text, fault = whole.decode(errors="surrogateescape"), str(error)
    entries: Iterable[tuple[int, Any]]
    try:
        document = read_json(text)
        entries = enumerate(document if isinstance(document, list) else [document], 1)
    except InvalidRecord as error:
        if not text.lstrip().startswith("["):
            by_line = parse_json_lines(feed, None, lines, first_line)
            return (
                by_line if by_line.records else Parsed(rejected=[Rejected(0, fault or str(error))])
            )
        entries = list_entries(text, feed.keys)
    parsed = Parsed()
    for number, entry in entries:
        try:
            if isinstance(entry, InvalidRecord):
                raise entry
            parsed.records.append((number, feed.record(entry, number, parsed.undeclared)))
        except Exception as error:
            parsed.rejected.append(Rejected(number, reason_of(error)))
    return parsed


def list_entries(text: str, keys: Sequence[str]) -> Iterator[tuple[int, Any]]:
    """Read a JSON list that has a fault, entry by entry.

    After a bad entry reading resumes at the next object that has the keys of a record.

    Args:
        text: the list.
        keys: the keys.

    Yields:
        The number of the entry, and the entry, or why it is none; 0 for a list without an end.
    """
    place, number = text.index("[") + 1, 0
    while True:
        while text[place : place + 1] in (" ", "\t", "\r", "\n", ","):
            place += 1
        if place >= len(text):
            yield 0, InvalidRecord("no JSON: the list does not end")
            return
        if text[place] == "]":
            if text[place + 1 :].strip():
                yield 0, InvalidRecord("no JSON: something follows the end of the list")
            return
        number += 1
        try:
            entry, place = DECODER.raw_decode(text, place)
            yield number, entry
        except (ValueError, RecursionError) as error:
            yield number, InvalidRecord(_json_fault(error))
            following = _next_record(text, place + 1, keys)
            if following is None:
                return
            place = following


def _next_record(text: str, place: int, keys: Sequence[str]) -> int | None:
    while (place := text.find("{", place)) >= 0:
        try:
            entry, _ = DECODER.raw_decode(text, place)
        except (ValueError, RecursionError):
            entry = None
        if isinstance(entry, dict) and all(key in entry for key in keys):
            return place
        place += 1
    return None


def parse_csv(feed: Feed, header: bytes | None, lines: Sequence[bytes], first_line: int) -> Parsed:
    """Make a record of each line after the header; a record does not span lines.

    Columns without a name, and cells beyond the header, are ignored where they are blank:
    spreadsheets write them.
    """
    columns = _columns(header or b"", feed)
    if isinstance(columns, str):
        return Parsed(rejected=[Rejected(1, columns)])
    if lacking := [key for key in feed.keys if key not in columns]:
        return Parsed(rejected=[Rejected(1, f"the header has no {', '.join(lacking)}")])
    parsed = Parsed(
        undeclared={
            name: f"column {place}"
            for place, name in enumerate(columns, 1)
            if name and name not in feed.fields
        },
        missing=set(feed.fields) - set(columns),
    )
    places = [(name, columns.index(name)) for name in feed.fields if name in columns]
    nameless = [place for place, name in enumerate(columns) if not name]
    named = max(place for place, name in enumerate(columns, 1) if name)
    absent: Record = dict.fromkeys(feed.fields)
    for number, line in enumerate(lines, first_line):
        if not line.strip() or number == 1:
            continue
        try:
            cells = _cells(line)
            if not any(map(clean_text, cells)):
                continue
            if len(cells) < named or any(map(clean_text, cells[len(columns) :])):
                raise InvalidRecord(f"{len(cells)} columns where the header has {len(columns)}")
            for place in nameless:
                if clean_text("".join(cells[place : place + 1])):
                    parsed.undeclared.setdefault(f"\0{place + 1}", f"column {place + 1}")
            record = absent | {name: cells[place] or None for name, place in places}
            feed.check_keys(record)
        except Exception as error:
            parsed.rejected.append(Rejected(number, reason_of(error)))
        else:
            parsed.records.append((number, record))
    return parsed


def _columns(header: bytes, feed: Feed) -> list[str] | str:
    """Return the names of a header, or what is wrong with it."""
    try:
        names = [(clean_text(name) or "").lower() for name in _cells(header.removeprefix(BOM))]
    except InvalidRecord as error:
        return f"the header is {error}"
    if any(names.count(name) > 1 for name in feed.fields):
        return "the header names a column twice"
    return names


def _cells(line: bytes) -> list[str]:
    decoded = decode(line.rstrip(b"\r"))
    if '"' not in decoded:
        return decoded.split(",")
    try:
        return next(csv.reader([decoded], strict=True))
    except csv.Error:
        raise InvalidRecord("no CSV: a quotation mark out of place") from None


def join_names(several: Iterable[str]) -> str | None:
    """Return names of declared fields in order, None for none."""
    return ", ".join(sorted(several)) or None


def unknown_field_positions(undeclared: Mapping[str, str]) -> str | None:
    """Describe how many fields are not declared, and where to see them; None for none.

    Their names are not part of it: a file can have a value there, such as a name or an address.
    """
    if not undeclared:
        return None
    listed = list(undeclared.values())[:POSITIONS_REPORTED]
    more = ", ..." if len(undeclared) > len(listed) else ""
    return f"{len(undeclared)}: {', '.join(listed)}{more}"
