"""What a change of the project does to the warehouse: models, columns and numbers.

`bronze` loads the sandbox once, `build` makes prod of the base revision and an environment of the
working tree beside it, `guard` asks what prod would refuse; `models`, `lineage`, `data` and
`checks` compare the two, `report` writes it down, `failure` why there is nothing to write, both in
the `markup` of reports. Nothing here writes to the user's warehouse.
"""
