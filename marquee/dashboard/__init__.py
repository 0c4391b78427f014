"""The dashboard.

`queries` (all it asks of the warehouse), `lineage` (SQLMesh's graph), `charts`, `pages` (what is
drawn where).

`dashboard_app.py` beside this package is what Streamlit runs.
"""
