"""TMDb: the client, what its responses mean, and the run around the declared source.

`pipelines/tmdb.py` declares the source: endpoints, paging, and the table of each resource.
"""
