"""Runs assets of Dagster's code location in this process, and prints what became of them.

In Dagster's environment: `.cache/dagster/bin/python -m tests.e2e.dagster_jobs JOB [ASSET ...]`.
"""

import json
import sys

import dagster as dg

from marquee.orchestration import definitions


def main(job: str, *assets: str) -> None:
    """Run a job, or some of its assets, named such as `gold/fact_movies`."""
    definitions.MAX_RETRIES, definitions.RETRY_SECONDS = 1, 0
    keys = [dg.AssetKey.from_user_string(one) for one in assets]
    with dg.DagsterInstance.ephemeral() as instance:
        ended = definitions.defs.resolve_job_def(job).execute_in_process(
            instance=instance, raise_on_error=False, asset_selection=keys or None
        )
    built = {}
    for event in ended.all_events:
        if event.event_type_value == "ASSET_MATERIALIZATION":
            materialization = event.step_materialization_data.materialization
            built[event.asset_key.to_user_string()] = {
                name: value.value
                for name, value in materialization.metadata.items()
                if isinstance(value.value, (int, float))
            }
    report = {
        "is_success": ended.success,
        "built": built,
        "checks": {
            f"{one.asset_key.to_user_string()} {one.check_name}": one.passed
            for one in ended.get_asset_check_evaluations()
        },
        "retries": sum(one.event_type_value == "STEP_UP_FOR_RETRY" for one in ended.all_events),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main(*sys.argv[1:])
