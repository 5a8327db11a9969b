"""What things are called: the names that the seeds give, from published tables.

Belongs here: levels, roles, services, bands, cycles by their ids, in a language. Doesn't: words of
pages (languages/), figures. What has no row of its own is called by its id.
"""

from dataclasses import dataclass
from functools import cached_property

from orchestration.publishing.reading.book import Book, Component, Cycle, Row
from orchestration.publishing.reading.language import Language

_ROMAN = {"1": "I", "2": "II", "3": "III", "4": "IV"}


def cycle_title(cycle: Cycle, words: Language) -> str:
    """Return a cycle as people call it: Semester II 2025."""
    if not cycle.semester:
        return str(cycle.year)
    semester = _ROMAN.get(cycle.semester, cycle.semester)
    return words("site.cycle", semester=semester, year=cycle.year)


def compared(book: Book, words: Language, section: str, between: str) -> str:
    """Return what a comparison sets beside each other (idx_evenness), within a sentence.

    The catalogue's words, else the name that the seeds give a demographic.
    """
    if words.has(f"{section}.between_{between}"):
        return words(f"{section}.between_{between}")
    row = book.one("dim_domain_types", domain_type=between)
    name = words.name(row) if row else between.replace("_", " ")
    return name[:1].lower() + name[1:]


@dataclass(frozen=True)
class Names:
    """Names of one book in one language."""

    book: Book
    words: Language

    def cycle(self, cycle: Cycle) -> str:
        """Return a cycle as people call it."""
        return cycle_title(cycle, self.words)

    def level(self, unit_level_id: str) -> str:
        """Return the name of a level of units."""
        return self._of("dim_unit_levels", "unit_level_id", unit_level_id)

    @cached_property
    def domain_types(self) -> list[str]:
        """The kinds of domains, in their order."""
        rows = sorted(self.book.rows("dim_domain_types"), key=lambda row: row["sort_order"])
        return [row["domain_type"] for row in rows]

    def role(self, role_id: str) -> str:
        """Return the name of a role: who receives services, who gives them."""
        return self._of("dim_roles", "role_id", role_id)

    def service(self, service_id: str) -> str:
        """Return the name of a service."""
        return self._services.get(service_id, service_id)

    def perspective(self, perspective_id: str) -> str:
        """Return the name of a perspective."""
        return self._perspectives.get(perspective_id, perspective_id)

    def region(self, region_id: str) -> str:
        """Return the name of a region."""
        row = self.book.regions.get(region_id)
        return str(row["name"]) if row else region_id

    def audience(self, audience_id: str) -> str:
        """Return who hears a question, in the words of the category where it is one's own."""
        return self._of("dim_recipient_categories", "recipient_category_id", audience_id)

    def component(self, component: Component) -> str:
        """Return the name of what is scored; of an item its service and perspective."""
        parts = [
            self.service(component.service_id) if component.service_id else "",
            self.perspective(component.perspective_id) if component.perspective_id else "",
        ]
        return " · ".join(filter(None, parts)) or self.words("site.index")

    def questions(self, cycle: Cycle, item_id: str) -> list[Row]:
        """Return the questions that ask an item, those about the highest level first."""
        found = self.book.rows("dim_questions", instrument_id=cycle.instrument_id, item_id=item_id)
        return sorted(found, key=lambda row: (row["provider_level_rank"], row["question_id"]))

    def item(self, cycle: Cycle, item_id: str) -> tuple[str, str]:
        """Return an item's service, and its perspective with its audience where it has several."""
        questions = self.questions(cycle, item_id)
        if not questions:
            return "", item_id
        first = questions[0]
        siblings = self.book.rows(
            "dim_questions",
            instrument_id=cycle.instrument_id,
            service_id=first["service_id"],
            perspective_id=first["perspective_id"],
        )
        name = self.perspective(first["perspective_id"])
        if len({row["item_id"] for row in siblings}) > 1:
            name = f"{name} · {self.audience(first['audience_id'])}"
        return self.service(first["service_id"]), name

    def band(self, cycle: Cycle, band: str) -> str:
        """Return a band with its name: `B, Baik`."""
        row = self.book.one("dim_bands", band_scheme_id=cycle.band_scheme_id, band=band)
        return f"{band}, {self.words.name(row, 'label')}" if row else band

    def band_kind(self, cycle: Cycle, band: str | None) -> str:
        """Return the class of a band, `band-1` for the scheme's best; '' without one."""
        rows = self.book.rows("dim_bands", band_scheme_id=cycle.band_scheme_id)
        ordered = sorted(rows, key=lambda row: -row["lower_100"])
        places = {row["band"]: place for place, row in enumerate(ordered, 1)}
        return f"band-{places[band]}" if band in places else ""

    def _of(self, table: str, key: str, value: str) -> str:
        row = self.book.one(table, **{key: value})
        return self.words.name(row) if row else value.replace("_", " ")

    @cached_property
    def _services(self) -> dict[str, str]:
        return {row["service_id"]: self.words.name(row) for row in self.book.services}

    @cached_property
    def _perspectives(self) -> dict[str, str]:
        return {row["perspective_id"]: self.words.name(row) for row in self.book.perspectives}
