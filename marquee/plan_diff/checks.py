"""Audits and unit tests of what a change affects."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import cast

from sqlmesh.core.context import Context
from sqlmesh.core.test import ModelTest

from marquee.plan_diff.build import Base, Built
from marquee.plan_diff.models import Change, ChangeType


@dataclass(frozen=True)
class CheckResults:
    """How audits of the rebuilt tables went, and unit tests of models changed directly or new."""

    audits_run: int = 0
    audits_failed: list[str] = field(default_factory=list)  # `not_null of gold.dim_dates: 3 rows`
    tests_run: int = 0
    tests_failed: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether nothing failed."""
        return not (self.audits_failed or self.tests_failed)


def run_checks(built: Built, base: Base, changes: list[Change]) -> CheckResults:
    """Audit every table that was rebuilt or has other audits; test every changed model."""
    run, failed = 0, []
    snapshots = built.context.snapshots
    by_id = {snapshot.snapshot_id: snapshot for snapshot in snapshots.values()}
    for change in changes:
        is_audited = change.is_rebuilt or change.change_type is ChangeType.METADATA
        if change.after is None or not is_audited or built.error:
            continue
        snapshot = snapshots[change.after.fqn]
        # No more than an audit may name: SQLMesh looks up the table of each of them for each audit.
        named = [snapshot, *(by_id[parent] for parent in snapshot.parents)]
        for result in built.context.snapshot_evaluator.audit(
            snapshot,
            snapshots={one.name: one for one in named},
            start=built.plan.start,
            end=base.execution_time,
            execution_time=base.execution_time,
            deployability_index=built.plan.deployability_index,
        ):
            run += not result.skipped
            if result.count:
                failed.append(f"{result.audit.name} of {change.name}: {result.count} rows")
    tests_run, tests_failed = _tests(built.context, changes)
    return CheckResults(run, sorted(failed), tests_run, tests_failed)


def _tests(context: Context, changes: list[Change]) -> tuple[int, list[str]]:
    models = [
        change.name
        for change in changes
        if change.change_type in (ChangeType.ADDED, ChangeType.DIRECT)
    ]
    if not models:
        return 0, []
    result = context.test(model_names=models, stream=io.StringIO())
    broken = [*result.failures, *result.errors]
    return result.testsRun, sorted(cast(ModelTest, test).test_name for test, _ in broken)
