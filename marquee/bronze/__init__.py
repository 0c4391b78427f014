"""Tables of bronze: declared once, loaded by dlt, read back by the next run."""
