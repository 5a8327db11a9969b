"""What a column of a new form may mean, by its heading and by its values.

Belongs here: matching headings to questions, tools' own headings and what other profiles map, and
values to the seeds' names and codes. What is the same when folded is taken; what is merely alike is
offered with its likeness. Doesn't: drafts (profile_draft.py), printing (inspection.py).
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from orchestration.exports.headers import heading_key
from orchestration.onboarding.likeness import Offer, nearest
from orchestration.onboarding.sight import Column, Sight, Value
from orchestration.onboarding.tools import IGNORE, OWN_HEADINGS
from orchestration.seeds.demographics import attributes, coded_attributes, demographic_names
from orchestration.seeds.seed_expansion import ancestry, bases_of
from orchestration.seeds.seed_tables import seed_records

NAMED = {
    "unit_id": ("units", ("unit_id", "unit_name")),
    "recipient_category_id": (
        "recipient_categories", ("recipient_category_id", "name_id", "name_en"),
    ),
    "role_id": ("roles", ("role_id", "name_id", "name_en")),
}  # fmt: skip
"""Attributes whose codes are a seed's ids, and the columns that name these."""

_MOST_VALUES = 5_000
_ENOUGH = 0.5
"""Share of a column's cells that must be known values of an attribute for it to be offered."""


@dataclass(frozen=True)
class Meaning:
    """A target of export_columns.csv: `target_kind` and `target`."""

    kind: str
    target: str
    why: str
    """`text`, `code`, `tool`, or the profile that maps a heading spelled so."""


@dataclass(frozen=True)
class Read:
    """A column and what it means: taken, or offered (a question_id or an attribute)."""

    column: Column
    taken: Meaning | None
    offers: tuple[Offer, ...] = ()

    @property
    def likely(self) -> str | None:
        """What its values are to be matched with: what is taken, else the best offer."""
        if self.taken is not None:
            return self.taken.target or None
        return self.offers[0].target if self.offers else None


@dataclass
class Codes:
    """What values stand for, by target and folded value; several codes where seeds disagree."""

    known: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))

    def of(self, target: str, value: str) -> str | None:
        """Return the one code that the value is known to stand for."""
        codes = self.known.get((target, heading_key(value)), set())
        return next(iter(codes)) if len(codes) == 1 else None

    def spellings(self, target: str) -> list[tuple[str, str]]:
        """Return the codes and values that are known of a target, for `nearest`."""
        return [
            (code, value)
            for (of, value), codes in self.known.items()
            if of == target and len(codes) == 1
            for code in codes
        ]


class Seeds:
    """What the seeds tell of an instrument: its questions, and how other profiles are mapped."""

    def __init__(self, seeds_dir: Path, instrument_id: str | None) -> None:
        """`instrument_id` None: of all instruments, whose questions are then only looked at."""
        self.questions = {
            row["question_id"]: row
            for row in seed_records(seeds_dir, "questions")
            if instrument_id in (None, row["instrument_id"])
        }
        self.attributes = attributes(seeds_dir)
        """What a heading may mean beside questions."""
        demographics = demographic_names(seeds_dir)
        self.coded = sorted(
            coded_attributes(seeds_dir),
            key=lambda each: (each not in NAMED, each not in demographics),
        )
        """In the order in which they are offered: ids, what somebody is, truths."""
        self.asked: dict[str, set[str]] = defaultdict(set)
        """The question_ids of each instrument."""
        for row in seed_records(seeds_dir, "questions"):
            self.asked[row["instrument_id"]].add(row["question_id"])
        self.profiles = {
            row["profile_id"]: row for row in seed_records(seeds_dir, "export_profiles")
        }
        bases = bases_of(seed_records(seeds_dir, "instruments"))
        self.own_profiles = {
            profile_id
            for profile_id, row in self.profiles.items()
            if instrument_id is None
            or row.get("instrument_id", "") in ("", *ancestry(bases, instrument_id))
        }
        self.columns: dict[str, dict[str, Meaning]] = defaultdict(dict)
        for row in seed_records(seeds_dir, "export_columns"):
            meaning = Meaning(row["target_kind"], row["target"], row["profile_id"])
            self.columns[row["profile_id"]][heading_key(row["source_column"])] = meaning
        self.names = Codes()
        """Of attributes: ids and names of the seeds."""
        for target, (seed, columns) in NAMED.items():
            for row in seed_records(seeds_dir, seed):
                for column in columns:
                    if row.get(column):
                        self.names.known[target, heading_key(row[column])].add(row[columns[0]])
        self.lists: dict[str, set[tuple[str, str]]] = defaultdict(set)
        """Of each code list, the folded values and their codes."""
        for row in seed_records(seeds_dir, "code_lists"):
            pair = heading_key(row["source_value"]), row["code"]
            self.lists[row["code_list_id"]].add(pair)
        self.codes = Codes()
        """Of attributes (any profile's) and of questions (this instrument's): export_codes.csv."""
        self.code_rows = seed_records(seeds_dir, "export_codes")
        for row in self.code_rows:
            if row["target"] in self.coded or row["profile_id"] in self.own_profiles:
                key = row["target"], heading_key(row["source_value"])
                self.codes.known[key].add(row["code"])

    def headings(self) -> frozenset[str]:
        """Return every heading that is known: where they stand is a file's header."""
        mapped = (key for columns in self.columns.values() for key in columns)
        texts = (heading_key(row["question_text"]) for row in self.questions.values())
        own = (heading_key(name) for names in OWN_HEADINGS.values() for name in names)
        return frozenset(filter(None, (*mapped, *texts, *map(heading_key, self.questions), *own)))

    def profile_of(self, columns: Sequence[Column]) -> str | None:
        """Return the profile most of whose headings are there, None where that is not half."""
        keys = {heading_key(column.name) for column in columns}
        known = {name: len(keys & of.keys()) / len(of) for name, of in self.columns.items()}
        best = max(known, key=lambda profile_id: known[profile_id], default=None)
        return best if best is not None and known[best] >= _ENOUGH else None

    def code_of(self, target: str, value: str) -> str | None:
        """Return what a value of an attribute is known to stand for, None where seeds disagree."""
        return self.names.of(target, value) or self.codes.of(target, value)


def read_meanings(sight: Sight, seeds: Seeds, tool: str | None) -> list[Read]:
    """Return what each column of a file means; no attribute is taken twice."""
    found: list[Meaning | None] = []
    used: set[str] = set()
    for column in sight.columns:
        meaning = _told(column, seeds, tool)
        if meaning is not None and meaning.kind == "attribute" and meaning.target in used:
            meaning = None
        if meaning is not None:
            used.add(meaning.target)
        found.append(meaning)
    texts = [
        (question_id, heading_key(row["question_text"]))
        for question_id, row in seeds.questions.items()
        if question_id not in used and row["question_text"].strip()
    ]
    return [
        Read(column, meaning)
        if meaning is not None
        else Read(column, None, tuple(_offers(sight, column, seeds, texts, used)))
        for column, meaning in zip(sight.columns, found, strict=True)
    ]


def _told(column: Column, seeds: Seeds, tool: str | None) -> Meaning | None:
    """Return what a heading means by what it says, folded; None where that is not one thing."""
    key = heading_key(column.name)
    by_text = [
        question_id
        for question_id, row in seeds.questions.items()
        if heading_key(row["question_text"]) in {key, heading_key(column.text)} - {""}
    ]
    if len(by_text) == 1:
        return Meaning("question", by_text[0], "text")
    by_code = [question_id for question_id in seeds.questions if heading_key(question_id) == key]
    if len(by_code) == 1:
        return Meaning("question", by_code[0], "code")
    for target in (
        target
        for name, target in OWN_HEADINGS.get(tool or "", {}).items()
        if heading_key(name) == key
    ):
        return Meaning("ignore" if target == IGNORE else "attribute", target, "tool")
    mapped = {
        (meaning.kind, meaning.target): meaning
        for profile_id, columns in seeds.columns.items()
        if (meaning := columns.get(key)) is not None
        and (meaning.kind != "question" or profile_id in seeds.own_profiles)
        and (meaning.kind != "question" or meaning.target in seeds.questions)
    }
    return next(iter(mapped.values())) if len(mapped) == 1 else None


def _offers(
    sight: Sight,
    column: Column,
    seeds: Seeds,
    texts: Sequence[tuple[str, str]],
    used: set[str],
) -> list[Offer]:
    offers = [
        Offer(offer.target, offer.likeness, seeds.questions[offer.target]["question_text"])
        for offer in nearest(heading_key(column.text or column.name), texts)
    ]
    values = sight.values(column.name, limit=_MOST_VALUES)
    by_value = [
        Offer(target, share)
        for target in seeds.coded
        if target not in used and (share := _share_known(target, values, seeds)) >= _ENOUGH
    ]
    if "respondent_identifier" not in used and (share := _share_personal(values)) >= _ENOUGH:
        by_value.append(Offer("respondent_identifier", share))
    return sorted([*offers, *by_value], key=lambda offer: -offer.likeness)


def _share_personal(values: Sequence[Value]) -> float:
    """Return the share of the cells that look like an identifier, a number or an address."""
    cells = sum(value.count for value in values)
    return sum(value.count for value in values if value.is_personal) / cells if cells else 0.0


def _share_known(target: str, values: Sequence[Value], seeds: Seeds) -> float:
    """Return the share of the cells that hold a known value of an attribute; numbers prove none."""
    cells = sum(value.count for value in values)
    known = sum(
        value.count
        for value in values
        if not value.text.isdigit() and seeds.code_of(target, value.text) is not None
    )
    return known / cells if cells else 0.0
