"""The same models as a dbt project, generated from the rendered SQL."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

PROJECT = """\
name: marquee_models
version: "1.0"
profile: benchmark
flags:
  send_anonymous_usage_stats: false
"""
PROFILE = """\
benchmark:
  target: duckdb
  outputs:
    duckdb:
      type: duckdb
      path: "{warehouse}"
      threads: {threads}
      settings:
        memory_limit: {memory_limit}
"""
# Schemas are named as the models name them, without the target's in front.
SCHEMA_MACRO = """\
{% macro generate_schema_name(custom_schema_name, node) -%}
  {{ custom_schema_name or target.schema }}
{%- endmacro %}
"""
# A name of a table, or else a text, which may hold one and stays as it is.
TABLE_NAME = re.compile(r"""'(?:[^']|'')*'|"?\b([a-z_]+)"?\."?([a-z_0-9]+)"?""")


def write_project(
    folder: Path, warehouse: Path, steps_file: Path, threads: int, memory_limit: str
) -> None:
    """Write models, and the audits as singular tests, with the kinds that dbt has for ours."""
    steps = json.loads(steps_file.read_text())
    files = {
        "dbt_project.yml": PROJECT,
        "profiles.yml": PROFILE.format(
            warehouse=warehouse, threads=threads, memory_limit=memory_limit
        ),
        "macros/generate_schema_name.sql": SCHEMA_MACRO,
    }
    models = {(step["schema"], step["name"]) for step in steps}
    for step in steps:
        files[f"models/{step['schema']}/{step['name']}.sql"] = _model(step, models)
        for number, audit in enumerate(step["audits"]):
            files[f"tests/{step['name']}_{number}.sql"] = _with_refs(audit, models)
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def _model(step: dict[str, Any], models: set[tuple[str, str]]) -> str:
    settings = f"schema='{step['schema']}', materialized='{step['kind']}'"
    if step["kind"] == "incremental":
        key = ", ".join(f"'{one}'" for one in step["key"])
        settings += f", incremental_strategy='delete+insert', unique_key=[{key}]"
    query = _with_refs(step["query"], models - {(step["schema"], step["name"])})
    if step["reads_itself"]:
        # dbt has no table to read before the first build
        nothing = ", ".join(f"CAST(NULL AS {of}) AS {one}" for one, of in step["columns"].items())
        itself = (
            f"{{% if is_incremental() %}}{{{{ this }}}}{{% else %}}"
            f"(SELECT {nothing} WHERE FALSE){{% endif %}}"
        )
        query = _replaced(query, {(step["schema"], step["name"]): itself})
    return f"{{{{ config({settings}) }}}}\n{query}\n"


def _with_refs(query: str, models: set[tuple[str, str]]) -> str:
    return _replaced(query, {one: f"{{{{ ref('{one[1]}') }}}}" for one in models})


def _replaced(query: str, names: dict[tuple[str, str], str]) -> str:
    def replace(found: re.Match[str]) -> str:
        return names.get((found[1], found[2]), found[0])

    return TABLE_NAME.sub(replace, query)
