"""The vocabulary check of `make lint` finds the words of `vocabulary.toml`, and no others."""

import pytest

from tests.vocabulary import Vocabulary, find, is_read

VOCABULARY = Vocabulary.read()


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("docs/a.md", "The Door lands the news.", ["Door", "news"]),
        ("docs/a.md", "one row a movie", ["one row a movie"]),
        ("docs/a.md", "One row per movie; the newspaper's indoor page.", []),
        ("docs/the-catalogue.md", "", ["catalogue"]),
        ("marquee/a.py", "def refuse_losses(x): ...", ["refuse"]),
        ("marquee/a.py", "class Ledger: ...  # the Landing page", ["Ledger"]),
        ("marquee/a.py", "text = 'How is the house?'", []),
        ("marquee/a.py", "state['asked']  # former name", []),
        ("models/a.sql", "WITH beliefs AS (SELECT 1) -- of what moments", ["beliefs"]),
        ("models/a.sql", "SELECT moments FROM x", ["moments"]),
    ],
)
def test_words_are_found(file: str, content: str, words: list[str]) -> None:
    assert {hit.word for hit in find(file, content, VOCABULARY)} == set(words)


@pytest.mark.parametrize(
    ("file", "content", "expected"),
    [
        ("README.md", "", True),
        ("Makefile", "", True),
        ("CHANGELOG.md", "", False),
        (
            "docs/decisions/0003-a.md",
            "# 3\n\n- Date: 2026-11-22\n- Status: superseded by 31\n",
            False,
        ),
        ("docs/decisions/0004-a.md", "# 4\n\n- Date: 2026-11-22\n- Status: accepted\n", True),
        ("seeds/a.csv", "", False),
    ],
)
def test_what_is_read(file: str, content: str, expected: bool) -> None:
    assert is_read(file, content) is expected
