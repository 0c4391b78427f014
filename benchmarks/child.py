"""Calls a function in a process of its own: `python -m benchmarks.child MODULE:FUNCTION OUT ARGS`.

What it returns is written to OUT as JSON. See `measure.call`.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

if __name__ == "__main__":
    where, out, arguments = sys.argv[1:]
    module, _, name = where.partition(":")
    function = getattr(importlib.import_module(f"benchmarks.{module}"), name)
    Path(out).write_text(json.dumps(function(*json.loads(arguments))))
