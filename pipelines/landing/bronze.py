"""Landing rows in bronze: append-only, columns declared, every table there after the first run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import dlt
import pyarrow as pa
from dlt.common.schema.typing import TColumnSchema

if TYPE_CHECKING:
    from landing.destination import Destination

Row = dict[str, Any]

DataType = Literal["bigint", "json", "text", "timestamp"]

# How a column travels; a JSON document travels as the text it came as.
ARROW_TYPES: Mapping[DataType, pa.DataType] = {
    "bigint": pa.int64(),
    "json": pa.string(),
    "text": pa.string(),
    "timestamp": pa.timestamp("us"),
}


@dataclass(frozen=True)
class Column:
    """A column of a bronze table; timestamps are UTC without a time zone, in microseconds."""

    name: str
    data_type: DataType
    description: str
    nullable: bool = False

    @property
    def hint(self) -> TColumnSchema:
        """Describe the column to dlt."""
        return {
            "name": self.name,
            "data_type": self.data_type,
            "nullable": self.nullable,
            "description": self.description,
            **({"timezone": False} if self.data_type == "timestamp" else {}),
        }


@dataclass(frozen=True, eq=False)  # one object a table, told apart by identity
class Table:
    """A bronze table as declared: its name, what one row is, its columns in order.

    dlt adds `_dlt_load_id` and `_dlt_id` to each.
    """

    name: str
    description: str
    columns: tuple[Column, ...]

    def arrow(self, rows: Sequence[Row]) -> pa.Table:
        """Put rows (which may be none) into an Arrow table with exactly the declared columns."""
        schema = pa.schema(
            [
                pa.field(column.name, ARROW_TYPES[column.data_type], nullable=column.nullable)
                for column in self.columns
            ]
        )
        return pa.Table.from_pylist(list(rows), schema=schema)


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
