"""The results of the benchmarks, as JSON for machines and Markdown for people."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

from marquee.core.settings import ROOT

Cell = str | int | float | None
# A miss can't be overlooked.
VERDICTS = {"met": "met", "missed": "**missed**", "not checked": "not checked at this size"}


@dataclass(frozen=True)
class Goal:
    """A figure that was promised, and the one that was measured.

    Attributes:
        what: the figure in words.
        limit: the promise.
        measured: what came out.
        unit: `x`, `MB`, `%`, `requests/s`, or empty.
        at_most: whether the promise is a ceiling; else it is a floor.
        is_checked: False where the run is too small for the promise, which is about millions.
    """

    what: str
    limit: float
    measured: float
    unit: str = ""
    at_most: bool = True
    is_checked: bool = True

    @property
    def verdict(self) -> str:
        """Return whether the promise was kept."""
        if not self.is_checked:
            return "not checked"
        is_met = self.measured <= self.limit if self.at_most else self.measured >= self.limit
        return "met" if is_met else "missed"


@dataclass
class Benchmark:
    """One benchmark's results.

    Attributes:
        title: its headline.
        columns: names of the columns of its table.
        rows: the figures; numbers are kept as they are and rounded for people.
        notes: what a reader has to know to trust the figures.
        goals: what was promised.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    notes: Sequence[str]
    goals: Sequence[Goal] = ()


def circumstances(command: str) -> dict[str, Any]:
    """Return where, when and of what was measured; two results compare only with these alike."""
    return {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "command": command,
        "revision": _revision(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "system": f"{platform.system()} {platform.release()}",
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("dlt", "sqlmesh", "duckdb", "pyarrow")},
        },
    }


def record(
    name: str, benchmark: Benchmark, measured: Mapping[str, Any], seconds: float
) -> dict[str, Any]:
    """Return a benchmark as JSON values, with its verdicts."""
    values = {"name": name, **asdict(benchmark), "measured": dict(measured), "seconds": seconds}
    return {**values, "goals": [{**asdict(one), "verdict": one.verdict} for one in benchmark.goals]}


def read(path: Path) -> dict[str, dict[str, Any]]:
    """Return the records by name; none where there is no file, or of an older form."""
    records = json.loads(path.read_text())["benchmarks"] if path.exists() else []
    needed = {one.name for one in fields(Benchmark)}
    return {one["name"]: one for one in records if needed <= one.keys()}


def write(folder: Path, stem: str, records: Mapping[str, Mapping[str, Any]]) -> None:
    """Write `<stem>.json` and `<stem>.md`."""
    values = list(records.values())
    (folder / f"{stem}.json").write_text(json.dumps({"benchmarks": values}, indent=2) + "\n")
    (folder / f"{stem}.md").write_text(markdown(stem, values))


def markdown(stem: str, records: Sequence[Mapping[str, Any]]) -> str:
    """Render records: the goals of all of them first, then each with its tables."""
    lines = [f"# Benchmarks: {stem}", ""]
    lines += ["| benchmark | figure | goal | measured | |", "|---|---|---:|---:|---|"]
    for one in records:
        for goal in one["goals"]:
            sign = "≤" if goal["at_most"] else "≥"
            limit, measured = (number(goal[name], goal["unit"]) for name in ("limit", "measured"))
            lines.append(
                f"| [{one['name']}](#{_anchor(one['title'])}) | {goal['what']} "
                f"| {sign} {limit} | {measured} | {VERDICTS[goal['verdict']]} |"
            )
    for one in records:
        measured = one["measured"]
        versions = ", ".join(f"{name} {of}" for name, of in measured["versions"].items())
        lines += ["", f"## {one['title']}", ""]
        lines.append("| " + " | ".join(one["columns"]) + " |")
        lines.append("|---" + "|---:" * (len(one["columns"]) - 1) + "|")
        lines += ["| " + " | ".join(map(number, row)) + " |" for row in one["rows"]]
        lines += ["", *(f"- {note}" for note in one["notes"])]
        lines += [
            f"- Measured {measured['date']} in {one['seconds']:,.0f} s by `{measured['command']}` "
            f"at {measured['revision']}; "
            f"{measured['processor']}, {measured['cores']} cores, {measured['memory_gb']} GB, "
            f"{measured['system']}; {versions}."
        ]
    return "\n".join([*lines, ""])


def number(value: Cell, unit: str = "") -> str:
    """Show a value in as many digits as it has meaning."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    places = 0 if isinstance(value, int) or abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{places}f}{' ' if unit else ''}{unit}"


def _anchor(title: str) -> str:
    """Return what GitHub makes of a headline."""
    kept = "".join(one for one in title.lower() if one.isalnum() or one in " -")
    return kept.replace(" ", "-")


def _revision() -> str:
    describe = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.check_output(describe, cwd=ROOT, text=True).strip()
    except (OSError, subprocess.CalledProcessError):  # an archive of the files
        return "unknown"


def _processor() -> str:
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
