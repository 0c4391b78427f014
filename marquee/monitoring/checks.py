"""The health checks: each looks at one thing and reports it on one line."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from marquee.core.clock import naive_utc
from marquee.core.text import counted, read_query
from marquee.monitoring.store import Store, rows
from marquee.monitoring.thresholds import Thresholds

# Makes the median absolute deviation of a normal distribution its standard deviation.
SCALE = 1.4826
SQL = Path(__file__).with_name("sql")


# What to do about a check that fails, by its kind; a metric may have a remedy of its own.
REMEDIES = {
    "warehouse": "wait for the end of the run that writes it, and leave pauses between runs",
    "source": "run the pipeline that loads it",
    "run": "fix the cause and run it again",
    "audit": "look at its rows: make dashboard, Data quality",
    "metric": "look at the rows: make dashboard, Data quality",
    "rows": "compare the newest load with the one before",
    "quarantine": "look at the reasons in ops.quarantine_summary",
    "rejected": "look at the values in ops, and tell the source",
    "disk": "free space",
}
METRIC_REMEDIES = {
    "unknown_account_type_count": "map it in seeds/account_types.csv, then make refresh",
}

# Clocks of two hosts may differ by so much; a time further ahead is wrong.
CLOCK_TOLERANCE = timedelta(minutes=5)
LOADS = "bronze._dlt_loads"


@dataclass(frozen=True)
class CheckResult:
    """What a check of a subject found; the message says why it passed or failed, on one line."""

    check: str  # its kind, a key of REMEDIES
    subject: str
    is_ok: bool
    message: str


def check_all(
    store: Store,
    thresholds: Thresholds,
    now: datetime,
    warehouse: Path | None,
    age: timedelta | None = None,
) -> list[CheckResult]:
    """Check everything; what fails comes first.

    `now` is UTC without a zone. `warehouse` is the file whose disk is looked at, None where there
    is no file. `age` is how old the snapshot is, if the file has changed since it was made.
    """
    found = [
        *snapshot_age(thresholds, age),
        *sources(store, thresholds, now),
        *jobs(store, thresholds, now, is_past=age is not None),
        *audits(store),
        *metrics(store),
        *row_counts(store, thresholds),
        *quarantine(store, thresholds),
        *rejected_values(store, thresholds),
        *disk(thresholds, warehouse),
    ]
    return sorted(map(with_remedy, found), key=lambda result: result.is_ok)


def with_remedy(result: CheckResult) -> CheckResult:
    """Return a result that failed with what to do at the end of its message."""
    if result.is_ok:
        return result
    metric = result.subject.rpartition(" ")[2]
    remedy = METRIC_REMEDIES.get(metric, REMEDIES[result.check])
    return replace(result, message=f"{result.message}; to do: {remedy}")


def snapshot_age(thresholds: Thresholds, age: timedelta | None) -> Iterator[CheckResult]:
    """Is the snapshot recent?"""
    if age is not None:
        limit = timedelta(hours=thresholds.snapshot["max_age_hours"])
        yield CheckResult(
            "warehouse",
            "snapshot",
            is_recent(age, limit),
            "the file is being written without a pause: all else is as it was "
            f"{format_ago(age)}, at most {format_age(limit)} is tolerated",
        )


def sources(store: Store, thresholds: Thresholds, now: datetime) -> Iterator[CheckResult]:
    """Is the newest row of each source young enough?

    By the time at which dlt loaded it: responses of the sandbox have a calendar of their own.
    """
    known = store.tables()
    for table, expected in thresholds.sources.items():
        if table not in known or LOADS not in known:
            continue
        ((newest,),) = store.frame(
            f"SELECT MAX(inserted_at) AS newest FROM {LOADS} "  # noqa: S608 - names of ours
            f"WHERE status = 0 AND load_id IN (SELECT _dlt_load_id FROM {table})"
        ).itertuples(index=False)
        if newest is None or newest != newest:  # NaT: an empty table
            continue
        newest = naive_utc(newest) if newest.tzinfo else newest
        age, limit = now - newest, timedelta(hours=expected["max_age_hours"])
        yield CheckResult(
            "source",
            table,
            is_recent(age, limit),
            f"newest row from {format_ago(age)}, expected within {format_age(limit)}",
        )


def jobs(
    store: Store, thresholds: Thresholds, now: datetime, *, is_past: bool = False
) -> Iterator[CheckResult]:
    """Has each job run, to its end, with success, and lately?

    Not the health check itself: one that failed would make the next one fail.
    """
    if "ops.run_log" not in store.tables():
        yield CheckResult("run", "ops.run_log", False, "no run was ever logged")
        return
    log = rows(store, read_query(SQL, "newest_runs"))
    for job in sorted({*(one["job"] for one in log), *thresholds.jobs}):
        limit = timedelta(hours=thresholds.jobs.get(job, {}).get("max_age_hours", 1e5))
        of_job = [one for one in log if one["job"] == job]
        runs = [one for one in of_job if now - one["started_at"] >= -CLOCK_TOLERANCE]
        for one in of_job:
            if one not in runs:
                age = now - one["started_at"]
                message = f"run {one['run_id']} began {format_ago(age)}: a clock was wrong"
                yield CheckResult("run", job, False, message)
        if runs:
            yield _job(job, runs, thresholds, now, limit, is_past=is_past)


def _job(
    job: str,
    runs: list[dict[str, Any]],
    thresholds: Thresholds,
    now: datetime,
    limit: timedelta,
    *,
    is_past: bool,
) -> CheckResult:
    """Check the newest runs of a job, one per status."""
    last = max(runs, key=lambda one: one["started_at"])
    succeeded = [one for one in runs if one["status"] == "SUCCEEDED"]
    age = now - max(one["started_at"] for one in succeeded) if succeeded else None
    since = "none ever succeeded"
    if age is not None:
        since = f"the last that succeeded began {format_ago(age)}"
    if is_unfinished(last, thresholds, now, is_past=is_past):
        message = f"run {last['run_id']} of {last['started_at']:%Y-%m-%d %H:%M} is unfinished"
        return CheckResult("run", job, False, f"{message} (killed?); {since}")
    if last["status"] in ("FAILED", "STOPPED"):
        error = last["error"] or "no error was logged"
        message = f"run {last['run_id']} {last['status'].lower()}: {error}"
        return CheckResult("run", job, False, f"{message}; {since}")
    is_running = last["status"] == "RUNNING"
    is_ok = is_running if age is None else is_recent(age, limit)
    running = "one is running; " if is_running else ""
    return CheckResult("run", job, is_ok, f"{running}{since}, expected within {format_age(limit)}")


def is_unfinished(
    run: dict[str, Any], thresholds: Thresholds, now: datetime, *, is_past: bool = False
) -> bool:
    """Tell whether a run, a row of ops.run_log, without an end will never have one.

    `now` is UTC without a zone. If the row `is_past`, of an old copy, its process may have ended
    with the run since: then only time tells, as it does of a process that cannot be looked at.
    """
    if run["ended_at"] is not None or run["status"] != "RUNNING":
        return False
    is_here = run["host"] == socket.gethostname()
    if is_here and not is_past:
        return not _is_alive(int(run["process_id"]))
    return bool(now - run["started_at"] > timedelta(hours=thresholds.longest_run_hours))


def _is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # somebody else's
    try:
        # A process that was killed and not yet waited for.
        return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return True  # no /proc here


def audits(store: Store) -> Iterator[CheckResult]:
    """Did each table pass all its audits when it was last built?

    An audit that the table no longer has, or of a table that no longer exists, is left out.
    """
    known = store.tables()
    if "ops.audit_results" not in known:
        return
    newest = rows(store, read_query(SQL, "newest_audits"))
    newest = [one for one in newest if one["table_name"] in known]
    failing = [one for one in newest if not one["is_passed"]]
    for one in failing:
        kind = "stops what depends on it" if one["is_blocking"] else "a warning"
        yield CheckResult(
            "audit",
            f"{one['table_name']} {one['audit_name']}",
            # A warning is shown and fails no check: the source has to fix it, nothing waits for it.
            not one["is_blocking"],
            f"{counted(one['failing_row_count'], 'row')} ({kind})",
        )
    if newest and not failing:
        yield CheckResult("audit", "all", True, f"{len(newest):,} audits passed")


def metrics(store: Store) -> Iterator[CheckResult]:
    """Is each quality metric of the newest refresh within its threshold?"""
    if "ops.data_quality_results" not in store.tables():
        return
    newest = rows(store, read_query(SQL, "newest_metrics"))
    failing = [one for one in newest if not one["is_passed"]]
    for one in failing:
        yield CheckResult(
            "metric",
            f"{one['table_name']}.{one['column_name']} {one['metric_name']}",
            False,
            f"{one['measured_value']:,.10g}, at most {one['threshold']:,.10g} is tolerated",
        )
    if newest and not failing:
        yield CheckResult("metric", "all", True, f"{len(newest):,} metrics within their thresholds")


def row_counts(store: Store, thresholds: Thresholds) -> Iterator[CheckResult]:
    """Did the newest run change a table's rows as earlier runs did?"""
    if "ops.row_counts" not in store.tables():
        return
    expected = thresholds.row_counts
    history: dict[str, list[int]] = {}
    counted_rows = store.frame(read_query(SQL, "row_counts"), [expected["history_runs"]])
    for table, count in counted_rows.itertuples(index=False):
        if table.partition(".")[0] in expected["schemas"]:
            history.setdefault(table, []).append(int(count))
    compared = {one: of for one, of in history.items() if len(of) >= expected["min_runs"]}
    strange = 0
    for table, counts in sorted(compared.items()):
        before, newest = counts[-2], counts[-1]
        score = robust_z_score(counts)
        change_pct = abs(newest - before) * 100 / max(before, 1)
        if score > expected["max_z_score"] and change_pct >= expected["min_change_pct"]:
            strange += 1
            far = "far" if score == float("inf") else f"{score:,.0f} robust standard deviations"
            yield CheckResult(
                "rows", table, False, f"{before:,} -> {newest:,} rows, {far} from its usual change"
            )
    if compared and not strange:
        yield CheckResult("rows", "all", True, f"{len(compared):,} tables changed as usual")


def robust_z_score(counts: list[int]) -> float:
    """Tell how far the newest change is from the usual one.

    Changes are compared, not counts: a table that grows every day never has an earlier count.

    Args:
        counts: rows after each run, the newest last; three or more.

    Returns:
        |change - median| / (1.4826 * MAD), Iglewicz and Hoaglin's modified z-score; infinite where
        all changes before were the same and this one is not.
    """
    changes = [after - before for before, after in pairwise(counts)]
    *usual, newest = changes
    middle = median(usual)
    spread = SCALE * median(abs(change - middle) for change in usual)
    if spread:
        return abs(newest - middle) / spread
    return 0.0 if newest == middle else float("inf")


STUDIO_TABLES = ["raw_fan_interactions", "raw_title_metadata", "raw_box_office"]
# A quarantine beside the tables that the same run lands in.
QUARANTINES = {
    "bronze.quarantine_tmdb": ["bronze.raw_movies"],
    "bronze.quarantine_studio": [f"bronze.{table}" for table in STUDIO_TABLES],
}
# Values that the models rejected, while the rest of the row stays: where they are listed, and of
# which table's rows.
REJECTED_VALUES = {
    "bronze.raw_movies": ("ops.rejected_values", "TRUE"),
    **{
        f"bronze.{table}": ("ops.rejected_studio_values", f"table_name = '{table}'")
        for table in STUDIO_TABLES
    },
}


def quarantine(store: Store, thresholds: Thresholds) -> Iterator[CheckResult]:
    """Did the newest run put much of what it brought into quarantine?"""
    known = store.tables()
    for table, landed in QUARANTINES.items():
        tables = [one for one in landed if one in known]
        if table not in known or not tables:
            continue
        arrived = " UNION ALL ".join(
            f"SELECT batch_id, ingested_at, {int(one == table)} AS is_rejected FROM {one}"  # noqa: S608
            for one in [table, *tables]
        )
        for one in rows(store, read_query(SQL, "newest_quarantine", arrived=arrived)):
            yield _rejected_share("quarantine", table, one, thresholds)


def rejected_values(store: Store, thresholds: Thresholds) -> Iterator[CheckResult]:
    """Did the newest run bring many values that the models reject? One result per rule."""
    known = store.tables()
    for table, (rejected, condition) in REJECTED_VALUES.items():
        if table not in known or rejected not in known:
            continue
        names = {"table": table, "rejected": rejected, "condition": condition}
        found = [
            _rejected_share(
                "rejected", f"{table} {one['column_name']}: {one['reason']}", one, thresholds
            )
            for one in rows(store, read_query(SQL, "newest_rejected_values", **names))
        ]
        failing = [one for one in found if not one.is_ok]
        yield from failing
        if not failing:
            yield CheckResult("rejected", table, True, f"no rule broken often, {len(found)} at all")


def _rejected_share(
    check: str, subject: str, counts: Mapping[str, Any], thresholds: Thresholds
) -> CheckResult:
    """Compare `rejected` of `total` rows of the load `batch_id`."""
    share_pct = counts["rejected"] * 100 / counts["total"]
    is_much = (
        counts["rejected"] > thresholds.quarantine["max_rows"]
        and share_pct > thresholds.quarantine["max_share_pct"]
    )
    return CheckResult(
        check,
        subject,
        not is_much,
        f"{counts['rejected']:,.0f} of {counts['total']:,} ({share_pct:.1f} %) rows of the newest "
        f"load, {counts['batch_id']}",
    )


def disk(thresholds: Thresholds, warehouse: Path | None) -> Iterator[CheckResult]:
    """Is there room where the warehouse is?"""
    if warehouse is None or not warehouse.parent.is_dir():
        return
    room = shutil.disk_usage(warehouse.parent)
    free_gb, free_pct = room.free / 1e9, room.free * 100 / room.total
    yield CheckResult(
        "disk",
        str(warehouse.parent),
        free_gb >= thresholds.disk["min_free_gb"] and free_pct >= thresholds.disk["min_free_pct"],
        f"{free_gb:,.1f} GB free ({free_pct:.0f} %)",
    )


def is_recent(age: timedelta, limit: timedelta) -> bool:
    """Tell whether an age is within a limit; a time in the future is a wrong one, not a new one."""
    return -CLOCK_TOLERANCE <= age <= limit


def format_ago(age: timedelta) -> str:
    """Put an age into words, such as `3 h ago`, or `2.5 d in the future`."""
    if age < -CLOCK_TOLERANCE:
        return f"{format_age(-age)} in the future"
    return f"{format_age(max(age, timedelta()))} ago"


def format_age(age: timedelta) -> str:
    """Put a duration into words, such as `3 h` or `2.5 d`."""
    hours = age.total_seconds() / 3600
    if hours < 1:
        return f"{hours * 60:.0f} min"
    days = f"{hours / 24:.1f}".removesuffix(".0")
    return f"{hours:.0f} h" if hours < 48 else f"{days} d"
