"""The bronze tables of TMDb."""

from __future__ import annotations

from marquee.bronze.tables import Column, Table

SOURCE_URL = Column("source_url", "text", "What was requested, without a credential")
INGESTED_AT = Column("ingested_at", "timestamp", "When the response arrived")
BATCH_ID = Column("batch_id", "text", "The run that fetched it")

RAW_MOVIES = Table(
    "raw_movies",
    "One row per response of /movie/{id} that differs from the one before; a row whose raw_data "
    "has no id says that TMDb has the movie no longer",
    (
        Column("movie_id", "bigint", "The movie that was requested, by TMDb's id"),
        Column("raw_data", "json", "The response body, byte for byte"),
        SOURCE_URL,
        INGESTED_AT,
        BATCH_ID,
    ),
)

RAW_GENRES = Table(
    "raw_genres",
    "One row per response of /genre/movie/list that differs from the one before",
    (
        Column("raw_data", "json", "The response body, byte for byte"),
        INGESTED_AT,
        BATCH_ID,
    ),
)

QUARANTINE_TMDB = Table(
    "quarantine_tmdb",
    "One row per response that is not what was requested",
    (
        Column("movie_id", "bigint", "The movie requested, NULL for the list of genres", True),
        Column("body", "text", "The response body, NULL where none arrived", True),
        Column("reason", "text", "Why it is not a movie"),
        SOURCE_URL,
        INGESTED_AT,
        BATCH_ID,
    ),
)

WORK_TMDB = Table(
    "work_tmdb",
    "One row per chunk of a run's work list, landed before its movies are fetched: what a run that "
    "was interrupted has left to do",
    (
        Column("batch_id", "text", "The run"),
        Column("chunk", "bigint", "Its place in the list, from 0"),
        Column("movie_ids", "json", "The movies, an array of TMDb's ids"),
        Column("export_url", "text", "The id export that lacks them; NULL: to be fetched", True),
        Column("planned_at", "timestamp", "When the list was made"),
    ),
)

TABLES = (RAW_MOVIES, RAW_GENRES, QUARANTINE_TMDB, WORK_TMDB)
