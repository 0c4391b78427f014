"""The studio's source, which `pipelines/studio.py` declares.

A file is known by its path. It is loaded once; when it grows its new lines are loaded, when its
content changes it is loaded again. `feeds` defines what a record is, `files` what is new,
`domains` which values a field may have. `pseudonymize` separates personal data, `vault` keeps it,
`encryption` encrypts it, `erasure` removes it. `manifest` knows what is loaded, `run` joins them.
"""
