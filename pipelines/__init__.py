"""The scripts that are run as `python pipelines/<name>.py`."""
