"""Landing rows in bronze: append-only, every table there after the first run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import dlt

from landing.bronze import Row, Table
from landing.destination import Destination


def land(
    pipeline: dlt.Pipeline, destination: Destination, rows: Mapping[Table, Sequence[Row]]
) -> dict[str, int]:
    """Append rows to their tables in one load; a table without rows is created all the same.

    Args:
        pipeline: the dlt pipeline whose dataset is bronze.
        destination: where that is, which decides how rows travel.
        rows: the tables of the door, each with its new rows.

    Returns:
        The number of rows landed, by table name.

    Raises:
        PipelineStepFailed: dlt could not load; nothing of this call counts as landed then.

    """
    resources = [
        dlt.resource(
            [destination.items(table, table_rows)],
            name=table.name,
            columns=[column.hint for column in table.columns],
            write_disposition="append",
        ).apply_hints(additional_table_hints={"description": table.description})
        for table, table_rows in rows.items()
    ]
    pipeline.run(resources, loader_file_format=destination.file_format)
    return {table.name: len(table_rows) for table, table_rows in rows.items()}
