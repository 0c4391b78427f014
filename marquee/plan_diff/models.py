"""Which models a plan adds, removes and changes, and how, in SQLMesh's own categories."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

from sqlglot import exp
from sqlmesh.core.console import SNAPSHOT_CHANGE_CATEGORY_STR
from sqlmesh.core.dialect import text_diff
from sqlmesh.core.model import Model
from sqlmesh.core.plan import Plan
from sqlmesh.core.snapshot import Snapshot, SnapshotChangeCategory

from marquee.plan_diff.build import Models


class ChangeType(Enum):
    """In which way a model differs from the base, in the order of the report."""

    ADDED = "added"
    REMOVED = "removed"
    DIRECT = "changed directly"
    INDIRECT = "changed indirectly"
    METADATA = "described or audited differently"
    COMMENT = "commented or formatted differently"


@dataclass(frozen=True)
class Columns:
    """What became of a model's columns."""

    added: dict[str, str] = field(default_factory=dict)
    removed: dict[str, str] = field(default_factory=dict)
    retyped: dict[str, tuple[str, str]] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """One model that differs."""

    name: str
    change_type: ChangeType
    category: str  # SQLMesh's, such as `Breaking`
    # The difference of its definition, as SQLMesh shows it; all of it for an added or removed one,
    # and empty for an indirect change.
    diff: str = ""
    columns: Columns = field(default_factory=Columns)
    is_rebuilt: bool = False  # prod gets a new table; otherwise it keeps the base's
    is_compared: bool = False  # there is a table by the new definition: that of prod, or a preview
    is_forward_only: bool = False  # prod keeps its table, and the change counts for new rows
    before: Model | None = None  # of the base; None for an added one
    after: Model | None = None  # of the working tree; None for a removed one


def changes(plan: Plan, base: Models) -> list[Change]:
    """Every model that differs from the base, in the order of the report."""
    difference = plan.context_diff
    found = [
        _change(ChangeType.ADDED, snapshot, None, whole_diff(None, snapshot.model))
        for snapshot in (difference.snapshots[snapshot_id] for snapshot_id in difference.added)
    ]
    found += [
        Change(
            base[snapshot_id.name].name,
            ChangeType.REMOVED,
            SNAPSHOT_CHANGE_CATEGORY_STR[SnapshotChangeCategory.BREAKING],
            diff=whole_diff(base[snapshot_id.name], None),
            columns=compare_columns(base[snapshot_id.name], None),
            before=base[snapshot_id.name],
        )
        for snapshot_id in difference.removed_snapshots
    ]
    for name, (after, before) in difference.modified_snapshots.items():
        is_direct = difference.directly_modified(name)
        if not _is_metadata(after):
            change_type = ChangeType.DIRECT if is_direct else ChangeType.INDIRECT
        elif is_direct or difference.metadata_updated(name):
            same = _substance(before.model) == _substance(after.model)
            change_type = ChangeType.COMMENT if same else ChangeType.METADATA
        else:  # it only has a parent that is described differently
            continue
        is_indirect = change_type is ChangeType.INDIRECT
        diff = "" if is_indirect else _lines(difference.text_diff(name))
        found.append(_change(change_type, after, before, diff))
    order = list(ChangeType)
    return sorted(found, key=lambda change: (order.index(change.change_type), change.name))


def _change(change_type: ChangeType, after: Snapshot, before: Snapshot | None, diff: str) -> Change:
    is_rebuilt = before is None or after.version != before.version
    # SQLMesh fills no preview where it knows that no row can differ: the table is empty.
    is_preview = not (is_rebuilt or _is_metadata(after) or after.is_indirect_non_breaking)
    return Change(
        name=after.model.name,
        change_type=change_type,
        category=SNAPSHOT_CHANGE_CATEGORY_STR[after.change_category],
        is_rebuilt=is_rebuilt,
        is_compared=is_rebuilt or is_preview,
        is_forward_only=is_preview and after.model.forward_only,
        diff=diff,
        columns=compare_columns(before.model if before else None, after.model),
        before=before.model if before else None,
        after=after.model,
    )


def _is_metadata(snapshot: Snapshot) -> bool:
    return bool(snapshot.change_category and snapshot.change_category.is_metadata)


def _substance(model: Model) -> list[str]:
    """All that defines a model, without comments and format."""
    audits = (audit.query for _, audit in sorted(model.audit_definitions.items()))
    expressions: Iterable[exp.Expr] = [*model.render_definition(), *audits]
    return [expression.sql(dialect=model.dialect, comments=False) for expression in expressions]


def whole_diff(before: Model | None, after: Model | None) -> str:
    """The definition of a model that comes or goes, line by line; without its macros' Python."""
    old, new = (
        model.render_definition(include_python=False) if model else [] for model in (before, after)
    )
    old_dialect, new_dialect = (model.dialect if model else None for model in (before, after))
    return _lines(text_diff(old, new, old_dialect, new_dialect))


def _lines(diff: str) -> str:
    """A difference without the empty names of files at its top and the gaps between lines."""
    return "\n".join(line for line in diff.splitlines() if line.strip() not in ("", "---", "+++"))


def compare_columns(before: Model | None, after: Model | None) -> Columns:
    """What became of a model's columns; a rename is a new name over the very same expression.

    Where there is no model before, or none after, all of them are added, or removed.
    """
    old, new = (types_of(model) if model else {} for model in (before, after))
    added = {name: kind for name, kind in new.items() if name not in old}
    removed = {name: kind for name, kind in old.items() if name not in new}
    renamed: dict[str, str] = {}
    if before and after and before.is_sql and after.is_sql:
        by_expression = {sql: name for name, sql in _projections(after).items() if name in added}
        renamed = {
            name: by_expression[sql]
            for name, sql in _projections(before).items()
            if name in removed and sql in by_expression
        }
    return Columns(
        added={name: kind for name, kind in added.items() if name not in renamed.values()},
        removed={name: kind for name, kind in removed.items() if name not in renamed},
        retyped={
            name: (old[name], new[name]) for name in old if name in new and old[name] != new[name]
        },
        renamed=renamed,
    )


def types_of(model: Model) -> dict[str, str]:
    """The columns of a model with their types, in order."""
    columns = model.columns_to_types or {}
    return {name: kind.sql(model.dialect) for name, kind in columns.items()}


def _projections(model: Model) -> dict[str, str]:
    """The expressions of the last SELECT, by the name of the column."""
    selects = model.render_query_or_raise().selects
    return {select.alias_or_name: select.unalias().sql(comments=False) for select in selects}
