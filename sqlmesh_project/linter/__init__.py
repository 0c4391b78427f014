"""Rules of this project beside SQLMesh's own."""
