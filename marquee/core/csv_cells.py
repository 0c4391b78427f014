"""CSV for spreadsheets: no cell of it runs as a formula."""

from __future__ import annotations

from typing import Any

FORMULA_SIGNS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # also as wide letters


def neutralized(value: Any) -> Any:
    """Put an apostrophe before a text that begins as a formula does; spreadsheets hide it."""
    is_formula = isinstance(value, str) and value.lstrip(" \t\r\n").startswith(FORMULA_SIGNS)
    return f"'{value}" if is_formula else value
