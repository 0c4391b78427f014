"""What a change of the project does to the warehouse: models, columns and numbers.

`bronze` loads the sandbox once. `build` creates prod of the base revision and an environment of
the working tree beside it, and asks what prod's plan guard would reject. `models`, `lineage`,
`data` and `checks` compare the two. `report` writes the result, `failure` the reason if there is
none, both with `markup`. Nothing here writes to the user's warehouse.
"""
