"""How a bronze table is declared: what one row is, its columns in order, how they travel.

The tables of a source are in its `tables.yaml`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import pyarrow as pa
import yaml
from dlt.common.schema.typing import TColumnSchema

Row = dict[str, Any]
# A big feed is held by columns: a Python object a row would take several times the memory.
Rows: TypeAlias = Sequence[Row] | pa.Table

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


@dataclass(frozen=True, eq=False)  # one object a table, distinguished by identity
class Table:
    """A bronze table as declared: its name, what one row is, its columns in order.

    dlt adds `_dlt_load_id` and `_dlt_id` to each.
    """

    name: str
    description: str
    columns: tuple[Column, ...]

    @property
    def schema(self) -> pa.Schema:
        """Return the declared columns as Arrow knows them."""
        return pa.schema(
            [
                pa.field(column.name, ARROW_TYPES[column.data_type], nullable=column.nullable)
                for column in self.columns
            ]
        )

    def arrow(self, rows: Rows) -> pa.Table:
        """Put rows (which may be none) into an Arrow table with exactly the declared columns."""
        if isinstance(rows, pa.Table):
            return rows.cast(self.schema)
        return pa.Table.from_pylist(list(rows), schema=self.schema)


def read_tables(path: Path) -> tuple[Table, ...]:
    """Return the tables of a file in the form of dlt's schemas, in its order."""
    return tuple(
        Table(
            name,
            table["description"],
            tuple(Column(column, **hints) for column, hints in table["columns"].items()),
        )
        for name, table in yaml.safe_load(path.read_text(encoding="utf-8")).items()
    )
