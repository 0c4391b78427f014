"""The errors of a plan diff that a person can do something about."""


class PlanDiffError(Exception):
    """A message that says what to do; the command line prints it and exits with code 2."""
