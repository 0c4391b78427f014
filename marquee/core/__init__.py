"""Shared by every part: settings, errors, lock, signals, clock, run id; imports nothing of ours."""
