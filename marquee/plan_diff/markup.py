"""The pieces of Markdown that a report is made of.

Nothing but the standard library: see `failure`.
"""

from __future__ import annotations


def folded(title: str, body: str) -> str:
    """A part that opens on a click, for a report is read on a phone too."""
    return f"<details>\n<summary>{title}</summary>\n\n{body.rstrip()}\n\n</details>"


def fenced(text: str, language: str = "") -> str:
    """A block of code; the fence is longer than any in the text."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text.strip()}\n{fence}"


def plain(text: str) -> str:
    """A text in one line, of which the renderer takes nothing for markup or a mention.

    GitHub still links an address that begins with http or https, and no other.
    """
    line = " ".join(text.split())
    return "".join(f"\\{sign}" if sign in "\\`*_[]()<>|#@~!&" else sign for sign in line)


def code(text: str) -> str:
    """A text as inline code, in which nothing means anything."""
    line = " ".join(text.split())
    fence = "`"
    while fence in line:
        fence += "`"
    return f"{fence}{line}{fence}" if len(fence) == 1 else f"{fence} {line} {fence}"
