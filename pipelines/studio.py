"""The studio's own feeds, read from a landing folder: what comes in, and where it goes.

    titles/*.json             ->  bronze.raw_title_metadata     one row per title
    box_office/*.csv          ->  bronze.raw_box_office         one row per line
    fan_interactions/*.jsonl  ->  bronze.raw_fan_interactions   one row per line, tokens for persons
                              ->  secure.pii_vault              who the tokens are
    whatever is no record     ->  bronze.quarantine_studio      file, line, reason
    how far each file is read ->  bronze.studio_files

Run it: `python pipelines/studio.py`, or without files `python pipelines/studio.py --sandbox`. Each
run loads what is new: new files, and the new lines of files that grew. A run that is killed at any
moment loses nothing and doubles nothing: the next one resumes.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from marquee.cli.studio import run


def main(argv: Sequence[str] | None = None) -> int:
    """Run the pipeline; return its exit code (see `--help`)."""
    return run(argv)


if __name__ == "__main__":
    sys.exit(main())
