"""The pages of units: what a unit's own people and head read.

Belongs here: gathering what stands on a unit's page. Doesn't: laying it out (unit.html.j2).
"""

from collections.abc import Iterator

from orchestration.publishing.reading.book import Book
from orchestration.publishing.reading.language import Language
from orchestration.publishing.site.page import Page


def unit_pages(book: Book, words: Language) -> Iterator[Page]:
    """Give a page for each unit of the newest cycle, hidden ones too."""
    cycle = book.latest
    for unit_id, unit in book.units[cycle.cycle_id].items():
        yield Page(
            f"units/{unit_id}.html",
            "unit.html.j2",
            {
                "cycle": cycle,
                "unit": unit,
                "scores": book.scores(cycle.cycle_id, "provider_unit", unit_id),
            },
        )
