"""The errors of a plan diff that a person can do something about."""


class PlanDiffError(Exception):
    """A message that says what to do; the door prints it and leaves with code 1."""
