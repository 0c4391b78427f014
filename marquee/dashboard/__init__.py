"""The dashboard.

`queries` (all queries, from the folder `sql`), `lineage` (SQLMesh's graph), `charts`, `pages` (what
is drawn where), `app` (the script that Streamlit runs), `serve` (the server), `bundle` (the app in
Snowflake).
"""
