"""The bronze tables of the studio, and the fields of its feeds that they keep.

A field that is not declared here does not land: it could hold anything, a telephone number too, and
so could its name. Where it stands shows in `studio_files.undeclared_fields`; once declared, it
lands from then on.
"""

from __future__ import annotations

from marquee.bronze.tables import Column, Table

SOURCE_FILE = Column("source_file", "text", "The file, by its path below the landing folder")
SOURCE_LINE = Column("source_line", "bigint", "The line, or in a JSON list the entry, from 1")
INGESTED_AT = Column("ingested_at", "timestamp", "When the line was read")
BATCH_ID = Column("batch_id", "text", "The run that read it")
LINEAGE = (SOURCE_FILE, SOURCE_LINE, INGESTED_AT, BATCH_ID)


def as_text(name: str, description: str) -> Column:
    """Declare a field that lands as the text it came as; NULL where a record has none."""
    return Column(name, "text", description, nullable=True)


RAW_FAN_INTERACTIONS = Table(
    "raw_fan_interactions",
    "One row per line of fan_interactions/*.jsonl, as it came but for personal data, of which "
    "keyed tokens are here and the personal data itself in secure.pii_vault only",
    (
        Column("interaction_id", "text", "The studio's key of the interaction"),
        Column("fan_token", "text", "Token of the fan"),
        as_text("account_type", "What kind of account the fan has"),
        as_text("email_token", "Token of the e-mail address; of verified fans only"),
        as_text(
            "first_name_token",
            "Token of the first name, another for each fan; of verified fans only",
        ),
        as_text(
            "last_name_token", "Token of the last name, another for each fan; of verified fans only"
        ),
        as_text("region", "Market region"),
        as_text("country_code", "ISO 3166-1 alpha-3"),
        as_text("device_type", "The device used"),
        as_text("title_id", "The studio's key of the title"),
        as_text("event_type", "What the fan did"),
        as_text("event_timestamp", "When, ISO 8601"),
        as_text("session_token", "Token of the session; NULL once expired"),
        as_text("ip_token", "Token of the IP address; NULL once expired"),
        as_text("amount", "Money paid, in the currency"),
        as_text("currency", "ISO 4217"),
        Column(
            "expires_at", "timestamp", "When session and address go; NULL for verified fans", True
        ),
        *LINEAGE,
    ),
)

RAW_TITLE_METADATA = Table(
    "raw_title_metadata",
    "One row per title of titles/*.json, as it came",
    (
        Column("title_id", "text", "The studio's key of the title"),
        as_text("title_name", "Name"),
        as_text("franchise", "The franchise it belongs to"),
        as_text("genre", "Genre"),
        as_text("sub_genre", "Genre within the genre"),
        as_text("release_year", "Year of the release"),
        as_text("runtime_minutes", "Running time"),
        as_text("imdb_score", "IMDb's score, 0 to 10"),
        as_text("rating", "Age rating"),
        as_text("budget_usd", "Production budget"),
        as_text("studio", "Producing studio"),
        as_text("director", "Director"),
        as_text("production_status", "How far the production is"),
        as_text("imdb_id", "IMDb's key of the movie (tt...)"),
        as_text("tmdb_id", "TMDb's number of the movie"),
        *LINEAGE,
    ),
)

RAW_BOX_OFFICE = Table(
    "raw_box_office",
    "One row per line of box_office/*.csv, as it came",
    (
        Column("record_id", "text", "The studio's key of the record"),
        Column("title_id", "text", "The title"),
        Column("theater_id", "text", "The theatre"),
        as_text("name", "Name of the theatre"),
        as_text("region", "Market region of the theatre"),
        as_text("country", "ISO 3166-1 alpha-3"),
        Column("report_date", "text", "The day"),
        as_text("tickets_sold", "Tickets"),
        as_text("gross_revenue_local", "Gross in the local currency"),
        as_text("local_currency", "ISO 4217"),
        as_text("exchange_rate_usd", "US dollars a unit of the local currency"),
        as_text("gross_revenue_usd", "Gross in US dollars"),
        as_text("screen_count", "Screens that showed the title"),
        as_text("showtime_count", "Showings"),
        *LINEAGE,
    ),
)

QUARANTINE_STUDIO = Table(
    "quarantine_studio",
    "One row per line, or a whole file, that is no record; the file has its content, this table "
    "has not, for it could be personal",
    (
        Column("feed", "text", "fan_interactions, titles or box_office"),
        Column("reason", "text", "Why it is no record"),
        SOURCE_FILE,
        Column("source_line", "bigint", "The line from 1; 0 for the file as a whole"),
        INGESTED_AT,
        BATCH_ID,
    ),
)

STUDIO_FILES = Table(
    "studio_files",
    "One row per chunk of a file that was read, landed together with its rows: how far each file "
    "has landed",
    (
        Column("feed", "text", "fan_interactions, titles or box_office"),
        SOURCE_FILE,
        Column("size_bytes", "bigint", "Size of the file when it was listed"),
        Column("modified_at", "timestamp", "Its modification time then"),
        Column("bytes_read", "bigint", "How far it was read, from its beginning"),
        Column("lines_read", "bigint", "How many lines (entries) that is"),
        Column(
            "fingerprint", "text", "Hash of what was read; distinguishes growth from other content"
        ),
        Column("rows_landed", "bigint", "Rows of this chunk that landed"),
        Column("rows_quarantined", "bigint", "Lines of this chunk that went to quarantine"),
        Column("rows_forgotten", "bigint", "Lines of fans who requested erasure"),
        Column(
            "values_masked",
            "bigint",
            "Values of this chunk that are outside the domain of their field, or personal",
            nullable=True,
        ),
        as_text(
            "undeclared_fields",
            "How many fields are not declared and did not land, and where they stand",
        ),
        as_text("missing_fields", "Declared columns that a CSV file has not"),
        INGESTED_AT,
        BATCH_ID,
    ),
)

TABLES = (
    RAW_FAN_INTERACTIONS,
    RAW_TITLE_METADATA,
    RAW_BOX_OFFICE,
    QUARANTINE_STUDIO,
    STUDIO_FILES,
)


def payload_of(table: Table) -> tuple[str, ...]:
    """Return the columns of a table that a file has, without those of the lineage."""
    return tuple(column.name for column in table.columns if column not in LINEAGE)
