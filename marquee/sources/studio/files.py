"""Reading what has not landed yet: of new files all, of files that grew the new lines."""

from __future__ import annotations

import gzip
import hashlib
import posixpath
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Any, cast
from urllib.parse import urlparse

import dlt
from dlt.common.storages.configuration import FilesystemConfiguration
from dlt.common.storages.fsspec_filesystem import MTIME_DISPATCH, fsspec_filesystem
from dlt.sources.credentials import FileSystemCredentials
from dlt.sources.filesystem.helpers import FilesystemConfigurationResource
from fsspec import AbstractFileSystem

from marquee.core.clock import naive_utc
from marquee.sources.studio.feeds import Feed

BLOCK_BYTES = 1 << 22  # of a few megabytes, so that a bucket answers in few requests
EDGE_BYTES = 1 << 16  # what a fingerprint of version 0.1 covers at both ends
MAX_DEPTH = 16  # of folders below the landing folder
COMPRESSED = ".gz"


@dataclass(frozen=True)
class FileCheckpoint:
    """How far a file has landed.

    Attributes:
        size_bytes: its size when it was listed; below 0 where not all of it was read.
        modified_at: its modification time then (UTC, without a zone).
        bytes_read: where reading ended, in bytes of the uncompressed content.
        lines_read: how many lines that is.
        fingerprint: of all that was read, see `fingerprint`.
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

    def __init__(
        self, filesystem: AbstractFileSystem, path: str, info: dict[str, Any], modified_at: datetime
    ) -> None:
        """Take where it is, its path below the landing folder, and what the listing has of it."""
        self._filesystem = filesystem
        self._location: str = info["name"]
        self.path = path
        self.size_bytes = int(info.get("size") or 0)
        self.modified_at = modified_at
        self.is_compressed = path.lower().endswith(COMPRESSED)

    def is_as_landed(self, landed: FileCheckpoint | None) -> bool:
        """Return, from the listing alone, whether there is nothing new."""
        return landed is not None and (
            (landed.size_bytes, landed.modified_at) == (self.size_bytes, self.modified_at)
            and (self.is_compressed or landed.bytes_read == self.size_bytes)
        )

    def open(self) -> IO[bytes]:
        """Open the content, uncompressed.

        Raises:
            OSError: it no longer exists, or cannot be read.
        """
        opened = cast(IO[bytes], self._filesystem.open(self._location, "rb"))
        return cast(IO[bytes], gzip.GzipFile(fileobj=opened)) if self.is_compressed else opened


@dataclass
class Listing:
    """What is in the landing folder.

    Attributes:
        files: the files of each feed, by path.
        unread: paths of no feed, each with the reason why it is not read.
    """

    files: dict[str, list[File]] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)


@dlt.resource(name="filesystem", section="filesystem", spec=FilesystemConfigurationResource)
def landing_folder(
    feeds: Sequence[Feed],
    bucket_url: str = dlt.secrets.value,
    credentials: FileSystemCredentials | AbstractFileSystem = dlt.secrets.value,
    kwargs: dict[str, Any] | None = None,
    client_kwargs: dict[str, Any] | None = None,
) -> Iterator[Listing]:
    """List the landing folder, configured as dlt's filesystem source (`sources.filesystem.*`).

    dlt's own listing takes a pattern: a bracket in the folder's path is part of it, one entry that
    cannot be listed ends it, and it cannot report what it leaves out.
    """
    if isinstance(credentials, AbstractFileSystem):
        filesystem = credentials
    else:
        filesystem, _ = fsspec_filesystem(
            bucket_url, credentials, kwargs=kwargs, client_kwargs=client_kwargs
        )
    if (root := local_folder(bucket_url)) is None:
        scheme, root = urlparse(bucket_url).scheme, filesystem._strip_protocol(bucket_url)
    else:
        scheme = "file"
    filesystem.invalidate_cache()
    listing = Listing(files={feed.name: [] for feed in feeds})
    _walk(feeds, filesystem, str(root).rstrip("/"), "", MTIME_DISPATCH[scheme], listing)
    for files in listing.files.values():
        files.sort(key=lambda file: file.path)
    yield listing


def local_folder(bucket_url: str) -> str | None:
    """Return the path of a landing folder on this machine, None for one elsewhere."""
    if FilesystemConfiguration.is_local_path(bucket_url):
        bucket_url = FilesystemConfiguration.make_file_url(bucket_url)
    elif urlparse(bucket_url).scheme != "file":
        return None
    return FilesystemConfiguration.make_local_path(bucket_url)


def list_files(feeds: Sequence[Feed], bucket_url: str) -> Listing:
    """List the files of all feeds, and what else is in the landing folder."""
    listing: Listing
    (listing,) = landing_folder(feeds, bucket_url=bucket_url)
    return listing


def _walk(
    feeds: Sequence[Feed],
    filesystem: AbstractFileSystem,
    root: str,
    folder: str,
    modified_at: Callable[[dict[str, Any]], datetime | None],
    listing: Listing,
) -> None:
    """List a folder and the folders in it; what cannot be listed is noted and passed over."""
    try:
        entries = filesystem.ls(posixpath.join(root, folder) if folder else root, detail=True)
    except FileNotFoundError:
        listing.unread[folder or "."] = "does not exist"
        return
    except OSError as error:
        listing.unread[folder or "."] = f"cannot be listed: {type(error).__name__}"
        return
    for entry in entries:
        name = posixpath.basename(str(entry["name"]).rstrip("/"))
        path = posixpath.join(folder, name) if folder else name
        try:
            is_link = bool(entry.get("islink"))
            if is_link:
                entry = filesystem.info(entry["name"])
            if entry["type"] == "directory":
                if folder and is_link:
                    listing.unread[path] = "a link to a folder"  # it could lead back here
                elif path.count("/") >= MAX_DEPTH:
                    listing.unread[path] = "nested too deeply"
                else:
                    _walk(feeds, filesystem, root, path, modified_at, listing)
                continue
            feed = _feed_of(feeds, path)
            if entry["type"] != "file":
                listing.unread[path] = "no file"
            elif feed is None:
                listing.unread[path] = "no file of a feed"
            else:
                at = modified_at(entry)
                if at is None:
                    raise ValueError("no modification time")
                listing.files[feed.name].append(File(filesystem, path, entry, naive_utc(at)))
        except FileNotFoundError:
            listing.unread[path] = "was listed and no longer exists"
        except Exception as error:
            listing.unread[path] = f"cannot be listed: {type(error).__name__}"


def _feed_of(feeds: Sequence[Feed], path: str) -> Feed | None:
    """Return the feed of a file: that of its first folder, if its name ends as the feed's do."""
    first, _, name = path.partition("/")
    ending = name.lower().removesuffix(COMPRESSED)
    return next(
        (feed for feed in feeds if feed.name == first and ending.endswith(feed.endings)), None
    )


def read_new(
    feed: Feed, file: File, landed: FileCheckpoint | None, chunk_lines: int, *, is_stable: bool
) -> Iterator[Chunk]:
    """Read what has not landed of a file, chunk by chunk.

    All that landed is compared by content: a file that was corrected, be it by one figure and in
    the same length, is read again from its beginning. A last line without its end is being
    written, unless the file is stable or compressed.

    Raises:
        OSError: the file no longer exists, or cannot be read.
    """
    with file.open() as opened:
        if feed.is_document:
            yield from _document(file, opened, landed)
            return
        start = _resume(opened, landed)
        opened.seek(0)
        head = opened.read(EDGE_BYTES)
        line_end = _line_end(head)
        header = _first_line(opened, head, line_end) if feed.has_header else None
        opened.seek(start.bytes_read)
        is_stable = is_stable or file.is_compressed
        yield from _chunks(file, opened, header, start, chunk_lines, line_end, is_stable)


def fingerprint(content: bytes = b"") -> hashlib.blake2b:
    """Begin the hash of what is read of a file."""
    return hashlib.blake2b(content, digest_size=20)


@dataclass
class ReadPosition:
    """Where reading begins or stands, and the hash of what comes before."""

    bytes_read: int = 0
    lines_read: int = 0
    content: hashlib.blake2b = field(default_factory=fingerprint)


def _resume(opened: IO[bytes], landed: FileCheckpoint | None) -> ReadPosition:
    if landed is None or not landed.bytes_read:
        return ReadPosition()
    start = ReadPosition(landed.bytes_read, landed.lines_read)
    left, last = landed.bytes_read, b""
    head = tail = b""
    while left and (block := opened.read(min(BLOCK_BYTES, left))):
        start.content.update(block)
        left -= len(block)
        last = block[-1:]
        head = head or block[:EDGE_BYTES]
        tail = (tail + block)[-EDGE_BYTES:]
    if left or landed.fingerprint not in (start.content.hexdigest(), edge_hash(head, tail)):
        return ReadPosition()
    if last != b"\n" and opened.read(1) == b"\n":
        # the end that the last line had not when it landed
        start.bytes_read += 1
        start.content.update(b"\n")
    return start


def edge_hash(head: bytes, tail: bytes) -> str:
    """Return the fingerprint of version 0.1, which covers the two ends of what was read."""
    return hashlib.blake2b(head + b"\0" + tail, digest_size=16).hexdigest()


def _line_end(head: bytes) -> bytes:
    return b"\r" if b"\r" in head and b"\n" not in head else b"\n"


def _first_line(opened: IO[bytes], head: bytes, line_end: bytes) -> bytes:
    while line_end not in head and (block := opened.read(EDGE_BYTES)):
        head += block
    return head.partition(line_end)[0]


def _chunks(
    file: File,
    opened: IO[bytes],
    header: bytes | None,
    at: ReadPosition,
    chunk_lines: int,
    line_end: bytes,
    is_stable: bool,
) -> Iterator[Chunk]:
    def chunk(lines: list[bytes], last_end: bytes = line_end, *, is_end: bool = False) -> Chunk:
        first_line = at.lines_read + 1
        if lines:
            content = line_end.join(lines) + last_end
            at.content.update(content)
            at.bytes_read += len(content)
            at.lines_read += len(lines)
        # Of a compressed file the size does not show how much was read.
        is_partial = file.is_compressed and not is_end
        checkpoint = FileCheckpoint(
            -1 if is_partial else file.size_bytes,
            file.modified_at,
            at.bytes_read,
            at.lines_read,
            at.content.hexdigest(),
        )
        return Chunk(header, lines, first_line, checkpoint)

    lines: list[bytes] = []
    rest = b""
    while block := opened.read(BLOCK_BYTES):
        more = (rest + block).split(line_end)
        rest = more.pop()
        lines += more
        while len(lines) > chunk_lines:
            yield chunk(lines[:chunk_lines])
            lines = lines[chunk_lines:]
    if rest and is_stable:
        if lines:
            yield chunk(lines)
        yield chunk([rest], last_end=b"", is_end=True)
    elif lines or not file.size_bytes or file.is_compressed:
        yield chunk(lines, is_end=True)
    elif at.bytes_read == file.size_bytes:
        # Nothing new, but another modification time: noted, or it is compared at each run.
        yield chunk([], is_end=True)


def _document(file: File, opened: IO[bytes], landed: FileCheckpoint | None) -> Iterator[Chunk]:
    content = opened.read()
    mark = fingerprint(content).hexdigest()
    if landed is not None and landed.fingerprint in (mark, edge_hash(content, b"")):
        lines, count = [], landed.lines_read
    else:
        lines = content.split(_line_end(content)) if content else []
        count = len(lines)
    # The size as read: a document that is written meanwhile is read again next time.
    size = file.size_bytes if file.is_compressed else len(content)
    checkpoint = FileCheckpoint(size, file.modified_at, len(content), count, mark)
    yield Chunk(None, lines, 1, checkpoint)
