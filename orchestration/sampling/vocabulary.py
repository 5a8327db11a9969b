"""What the seeds say that a sample must speak: units, questions, headings, labels.

Belongs here: reading seeds into arrays and tables. Doesn't: drawing anything at random.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from orchestration.seeds.demographics import demographic_names
from orchestration.seeds.seed_tables import seed_records
from orchestration.seeds.survey_cycles import SurveyCycle, find_cycle, read_cycles

TOOLS = ("limesurvey", "google_forms", "ms_forms")


@dataclass(frozen=True)
class Question:
    """A row of questions.csv."""

    question_id: str
    item_id: str
    service_id: str
    perspective_id: str
    audience_id: str
    provider_level_id: str
    scale_min: int
    scale_max: int
    is_reverse_scored: bool
    asks: str


@dataclass(frozen=True)
class Column:
    """A row of export_columns.csv; `target` is an attribute, a question_id or empty."""

    heading: str
    target_kind: str
    target: str


@dataclass(frozen=True)
class Profile:
    """How one tool writes: its columns in order, and each target's label by code."""

    profile_id: str
    tool: str
    columns: tuple[Column, ...]
    labels: Mapping[str, Mapping[str, str]]

    def scale_labels(self, question: Question) -> Mapping[str, str] | None:
        """Return the labels of a question's answers by code, None where it is asked in numbers.

        Labels for all questions count only where they name the whole scale of this one.
        """
        labels = {**self.labels.get("*", {}), **self.labels.get(question.question_id, {})}
        scale = range(question.scale_min, question.scale_max + 1)
        return labels if all(str(code) in labels for code in scale) else None

    def has(self, attribute: str) -> bool:
        """Tell whether the tool exports this attribute."""
        return any(column.target == attribute for column in self.columns)


@dataclass(frozen=True)
class Vocabulary:
    """A cycle's words. Arrays hold positions in the tuples beside them, -1 for none."""

    cycle: SurveyCycle
    questions: tuple[Question, ...]
    unit_ids: tuple[str, ...]
    unit_levels: tuple[str, ...]
    unit_regions: tuple[str, ...]
    closed_unit_ids: tuple[str, ...]
    categories: tuple[str, ...]
    roles: tuple[str, ...]
    demographics: Mapping[str, tuple[str, ...]]
    profiles: tuple[Profile, ...]
    hears: NDArray[np.bool_]
    """[category, question]: is the question meant for this category?"""
    providers: NDArray[np.int32]
    """[unit, question]: the unit that the question makes this unit's staff rate."""


def read_vocabulary(seeds_dir: Path, cycle_id: str, profile_ids: tuple[str, ...]) -> Vocabulary:
    """Return what a sample of the cycle needs, units as they stand on the day the cycle opens.

    Raises:
        UnknownCycleError: survey_cycles.csv does not list the cycle.
        ValueError: a profile is unknown, is no source of the cycle, or its tool can't be imitated.
    """
    cycle = find_cycle(read_cycles(seeds_dir), cycle_id)
    units = seed_records(seeds_dir, "units")
    opens_on = cycle.opens_on.isoformat()
    valid = [
        unit for unit in units if unit["valid_from"] <= opens_on <= (unit["valid_to"] or "9999")
    ]
    if not valid:
        raise ValueError(f"units.csv has no unit that is valid on {opens_on}.")
    questions = tuple(
        Question(
            question_id=row["question_id"],
            item_id=row["item_id"],
            service_id=row["service_id"],
            perspective_id=row["perspective_id"],
            audience_id=row["audience_id"],
            provider_level_id=row["provider_level_id"],
            scale_min=int(row["scale_min"]),
            scale_max=int(row["scale_max"]),
            is_reverse_scored=row["is_reverse_scored"] == "true",
            asks=row.get("asks") or "performance",
        )
        for row in seed_records(seeds_dir, "questions")
        if row["instrument_id"] == cycle.instrument_id
    )
    categories = tuple(
        row["recipient_category_id"] for row in seed_records(seeds_dir, "recipient_categories")
    )
    audiences = {
        (row["recipient_category_id"], row["audience_id"])
        for row in seed_records(seeds_dir, "category_audiences")
    }
    asked = {question.question_id for question in questions}
    profiles = tuple(_profile(seeds_dir, cycle, profile_id, asked) for profile_id in profile_ids)
    return Vocabulary(
        cycle=cycle,
        questions=questions,
        unit_ids=tuple(unit["unit_id"] for unit in valid),
        unit_levels=tuple(unit["unit_level_id"] for unit in valid),
        unit_regions=tuple(unit["region_id"] for unit in valid),
        closed_unit_ids=tuple(
            sorted({unit["unit_id"] for unit in units} - {unit["unit_id"] for unit in valid})
        ),
        categories=categories,
        roles=tuple(row["role_id"] for row in seed_records(seeds_dir, "roles")),
        demographics={
            attribute: tuple(profiles[0].labels.get(attribute, {}))
            for attribute in dict.fromkeys(("gender", *demographic_names(seeds_dir)))
        },
        profiles=profiles,
        hears=np.array(
            [
                [(category, question.audience_id) in audiences for question in questions]
                for category in categories
            ]
        ),
        providers=_providers(valid, questions),
    )


def _profile(
    seeds_dir: Path, cycle: SurveyCycle, profile_id: str, asked: Collection[str]
) -> Profile:
    sources = [
        row["profile_id"]
        for row in seed_records(seeds_dir, "survey_sources")
        if row["cycle_id"] == cycle.cycle_id
    ]
    if profile_id not in sources:
        raise ValueError(
            f"survey_sources.csv has no source '{profile_id}' for {cycle.cycle_id}; it has: "
            f"{', '.join(sources) or 'none'}. Add its row: a sample imitates these tools' exports."
        )
    tools = {row["profile_id"]: row["tool"] for row in seed_records(seeds_dir, "export_profiles")}
    tool = tools.get(profile_id)
    if tool not in TOOLS:
        raise ValueError(
            f"export_profiles.csv: a sample can't imitate '{profile_id}' (tool '{tool}'), only "
            f"the tools {', '.join(TOOLS)}. Leave it out of tools."
        )
    labels: dict[str, dict[str, str]] = {}
    for row in seed_records(seeds_dir, "export_codes"):
        if row["profile_id"] == profile_id:
            labels.setdefault(row["target"], {}).setdefault(row["code"], row["source_value"])
    return Profile(
        profile_id=profile_id,
        tool=tool,
        columns=tuple(
            Column(row["source_column"], row["target_kind"], row["target"])
            for row in seed_records(seeds_dir, "export_columns")
            if row["profile_id"] == profile_id
            and (row["target_kind"] != "question" or row["target"] in asked)
        ),
        labels=labels,
    )


def _providers(units: list[dict[str, str]], questions: tuple[Question, ...]) -> NDArray[np.int32]:
    """Return the nearest unit at each question's level, going up from each unit (method.md 1.4)."""
    positions = {unit["unit_id"]: position for position, unit in enumerate(units)}
    providers = np.full((len(units), len(questions)), -1, dtype=np.int32)
    for position, unit in enumerate(units):
        nearest: dict[str, int] = {}
        above: dict[str, str] | None = unit
        visited: set[str] = set()
        while above and above["unit_id"] not in visited:
            visited.add(above["unit_id"])
            nearest.setdefault(above["unit_level_id"], positions[above["unit_id"]])
            parent = positions.get(above["parent_unit_id"])
            above = None if parent is None else units[parent]
        providers[position] = [nearest.get(each.provider_level_id, -1) for each in questions]
    return providers
