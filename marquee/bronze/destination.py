"""Where bronze is: the only module that knows how DuckDB and Snowflake differ for the pipelines."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import dlt
import duckdb
import pyarrow as pa
from dlt.common.destination.reference import Destination as DltDestination
from dlt.destinations.impl.duckdb.configuration import DuckDbCredentials

from marquee.bronze.tables import Rows, Table
from marquee.core.errors import DatabaseFailed, MarqueeError
from marquee.core.settings import check_file_name

BRONZE = "bronze"
FileFormat = Literal["parquet", "jsonl"]
# dlt looks these settings up for each of its clients, some 25 times per run; given, only once.
LOOKED_UP = (
    *("credentials", "destination_name", "environment", "replace_strategy", "staging_config"),
    *("staging_dataset_name_layout", "enable_dataset_name_normalization", "create_indexes"),
    *("info_tables_query_threshold", "truncate_tables_on_staging_destination_before_load"),
)


@dataclass(frozen=True)
class Destination:
    """A warehouse to load into.

    Attributes:
        name: `duckdb` or `snowflake`.
        place: where that is, in words for the summary: a path, or an account's database.
        factory: what dlt calls a destination.
        file_format: what dlt writes on the way; decides whether JSON survives.
        path: the DuckDB file, None elsewhere.
        read_only: whether nothing is written to it.
    """

    name: Literal["duckdb", "snowflake"]
    place: str
    factory: DltDestination[Any, Any]
    file_format: FileFormat
    path: Path | None = None
    read_only: bool = False

    def dataset(self, name: str) -> dlt.Dataset:
        """Return a dataset for statements of our own; nothing is opened yet."""
        # The schema is empty on purpose: nothing is looked up, the statements name their columns.
        return dlt.dataset(self.factory, name, schema=dlt.Schema(name))

    @contextmanager
    def kept_open(self) -> Iterator[None]:
        """Keep the DuckDB file open during the block, if it is there.

        dlt opens the file for each query, which costs a tenth of that while it is open.

        Raises:
            DatabaseFailed: DuckDB cannot use the file; the cause is what DuckDB reports.
        """
        if self.path is None or not self.path.exists():
            yield
            return
        try:
            connection = duckdb.connect(str(self.path), read_only=self.read_only)
        except duckdb.Error as error:
            raise DatabaseFailed(self.path) from error
        with connection:
            yield

    def items(self, table: Table, rows: Rows) -> Any:
        """Turn rows into what dlt loads here without changing a byte of their JSON.

        DuckDB takes Arrow: jsonl would have its types guessed again, and dlt's Python rows parse
        and rewrite JSON (8.2e-05 becomes 0.000082). Snowflake takes Python values as jsonl: out of
        parquet a VARIANT would hold one long string.
        """
        if self.file_format == "parquet":
            return table.arrow(rows)
        if isinstance(rows, pa.Table):
            rows = rows.to_pylist()
        if not rows:
            return dlt.mark.materialize_table_schema()
        parsed = {column.name for column in table.columns if column.data_type == "json"}
        return [
            {name: json.loads(cell) if name in parsed else cell for name, cell in row.items()}
            for row in rows
        ]

    def label(self, batch_id: str) -> None:
        """Have Snowflake note on each statement of the loads to come which run and table it is of.

        The query tag is JSON, to group QUERY_HISTORY by. On DuckDB nothing happens.
        """
        if self.name == "snowflake":
            dlt.config["destination.snowflake.query_tag"] = (
                '{{"app": "marquee", "part": "{pipeline_name}", '
                f'"batch_id": "{batch_id}", '
                '"table": "{table}", "load_id": "{load_id}"}}'
            )

    def lacks_key(self, column: str, key: str) -> str:
        """Return the SQL condition that a JSON column holds no object with this key.

        DuckDB parses only those documents whose text does not contain the key in quotes; parsing
        all of them takes four times as long. So a key at a deeper level counts as well.
        """
        if self.name == "duckdb":
            return (
                f"(NOT contains(CAST({column} AS VARCHAR), '\"{key}\"') "
                f"AND json_extract({column}, '$.{key}') IS NULL)"
            )
        return f"GET_PATH({column}, '{key}') IS NULL"

    def same_document(self, landed: str, fetched: str) -> bool:
        """Tell whether a document read back from bronze is the one just fetched.

        DuckDB keeps the text, so the texts are compared. Snowflake keeps the value only.
        """
        if self.name == "duckdb":
            return landed == fetched
        return bool(json.loads(landed) == json.loads(fetched))


def duckdb_destination(
    path: Path,
    *,
    read_only: bool = False,
    what: str = "warehouse",
    variable: str = "MARQUEE_DUCKDB",
) -> Destination:
    """Describe the DuckDB file at `path`; nothing is opened or created yet.

    Args:
        path: the file.
        read_only: whether nothing will be written.
        what: what the file is, for people.
        variable: the environment variable that names it.

    Raises:
        MarqueeError: the file's folder is missing or not writable, or the name cannot serve.
    """
    if not path.parent.is_dir():
        raise MarqueeError(
            f"The folder of the {what} file does not exist: {path.parent}",
            f"Create it, or set {variable} to another file.",
        )
    if "?" in str(path):
        raise MarqueeError(
            f"DuckDB cannot work in a path with a question mark: {path}",
            f"Set {variable} to another file.",
        )
    if not read_only and not os.access(path if path.exists() else path.parent, os.W_OK):
        raise MarqueeError(f"No permission to write the {what} file {path}.")
    if path.is_dir():
        raise MarqueeError(f"{variable} names a folder, not a file: {path}")
    check_file_name(path, what, variable)
    factory = dlt.destinations.duckdb(DuckDbCredentials(str(path), read_only=read_only))
    configured = factory.configuration(factory.spec(), accept_partial=True)
    factory = dlt.destinations.duckdb(
        **{name: configured[name] for name in LOOKED_UP},
        # A DuckDB file has one writer; more threads only wait for each other.
        loader_parallelism_strategy="sequential",
    )
    return Destination("duckdb", str(path), factory, "parquet", path, read_only)
