"""The studio's own feeds: files in a landing folder, read by dlt's filesystem source.

    titles/*.json             ->  bronze.raw_title_metadata     one row a title
    box_office/*.csv          ->  bronze.raw_box_office         one row a line
    fan_interactions/*.jsonl  ->  bronze.raw_fan_interactions   one row a line, tokens for persons
                              ->  secure.pii_vault              who the tokens are
    whatever is no record     ->  bronze.quarantine_studio      file, line, reason
    how far each file is read ->  bronze.studio_files

A file is known by its path. It lands once; when it grows its new lines land, when it is written
anew it lands again. `feeds` says what a record is, `files` what is new, `people` parts personal
data, `vault` keeps it, `erasure` removes it, `manifest` knows what has landed, `run` joins them.

Run it: `python pipelines/studio.py`, or without files `python pipelines/studio.py --sandbox`.
"""
