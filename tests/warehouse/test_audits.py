"""Every audit of every model is shown failing: an audit that can't fail checks nothing.

A small warehouse is sabotaged in a transaction that is rolled back, once an audit (and once a
criterion of `forall`): the audit must find nothing before and something after. Audits of the rows
that the last refresh wrote are shown failing in a refresh and in a full audit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pytest
from sqlglot import exp
from sqlmesh.core.audit import ModelAudit
from sqlmesh.core.context import Context
from sqlmesh.core.engine_adapter.base import EngineAdapter
from sqlmesh.core.macros import RuntimeStage
from sqlmesh.core.snapshot import Snapshot

from marquee.core.settings import ROOT
from tests.small_warehouse import Warehouse


@dataclass(frozen=True)
class Attached:
    """An audit with the arguments that a model gives it."""

    adapter: EngineAdapter
    snapshots: dict[str, Snapshot]  # the model's own and those that it reads
    snapshot: Snapshot
    audit: ModelAudit
    arguments: Mapping[str, Any]
    start: str

    def __str__(self) -> str:
        given = ", ".join(f"{name} := {value.sql()}" for name, value in self.arguments.items())
        return f"{self.snapshot.name} {self.audit.name}({given}) from {self.start} on"

    @property
    def table(self) -> str:
        """The table that the audit looks at; of a view the one that it is of."""
        snapshot = self.snapshot
        if snapshot.model.kind.is_view:
            snapshot = self.snapshots[VIEWS[snapshot.model.name]]
        return str(snapshot.table_name())

    @property
    def sabotage(self) -> str:
        """The statement that breaks what the audit checks."""
        if self.audit.name == "forall":
            (criterion,) = self.arguments["criteria"].expressions
            return f"UPDATE {self.table} SET {BREAKS[criterion.sql('duckdb')]}"
        given = {
            name: [one.name for one in value.find_all(exp.Column)] or [value.sql("duckdb")]
            for name, value in self.arguments.items()
        }
        names = {name: values[-1] for name, values in given.items()}
        return SABOTAGE[self.audit.name].format(table=self.table, **names)

    @cached_property
    def count(self) -> exp.Select:
        """The query for the number of rows that the audit objects to."""
        query = self.snapshot.model.render_audit_query(
            self.audit,
            snapshots=self.snapshots,
            engine_adapter=self.adapter,
            runtime_stage=RuntimeStage.AUDITING,
            start=self.start,
            **self.arguments,
        )
        return exp.select("COUNT(*)").from_(query.subquery("audit"))

    def findings(self) -> int:
        """Number of rows that the audit objects to."""
        row = self.adapter.fetchone(self.count, quote_identifiers=True)
        assert row is not None
        return int(row[0])


FIRST_DAY, REFRESH = "2026-01-01", "2026-11-28"  # all rows; those of the last refresh

VIEWS = {
    "gold.movie_history": '"warehouse"."snapshots"."snap_silver_movies"',
    "gold.genre_history": '"warehouse"."snapshots"."snap_dim_genres"',
    "gold.fan_history": '"warehouse"."snapshots"."snap_dim_fans"',
}


@contextmanager
def sabotaged(context: Context, statement: str) -> Iterator[None]:
    """The warehouse after a statement, until the end of the block."""
    adapter = context.engine_adapter
    adapter.execute("BEGIN")
    try:
        adapter.execute(statement)
        yield
    finally:
        adapter.execute("ROLLBACK")


DOUBLED = "INSERT INTO {table} FROM {table} LIMIT 1"
# A period that begins an hour before another one of its key.
ADDED_PERIOD = (
    "INSERT INTO {{table}} SELECT * REPLACE (valid_from - INTERVAL 1 HOUR AS valid_from, "
    "{} AS valid_to) FROM {{table}} WHERE valid_to IS NULL LIMIT 1"
)
# How to break a table so that the audit of this name must notice. In braces: the table, and the
# audit's arguments, of which a list of columns stands for its last one.
SABOTAGE = {
    "not_null": "UPDATE {table} SET {columns} = NULL",
    "unique_values": DOUBLED,
    "unique_combination_of_columns": DOUBLED,
    "number_of_rows": "DELETE FROM {table}",
    "not_empty_if_parent_has_rows": "DELETE FROM {table}",
    "accepted_values": "UPDATE {table} SET {column} = 'nonsense'",
    # Every range of the project begins at 0 or above.
    "accepted_range": "UPDATE {table} SET {column} = -1",
    "relationship": "UPDATE {table} SET {key} = '-404'",
    "no_rows_lost": "DELETE FROM {table} WHERE {key} = (SELECT MAX({parent_key}) FROM {table})",
    "has_unknown_member": "DELETE FROM {table} WHERE {key} = {member}",
    "no_position_gaps": "UPDATE {table} SET {position} = {position} + 1",
    "no_date_gaps": "DELETE FROM {table} WHERE {day} = '2020-02-29'",
    "weights_sum_to_one": "UPDATE {table} SET weight = weight * 1.001",
    "periods_do_not_overlap": ADDED_PERIOD.format("valid_from + INTERVAL 1 HOUR"),
    "one_open_period": ADDED_PERIOD.format("NULL"),
    "genre_totals_reconcile": (
        "UPDATE {table} SET weighted_revenue_usd = weighted_revenue_usd * 1.001"
    ),
    "valid_imdb_score": "UPDATE {table} SET {column} = 10.5",
    "valid_email_hash": "UPDATE {table} SET {column} = 'a@b.example'",
    "valid_country_code": "UPDATE {table} SET {column} = 'XXX'",
    "positive_revenue": "UPDATE {table} SET {column} = -1",
    "null_count": "UPDATE {table} SET {column} = NULL",
    "duplicate_count": DOUBLED,
    "routed_by_account_type": "UPDATE {table} SET account_type = 'nonsense'",
    "mutually_exclusive": (
        "UPDATE {table} SET interaction_id = "
        "(SELECT MIN(interaction_id) FROM silver.stg_fan_verified)"
    ),
    "account_types_are_known": "UPDATE {table} SET quarantine_reason = 'unknown account type'",
    "newest_metrics_pass": "UPDATE {table} SET is_passed = FALSE",
    "daily_totals_reconcile": "UPDATE {table} SET gross_usd = gross_usd + 0.01",
    "franchise_totals_reconcile": "UPDATE {table} SET gross_usd = gross_usd + 0.01",
    "lifetime_totals_reconcile": "UPDATE {table} SET revenue_usd = revenue_usd + 0.01",
    "yearly_totals_reconcile": "UPDATE {table} SET movie_count = movie_count + 1",
}

# `forall` holds several criteria; what breaks each of them, by its text.
BREAKS = {
    "date_sk = -1 OR date_sk = calendar_year * 10000 + calendar_month * 100 + day_of_month": (
        "day_of_month = day_of_month + 1"
    ),
    "is_weekend <> is_weekday": "is_weekend = is_weekday",
    "profit_usd = revenue_usd - budget_usd": "profit_usd = profit_usd + 1",
    "(profitability_flag = 'UNKNOWN') = (profit_usd IS NULL)": "profitability_flag = 'UNKNOWN'",
    "(budget_tier = 'UNKNOWN') = (budget_usd IS NULL)": "budget_tier = 'UNKNOWN'",
    "movie_count > 0": "movie_count = 0",
    "financially_complete_count <= movie_count": "financially_complete_count = movie_count + 1",
    "movies_last_5_years <= movie_count": "movies_last_5_years = movie_count + 1",
    "avg_revenue_usd <= max_revenue_usd": "avg_revenue_usd = max_revenue_usd + 1",
    "revenue_rank_in_year <= revenue_rank": "revenue_rank_in_year = revenue_rank + 1",
    "(revenue_rank IS NULL) = (revenue_usd IS NULL)": "revenue_rank = NULL",
    "roi_rank IS NULL OR budget_usd >= 1000000": "budget_usd = 999999, roi_rank = 1",
    "movie_count = english_movie_count + other_language_movie_count": (
        "english_movie_count = english_movie_count + 1"
    ),
    "movie_count = micro_budget_count + low_budget_count + medium_budget_count"
    " + high_budget_count + blockbuster_budget_count + unknown_budget_count": (
        "low_budget_count = low_budget_count + 1"
    ),
    "summer_movie_count + holiday_movie_count <= movie_count": (
        "summer_movie_count = movie_count + 1"
    ),
    "below_budget_usd IS NULL OR below_budget_usd > min_budget_usd": (
        "below_budget_usd = min_budget_usd"
    ),
    "first_seen_at <= _source_ingested_at": "first_seen_at = _source_ingested_at + INTERVAL 1 DAY",
    "is_primary_company = (is_current AND company_position = 0)": (
        "is_primary_company = NOT is_primary_company"
    ),
    "is_primary_genre = (is_current AND genre_position = 0)": (
        "is_primary_genre = NOT is_primary_genre"
    ),
    "vote_average BETWEEN 0 AND 10": "vote_average = 10.5",
    "popularity_score >= 0": "popularity_score = -1",
    "recorded_at <= COALESCE(superseded_at, CAST('9999-12-31' AS TIMESTAMP))": (
        "superseded_at = recorded_at - INTERVAL 1 DAY"
    ),
    "recorded_at < COALESCE(superseded_at, CAST('9999-12-31' AS TIMESTAMP))": (
        "superseded_at = recorded_at"
    ),
    "budget_usd > 0": "budget_usd = 0",
    "revenue_usd > 0": "revenue_usd = 0",
    "runtime_minutes > 0": "runtime_minutes = 0",
    "vote_count > 0": "vote_count = 0",
    "(profit_usd IS NULL) = (revenue_usd IS NULL OR budget_usd IS NULL)": "profit_usd = NULL",
    "(roi_pct IS NULL) = (profit_usd IS NULL)": "roi_pct = NULL",
    "release_year = EXTRACT(YEAR FROM release_date)": "release_year = release_year + 1",
    "rate_usd > 0": "rate_usd = 0",
    "account_type = UPPER(TRIM(account_type))": "account_type = 'guest '",
    "(fan_class IS NULL) <> (quarantine_reason IS NULL)": "quarantine_reason = NULL",
    "fan_class IS NULL OR NOT event_at IS NULL": "event_at = NULL",
    "amount >= 0": "amount = -1",
    "event_date = CAST(event_at AS DATE)": "event_date = event_date + 1",
    "runtime_minutes >= 0": "runtime_minutes = -1",
    "release_year BETWEEN 1870 AND 2200": "release_year = 1869",
    "tickets_sold >= 0": "tickets_sold = -1",
    "screen_count >= 0": "screen_count = -1",
    "showtime_count >= 0": "showtime_count = -1",
    "gross_local IS NULL OR exchange_rate_usd IS NULL OR ABS(gross_usd"
    " - ROUND(@to_usd(gross_local, exchange_rate_usd), 2)) <= GREATEST(1,"
    " @ratio(ROUND(@to_usd(gross_local, exchange_rate_usd), 2), 100))": (
        "gross_usd = gross_usd * 1.02"
    ),
    "first_seen_at <= last_seen_at": "first_seen_at = last_seen_at + INTERVAL 1 DAY",
    "order_count <= interaction_count": "order_count = interaction_count + 1",
    "priced_order_count <= order_count": "priced_order_count = order_count + 1",
    "unique_verified_fans <= unique_fans": "unique_verified_fans = unique_fans + 1",
    "unique_guests <= unique_fans": "unique_guests = unique_fans + 1",
    "unique_fans <= unique_verified_fans + unique_guests": (
        "unique_fans = unique_verified_fans + unique_guests + 1"
    ),
    "first_day <= last_day": "first_day = last_day + 1",
    "tmdb_movie_count <= title_count": "tmdb_movie_count = title_count + 1",
    "revenue_per_budget_usd >= 0": "revenue_per_budget_usd = -1",
    "weighted_budget_usd >= 0": "weighted_budget_usd = -1",
    "buyer_count <= LEAST(unique_fans, purchase_count)": "buyer_count = unique_fans + 1",
    "fan_count > 0": "fan_count = 0",
    "active_7_days_count <= active_30_days_count": (
        "active_7_days_count = active_30_days_count + 1"
    ),
    "active_30_days_count <= fan_count": "active_30_days_count = fan_count + 1",
    "fan_count = champion_count + loyal_count + new_buyer_count + engaged_count"
    " + at_risk_count + dormant_count": "dormant_count = dormant_count + 1",
    "active_fan_count <= fan_count": "active_fan_count = fan_count + 1",
    "months_since_first_seen > 0 OR active_fan_count = fan_count": (
        "active_fan_count = active_fan_count - 1"
    ),
    "first_at <= last_at": "first_at = last_at + INTERVAL 1 DAY",
    "valid_from < COALESCE(valid_to, CAST('9999-12-31' AS TIMESTAMP))": "valid_to = valid_from",
}


@pytest.fixture(scope="module")
def context(prebuilt: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    """A warehouse of a few movies and a small studio in which every audit passes."""
    with prebuilt.copy_to(tmp_path_factory.mktemp("audited")).context() as context:
        yield context


@pytest.fixture(scope="module")
def audits(context: Context) -> list[Attached]:
    """Every audit of every model; one for each criterion of `forall`."""
    found = []
    snapshots = context.snapshots  # which makes them again each time
    for snapshot in snapshots.values():
        near = {one.name: snapshots[one.name] for one in (*snapshot.parents, snapshot.snapshot_id)}
        for audit, arguments in snapshot.model.audits_with_args:
            assert isinstance(audit, ModelAudit)
            each = [arguments]
            if audit.name == "forall":
                criteria = arguments["criteria"]
                each = [
                    {**arguments, "criteria": exp.Array(expressions=[criterion])}
                    for criterion in criteria.expressions or [criteria.unnest()]
                ]
            starts = [FIRST_DAY, *([REFRESH] if is_of_changed_rows(arguments) else [])]
            found += [
                Attached(context.engine_adapter, near, snapshot, audit, alone, start)
                for alone in each
                for start in starts
            ]
    return found


def is_of_changed_rows(arguments: Mapping[str, Any]) -> bool:
    """Whether an audit looks at the rows that the last refresh wrote."""
    return "condition" in arguments and "@CHANGED_" in arguments["condition"].sql().upper()


def test_every_audit_fails_when_its_table_is_sabotaged(
    context: Context, audits: list[Attached]
) -> None:
    assert len(audits) > 100

    for audit in audits:
        assert audit.findings() == 0, f"{audit} fails on a sound table"
        with sabotaged(context, audit.sabotage):
            assert audit.findings() > 0, f"{audit} finds nothing wrong"


def test_a_fault_in_a_row_of_an_older_refresh_is_found_by_the_full_audit_alone(
    context: Context, audits: list[Attached]
) -> None:
    full, refresh = [
        next(
            audit
            for audit in audits
            if audit.snapshot.model.name == "silver.silver_movies"
            and audit.audit.name == "not_null"
            and audit.start == start
            and is_of_changed_rows(audit.arguments)
        )
        for start in (FIRST_DAY, REFRESH)
    ]
    older = "is_deleted = NULL, _source_load_number = _source_load_number - 1"
    with sabotaged(context, f"UPDATE {full.table} SET {older} WHERE movie_id = 1"):
        assert (full.findings(), refresh.findings()) == (1, 0)


def test_every_audit_of_the_project_is_attached_to_a_model(audits: list[Attached]) -> None:
    defined = {path.stem for path in (ROOT / "audits").glob("*.sql")}
    assert defined <= {audit.audit.name for audit in audits}
