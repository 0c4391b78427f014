"""The command line of `make bench`, or `python benchmarks --help`."""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks import dashboard, day, developer, fetch, history, landing, transform
from benchmarks.environment import BenchmarkEnv
from benchmarks.measure import BenchmarkError
from benchmarks.results import Benchmark, circumstances, read, record, write
from benchmarks.warehouses import Warehouses
from marquee.core.settings import ROOT

# The last to use a warehouse that others use, too, is `day`: it changes and drops them.
NAMES = ("fetch", "landing", "transform", "developer", "dashboard", "day", "history")
WITHOUT_PAGES = tuple(name for name in NAMES if name != "dashboard")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmarks and write what they found; return 0, or 1 where one could not end."""
    parser = _parser()
    options = parser.parse_args(argv)
    if options.days is not None and (options.only != ["history"] or options.days < 1):
        parser.error("--days belongs to --only history and must be 1 or more")
    stem = "quick" if options.quick else "full"
    command = " ".join(["python -m benchmarks", *(sys.argv[1:] if argv is None else argv)])
    env = BenchmarkEnv(
        options.folder.resolve() / stem,
        plots=options.out.resolve(),
        is_quick=options.quick,
        days=options.days,
    )
    benchmarks = _benchmarks(env)
    options.out.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    records = read(options.out / f"{stem}.json")
    names = options.only or NAMES
    if not options.only and options.quick:
        # `make test-browser` opens the pages, too; how fast says nothing of a small warehouse.
        names = WITHOUT_PAGES
    elif not options.only and not shutil.which("chromium"):
        env.say("dashboard: left out, there is no Chromium (apt-get install chromium)")
        names = WITHOUT_PAGES
    missed = 0
    try:
        for name in names:
            started, measured = time.monotonic(), circumstances(command)
            benchmark = benchmarks[name]()
            records[benchmark.name] = record(benchmark, measured, time.monotonic() - started)
            for goal in benchmark.goals:
                env.say(f"{name}: {goal.what}: {goal.measured:,.2f} {goal.unit} {goal.verdict}")
                missed += goal.verdict == "missed"
            records = dict(sorted(records.items(), key=_place))
            write(options.out, stem, records)
    except BenchmarkError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 1
    finally:
        if not options.keep:
            shutil.rmtree(env.folder, ignore_errors=True)
    print(
        f"{options.out / stem}.md, {time.monotonic() - begun:,.0f} s; "
        f"{missed or 'no'} goal{'' if missed == 1 else 's'} missed"
    )
    return 0


def _place(named: tuple[str, object]) -> int:
    return NAMES.index(named[0]) if named[0] in NAMES else len(NAMES)


def _benchmarks(env: BenchmarkEnv) -> Mapping[str, Callable[[], Benchmark]]:
    warehouses = Warehouses(env)
    return {
        "fetch": lambda: fetch.measure(env),
        "landing": lambda: landing.measure(env),
        "transform": lambda: transform.measure(env, warehouses),
        "developer": lambda: developer.measure(env, warehouses),
        "dashboard": lambda: dashboard.measure(env, warehouses),
        "day": lambda: day.measure(env, warehouses),
        "history": lambda: history.measure(env, warehouses),
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    add = parser.add_argument
    add("--quick", action="store_true", help="small and no dashboard, for CI: under 3 minutes")
    add("--only", nargs="+", choices=NAMES, metavar="NAME", help="of " + ", ".join(NAMES))
    add("--days", type=int, metavar="N", help="with --only history: days of history to rebuild")
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
