"""The page of downloads: every published table, as CSV and Parquet, and the database of them all.

Belongs here: which there are. Doesn't: writing them (tables.py); their sizes are known only then,
and the template asks for them (build.py).
"""

from collections.abc import Iterator

from orchestration.publishing.reading.book import Book
from orchestration.publishing.reading.language import Language
from orchestration.publishing.site.page import Page
from orchestration.publishing.site.tables import published_tables
from orchestration.publishing.specifications import Words


def downloads_pages(book: Book, words: Language) -> Iterator[Page]:
    """Give the one page."""
    tables = published_tables(book)
    rows_are = {table.name: Words.of_comment(table.comment) for table in tables}
    yield Page("downloads.html", "downloads.html.j2", {"published": tables, "rows_are": rows_are})
