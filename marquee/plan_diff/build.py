"""Two environments in one scratch warehouse: prod of the base, and the working tree beside it."""

from __future__ import annotations

import io
import os
import shutil
import sys
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import duckdb
from rich.console import Console
from sqlmesh import macro
from sqlmesh.core.console import CaptureTerminalConsole, set_console
from sqlmesh.core.context import Context
from sqlmesh.core.environment import EnvironmentNamingInfo
from sqlmesh.core.model import Model
from sqlmesh.core.plan import Plan
from sqlmesh.core.snapshot import SnapshotChangeCategory
from sqlmesh.utils import UniqueKeyDict
from sqlmesh.utils.concurrency import NodeExecutionFailedError
from sqlmesh.utils.errors import NodeAuditsErrors, SQLMeshError

from marquee.core.errors import MarqueeError
from marquee.ops.sqlmesh_log import plan_guard_error
from marquee.plan_diff.bronze import FILE

ENVIRONMENT = "review"
# The statement of `before_all` that rejects a plan; it reads, and writes nothing.
GUARD = "@check_plan()"

PACKAGE = "marquee"
# Where a project of SQLMesh keeps its Python.
PYTHON_FOLDERS = {"macros", "linter", "signals"}

Models = dict[str, Model]


@dataclass(frozen=True)
class Base:
    """Prod of the base revision, on disk; any number of changes can be compared with it."""

    folder: Path  # the warehouse file and SQLMesh's state
    models: Models  # by their full names
    # Both sides are built at it, so that what a model stamps with the time of the run is the same.
    execution_time: str


@dataclass(frozen=True)
class Built:
    """The working tree beside prod, while its context is open."""

    context: Context
    plan: Plan  # what it would do to prod, categories included
    guard_error: str | None  # why prod's plan guard would reject it
    error: str | None  # why it could not be built


def build_base(project: Path, bronze: Path, folder: Path) -> Base:
    """Build prod of a project on a copy of bronze.

    Raises:
        MarqueeError: the base does not build.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(bronze, folder / FILE)
    execution_time = _after_the_newest_row(folder / FILE)
    try:
        with _context(project, folder) as context:
            _plan_prod(context, execution_time)
            return Base(folder, dict(context.models), execution_time)
    except SQLMeshError as error:
        raise MarqueeError(
            f"The base revision does not load, so there is nothing to compare with.\n{error}"
        ) from error


def _plan_prod(context: Context, execution_time: str) -> None:
    try:
        context.plan(
            auto_apply=True,
            no_prompts=True,
            skip_tests=True,
            skip_linter=True,
            execution_time=execution_time,
        )
    except SQLMeshError as error:
        raise MarqueeError(
            "The base revision does not build on the sandbox's data, so there is nothing to "
            f"compare with.\n{_reason(context, error)}"
        ) from error


@contextmanager
def built(project: Path, base: Base) -> Iterator[Built]:
    """Plan a project against prod of the base, into an environment of its own, and build that.

    Yields:
        The open context. Plan or build may have failed; then `error` says why.

    Raises:
        SQLMeshError: the project does not load, or cannot be planned.
    """
    with _context(project, base.folder) as context:
        builder = context.plan_builder(
            ENVIRONMENT,
            create_from="prod",
            skip_tests=True,
            skip_linter=True,
            include_unmodified=True,  # otherwise a plan without a change is an error
            # All of it: begun later, a table of a forward-only model would be a preview in part.
            start=context.config.model_defaults.start,
            execution_time=base.execution_time,
            # A column that a history loses is for the plan guard to report, by its name.
            allow_destructive_models=["*"],
        )
        plan = builder.build()
        for snapshot in plan.uncategorized:
            # What SQLMesh cannot categorize counts as the worst.
            builder.set_choice(snapshot, SnapshotChangeCategory.BREAKING)
        plan = builder.build()
        guard_message = guard_error(context, plan)
        error = None
        if plan.context_diff.has_snapshot_changes:
            try:
                context.apply(plan)
            except SQLMeshError as failure:
                error = _reason(context, failure)
        yield Built(context, plan, guard_message, error)


def guard_error(context: Context, plan: Plan) -> str | None:
    """Ask the project's own guard why prod would reject the plan; None where it would not.

    Raises:
        SQLMeshError: the guard itself fails.
    """
    for statements in plan.context_diff.environment_statements:
        if GUARD not in statements.before_all:
            continue
        try:
            statements.copy(update={"before_all": [GUARD]}).render_before_all(
                dialect=context.engine_adapter.dialect,
                default_catalog=context.default_catalog,
                snapshots={snapshot.name: snapshot for snapshot in plan.snapshots.values()},
                environment_naming_info=EnvironmentNamingInfo(name="prod"),
                engine_adapter=context.engine_adapter,
                start=plan.start,
                end=plan.end,
                execution_time=plan.execution_time,
            )
        except SQLMeshError as error:
            # Its own message, without what SQLMesh adds about its place.
            if reason := plan_guard_error(error):
                return str(reason)
            raise
    return None


@contextmanager
def _context(project: Path, folder: Path) -> Iterator[Context]:
    """SQLMesh on a project and a scratch warehouse, with nothing of it on the terminal.

    Raises:
        SQLMeshError: the project does not load. Its macros are Python, which may fail in any way.
    """
    variables = {
        "MARQUEE_DUCKDB": str(folder / FILE),
        "MARQUEE_STATE_DUCKDB": str(folder / "state.duckdb"),
        "SQLMESH__DEFAULT_GATEWAY": "duckdb",
        "SQLMESH__CACHE_DIR": str(folder / "cache"),
        # A change that does not build is for the reviewer to know, not for the operators of prod.
        "MARQUEE_SLACK_WEBHOOK_URL": "",
        "MARQUEE_SMTP_HOST": "",
        # What one person allows on one machine is not allowed in prod.
        "MARQUEE_ALLOW": "",
    }
    forget_modules(project)
    with ExitStack() as stack:
        try:
            stack.enter_context(own_package(project))
            stack.enter_context(mock.patch.dict(os.environ, variables))
            set_console(_Quiet(console=Console(file=io.StringIO(), width=100)))
            context = stack.enter_context(closing(Context(paths=[str(project)])))
        except (MarqueeError, SQLMeshError):
            raise
        except Exception as error:
            reason = "".join(traceback.format_exception_only(error)).strip()
            *_, frame = traceback.extract_tb(error.__traceback__)
            where = f"{Path(frame.filename).name}, line {frame.lineno}"
            raise SQLMeshError(f"The project does not load: {reason} ({where})") from error
        yield context


@contextmanager
def own_package(project: Path) -> Iterator[None]:
    """Let the macros of a project import the package of that project for the block.

    The package that runs the plan diff is that of the working tree. The macros of the base revision
    import `marquee` when they run, and must get the code that they were written for. Functions that
    were imported before the block keep their own modules; an import within the block does not.
    """
    if not (project / PACKAGE).is_dir():  # older than the package, or a copy without it
        yield
        return
    own = _take_package()
    # Modules of a package are found next to the package, so that the package alone decides.
    spec = PathFinder.find_spec(PACKAGE, [str(project)])
    if not spec or not spec.loader:
        raise MarqueeError(f"{project / PACKAGE} is not a Python package.")
    sys.modules[PACKAGE] = module_from_spec(spec)
    try:
        spec.loader.exec_module(sys.modules[PACKAGE])
        yield
    finally:
        _take_package()
        sys.modules.update(own)


def _take_package() -> dict[str, ModuleType]:
    """Remove the modules of the package from those that Python has imported; return them."""
    names = [name for name in sys.modules if name.partition(".")[0] == PACKAGE]
    return {name: sys.modules.pop(name) for name in names}


def forget_modules(project: Path) -> None:
    """Make SQLMesh take this project's Python, and not that of one before it in this process.

    Two projects share the names of their modules, and what one macro imports from another would
    still be that of the project before. A macro that somebody has imported is in SQLMesh's registry
    besides, where it stays in place of an equal one of the project: as an import, whose source
    nobody reads, so that none of the variables that it asks for is found.
    """
    own = {path.name for path in project.iterdir() if path.is_dir()} & PYTHON_FOLDERS
    for name in [name for name in sys.modules if name.partition(".")[0] in own]:
        del sys.modules[name]
    kept = {
        name: one
        for name, one in macro.get_registry().items()
        if one.func.__module__.partition(".")[0] not in own
    }
    macro.set_registry(UniqueKeyDict(macro.registry_name, **kept))


def _reason(context: Context, error: SQLMeshError) -> str:
    """What went wrong, model by model where SQLMesh reports it."""
    console = context.console
    failures = console.failures if isinstance(console, _Quiet) else []
    return "\n\n".join(failures) or str(error)


class _Quiet(CaptureTerminalConsole):
    """Prints nothing and keeps why a model failed, which SQLMesh would print."""

    def __init__(self, console: Console) -> None:
        super().__init__(console=console)
        self.failures: list[str] = []

    def log_failed_models(self, errors: list[NodeExecutionFailedError[Any]]) -> None:
        for error in errors:
            cause = error.__cause__ or error
            parts = cause.errors if isinstance(cause, NodeAuditsErrors) else [cause]
            name = getattr(error.node, "snapshot_name", str(error.node)).replace('"', "")
            self.failures.append("\n".join([f"{name}:", *map(str, parts)]))


def _after_the_newest_row(warehouse: Path) -> str:
    """The hour that begins after the newest row of bronze."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        ((hour,),) = connection.execute(
            "SELECT strftime(date_trunc('hour', max(ingested_at)::TIMESTAMP) + INTERVAL 1 HOUR, "
            "'%Y-%m-%d %H:%M:%S') FROM bronze.raw_movies"
        ).fetchall()
    if hour is None:
        raise MarqueeError("bronze.raw_movies is empty: there is nothing to build on.")
    return str(hour)
