"""What a report can be about: the nation, a region, a unit.

Belongs here: finding them in a publication, their names. Doesn't: what is said of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from orchestration.publishing.reading.book import Book, Cycle, Score
from orchestration.publishing.reading.language import Language
from orchestration.publishing.reports import ReportError

_DOMAINS = {"national": "national", "region": "provider_region", "unit": "provider_unit"}


@dataclass(frozen=True)
class Subject:
    """Whom a report is about. `subject_id` is 'national', a region's or a unit's id."""

    kind: Literal["national", "region", "unit"]
    subject_id: str = "national"

    @property
    def domain_type(self) -> str:
        """Return the domain_type of its rows; its domain_id is `subject_id`."""
        return _DOMAINS[self.kind]

    @property
    def path(self) -> tuple[str, ...]:
        """Return where its report and its page lie below a language's folder, without ending."""
        return (self.kind,) if self.kind == "national" else (f"{self.kind}s", self.subject_id)

    def name(self, book: Book, cycle: Cycle, words: Language) -> str:
        """Return what it is called in the cycle."""
        if self.kind == "unit":
            return str(book.units[cycle.cycle_id][self.subject_id]["unit_name"])
        if self.kind == "region":
            return str(book.regions[self.subject_id]["name"])
        return words("site.home")

    def score(self, book: Book, cycle: Cycle) -> Score | None:
        """Return its index."""
        return book.score(cycle.cycle_id, self.domain_type, self.subject_id)


def all_subjects(book: Book, cycle: Cycle) -> Sequence[Subject]:
    """Return the nation, each region and each unit of the cycle."""
    units = book.units[cycle.cycle_id]
    regions = {unit["region_id"] for unit in units.values() if unit["region_id"]}
    regions |= set(book.domains(cycle.cycle_id, "provider_region"))
    return [
        Subject("national"),
        *(Subject("region", region_id) for region_id in sorted(regions & book.regions.keys())),
        *(Subject("unit", unit_id) for unit_id in units),
    ]


def find_subject(
    book: Book, cycle: Cycle, *, unit: str | None = None, region: str | None = None
) -> Subject:
    """Return the unit or region of that id or name, or the nation. Raises ReportError."""
    if unit is not None:
        names = {
            each["unit_id"]: str(each["unit_name"]) for each in book.units[cycle.cycle_id].values()
        }
        return Subject("unit", _find(unit, names, "satuan kerja", "unit", cycle))
    if region is not None:
        names = {region_id: str(row["name"]) for region_id, row in book.regions.items()}
        return Subject("region", _find(region, names, "wilayah", "region", cycle))
    return Subject("national")


def _find(asked: str, names: dict[str, str], kind_id: str, kind: str, cycle: Cycle) -> str:
    if asked in names:
        return asked
    wanted = asked.strip().casefold()
    found = [each for each, name in names.items() if name.casefold() == wanted]
    if len(found) == 1:
        return found[0]
    alike = [
        f"{each} ({name})"
        for each, name in names.items()
        if wanted in name.casefold() or wanted in each.casefold()
    ]
    hint = f" Mungkin / perhaps: {', '.join(alike[:5])}." if alike and wanted else ""
    raise ReportError(
        f"{cycle.cycle_id} tidak memuat {kind_id} '{asked}'. / has no {kind} '{asked}'.{hint}"
    )
