"""The ministry's own second look at units, beside what respondents said.

Belongs here: the rows of idx_verifications of a unit's page, and of those units where both differ.
Doesn't: what a case scores and how a difference is judged (models/indexes/idx_verifications.sql).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from orchestration.publishing.reading.book import Book, Component, Cycle, Row
from orchestration.publishing.reading.language import Language
from orchestration.publishing.site.places import component_name

DIFFERS = ("survey_higher", "survey_lower")


@dataclass(frozen=True)
class Look:
    """A unit's verified score beside the survey's, in words."""

    row: Row
    unit_id: str
    unit_name: str
    name: str
    source: str
    verdict: str


def looks_at(book: Book, words: Language, cycle: Cycle, unit_id: str) -> Sequence[Look]:
    """Return what was looked at in a unit: all services first, then each by source."""
    rows = book.rows("idx_verifications", cycle_id=cycle.cycle_id, domain_id=unit_id)
    return [
        _look(book, words, cycle, row)
        for row in sorted(rows, key=lambda row: (row["service_id"] or "", row["source"]))
    ]


def differing(book: Book, words: Language, cycle: Cycle) -> tuple[int, Sequence[Look]]:
    """Return how many looks a cycle has, and those that differ, the largest difference first."""
    rows = book.rows("idx_verifications", cycle_id=cycle.cycle_id)
    return len(rows), [_look(book, words, cycle, row) for row in _by_size(rows)]


def _by_size(rows: Iterable[Row]) -> Sequence[Row]:
    return sorted(
        (row for row in rows if row["verdict"] in DIFFERS),
        key=lambda row: (-abs(row["difference"]), row["domain_id"], row["source"]),
    )


def _look(book: Book, words: Language, cycle: Cycle, row: Row) -> Look:
    unit_id = row["domain_id"]
    unit = book.units[cycle.cycle_id].get(unit_id)
    return Look(
        row,
        unit_id,
        unit["unit_name"] if unit else unit_id,
        component_name(book, words, cycle, Component(service_id=row["service_id"])),
        words.coded("verification", f"by_{row['source']}"),
        words.coded("verification", f"is_{row['verdict'] or 'unknown'}"),
    )
