"""Plans for the lowest perspectives, beside what became of last cycle's: did it help?

Belongs here: the rows of fct_follow_ups of a unit's page. Doesn't: drafting and reading plans
(orchestration/follow_up_workbook.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestration.publishing.reading.book import Book, Component, Cycle, Row
from orchestration.publishing.reading.language import Language
from orchestration.publishing.site.places import Change, component_name


@dataclass(frozen=True)
class Plan:
    """A planned action, and how its perspective changed since (of the last cycle's plans)."""

    row: Row
    name: str
    status: str
    change: Change | None


def plans_of(
    book: Book,
    words: Language,
    cycle: Cycle,
    unit_id: str,
    changed: Mapping[Component, Change],
) -> tuple[Sequence[Plan], Sequence[Plan]]:
    """Return a unit's plans that follow this cycle, and those that followed the one before."""

    def plans(cycle_id: str | None) -> list[Plan]:
        rows = book.rows("fct_follow_ups", cycle_id=cycle_id, unit_id=unit_id)
        return [
            Plan(
                row,
                component_name(book, words, cycle, Component(perspective_id=row["perspective_id"])),
                words.coded("followup", f"is_{row['status']}"),
                changed.get(Component(perspective_id=row["perspective_id"])),
            )
            for row in sorted(rows, key=lambda row: (row["due_on"], row["perspective_id"]))
        ]

    return plans(cycle.cycle_id), plans(cycle.previous_cycle_id)
