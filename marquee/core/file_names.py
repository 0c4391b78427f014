"""Which names a DuckDB file cannot have. SQLMesh's hooks import it, so it imports nothing."""

# DuckDB names the catalog after the file, and a name such as `gold.fact_movies` is ambiguous where
# a catalog and a schema share it. The schemas of the warehouse, of the vault, of SQLMesh's state,
# and DuckDB's own catalogs and schemas.
RESERVED_NAMES = frozenset(
    {"bronze", "silver", "snapshots", "gold", "ops", "secure", "sqlmesh"}
    | {"main", "temp", "system", "information_schema", "pg_catalog"}
)


def hidden_schema(file_name: str) -> str | None:
    """Return the schema that a file of this name would hide; None if the name can serve."""
    catalog = file_name.partition(".")[0].lower()
    return catalog if catalog.partition("__")[0] in RESERVED_NAMES else None  # also gold__dev
