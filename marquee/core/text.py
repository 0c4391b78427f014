"""What is blank, and how a text, a key or a code is cleaned: one definition for every pipeline.

The models clean with the same characters (`sqlmesh_project/macros/text.py`).
"""

from __future__ import annotations

from pathlib import Path

# Unicode's white space, the separators that `str.strip` knows besides, and what has no width:
# zero-width spaces and joiners, marks of direction, the byte order mark. Spreadsheets and web pages
# leave them around a value, where nobody sees them.
WHITE_SPACE = (
    "\t\n\x0b\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u180e"
    "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b\u200c\u200d\u200e\u200f"
    "\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"
)


def clean_text(value: str | None) -> str | None:
    """Return a text without white space around it; None when nothing is left."""
    return (value.strip(WHITE_SPACE) or None) if value else None


def clean_code(value: str | None) -> str | None:
    """Return a code in capitals without white space around it; None when nothing is left."""
    cleaned = clean_text(value)
    return cleaned.upper() if cleaned else None


def sql_text(value: object) -> str:
    """Return a value as a text in SQL."""
    return "'" + str(value).replace("'", "''") + "'"


def read_query(folder: Path, name: str, **names: object) -> str:
    """Read the query `name` of a folder of SQL files, its names in braces filled in."""
    return (folder / f"{name}.sql").read_text(encoding="utf-8").format(**names)


def counted(count: int, noun: str) -> str:
    """Return a number with its noun: `1 file`, `2 files`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
