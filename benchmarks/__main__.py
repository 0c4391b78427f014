"""The command line: `make bench`, or `python -m benchmarks --help`."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import dashboard, day, developer, fetch, history, landing, transform
from benchmarks.environment import BenchmarkEnv
from benchmarks.measure import BenchmarkError
from benchmarks.results import circumstances, read, record, write
from marquee.core.settings import ROOT

# The environment of a developer's shell must not decide what is measured.
SETTINGS = re.compile(
    "(DESTINATION|EXTRACT|LOAD|NORMALIZE|RUNTIME|SOURCES|SQLMESH)__|(DLT|MARQUEE|SNOWFLAKE|TMDB)_"
)
# The last to use a warehouse that others use, too, is `day`: it changes and drops them.
BENCHMARKS = {
    "fetch": fetch.measure,
    "landing": landing.measure,
    "transform": transform.measure,
    "developer": developer.measure,
    "dashboard": dashboard.measure,
    "day": day.measure,
    "history": history.measure,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmarks and write their results; return 0, or 1 where one failed."""
    options = _parser().parse_args(argv)
    stem = "quick" if options.quick else "full"
    command = " ".join(["python -m benchmarks", *(sys.argv[1:] if argv is None else argv)])
    for name in filter(SETTINGS.match, list(os.environ)):
        del os.environ[name]
    env = BenchmarkEnv(options.folder.resolve() / stem, is_quick=options.quick)
    names = options.only or list(BENCHMARKS)
    # `make test-browser` opens the pages, too; a small warehouse shows nothing of their speed.
    if not options.only and (options.quick or not shutil.which("chromium")):
        env.say("dashboard: left out; it needs the full form, and chromium from apt-get")
        names.remove("dashboard")
    options.out.mkdir(parents=True, exist_ok=True)
    measured = circumstances(command)
    records = read(options.out / f"{stem}.json")
    missed = 0
    try:
        env.need_disk(1 if options.quick else 20)
        for name in names:
            started_at = time.monotonic()
            benchmark = BENCHMARKS[name](env)
            records[name] = record(name, benchmark, measured, time.monotonic() - started_at)
            for goal in benchmark.goals:
                env.say(f"{name}: {goal.what}: {goal.measured:,.2f} {goal.unit} {goal.verdict}")
                missed += goal.verdict == "missed"
            write(options.out, stem, {one: records[one] for one in BENCHMARKS if one in records})
    except BenchmarkError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 1
    finally:
        if not options.keep:
            shutil.rmtree(env.folder, ignore_errors=True)
    env.say(f"{options.out / stem}.md; goals missed: {missed}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    add = parser.add_argument
    add("--quick", action="store_true", help="small and no dashboard, for CI: under 3 minutes")
    add("--only", nargs="+", choices=BENCHMARKS, metavar="NAME", help=f"of {', '.join(BENCHMARKS)}")
    add(
        "--out",
        type=Path,
        default=ROOT / "benchmarks" / "results",
        metavar="FOLDER",
        help="where the results go (default: benchmarks/results)",
    )
    add(
        "--folder",
        type=Path,
        default=ROOT / ".cache" / "bench",
        metavar="FOLDER",
        help="where to work; full needs 20 GB for a while (default: .cache/bench)",
    )
    add("--keep", action="store_true", help="leave the warehouses and logs there")
    return parser


if __name__ == "__main__":
    sys.exit(main())
