"""What the working tree would do to the warehouse, as one Markdown report: `make plan-diff`.

Builds prod of a base revision on the sandbox's data in a scratch warehouse, plans the working tree
against it in an environment of its own, and compares the two. Needs no key and no network, and does
not touch the user's warehouse.
"""

from __future__ import annotations

import argparse
import gc
import logging
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sqlmesh.utils.errors import SQLMeshError

from marquee.cli.base import command_parser
from marquee.core.errors import MarqueeError
from marquee.core.settings import ROOT
from marquee.core.signals import end_forks_with_parent
from marquee.plan_diff.bronze import INPUTS, sandbox_bronze
from marquee.plan_diff.build import Base, Built, build_base, built
from marquee.plan_diff.checks import run_checks
from marquee.plan_diff.data import row_counts, table_changes
from marquee.plan_diff.failure import failure
from marquee.plan_diff.lineage import consumers_of_removed, impacted_columns
from marquee.plan_diff.models import changes
from marquee.plan_diff.report import WarehouseDiff, markdown, verdict
from marquee.plan_diff.revision import head_label, is_changed, merge_base, write_files

CACHE = ROOT / ".cache" / "plan-diff"

EPILOG = """\
exit codes:
  0 the report is written
  1 it is written, and the change does not build or a check fails
  2 wrong usage, no such base, a base that does not build, or a fault: the
     report says which
"""


@dataclass
class Progress:
    """How far a plan diff has come, and what it compares: for the report if it comes no further."""

    step: str
    head: str
    base: str


def main(argv: Sequence[str] | None = None) -> int:
    """Write the report; return the exit code (see `--help`)."""
    parser = command_parser(
        "python -m marquee.cli.plan_diff",
        "Compare the working tree's warehouse with that of a base revision.",
        EPILOG,
    )
    parser.add_argument(
        "--base",
        default="main",
        metavar="REVISION",
        help="compare with the commit where the working tree departed from it (default: main)",
    )
    parser.add_argument(
        "--head",
        metavar="REVISION",
        help="the commit that the working tree stands for, where it is a merge (default: its own)",
    )
    parser.add_argument(
        "--out", type=Path, default=Path("plan-diff.md"), metavar="FILE", help="the report"
    )
    options = parser.parse_args(argv)
    end_forks_with_parent()
    # SQLMesh logs every statement of a table diff, as a warning unless configured otherwise.
    logging.getLogger("sqlmesh").addHandler(logging.NullHandler())
    logging.getLogger("sqlmesh").propagate = False
    # SQLMesh keeps every model as a large tree, and the collector of cycles walks through all of
    # them again and again: a fifth of the time.
    gc.set_threshold(50_000, 20, 100)
    began = time.monotonic()
    progress = Progress("naming the revisions", options.head or "HEAD", options.base)
    try:
        diff = find(options.base, options.head, progress)
        report = markdown(diff, time.monotonic() - began)
    except (Exception, KeyboardInterrupt) as error:
        options.out.write_text(_failed(error, progress, options), encoding="utf-8")
        if isinstance(error, MarqueeError):
            print(error, file=sys.stderr)
        else:
            traceback.print_exc()
        return 2
    options.out.write_text(report, encoding="utf-8")
    print(f"{verdict(diff)}\n{options.out}")
    return 0 if diff.is_good else 1


def find(base_name: str, head_name: str | None, progress: Progress) -> WarehouseDiff:
    """Build the base and compare the working tree with it; keep `progress` up to date.

    Raises:
        MarqueeError: there is nothing to compare, with the reason.
    """
    progress.head = head_label(ROOT, head_name)
    revision = merge_base(ROOT, base_name)
    progress.base = revision.label
    progress.step = "loading the sandbox's data"
    bronze = sandbox_bronze(ROOT, CACHE)
    with tempfile.TemporaryDirectory(prefix="plan-diff-") as scratch:
        progress.step = "building the base"
        files = Path(scratch) / "base"
        write_files(ROOT, revision, files)
        base = build_base(files, bronze, Path(scratch) / "warehouse")
        progress.step = "comparing the change with the base"
        diff = compare(ROOT, base, progress.head, revision.label)
    return replace(diff, is_ingestion_changed=is_changed(ROOT, revision, INPUTS))


def _failed(error: BaseException, progress: Progress, options: argparse.Namespace) -> str:
    """Write the report on a plan diff that failed."""
    message = str(error)
    if isinstance(error, KeyboardInterrupt):
        message = "it was interrupted"
    elif not isinstance(error, MarqueeError):
        *_, frame = traceback.extract_tb(error.__traceback__)
        name = type(error).__name__
        message = f"{name}: {error}\n\nraised in {Path(frame.filename).name}, line {frame.lineno}"
    checkout = f"git switch --detach {options.head} && " if options.head else ""
    return failure(
        progress.step,
        message,
        head=progress.head,
        base=progress.base,
        command=f"{checkout}make plan-diff BASE={options.base}",
    )


def compare(project: Path, base: Base, head: str, label: str) -> WarehouseDiff:
    """Compare a project with a base that is built; what goes wrong becomes part of the diff."""
    try:
        with built(project, base) as after:
            return _plan_diff(after, base, head, label)
    except SQLMeshError as error:
        return WarehouseDiff(head, label, error=str(error))


def _plan_diff(after: Built, base: Base, head: str, label: str) -> WarehouseDiff:
    found = changes(after.plan, base.models)
    in_order = [
        after.context.models[name]
        for name in after.context.dag.sorted
        if name in after.context.models
    ]
    return WarehouseDiff(
        head=head,
        base=label,
        model_count=sum(not model.kind.is_external for model in in_order),
        changes=found,
        impacted=impacted_columns(in_order, found),
        consumers=consumers_of_removed(base.models.values(), found),
        tables=table_changes(after, found),
        row_counts=row_counts(after, found),
        checks=run_checks(after, base, found),
        guard_error=after.guard_error,
        max_rebuild_rows=after.context.config.variables.get("max_rebuild_rows"),
        error=after.error,
    )


if __name__ == "__main__":
    # Ended like Ctrl-C, it still writes its report: nobody shall find an older one in its place.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
