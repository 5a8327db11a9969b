"""The publication in PostgreSQL too, for tools that read nothing else (ILK_POSTGRES_URL).

Belongs here: what the tables are there (structure.py), loading them in one transaction
(loading.py), when they follow the published files (following.py). Doesn't: what is published; all
of it comes from the published `ilk.duckdb`, closed and opened for reading.
"""

SCHEMA = "ilk"  # one publication a database: another index has another database
READER = "ilk_reader"


class PostgresError(Exception):
    """PostgreSQL holds what it held before; the sentence says why, in both languages."""
