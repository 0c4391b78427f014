"""From exception to words: what went wrong and what to do about it, without a stack trace."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # disk, quota, limit on the size of a file
EXIT_FAILURE, EXIT_TRY_AGAIN = 1, 75  # 75 is EX_TEMPFAIL of sysexits.h
FILE_VARIABLES = ("MARQUEE_DUCKDB", "MARQUEE_VAULT_DUCKDB", "MARQUEE_STATE_DUCKDB")


# What destinations add when they are imported: an exception's explanation, or None for others.
EXPLANATIONS: list[Callable[[BaseException], str | None]] = []
# And which of them pass by themselves.
TEMPORARY: list[Callable[[BaseException], bool]] = []


class MarqueeError(Exception):
    """Something a person can fix: the message says what, `hint` what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        """Take the message and, after it, what to do; both for people."""
        super().__init__(message)
        self.hint = hint

    def __str__(self) -> str:
        """Give message and hint, a line each."""
        return "\n".join(filter(None, [super().__str__(), self.hint]))


class TemporaryError(MarqueeError):
    """Something that passes by itself: the same command may succeed later."""


def exit_code(error: BaseException) -> int:
    """Return the exit code of a command that an exception ended.

    Returns:
        75 for what passes by itself (a server that is down, a rate limit, a file that another
        process holds), 1 for what a person has to fix.
    """
    is_temporary = any(
        isinstance(cause, TemporaryError)
        or _is_held(str(cause))
        or any(passes(cause) for passes in TEMPORARY)
        for cause in chain(error)
    )
    return EXIT_TRY_AGAIN if is_temporary else EXIT_FAILURE


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """Walk from an exception to what caused it; dlt wraps each error several times."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def explain(
    error: BaseException, warehouse: Path | None = None, *, is_personal: bool = False
) -> str:
    """Say in one to three lines what an exception means for the person who runs a pipeline.

    Args:
        error: what was raised, as deeply wrapped as it comes.
        warehouse: the DuckDB file of the run, named in the message where it matters.
        is_personal: what was read is, so that a message of others is not quoted: it may hold a
            value. The message names the kind of the exception.

    Returns:
        The text, without a stack trace. Credentials are removed elsewhere: `client.redact`.
    """
    causes = list(chain(error))
    for cause in causes:
        if isinstance(cause, MarqueeError):
            return str(cause)
    for cause in causes:
        if isinstance(cause, DatabaseFailed):
            warehouse = _file(str(cause), warehouse)
    for cause in causes:
        if explained := _explain_one(cause, warehouse, is_personal=is_personal):
            return explained
    return (
        f"{_quote(causes[-1], is_personal=is_personal)}\n"
        "Not a case that Marquee knows; RUNTIME__LOG_LEVEL=DEBUG shows where it happened."
    )


def _quote(error: BaseException, *, is_personal: bool) -> str:
    """Name the kind of an exception and, where nobody is the worse for it, its first line."""
    lines = [] if is_personal else str(error).strip().splitlines() or ["no message"]
    return ": ".join([type(error).__name__, *lines[:1]])


def _explain_one(cause: BaseException, warehouse: Path | None, *, is_personal: bool) -> str | None:
    # Only here: the dashboard in Snowflake has neither.
    import duckdb
    from dlt.common.configuration.exceptions import ConfigFieldMissingException

    text = str(cause)
    if (isinstance(cause, OSError) and cause.errno in FULL) or "No space left" in text:
        return (
            "The disk is full; what was loaded before is safe.\n"
            f"Make room (the warehouse is {warehouse}) and run again."
        )
    if isinstance(cause, OSError) and cause.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
        return f"No permission to write {cause.filename or warehouse}."
    if isinstance(cause, duckdb.Error):
        if explained := _explain_duckdb(text, warehouse):
            return explained
        quoted = _quote(cause, is_personal=is_personal)
        return f"DuckDB could not use the database file {_file(text, warehouse)}:\n{quoted}"
    if isinstance(cause, ConfigFieldMissingException):
        return f"Configuration is missing: {', '.join(cause.fields)} of {cause.spec_name}."
    return next(filter(None, (explain(cause) for explain in EXPLANATIONS)), None)


def _is_held(text: str) -> bool:
    return "Could not set lock" in text or "being used by another process" in text


def _explain_duckdb(text: str, warehouse: Path | None) -> str | None:
    file = _file(text, warehouse)
    if _is_held(text):
        holder = re.search(r"held in (.+? \(PID \d+\))", text)
        who = holder.group(1) if holder else "another process"
        return (
            f"The DuckDB file {file} is held by {who}.\n"
            "DuckDB lets one process at a time open it: close that one "
            "(a `sqlmesh ui`, a notebook, a DuckDB shell, another run), then run again."
        )
    if any(
        words in text
        for words in ("not a valid DuckDB database", "Serialization Error", "Corrupt database file")
    ):
        variable = _variable(file, warehouse)
        return (
            f"{file} is not a DuckDB database that this DuckDB can read.\n"
            f"Restore it from a backup, or move it away{f', or set {variable}' * bool(variable)}."
        )
    if "Permission denied" in text or "read-only" in text.lower():
        return f"No permission to write the database file {file}."
    return None


class DatabaseFailed(Exception):
    """A database file failed; names it, for DuckDB names the file in some of its messages only."""

    def __init__(self, file: Path) -> None:
        """Take the file."""
        super().__init__(f'on file "{file}"')


def _file(text: str, warehouse: Path | None) -> Path | None:
    """Return the file that a message names, else the warehouse."""
    named = re.search(r'file "(.+?)"', text)
    return Path(named.group(1)) if named else warehouse


def _variable(file: Path | None, warehouse: Path | None) -> str | None:
    """Name the environment variable that sets the path of a database file."""
    if file is None:
        return None
    if file == warehouse:
        return "MARQUEE_DUCKDB"
    if warehouse and file == warehouse.with_name("vault.duckdb"):
        return "MARQUEE_VAULT_DUCKDB"
    for variable in FILE_VARIABLES:
        given = os.environ.get(variable)
        if given and Path(given).expanduser().resolve() == file.resolve():
            return variable
    return None
