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
from marquee.core.garbage import collect_rarely
from marquee.sources.studio.feeds import Feed, parse_csv, parse_document, parse_json_lines
from marquee.sources.studio.tables import (
    RAW_BOX_OFFICE,
    RAW_FAN_INTERACTIONS,
    RAW_TITLE_METADATA,
    payload_of,
)

# Titles first: they are few, and the others refer to them.
TITLES = Feed(
    name="titles",
    endings=(".json", ".jsonl", ".ndjson"),
    table=RAW_TITLE_METADATA,
    fields=payload_of(RAW_TITLE_METADATA),
    keys=("title_id",),
    parse=parse_document,
    is_document=True,  # loaded again as a whole when it changes
)
BOX_OFFICE = Feed(
    name="box_office",
    endings=(".csv",),
    table=RAW_BOX_OFFICE,
    fields=payload_of(RAW_BOX_OFFICE),
    keys=("record_id", "title_id", "theater_id", "report_date"),
    parse=parse_csv,
    has_header=True,
)
FAN_INTERACTIONS = Feed(
    name="fan_interactions",
    endings=(".jsonl", ".ndjson"),
    table=RAW_FAN_INTERACTIONS,
    # Not the columns of the table: persons are tokens there (`sources/studio/pseudonymize.py`).
    fields=(
        *("interaction_id", "fan_id", "account_type", "email", "first_name", "last_name"),
        *("region", "country_code", "device_type", "title_id", "event_type", "event_timestamp"),
        *("session_id", "ip_address", "amount", "currency"),
    ),
    keys=("interaction_id", "fan_id"),
    parse=parse_json_lines,
    masks_values=True,
)
FEEDS = (TITLES, BOX_OFFICE, FAN_INTERACTIONS)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the pipeline; return its exit code (see `--help`)."""
    return run(argv, FEEDS)


if __name__ == "__main__":
    collect_rarely()
    sys.exit(main())
