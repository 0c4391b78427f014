"""Reading what has not landed yet: of new files all, of files that grew the new lines."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import IO

from dlt.common.storages.fsspec_filesystem import FileItemDict
from dlt.sources.filesystem import filesystem

from marquee.core.clock import naive_utc
from marquee.sources.studio.feeds import Feed

BLOCK_BYTES = 1 << 22  # of a few megabytes, so that a bucket answers in few requests
EDGE_BYTES = 1 << 16  # at both ends of what was read: enough to tell one file from another
LIST_ATTEMPTS = 3  # a file that goes between being listed and being looked at fails the listing


@dataclass(frozen=True)
class FileCheckpoint:
    """How far a file has landed.

    Attributes:
        size_bytes: its size when it was listed.
        modified_at: its modification time then (UTC, without a zone).
        bytes_read: where reading ended.
        lines_read: how many lines that is.
        fingerprint: of what was read, see `fingerprint`.

    """

    size_bytes: int
    modified_at: datetime
    bytes_read: int
    lines_read: int
    fingerprint: str


@dataclass(frozen=True)
class Chunk:
    """Some lines of a file, and how far it is read with them.

    Attributes:
        header: the first line, where the feed has a header.
        lines: the lines, without their ends.
        first_line: the number of the first of them, from 1.
        checkpoint: how far the file has landed once these lines have.

    """

    header: bytes | None
    lines: Sequence[bytes]
    first_line: int
    checkpoint: FileCheckpoint


class File:
    """A file of a feed, as it was listed."""

    def __init__(self, item: FileItemDict) -> None:
        """Take dlt's item."""
        self._item = item
        self.path: str = item["relative_path"]
        self.size_bytes: int = item.get("size_in_bytes") or 0
        modified: datetime = item["modification_date"]
        self.modified_at = naive_utc(modified)

    def is_as_landed(self, landed: FileCheckpoint | None) -> bool:
        """Tell from the listing alone that nothing is new."""
        return landed is not None and (
            (landed.size_bytes, landed.modified_at) == (self.size_bytes, self.modified_at)
            and landed.bytes_read == self.size_bytes
        )

    def open(self) -> IO[bytes]:
        """Open the file.

        Raises:
            OSError: it is gone, or cannot be read.

        """
        opened: IO[bytes] = self._item.open("rb", compression="disable")
        return opened


def list_files(feed: Feed, bucket_url: str) -> list[File]:
    """List the files of a feed, by name."""
    for attempt in range(LIST_ATTEMPTS):
        try:
            listed = filesystem(bucket_url=bucket_url, file_glob=feed.glob)
            return sorted((File(item) for item in listed), key=lambda file: file.path)
        except FileNotFoundError:
            if attempt == LIST_ATTEMPTS - 1:
                raise
    return []


def read_new(
    feed: Feed, file: File, landed: FileCheckpoint | None, chunk_lines: int, *, is_stable: bool
) -> Iterator[Chunk]:
    """Read what has not landed of a file, chunk by chunk.

    A file whose beginning is not what landed was written anew and is read from its beginning. A
    last line without its end is being written, unless the file is settled.

    Raises:
        OSError: the file is gone, or cannot be read.

    """
    with file.open() as opened:
        if feed.is_document:
            yield from _document(file, opened, landed)
            return
        start = _resume(opened, landed)
        header = None
        if feed.has_header:
            opened.seek(0)
            header = _first_line(opened)
        opened.seek(start.bytes_read)
        yield from _chunks(file, opened, header, start, chunk_lines, is_stable)


def fingerprint(head: bytes, tail: bytes) -> str:
    """Hash what was read by its two ends: files are appended to or replaced, not patched inside."""
    return hashlib.blake2b(head + b"\0" + tail, digest_size=16).hexdigest()


@dataclass
class ReadPosition:
    """Where reading begins, and the two ends of what came before."""

    bytes_read: int = 0
    lines_read: int = 0
    head: bytes = b""
    tail: bytes = b""


def _resume(opened: IO[bytes], landed: FileCheckpoint | None) -> ReadPosition:
    if landed is None or not landed.bytes_read:
        return ReadPosition()
    head = opened.read(min(EDGE_BYTES, landed.bytes_read))
    opened.seek(max(0, landed.bytes_read - EDGE_BYTES))
    tail = opened.read(min(EDGE_BYTES, landed.bytes_read))
    if fingerprint(head, tail) != landed.fingerprint:
        return ReadPosition()
    start = ReadPosition(landed.bytes_read, landed.lines_read, head, tail)
    if not tail.endswith(b"\n") and opened.read(1) == b"\n":
        # the end that the last line had not when it landed
        start.bytes_read += 1
        start.head = (head + b"\n")[:EDGE_BYTES]
        start.tail = (tail + b"\n")[-EDGE_BYTES:]
    return start


def _first_line(opened: IO[bytes]) -> bytes:
    line = b""
    while b"\n" not in line and (block := opened.read(EDGE_BYTES)):
        line += block
    return line.partition(b"\n")[0]


def _chunks(
    file: File,
    opened: IO[bytes],
    header: bytes | None,
    start: ReadPosition,
    chunk_lines: int,
    is_stable: bool,
) -> Iterator[Chunk]:
    at = start

    def chunk(lines: list[bytes], last_end: bytes = b"\n") -> Chunk:
        nonlocal at
        tail, size = last_end, sum(map(len, lines)) + len(lines) - 1 + len(last_end)
        for place in range(len(lines) - 1, -1, -1):
            tail = lines[place] + tail
            if len(tail) >= EDGE_BYTES:
                break
            if place:
                tail = b"\n" + tail
        else:
            tail = at.tail + tail
        head = at.head
        for line in lines:
            if len(head) >= EDGE_BYTES:
                break
            head += line + b"\n"
        else:
            head = head[: len(head) - 1 + len(last_end)]
        first_line = at.lines_read + 1
        at = ReadPosition(
            at.bytes_read + size,
            at.lines_read + len(lines),
            head[:EDGE_BYTES],
            tail[-EDGE_BYTES:],
        )
        checkpoint = FileCheckpoint(
            file.size_bytes,
            file.modified_at,
            at.bytes_read,
            at.lines_read,
            fingerprint(at.head, at.tail),
        )
        return Chunk(header, lines, first_line, checkpoint)

    lines: list[bytes] = []
    rest = b""
    while block := opened.read(BLOCK_BYTES):
        more = (rest + block).split(b"\n")
        rest = more.pop()
        lines += more
        while len(lines) > chunk_lines:
            yield chunk(lines[:chunk_lines])
            lines = lines[chunk_lines:]
    if lines:
        yield chunk(lines)
    if rest and is_stable:
        yield chunk([rest], last_end=b"")
    elif not lines and not file.size_bytes:
        checkpoint = FileCheckpoint(0, file.modified_at, 0, 0, fingerprint(b"", b""))
        yield Chunk(header, [], 1, checkpoint)


def _document(file: File, opened: IO[bytes], landed: FileCheckpoint | None) -> Iterator[Chunk]:
    content = opened.read()
    mark = fingerprint(content, b"")
    if landed is not None and landed.fingerprint == mark:
        return
    lines = content.split(b"\n") if content else []
    # The size as read: a document that is written meanwhile is read again next time.
    checkpoint = FileCheckpoint(len(content), file.modified_at, len(content), len(lines), mark)
    yield Chunk(None, lines, 1, checkpoint)
