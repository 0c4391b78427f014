"""Macros that the models share."""
