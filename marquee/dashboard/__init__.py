"""The dashboard.

`queries` (all queries), `lineage` (SQLMesh's graph), `charts`, `pages` (what is drawn where), `app`
(the script that Streamlit runs), `bundle` (the app in Snowflake).
"""
