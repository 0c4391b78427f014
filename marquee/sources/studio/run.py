"""One run: list the files, read what is new in them, land it chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa

from marquee.bronze.destination import Destination
from marquee.bronze.loader import land, open_pipeline, remembered
from marquee.bronze.reader import Warehouse
from marquee.bronze.tables import Rows, Table
from marquee.core.clock import now_utc
from marquee.core.errors import MarqueeError, chain
from marquee.core.progress import Progress
from marquee.core.settings import Settings
from marquee.core.signals import Interrupt
from marquee.ops.run_log import logged_run
from marquee.sources.studio.erasure import expire, forget
from marquee.sources.studio.feeds import (
    FEEDS,
    Feed,
    Record,
    Rejected,
    join_names,
    unknown_field_positions,
)
from marquee.sources.studio.files import Chunk, File, FileCheckpoint, list_files, read_new
from marquee.sources.studio.manifest import FileManifest, payload_columns
from marquee.sources.studio.pseudonymize import PiiRecord, Pseudonymizer
from marquee.sources.studio.report import Report
from marquee.sources.studio.settings import StudioSettings
from marquee.sources.studio.tables import (
    QUARANTINE_STUDIO,
    RAW_FAN_INTERACTIONS,
    STUDIO_FILES,
    TABLES,
)
from marquee.sources.studio.tokens import Tokens
from marquee.sources.studio.vault import Vault, vault_destination

PIPELINE = "studio"
ERASURE = "studio_erasure"  # a job of its own: it is no load, and none is to seem fresh by it
NO_TIME = timedelta(microseconds=1)


def load_studio(
    studio: StudioSettings,
    destination: Destination,
    settings: Settings,
    report: Report,
    *,
    dry_run: bool = False,
) -> None:
    """Land what is new in the landing folder.

    Args:
        studio: where the files are, and the key of the tokens.
        destination: where to land.
        settings: where dlt works meanwhile.
        report: filled in as it goes, so that it is right however the run ends.
        dry_run: leave the warehouse and the disk alone.

    Raises:
        MarqueeError: the folder, the warehouse or its vault cannot be used, the key is another
            one than before, or another run is loading; what landed before stays.
        KeyboardInterrupt: a person asked to stop; what was read by then has landed.

    """
    check_folder(studio.bucket_url)
    with ExitStack() as stack:
        log = None
        if dry_run:
            scratch = stack.enter_context(TemporaryDirectory(prefix="marquee-"))
            settings = replace(settings, dlt_dir=Path(scratch))
        else:
            log = stack.enter_context(
                logged_run(PIPELINE, destination, settings, report, without_values)
            )
        vault = Vault(vault_destination(destination, settings, read_only=dry_run))
        warehouse = Warehouse(destination)
        warehouse.check()
        destination.label(report.batch_id)
        pipeline = open_pipeline(PIPELINE, settings, destination)
        tokens = Tokens(studio.token_key)
        check_same_key(remembered(pipeline).get("key_check"), tokens)
        if remembered(pipeline):
            vault.check_exists()
        reader = Reader(
            studio,
            FileManifest(warehouse),
            Pseudonymizer(tokens, timedelta(days=studio.guest_retention_days), vault.forgotten()),
            report,
            stack.enter_context(Progress()),
        )
        interrupt = stack.enter_context(Interrupt(lambda: None))
        if log is None:  # a dry run
            for batch in reader.batches():
                batch.count(report)
            return
        vault.create(tokens.key_check)
        memory = {"key_check": tokens.key_check}
        is_first = True
        for batch in combine_batches(reader.batches(), studio.chunk_lines):
            with interrupt.finish_first():
                # The vault first: a token that is in bronze can always be looked up.
                report.vaulted += vault.add(batch.people, batch.at, report.batch_id)
                rows = {table: batch.of(table) for table in TABLES if is_first or batch.of(table)}
                land(pipeline, destination, rows, memory, log)
                batch.count(report)
            is_first = False
        if is_first and not remembered(pipeline):
            land(pipeline, destination, {table: () for table in TABLES}, memory, log)
        report.expired = expire(destination, now_utc())


def without_values(error: BaseException) -> str:
    """Say what went wrong in words of ours: those of others may hold a value of the feed."""
    ours = (str(cause) for cause in chain(error) if isinstance(cause, MarqueeError))
    return next(ours, type(error).__name__)


def forget_fan(
    studio: StudioSettings, destination: Destination, settings: Settings, fan_id: str
) -> dict[str, int]:
    """Remove a fan, see `erasure.forget`; return the rows by table. The run log says when.

    Raises:
        MarqueeError: there is no warehouse or vault, they are under another key, or another run
            is loading them.

    """
    if destination.path is not None and not destination.path.exists():
        raise MarqueeError(f"There is no warehouse at {destination.path}: nothing to forget.")
    with logged_run(ERASURE, destination, settings, Report(), without_values):
        pipeline = open_pipeline(PIPELINE, settings, destination)
        tokens = Tokens(studio.token_key)
        check_same_key(remembered(pipeline).get("key_check"), tokens)
        vault = Vault(vault_destination(destination, settings))
        if remembered(pipeline):
            vault.check_exists()
        vault.create(tokens.key_check)
        return forget(destination, vault, tokens.fan(fan_id.strip()), now_utc())


def check_folder(bucket_url: str) -> None:
    """Tell a folder that is not there from one without files.

    Raises:
        MarqueeError: it is a path of this machine and no folder.

    """
    if "://" in bucket_url or Path(bucket_url).is_dir():
        return
    raise MarqueeError(
        f"There is no landing folder {bucket_url}.",
        "Set STUDIO_URL to a path or a URL (s3://, gs://, az://), or try: "
        "python pipelines/studio.py --sandbox",
    )


def check_same_key(key_check: str | None, tokens: Tokens) -> None:
    """Keep a warehouse to one key: under another one every fan would become a second person.

    Raises:
        MarqueeError: it was loaded under another key.

    """
    if key_check is None or key_check == tokens.key_check:
        return
    raise MarqueeError(
        "This warehouse was loaded under another token key: every fan would be counted twice.",
        "Set the key it was loaded with, or another warehouse (MARQUEE_DUCKDB and "
        "MARQUEE_STATE_DUCKDB). How to change a key: docs/runbook.md.",
    )


@dataclass
class Batch:
    """What one load brings.

    Attributes:
        at: when it was read.
        lines: how many lines that were.
        rows: the rows by table, in parts.
        people: what goes to the vault.

    """

    at: datetime
    lines: int = 0
    rows: dict[Table, list[pa.Table]] = field(default_factory=dict)
    people: list[PiiRecord] = field(default_factory=list)

    def of(self, table: Table) -> Rows:
        """Return the rows of a table."""
        parts = self.rows.get(table)
        return pa.concat_tables(parts) if parts else ()

    def add(self, other: Batch) -> None:
        """Take in what another one brings."""
        self.at = other.at
        self.lines += other.lines
        for table, parts in other.rows.items():
            self.rows.setdefault(table, []).extend(parts)
        self.people += other.people

    def count(self, report: Report) -> None:
        """Add the rows to the report."""
        for table, parts in self.rows.items():
            report.landed[table.name] += sum(map(len, parts))


def combine_batches(batches: Iterable[Batch], lines: int) -> Iterator[Batch]:
    """Join small batches into one of so many lines: a load has its price, however small it is."""
    joined: Batch | None = None
    for batch in batches:
        if joined is None:
            joined = batch
        else:
            joined.add(batch)
        if joined.lines >= lines:
            yield joined
            joined = None
    if joined is not None:
        yield joined


class Reader:
    """Reads the files and makes rows of what is new in them; lands nothing."""

    def __init__(
        self,
        studio: StudioSettings,
        manifest: FileManifest,
        people: Pseudonymizer,
        report: Report,
        display: Progress,
    ) -> None:
        """Take where the files are, what has landed, who splits personal data, and who listens."""
        self._studio = studio
        self._manifest = manifest
        self._people = people
        self._report = report
        self._display = display
        self._last_at = datetime.min

    def batches(self) -> Iterator[Batch]:
        """Read all feeds, a batch a chunk of a file."""
        landed = self._manifest.checkpoints()
        orphaned = self._manifest.orphaned_rows(QUARANTINE_STUDIO)
        for feed in FEEDS:
            listed = list_files(feed, self._studio.bucket_url)
            self._report.listed[feed.name] = len(listed)
            changed = [file for file in listed if not file.is_as_landed(landed.get(file.path))]
            self._display.stage(f"reading {feed.name}", len(changed), "files")
            if not changed:
                continue
            known = self._manifest.orphaned_rows(feed.table)
            for file in changed:
                yield from self._file(feed, file, landed.get(file.path), known, orphaned)
                self._display.advance(file.path)

    def _file(
        self,
        feed: Feed,
        file: File,
        landed: FileCheckpoint | None,
        known: set[tuple[Any, ...]],
        orphaned: set[tuple[Any, ...]],
    ) -> Iterator[Batch]:
        """Read a file; one that is gone or cannot be read is a matter for the quarantine."""
        is_stable = (now_utc() - file.modified_at).total_seconds() >= self._studio.settle_seconds
        chunks = read_new(feed, file, landed, self._studio.chunk_lines, is_stable=is_stable)
        is_first = True
        while True:
            try:
                chunk = next(chunks, None)
            except FileNotFoundError:
                yield self._unreadable(feed, file, "was listed and is gone")
                return
            except OSError as error:
                yield self._unreadable(feed, file, f"cannot be read: {type(error).__name__}")
                return
            if chunk is None:
                return
            if is_first:
                self._report.read[feed.name] += 1
                if landed and landed.lines_read and chunk.first_line == 1 and not feed.is_document:
                    self._display.note(f"{file.path} was written anew: all of it lands again.")
            is_first = False
            yield self._batch(feed, file, chunk, known, orphaned)

    def _unreadable(self, feed: Feed, file: File, reason: str) -> Batch:
        self._display.note(f"{file.path} {reason}.")
        at = self._now()
        rejected = [self._rejected(feed, file, 0, reason, at)]
        return Batch(at, 1, {QUARANTINE_STUDIO: [QUARANTINE_STUDIO.arrow(rejected)]})

    def _batch(
        self,
        feed: Feed,
        file: File,
        chunk: Chunk,
        known: set[tuple[Any, ...]],
        orphaned: set[tuple[Any, ...]],
    ) -> Batch:
        """Make the rows of a chunk: records, what is none, and how far the file is read."""
        at = self._now()
        parsed = feed.parse(feed, chunk.header, chunk.lines, chunk.first_line)
        if not chunk.checkpoint.bytes_read:
            parsed.rejected.append(Rejected(0, "an empty file"))
        people: list[PiiRecord] = []
        forgotten = 0
        if feed.table is RAW_FAN_INTERACTIONS:
            rows, people, forgotten = self._split(parsed.records, file, at)
        else:
            rows = [
                (*(record[name] for name in feed.fields), file.path, line, at)
                for line, record in parsed.records
            ]
        if known:
            rows = self._without(rows, feed.table, known)
        rejected = [
            self._rejected(feed, file, one.line, one.reason, at)
            for one in parsed.rejected
            if (feed.name, one.reason, file.path, one.line) not in orphaned
        ]
        self._report.forgotten += forgotten
        read = {
            "feed": feed.name,
            "source_file": file.path,
            "size_bytes": chunk.checkpoint.size_bytes,
            "modified_at": chunk.checkpoint.modified_at,
            "bytes_read": chunk.checkpoint.bytes_read,
            "lines_read": chunk.checkpoint.lines_read,
            "fingerprint": chunk.checkpoint.fingerprint,
            "rows_landed": len(rows),
            "rows_quarantined": len(rejected),
            "rows_forgotten": forgotten,
            "undeclared_fields": unknown_field_positions(parsed.undeclared),
            "missing_fields": join_names(parsed.missing),
            "ingested_at": at,
            "batch_id": self._report.batch_id,
        }
        landing = {STUDIO_FILES: [STUDIO_FILES.arrow([read])]}
        if rows:
            landing[feed.table] = [self._arrow(feed.table, rows)]
        if rejected:
            landing[QUARANTINE_STUDIO] = [QUARANTINE_STUDIO.arrow(rejected)]
        return Batch(at, len(chunk.lines), landing, people)

    def _split(
        self, records: Iterable[tuple[int, Record]], file: File, at: datetime
    ) -> tuple[list[tuple[Any, ...]], list[PiiRecord], int]:
        """Part personal data from the rest; count who is forgotten."""
        rows: list[tuple[Any, ...]] = []
        people: dict[str, PiiRecord] = {}
        forgotten = 0
        for line, record in records:
            split = self._people.split(record, at)
            if split is None:
                forgotten += 1
                continue
            rows.append((*split.row, file.path, line, at))
            if split.person:
                people[split.person.record_token] = split.person
        return rows, list(people.values()), forgotten

    def _without(
        self, rows: list[tuple[Any, ...]], table: Table, known: set[tuple[Any, ...]]
    ) -> list[tuple[Any, ...]]:
        """Leave out what a run that was cut short has landed."""
        compared = set(payload_columns(table))
        places = [place for place, column in enumerate(table.columns) if column.name in compared]
        new = [row for row in rows if tuple(row[place] for place in places) not in known]
        self._report.known += len(rows) - len(new)
        return new

    def _arrow(self, table: Table, rows: Sequence[tuple[Any, ...]]) -> pa.Table:
        """Put rows into columns; all of them bear the name of the run."""
        schema = table.schema
        columns = [
            pa.array(column, declared.type)
            for column, declared in zip(zip(*rows, strict=True), schema, strict=False)
        ]
        columns.append(pa.repeat(self._report.batch_id, len(rows)))
        return pa.Table.from_arrays(columns, schema=schema)

    def _rejected(self, feed: Feed, file: File, line: int, reason: str, at: datetime) -> Any:
        return {
            "feed": feed.name,
            "reason": reason,
            "source_file": file.path,
            "source_line": line,
            "ingested_at": at,
            "batch_id": self._report.batch_id,
        }

    def _now(self) -> datetime:
        """Return this moment, later than each one before: chunks are told apart by it."""
        self._last_at = max(now_utc(), self._last_at + NO_TIME)
        return self._last_at
