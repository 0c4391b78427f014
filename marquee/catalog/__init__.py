"""A static site of the warehouse: every model, column, check and where it comes from.

`project` reads SQLMesh's model graph, `history` what the run log knows of each table, `layout`
places a graph, `picture` draws it, `lineage` says which ones there are, `site` writes the pages.
The site needs no server and asks no network.
"""
