"""Lineage of tables and columns, for the catalog, the dashboard and the plan diff.

`project` (what SQLMesh knows of the project, as plain values), `columns` (column lineage), `graph`
(what comes before and after), `layout` (places for a drawing).
"""
