"""What the page of downloads says of each published table.

Belongs here: which there are, in words. Doesn't: their files (publishing/api), choosing what is
published (the tables are all of the publication's).
"""

from dataclasses import dataclass

from orchestration.publishing.reading.book import Book
from orchestration.sql_text import as_name


@dataclass(frozen=True)
class PublishedTable:
    """A table of the publication: its name, what a row is, how many there are."""

    name: str
    comment: str
    row_count: int


def published_tables(book: Book) -> list[PublishedTable]:
    """Return all tables of the publication, by name."""
    rows = book.connection.execute(
        """
        select table_name, coalesce(comment, '')
        from duckdb_tables()
        where database_name = current_database()
        order by all
        """
    ).fetchall()
    return [PublishedTable(name, comment, _count(book, name)) for name, comment in rows]


def _count(book: Book, table: str) -> int:
    counts = book.connection.execute(f"select count(*) from {as_name(table)}").fetchall()
    return int(counts[0][0])
