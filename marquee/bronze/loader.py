"""Loading rows into bronze: append-only, every table there after the first run."""

from __future__ import annotations

import gc
import shutil
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import dlt
import pyarrow as pa
from dlt.pipeline.trace import PipelineTrace

from marquee.bronze.destination import BRONZE, Destination
from marquee.bronze.tables import Rows, Table
from marquee.core.errors import MarqueeError
from marquee.core.settings import Settings

COLLECTED_BYTES = 1_000_000  # of Arrow tables; fewer are not worth looking for


def open_pipeline(name: str, settings: Settings, destination: Destination) -> dlt.Pipeline:
    """Open dlt's pipeline as the warehouse knows it, whatever its working folder holds.

    The folder is removed first. What a killed run left in it is thrown away, whether or not some of
    its rows reached bronze: the next run fetches again and leaves out what bronze has. Schema and
    state come from the warehouse, where they are as of the last load that was completed.

    Raises:
        MarqueeError: dlt cannot work in that folder.
    """
    if "'" in str(settings.dlt_dir):
        # dlt 1.31 puts the paths of its files unquoted into SQL for DuckDB
        raise MarqueeError(
            f"dlt cannot work in a folder with an apostrophe in its path: {settings.dlt_dir}",
            "Set MARQUEE_DLT_DIR to another folder.",
        )
    if (folder := settings.dlt_dir / name).exists():
        shutil.rmtree(folder)
    pipeline = dlt.pipeline(
        name,
        pipelines_dir=str(settings.dlt_dir),
        destination=destination.factory,
        dataset_name=BRONZE,
    )
    if destination.path is None or destination.path.exists():  # asking would create the file
        # Without data it takes over schema and state; `sync_destination` would do so once more in
        # the first run with data.
        with destination.kept_open():
            pipeline.run()
    return pipeline


def load_state(pipeline: dlt.Pipeline) -> Mapping[str, Any]:
    """Return the state that the last completed `load` kept, empty before the first one."""
    state: Mapping[str, Any] = pipeline.state.get("sources", {}).get(pipeline.pipeline_name, {})
    return state


def load(
    pipeline: dlt.Pipeline,
    destination: Destination,
    rows: Mapping[Table, Rows],
    state: Mapping[str, Any],
    on_load: Callable[[PipelineTrace | None], None] | None = None,
) -> None:
    """Append rows to their tables in one load; a table without rows is created all the same.

    Args:
        pipeline: the dlt pipeline whose dataset is bronze.
        destination: where that is, which decides how rows travel.
        rows: the tables of the pipeline, each with its new rows.
        state: what the next run has to know, kept in dlt's state. It travels in the same load as
            the rows, and counts from the moment on in which the whole load does.
        on_load: is called with dlt's trace of the load.

    Raises:
        PipelineStepFailed: dlt could not load; nothing of this call counts as landed then.
    """

    def keep_state() -> Iterator[Any]:
        state_of_source = dlt.current.source_state(pipeline.pipeline_name)
        state_of_source.clear()
        state_of_source.update(state)
        yield from ()

    resources = [
        dlt.resource(
            [destination.items(table, table_rows)],
            name=table.name,
            columns=[column.hint for column in table.columns],
            write_disposition="append",
        ).apply_hints(additional_table_hints={"description": table.description})
        for table, table_rows in rows.items()
    ]
    with destination.kept_open():
        pipeline.run(
            [dlt.resource(keep_state, name="state"), *resources],
            loader_file_format=destination.file_format,
        )
    if on_load:
        on_load(pipeline.last_trace)
    # What dlt leaves of a run refers to itself in circles, with every row of the load in them; a
    # backfill would hold several loads at a time before Python looks for such circles by itself.
    if destination.file_format != "parquet" or pa.total_allocated_bytes() > COLLECTED_BYTES:
        gc.collect()
