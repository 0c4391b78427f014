"""The dashboard's bundle, drawn as in Snowflake."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).with_name("streamlit_in_snowflake.py").read_text(encoding="utf-8")


def pages(bundle: Path, *account: str) -> dict[str, dict[str, Any]]:
    """What a visitor sees of the app, and of each page: titles, figures, tables, texts, errors.

    Args:
        bundle: the folder that is deployed.
        account: port and password of an emulator; without them the app sees one empty table.
    """
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT, *account],
        cwd=bundle,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    found: dict[str, dict[str, Any]] = json.loads(ran.stdout.splitlines()[-1])
    return found
