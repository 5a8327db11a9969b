"""Who answered, for the pages of units and regions.

Belongs here: participation of a unit and of a region, and what it tells of a hidden index. Doesn't:
figures of answers (places.py). By published counts alone: what they don't tell isn't guessed.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from orchestration.publishing.reading.book import Book, Cycle, Row, known_sum
from orchestration.publishing.reading.language import Language
from orchestration.survey_terms import HEADLINE_ROLE

_ANCESTORS = tuple(f"ancestor_{rank}_unit_id" for rank in range(1, 6))


@dataclass(frozen=True)
class Answered:
    """A role's participation in a unit. None for what isn't told of it alone."""

    role_id: str
    name: str
    staff_count: int | None
    respondent_count: int | None
    required_sample: int | None
    shortfall: int | None

    @property
    def rate(self) -> float | None:
        """Respondents as a share of the staff."""
        if self.respondent_count is None or not self.staff_count:
            return None
        return self.respondent_count / self.staff_count


@dataclass(frozen=True)
class RegionAnswered:
    """A role's participation in a region, as far as its rows name the region."""

    name: str
    staff_count: int | None
    respondent_count: int
    told_unit_count: int
    unit_count: int
    sufficient_count: int
    judged_count: int
    """Units whose own row tells whether their sample is sufficient."""

    @property
    def rate(self) -> float | None:
        """Respondents as a share of the staff of the same units."""
        return self.respondent_count / self.staff_count if self.staff_count else None


def roles(book: Book, words: Language) -> list[tuple[str, str]]:
    """Return ids and names of the roles, that of the headline first."""
    rows = book.rows("dim_roles")
    found = [(row["role_id"], words.name(row)) for row in rows]
    return sorted(found, key=lambda role: (role[0] != HEADLINE_ROLE, role[0]))


def of_unit(book: Book, words: Language, cycle: Cycle, unit_id: str) -> list[Answered]:
    """Return a unit's participation by role; only the roles it has staff or respondents of."""
    answered = []
    for role_id, name in roles(book, words):
        parts = book.rows(
            "fct_participation", cycle_id=cycle.cycle_id, unit_id=unit_id, role_id=role_id
        )
        if not parts:
            continue
        own = book.one(
            "fct_participation_units", cycle_id=cycle.cycle_id, unit_id=unit_id, role_id=role_id
        )
        staff = known_sum(part["staff_count"] for part in parts)
        answered.append(
            Answered(
                role_id,
                name,
                staff,
                own["respondent_count"] if own else None,
                own["required_sample"] if own else _required(book, cycle, unit_id, role_id),
                own["shortfall"] if own else None,
            )
        )
    return answered


def _required(book: Book, cycle: Cycle, unit_id: str, role_id: str) -> int | None:
    """Return the required sample of a unit whose respondents are told with others'."""
    if role_id != HEADLINE_ROLE:
        return None
    days = book.rows("fct_participation_days", cycle_id=cycle.cycle_id, unit_id=unit_id)
    return days[0]["required_sample"] if days else None


def of_region(
    book: Book, words: Language, cycle: Cycle, region_id: str, units: Iterable[Row]
) -> list[RegionAnswered]:
    """Return a region's participation by role: its units' rows and those told together."""
    region_units = {unit["unit_id"] for unit in units}
    answered = []
    for role_id, name in roles(book, words):
        rows = book.rows(
            "fct_participation_units",
            cycle_id=cycle.cycle_id,
            region_id=region_id,
            role_id=role_id,
        )
        if not rows:
            continue
        alone = [row for row in rows if row["unit_id"]]
        asked = [
            unit_id
            for unit_id in region_units
            if book.rows(
                "fct_participation", cycle_id=cycle.cycle_id, unit_id=unit_id, role_id=role_id
            )
        ]
        answered.append(
            RegionAnswered(
                name,
                staff_count=known_sum(row["staff_count"] for row in rows),
                respondent_count=sum(row["respondent_count"] for row in rows),
                told_unit_count=sum(row["unit_count"] for row in rows),
                unit_count=len(asked),
                sufficient_count=sum(row["shortfall"] == 0 for row in alone),
                judged_count=sum(row["shortfall"] is not None for row in alone),
            )
        )
    return answered


@dataclass(frozen=True)
class Raters:
    """Which units' people rate a unit: its own and those of all units below it."""

    book: Book
    cycle: Cycle
    _below: Mapping[str, Sequence[str]]

    @classmethod
    def of(cls, book: Book, cycle: Cycle) -> "Raters":
        """Read the units as the cycle knew them."""
        below: dict[str, list[str]] = defaultdict(list)
        for unit_id, unit in book.units[cycle.cycle_id].items():
            for above in {unit_id, *(unit[column] for column in _ANCESTORS if unit[column])}:
                below[above].append(unit_id)
        return cls(book, cycle, below)

    def most(self, unit_id: str) -> int | None:
        """Return how many can have rated a unit at most; None where a count of them is hidden.

        Everybody who rates a unit is of it or below it, so it can't be more than answered there.
        """
        total = 0
        for rater in self._below[unit_id]:
            key = {"cycle_id": self.cycle.cycle_id, "role_id": HEADLINE_ROLE, "unit_id": rater}
            row = self.book.one("fct_participation_units", **key)
            if row is None and self.book.rows("fct_participation", **key):
                return None
            total += row["respondent_count"] if row else 0
        return total

    def needed(self, unit_id: str) -> int | None:
        """Return how many more answers a hidden unit needs at least; None where nothing tells.

        A function of published counts alone, so it adds nothing to them (docs/decisions.md).
        """
        most = self.most(unit_id)
        if most is None or most >= self.cycle.min_cell_n:
            return None
        return self.cycle.min_cell_n - most
