"""The sources: TMDb, and the files of a studio."""
