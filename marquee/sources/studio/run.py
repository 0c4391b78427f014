"""One run: list the files, read what is new in them, land it chunk by chunk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from itertools import compress, repeat
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import dlt
import pyarrow as pa

from marquee.bronze.destination import Destination
from marquee.bronze.loader import load, load_state, open_pipeline
from marquee.bronze.tables import Rows, Table
from marquee.core import clock
from marquee.core.clock import utcnow
from marquee.core.errors import MarqueeError, chain
from marquee.core.progress import Progress
from marquee.core.settings import Settings
from marquee.core.signals import Interrupt
from marquee.core.text import clean_text
from marquee.ops.run_log import logged_run
from marquee.sources.studio.domains import MASKED, looks_personal
from marquee.sources.studio.erasure import apply_erasures, check_pair, expire, forget
from marquee.sources.studio.feeds import (
    Feed,
    Parsed,
    Rejected,
    join_names,
    reason_of,
    unknown_field_positions,
)
from marquee.sources.studio.files import (
    Chunk,
    File,
    FileCheckpoint,
    list_files,
    local_folder,
    read_new,
)
from marquee.sources.studio.manifest import FileManifest, payload_columns
from marquee.sources.studio.pseudonymize import PiiRecord, Pseudonymizer, SplitRecord
from marquee.sources.studio.report import Report
from marquee.sources.studio.settings import StudioSettings, derived_vault_key
from marquee.sources.studio.tables import QUARANTINE_STUDIO, STUDIO_FILES, TABLES
from marquee.sources.studio.tokens import Tokens
from marquee.sources.studio.vault import Vault, vault_destination

PIPELINE = "studio"
ENCRYPTION = "studio_encryption"
ERASURE = "studio_erasure"  # a job of its own: it is no load, and none is to seem fresh by it


def load_studio(
    feeds: Sequence[Feed],
    studio: StudioSettings,
    destination: Destination,
    settings: Settings,
    report: Report,
    *,
    dry_run: bool = False,
) -> None:
    """Land what is new in the landing folder.

    Args:
        feeds: what to read, in this order.
        studio: where the files are, and the key of the tokens.
        destination: where to land.
        settings: where dlt works meanwhile.
        report: filled in as it goes, so that it is right however the run ends.
        dry_run: leave the warehouse and the disk alone.

    Raises:
        MarqueeError: the folder, the warehouse or its vault cannot be used, the key is another
            one than before, or another run is loading; what landed before stays.
        KeyboardInterrupt: a person requested a stop; what was read by then has landed.
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
        destination.label(report.batch_id)
        pipeline, tokens, vault = _opened(studio, destination, settings)
        if dry_run:
            check_pair(destination, vault.erasures())
        else:
            vault.create(tokens.key_check)
            apply_erasures(destination, vault, utcnow())
        people = Pseudonymizer(
            tokens, timedelta(days=studio.guest_retention_days), vault.forgotten()
        )
        manifest, progress = FileManifest(destination), Progress()
        with destination.kept_open():
            reader = Reader(feeds, studio, manifest, people, report, progress)
        stack.enter_context(progress)
        interrupt = stack.enter_context(Interrupt(lambda: None))
        if log is None:  # a dry run
            for batch in reader.batches():
                batch.count(report)
            return
        state = {"key_check": tokens.key_check}
        is_first = True
        for batch in combine_batches(reader.batches(), studio.chunk_lines):
            with interrupt.defer_interrupts():
                # The vault first: a token that is in bronze can always be looked up.
                report.vaulted += vault.add(batch.people, batch.at, report.batch_id)
                rows = {table: batch.of(table) for table in TABLES if is_first or batch.of(table)}
                load(pipeline, destination, rows, state, log.loaded)
                batch.count(report)
            is_first = False
        if is_first and not load_state(pipeline):
            load(pipeline, destination, {table: () for table in TABLES}, state, log.loaded)
        report.expired = expire(destination, utcnow())
        if report.failed:
            several = ", ".join(f"{name} ({kind})" for name, kind in report.failed.items())
            raise MarqueeError(
                f"{len(report.failed):,} files could not be processed: {several}.",
                "The others landed. This is a fault of Marquee; the next run tries them again.",
            )


def without_values(error: BaseException) -> str:
    """Describe an error by our own message: that of a library may hold a value of the feed."""
    ours = (str(cause) for cause in chain(error) if isinstance(cause, MarqueeError))
    return next(ours, type(error).__name__)


def forget_fan(
    studio: StudioSettings, destination: Destination, settings: Settings, fan_id: str
) -> dict[str, int] | None:
    """Remove a fan, see `erasure.forget`; return the rows by table. The run log holds when.

    Raises:
        MarqueeError: there is no warehouse or vault, they are under another key, or another run
            is loading them.
    """
    with _erasing(studio, destination, settings) as (vault, people):
        token = Tokens(studio.token_key).fan(clean_text(fan_id) or "")
        return forget(destination, vault, token, utcnow(), people.masked_file_name)


def apply_all_erasures(
    studio: StudioSettings, destination: Destination, settings: Settings
) -> dict[str, int]:
    """Apply the vault's erasures to a warehouse that is older; return the rows by table.

    Raises:
        MarqueeError: as `forget_fan`.
    """
    with _erasing(studio, destination, settings) as (vault, _):
        return apply_erasures(destination, vault, utcnow(), is_erasure=True)


def encrypt_vault(studio: StudioSettings, destination: Destination, settings: Settings) -> bool:
    """Encrypt the vault with the key of the settings, see `Vault.encrypt`.

    Raises:
        MarqueeError: as `forget_fan`, or the vault has neither the old nor the new key.
    """
    check_warehouse(destination)
    with logged_run(ENCRYPTION, destination, settings, Report(), without_values):
        vault = Vault(vault_destination(destination, settings), studio.vault_encryption_key)
        return vault.encrypt(studio.old_vault_key or derived_vault_key(studio.token_key))


@contextmanager
def _erasing(
    studio: StudioSettings, destination: Destination, settings: Settings
) -> Iterator[tuple[Vault, Pseudonymizer]]:
    check_warehouse(destination)
    with logged_run(ERASURE, destination, settings, Report(), without_values):
        _, tokens, vault = _opened(studio, destination, settings)
        vault.create(tokens.key_check)
        yield vault, Pseudonymizer(tokens, timedelta(days=studio.guest_retention_days), {})


def _opened(
    studio: StudioSettings, destination: Destination, settings: Settings
) -> tuple[dlt.Pipeline, Tokens, Vault]:
    """Open a warehouse under the key that it was loaded with; its vault has to be there."""
    vault = Vault(vault_destination(destination, settings), studio.vault_encryption_key)
    pipeline, tokens = open_pipeline(PIPELINE, settings, destination), Tokens(studio.token_key)
    if state := load_state(pipeline):
        check_same_key(state.get("key_check"), tokens)
        vault.check_exists()
    return pipeline, tokens, vault


def check_warehouse(destination: Destination) -> None:
    """Make sure that there is a warehouse.

    Raises:
        MarqueeError: there is no such file.
    """
    if destination.path is not None and not destination.path.exists():
        raise MarqueeError(f"There is no warehouse at {destination.path}: nothing to forget.")


def check_folder(bucket_url: str) -> None:
    """Make sure that the landing folder exists; one without files is fine.

    Raises:
        MarqueeError: it is a path of this machine and no folder.
    """
    folder = local_folder(bucket_url)
    if folder is None or Path(folder).is_dir():
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


@dataclass
class Source:
    """A file that is read, and its name in bronze."""

    feed: Feed
    file: File
    name: str


# Columns, numbers of the lines, people for the vault, lines of who is forgotten, what was masked.
Columns: TypeAlias = list[Sequence[Any]]
Made: TypeAlias = tuple[Columns, list[int], list[PiiRecord], int, Counter[str]]


@dataclass
class Reader:
    """Reads the files and makes rows of what is new in them; lands nothing."""

    feeds: Sequence[Feed]
    studio: StudioSettings
    manifest: FileManifest
    people: Pseudonymizer
    report: Report
    progress: Progress

    def __post_init__(self) -> None:
        """Read what has landed."""
        self._landed = self.manifest.checkpoints()
        self._orphaned = self.manifest.orphaned_rows(QUARANTINE_STUDIO)
        # A new row must be newer, or it would not count as the newest: a clock can have run ahead.
        self._times = clock.Sequence(self.manifest.newest_time(TABLES))

    def batches(self) -> Iterator[Batch]:
        """Read all feeds, a batch per chunk of a file."""
        listing = list_files(self.feeds, self.studio.bucket_url)
        personal = {feed.name for feed in self.feeds if feed.masks_values}
        self.report.unread = {
            self.people.unread_name(path, personal): reason
            for path, reason in listing.unread.items()
        }
        for feed in self.feeds:
            files = [(file, *self._checkpoint(feed, file)) for file in listing.files[feed.name]]
            self.report.listed[feed.name] = len(files)
            changed = [
                (file, name, checkpoint)
                for file, name, checkpoint in files
                if not file.is_as_landed(checkpoint)
            ]
            self.progress.stage(f"reading {feed.name}", len(changed), "file")
            if not changed:
                continue
            known = self.manifest.orphaned_rows(feed.table)
            for file, name, checkpoint in changed:
                yield from self._file(Source(feed, file, name), checkpoint, known)
                self.progress.advance(name)

    def _checkpoint(self, feed: Feed, file: File) -> tuple[str, FileCheckpoint | None]:
        """Return the name of a file in bronze, masked or its own, and how far it has landed."""
        name = self.people.masked_file_name(file.path)
        if name not in self._landed:
            name = self.people.file_name(feed, file.path)
        return name, self._landed.get(name)

    def _file(
        self,
        source: Source,
        landed: FileCheckpoint | None,
        known: set[tuple[Any, ...]],
    ) -> Iterator[Batch]:
        """Read a file; one that no longer exists or cannot be read goes to the quarantine."""
        feed, file = source.feed, source.file
        age_seconds = (utcnow() - file.modified_at).total_seconds()
        # The clock of the folder's machine can be ahead.
        is_stable = abs(age_seconds) >= self.studio.settle_seconds
        chunks = read_new(feed, file, landed, self.studio.chunk_lines, is_stable=is_stable)
        is_first = True
        while True:
            try:
                chunk = next(chunks, None)
            except FileNotFoundError:
                yield self._unreadable(source, "was listed and no longer exists")
                return
            except Exception as error:  # a damaged archive raises of several kinds
                yield self._unreadable(source, f"cannot be read: {type(error).__name__}")
                return
            if chunk is None:
                return
            if is_first and chunk.lines:
                self.report.read[feed.name] += 1
                if landed and landed.lines_read and chunk.first_line == 1 and not feed.is_document:
                    self.progress.note(f"{source.name} was overwritten: all of it is loaded again.")
            is_first = False
            try:
                batch = self._batch(source, chunk, known)
            except Exception as error:
                # Not one record of it: that is no fault of the data. The file is tried again.
                self.report.failed[source.name] = type(error).__name__
                self.progress.note(f"{source.name} cannot be processed: {type(error).__name__}.")
                return
            yield batch

    def _unreadable(self, source: Source, reason: str) -> Batch:
        self.progress.note(f"{source.name} {reason}.")
        at = self._times.next()
        rejected = [self._rejected(source, 0, reason, at)]
        return Batch(at, 1, {QUARANTINE_STUDIO: [QUARANTINE_STUDIO.arrow(rejected)]})

    def _batch(self, source: Source, chunk: Chunk, known: set[tuple[Any, ...]]) -> Batch:
        """Make the rows of a chunk: records, what is none, and how far the file is read."""
        at = self._times.next()
        feed, checkpoint = source.feed, chunk.checkpoint
        parsed = Parsed()
        if chunk.lines:
            parsed = feed.parse(feed, chunk.header, chunk.lines, chunk.first_line)
        elif not checkpoint.bytes_read:
            parsed.rejected.append(Rejected(0, "an empty file"))
        columns, numbers, people, forgotten, masked = (
            self._split(parsed, source) if feed.masks_values else self._as_columns(parsed, feed)
        )
        if known:
            columns, numbers = self._without(columns, numbers, source, known)
        rejected = [
            self._rejected(source, one.line, one.reason, at)
            for one in parsed.rejected
            if (feed.name, one.reason, source.name, one.line) not in self._orphaned
        ]
        self.report.forgotten += forgotten
        self.report.masked += masked
        read = {
            "feed": feed.name,
            "source_file": source.name,
            **asdict(checkpoint),
            "rows_landed": len(numbers),
            "rows_quarantined": len(rejected),
            "rows_forgotten": forgotten,
            "values_masked": masked.total(),
            "undeclared_fields": unknown_field_positions(parsed.undeclared),
            "missing_fields": join_names(parsed.missing),
            "ingested_at": at,
            "batch_id": self.report.batch_id,
        }
        landing = {STUDIO_FILES: [STUDIO_FILES.arrow([read])]}
        if numbers:
            landing[feed.table] = [self._arrow(source, columns, numbers, at)]
        if rejected:
            landing[QUARANTINE_STUDIO] = [QUARANTINE_STUDIO.arrow(rejected)]
        return Batch(at, len(chunk.lines), landing, people)

    def _as_columns(self, parsed: Parsed, feed: Feed) -> Made:
        """Make columns of records that are of no persons; what looks personal is masked."""
        masked: Counter[str] = Counter()
        columns: Columns = []
        for name in feed.fields:
            column = [record[name] for _, record in parsed.records]
            # Each value once: most columns have few.
            personal = {value for value in set(column) if value and looks_personal(value)}
            if personal:
                masked[name] = sum(value in personal for value in column)
                column = [MASKED if value in personal else value for value in column]
            columns.append(column)
        return columns, [line for line, _ in parsed.records], [], 0, masked

    def _split(self, parsed: Parsed, source: Source) -> Made:
        """Part personal data from the rest; raise the last fault if no record could be split."""
        numbers: list[int] = []
        splits: list[SplitRecord] = []
        people: dict[str, PiiRecord] = {}
        masked: Counter[str] = Counter()
        forgotten = 0
        failure: Exception | None = None
        now = utcnow()  # not `at`, which follows a clock that ran ahead
        for line, record in parsed.records:
            try:
                split = self.people.split(record, now, source.name)
            except Exception as error:
                failure = error
                parsed.rejected.append(Rejected(line, reason_of(error)))
                continue
            if split is None:
                forgotten += 1
                continue
            numbers.append(line)
            splits.append(split)
            if split.masked:
                masked.update(split.masked)
            if split.person:
                people[split.person.record_token] = split.person
        if failure and not splits and not forgotten:
            raise failure
        if any(split.is_named_by_file for split in splits):
            source.name = self.people.masked_file_name(source.file.path)
        columns: Columns = list(zip(*(split.row for split in splits), strict=True))
        return columns, numbers, list(people.values()), forgotten, masked

    def _without(
        self, columns: Columns, numbers: list[int], source: Source, known: set[tuple[Any, ...]]
    ) -> tuple[Columns, list[int]]:
        """Leave out what a run that was interrupted has landed."""
        payload = payload_columns(source.feed.table)
        compared = [
            column
            for column, declared in zip(columns, source.feed.table.columns, strict=False)
            if declared.name in payload
        ]
        rows = zip(*compared, repeat(source.name), numbers, strict=False)
        is_new = [row not in known for row in rows]
        self.report.known += len(numbers) - sum(is_new)
        return [list(compress(one, is_new)) for one in columns], list(compress(numbers, is_new))

    def _arrow(
        self, source: Source, columns: Columns, numbers: Sequence[int], at: datetime
    ) -> pa.Table:
        """Put the columns of a feed's table together, with the lineage of each row."""
        schema, count = source.feed.table.schema, len(numbers)
        arrays = [
            pa.array(column, declared.type)
            for column, declared in zip(columns, schema, strict=False)
        ]
        arrays += [
            pa.repeat(source.name, count),
            pa.array(numbers, pa.int64()),
            pa.repeat(pa.scalar(at, pa.timestamp("us")), count),
            pa.repeat(self.report.batch_id, count),
        ]
        return pa.Table.from_arrays(arrays, schema=schema)

    def _rejected(self, source: Source, line: int, reason: str, at: datetime) -> Any:
        return {
            "feed": source.feed.name,
            "reason": reason,
            "source_file": source.name,
            "source_line": line,
            "ingested_at": at,
            "batch_id": self.report.batch_id,
        }
