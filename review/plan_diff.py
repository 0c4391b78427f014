"""What the working tree would do to the warehouse, as one Markdown report: `make plan-diff`.

Builds prod of a base revision on the sandbox's data in a scratch warehouse, plans the working tree
against it in an environment of its own, and compares the two. Needs no key and no network, and does
not touch the user's warehouse.
"""

from __future__ import annotations

import argparse
import gc
import logging
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from sqlmesh.utils.errors import SQLMeshError

from plandiff.bronze import sandbox_bronze
from plandiff.build import Base, Built, build_base, built
from plandiff.checks import checks
from plandiff.data import row_count, table_changes
from plandiff.errors import PlanDiffError
from plandiff.lineage import touched_columns
from plandiff.models import changes
from plandiff.report import Findings, markdown, verdict
from plandiff.revision import merge_base, write_files

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".cache" / "plan-diff"

EPILOG = """\
exit codes:
  0 the report is written    1 it is written, and the change does not build or a check fails
  2 no report: wrong usage, no such base, or a base that does not build
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Write the report; return the exit code (see `--help`)."""
    parser = argparse.ArgumentParser(
        prog="python review/plan_diff.py",
        description="Compare the working tree's warehouse with that of a base revision.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--base",
        default="main",
        metavar="REVISION",
        help="compare with the commit where the working tree departed from it (default: main)",
    )
    parser.add_argument(
        "--out", type=Path, default=Path("plan-diff.md"), metavar="FILE", help="the report"
    )
    options = parser.parse_args(argv)
    # SQLMesh logs every statement of a table diff, as a warning unless told otherwise.
    logging.getLogger("sqlmesh").addHandler(logging.NullHandler())
    logging.getLogger("sqlmesh").propagate = False
    # SQLMesh keeps every model as a large tree, and the collector of cycles walks through all of
    # them again and again: a fifth of the time.
    gc.set_threshold(50_000, 20, 100)
    began = time.monotonic()
    try:
        revision = merge_base(ROOT, options.base)
        bronze = sandbox_bronze(ROOT, CACHE)
        with tempfile.TemporaryDirectory(prefix="plan-diff-") as scratch:
            files = Path(scratch) / "base"
            write_files(ROOT, revision, files)
            base = build_base(files, bronze, Path(scratch) / "warehouse")
            findings = compare(ROOT, base, revision.label)
    except PlanDiffError as error:
        print(error, file=sys.stderr)
        return 2
    options.out.write_text(markdown(findings, time.monotonic() - began), encoding="utf-8")
    print(f"{verdict(findings)}\n{options.out}")
    return 0 if findings.is_good else 1


def compare(project: Path, base: Base, label: str) -> Findings:
    """Compare a project with a base that is built; what goes wrong becomes part of the findings."""
    try:
        with built(project, base) as after:
            return _findings(after, base, label)
    except SQLMeshError as error:
        return Findings(label, error=str(error))


def _findings(after: Built, base: Base, label: str) -> Findings:
    found = changes(after.plan, base.models)
    in_order = [
        after.context.models[name]
        for name in after.context.dag.sorted
        if name in after.context.models
    ]
    counts = {}
    if not after.error:
        counts = {change.name: row_count(after, change) for change in found}
    return Findings(
        base=label,
        model_count=sum(not model.kind.is_external for model in in_order),
        changes=found,
        touched=touched_columns(in_order, found),
        tables=[] if after.error else table_changes(after, found),
        row_counts={name: count for name, count in counts.items() if count is not None},
        checks=checks(after, base, found),
        error=after.error,
    )


if __name__ == "__main__":
    sys.exit(main())
