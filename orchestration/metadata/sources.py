"""What is known of a cycle before anybody is asked: its seeds, and its figures where published.

Belongs here: reading. Doesn't: what a field of a form says (activity.py, indicators.py,
variables.py). Seeds come first: BPS wants MS-Keg before a survey begins, when nothing is published.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

from orchestration.metadata.forms import SEED
from orchestration.publishing.reading.headline import publication, read_headline
from orchestration.publishing.reading.language import Language, language
from orchestration.seeds.seed_tables import seed_records
from orchestration.seeds.survey_cycles import SurveyCycle, find_cycle, read_cycles

Seed = Sequence[Mapping[str, str]]

# Tools whose forms people fill in themselves, in a browser. KoboToolbox is in interviewers' hands
# as well, SPSS and plain files come from anywhere: those are asked for.
_WEB_TOOLS = {"limesurvey", "google_forms", "ms_forms", "qualtrics", "surveymonkey"}
PROVINCES = 38  # of Indonesia, since the laws that made Papua's six (2022)


@dataclass(frozen=True)
class Figures:
    """What a publication says of the cycle as a whole; None where it shows no such figure.

    `se` is of the national index on the scale of 1-4. `is_weighted`: to the staff frame.
    """

    respondent_count: int | None
    staff_count: int | None
    score: float | None
    se: float | None
    is_weighted: bool


@dataclass(frozen=True)
class Sources:
    """One cycle's seeds, each a list of rows, and its figures. `read_sources` makes it."""

    cycle: SurveyCycle
    cycles: Sequence[SurveyCycle]
    row: Mapping[str, str]
    """The cycle's row of survey_cycles."""
    seeds: Mapping[str, Seed]
    figures: Figures | None
    words: Language

    def of_index(self, seed: str) -> Seed:
        """Return the rows of services or perspectives of the cycle's index, in their order."""
        rows = [row for row in self.seeds[seed] if row["index_id"] == self.cycle.index_id]
        return sorted(rows, key=lambda row: int(row["sort_order"] or 0))

    @cached_property
    def index(self) -> Mapping[str, str]:
        """The row of the cycle's index."""
        return next(row for row in self.seeds["indexes"] if row["index_id"] == self.cycle.index_id)

    @cached_property
    def method(self) -> Mapping[str, str]:
        """The row of the cycle's method."""
        return next(
            row for row in self.seeds["methods"] if row["method_id"] == self.cycle.method_id
        )

    @cached_property
    def title(self) -> str:
        """The cycle as people call it: Semester II 2025."""
        semester = {"1": "I", "2": "II", "3": "III", "4": "IV"}.get(
            self.row["semester"], self.row["semester"]
        )
        return self.words("site.cycle", semester=semester, year=self.row["year"])

    @cached_property
    def scale(self) -> tuple[str, str]:
        """The ends of the scale that people speak of a score on."""
        return ("25", "100") if self.index.get("reported_scale") == "100" else ("1", "4")

    @cached_property
    def questions(self) -> Seed:
        """The questions of the cycle's instrument."""
        return [
            row
            for row in self.seeds["questions"]
            if row["instrument_id"] == self.cycle.instrument_id
        ]

    @cached_property
    def profiles(self) -> Seed:
        """The ways in which the cycle's exports are written."""
        wanted = [
            row["profile_id"]
            for row in self.seeds["survey_sources"]
            if row["cycle_id"] == self.cycle.cycle_id
        ]
        return [row for row in self.seeds["export_profiles"] if row["profile_id"] in wanted]

    @cached_property
    def is_on_the_web(self) -> bool:
        """Whether every tool of the cycle is a form that people fill in themselves."""
        return bool(self.profiles) and {row["tool"] for row in self.profiles} <= _WEB_TOOLS

    @cached_property
    def units(self) -> Seed:
        """The units as they stood when the window opened."""
        day = self.cycle.opens_on.isoformat()
        return [
            row
            for row in self.seeds["units"]
            if row["valid_from"] <= day <= (row["valid_to"] or "9999-12-31")
        ]

    @cached_property
    def provinces(self) -> list[str]:
        """The names of the provinces, by their code of ISO 3166-2, that the units are in."""
        used = {row["region_id"] for row in self.units}
        return [
            row["name"]
            for row in self.seeds["regions"]
            if row["region_id"] in used and row["iso_3166_2"].startswith("ID-")
        ]

    @cached_property
    def stated(self) -> Mapping[str, str]:
        """What the seed says of this cycle: a row with its id goes before one for every cycle."""
        found: dict[str, str] = {}
        for row in sorted(self.seeds[SEED], key=lambda row: bool(row.get("cycle_id"))):
            if row.get("cycle_id") in (None, "", self.cycle.cycle_id) and row["value"].strip():
                found[row["field"]] = row["value"].strip()
        return found

    def name(self, seed: str, key: str, value: str) -> str:
        """Return the Indonesian name of an id; the id itself where no row has it."""
        return next((row["name_id"] for row in self.seeds[seed] if row[key] == value), value)


def read_sources(seeds_dir: Path, published_dir: Path, cycle_id: str) -> Sources:
    """Read the seeds, which must agree, and the cycle's figures from the publication, if any.

    Raises UnknownCycleError, SeedFileError, UnreadableFileError.
    """
    cycles = read_cycles(seeds_dir)
    names = (
        "band_schemes", "category_audiences", "demographics", "export_codes", "export_columns",
        "export_profiles", "index_weights", "indexes", "methods", "perspectives", "questions",
        "recipient_categories", "regions", "roles", "services", "survey_cycles", "survey_sources",
        "unit_levels", "units", SEED,
    )  # fmt: skip
    seeds = {name: seed_records(seeds_dir, name) for name in names}
    return Sources(
        cycle=find_cycle(cycles, cycle_id),
        cycles=cycles,
        row=next(row for row in seeds["survey_cycles"] if row["cycle_id"] == cycle_id),
        seeds=seeds,
        figures=_figures(published_dir, cycle_id),
        words=language("id"),
    )


_INDEX = """
select cycles.weighting_mode, scores.score, scores.se
from dim_cycles as cycles
left join idx_scores as scores
    on scores.cycle_id = cycles.cycle_id and scores.weighting_mode = cycles.weighting_mode
    and scores.domain_type = 'national' and scores.component_type = 'index'
where cycles.cycle_id = ?
"""


def _figures(published_dir: Path, cycle_id: str) -> Figures | None:
    headline = read_headline(published_dir, cycle_id)
    if headline is None:
        return None
    with publication(published_dir) as connection:
        [(mode, score, se)] = connection.execute(_INDEX, [cycle_id]).fetchall()
    return Figures(headline.respondent_count, headline.staff_count, score, se, mode != "none")


def day(value: date) -> str:
    """Return a day as the forms' dates are written in JSON and the seed."""
    return value.isoformat()
