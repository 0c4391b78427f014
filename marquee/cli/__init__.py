"""The command lines: arguments, summary, exit code."""
