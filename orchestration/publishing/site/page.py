"""What a page is, for those that gather one (pages_*.py) and what writes it (build.py)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from orchestration.publishing.reading.book import Book, Cycle
from orchestration.publishing.reading.language import Language


@dataclass(frozen=True)
class Page:
    """A page to be written: where (below its language's folder), its template, what it is given."""

    path: str
    template: str
    content: dict[str, Any]

    @property
    def root(self) -> str:
        """The way from the page to its language's folder: '' or '../'."""
        return "../" * self.path.count("/")


Pages = Callable[[Book, Language], Iterator[Page]]
"""A kind of pages: pages_<kind>.py has one each."""


def cycle_page(book: Book, cycle_id: str) -> str:
    """Return the national page of a scored cycle, from its language's folder on."""
    is_latest = book.has_scores and cycle_id == book.latest.cycle_id
    return "index.html" if is_latest else f"cycles/{cycle_id}.html"


def cycles_with(book: Book, table: str) -> list[Cycle]:
    """Return the cycles that a table has rows of, the newest first."""
    cycles = [cycle for cycle in book.cycles.values() if book.rows(table, cycle_id=cycle.cycle_id)]
    return sorted(cycles, key=lambda cycle: (cycle.closes_on, cycle.cycle_id), reverse=True)
