"""The layers of a warehouse, and that there is none to read."""

LAYERS = ("bronze", "silver", "snapshots", "gold", "ops")


class MissingWarehouse(Exception):
    """There is nothing to read yet; the message says what to do."""
