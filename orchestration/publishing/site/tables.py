"""The published tables as CSV beside the pages, for whoever walks on from a figure.

Belongs here: writing them, and what the page of downloads says of each. Doesn't: choosing what is
published (the tables are all of the publication's).
"""

from dataclasses import dataclass
from pathlib import Path

from orchestration.publishing.reading.book import Book
from orchestration.sql_text import as_name, as_text


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


def write_tables(book: Book, folder: Path) -> None:
    """Write each table into `<folder>/<table>.csv`: UTF-8, a comma between, NULL is empty."""
    folder.mkdir()
    for table in published_tables(book):
        target = as_text(folder / f"{table.name}.csv")
        book.connection.execute(f"copy {as_name(table.name)} to {target} (format csv, header)")


def _count(book: Book, table: str) -> int:
    counts = book.connection.execute(f"select count(*) from {as_name(table)}").fetchall()
    return int(counts[0][0])
