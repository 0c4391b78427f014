"""Count the words that this project does not use: `python -m tests.vocabulary`.

`make lint` runs it. The words and the terms to use instead are in `vocabulary.toml`. Not read are
CHANGELOG.md, which names what was renamed; superseded decisions; the list and its test; data; lock
files; LICENSE.
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tokenize
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import tomlkit

from marquee.core.settings import ROOT

WORDS = Path(__file__).with_suffix(".toml")
TEXT = {".cfg", ".css", ".html", ".ini", ".j2", ".js", ".md", ".py", ".sh", ".sql", ".toml", ".txt"}
TEXT |= {".example", ".in", ".yaml", ".yml", ""}
COMMENTS_AND_STRINGS = re.compile(r"""/\*.*?\*/|'(?:[^'\n]|'')*'|"[^"\n]*"|--[^\n]*""", re.DOTALL)
# A line with this comment reads what an earlier version wrote.
FORMER_NAME = "former name"
SUPERSEDED = re.compile(r"^- Status: superseded", re.MULTILINE)


class Hit(NamedTuple):
    """A word that this project does not use, and where it is."""

    file: str
    line: int
    word: str
    instead: str


class WordList(NamedTuple):
    """A table of `vocabulary.toml`: its words as one pattern, and what to use instead of each."""

    pattern: re.Pattern[str]
    replacements: list[tuple[re.Pattern[str], str]]

    @classmethod
    def compile(cls, words: dict[str, str], *, before: str, after: str, flags: int) -> WordList:
        """Compile the words of a table; `before` and `after` say where a word begins and ends."""
        return cls(
            re.compile(f"{before}(?:{'|'.join(words)}){after}", flags),
            [(re.compile(word, flags), instead) for word, instead in words.items()],
        )

    def hits(self, file: str, number: int, line: str) -> Iterator[Hit]:
        """Yield the words in a line."""
        for match in self.pattern.finditer(line):
            instead = next(
                instead for word, instead in self.replacements if word.fullmatch(match[0])
            )
            yield Hit(file, number, match[0], instead)


class Vocabulary(NamedTuple):
    """The tables of `vocabulary.toml`."""

    text: WordList
    python: WordList
    sql: WordList

    @classmethod
    def read(cls) -> Vocabulary:
        """Read the tables. A word of `text` begins and ends at `_` too, a name does not."""
        words = tomlkit.parse(WORDS.read_text()).unwrap()

        def names(language: str) -> WordList:
            return WordList.compile(words[language], before=r"(?<!\w)", after=r"(?!\w)", flags=0)

        text = WordList.compile(
            words["text"], before="(?<![A-Za-z])", after="(?![A-Za-z])", flags=re.IGNORECASE
        )
        return cls(text, names("python"), names("sql"))


def is_read(file: str, content: str) -> bool:
    """Return whether the words of a file count."""
    path = Path(file)
    return (
        path.suffix in TEXT
        and path.name not in {"CHANGELOG.md", "LICENSE", WORDS.name, "test_vocabulary.py"}
        and not (path.parent == Path("docs/decisions") and SUPERSEDED.search(content))
    )


def python_names(content: str) -> Iterator[tuple[int, str]]:
    """Yield the names in a Python file, each with its line."""
    for token in tokenize.generate_tokens(io.StringIO(content).readline):
        if token.type == tokenize.NAME:
            yield token.start[0], token.string


def sql_lines(content: str) -> Iterator[tuple[int, str]]:
    """Yield the lines of a SQL file without comments and texts."""

    def blank(match: re.Match[str]) -> str:
        return re.sub(r"[^\n]", " ", match[0])

    yield from enumerate(COMMENTS_AND_STRINGS.sub(blank, content).splitlines(), 1)


def find(file: str, content: str, vocabulary: Vocabulary) -> Iterator[Hit]:
    """Yield the words in a file, in its name (line 0) and in its text.

    Args:
        file: the path in the repository.
        content: the text of the file.
        vocabulary: the words to look for.
    """
    yield from vocabulary.text.hits(file, 0, file)
    for number, line in enumerate(content.splitlines(), 1):
        if FORMER_NAME not in line:
            yield from vocabulary.text.hits(file, number, line)
    if file.endswith(".py"):
        for number, name in python_names(content):
            yield from vocabulary.python.hits(file, number, name)
    elif file.endswith(".sql"):
        for number, line in sql_lines(content):
            yield from vocabulary.sql.hits(file, number, line)


def tracked_files() -> list[str]:
    """List the files of the repository, those included that are not committed yet."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    paths = {file: ROOT / file for file in listed.stdout.split("\0") if file}
    return [file for file, path in paths.items() if path.is_file() and not path.is_symlink()]


def main() -> int:
    """Print each word and the count; return 1 if there is one."""
    if not (ROOT / ".git").exists():
        print("Not a clone of git: the vocabulary is not checked.")
        return 0
    vocabulary = Vocabulary.read()
    hits: list[Hit] = []
    for file in tracked_files():
        if Path(file).suffix in TEXT:
            content = (ROOT / file).read_text(encoding="utf-8")
            if is_read(file, content):
                hits += find(file, content, vocabulary)
    for hit in hits:
        print(f"{hit.file}:{hit.line}: {hit.word} -> {hit.instead}")
    files = Counter(hit.file for hit in hits)
    print(f"{len(hits)} words that vocabulary.toml replaces, in {len(files)} files")
    return 1 if hits else 0


if __name__ == "__main__":
    sys.exit(main())
