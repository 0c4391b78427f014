"""The bronze tables of TMDb, as `tables.yaml` declares them."""

from __future__ import annotations

from pathlib import Path

from marquee.bronze.tables import read_tables

TABLES = read_tables(Path(__file__).with_name("tables.yaml"))
RAW_MOVIES, RAW_GENRES, QUARANTINE_TMDB, WORK_TMDB = TABLES
