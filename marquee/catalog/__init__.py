"""A static site of the warehouse: every model, column, check and where it comes from.

`history` reads what the run log knows of each table, `pictures` says which graphs there are, `svg`
draws them, `site` writes the pages; `data_dictionary`, `llms` and `semantic_view` write a file
each. What they write is in `templates`. The site needs no server and asks no network.
"""
