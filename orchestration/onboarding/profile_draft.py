"""`ilk profile new`: rows of export_profiles, export_columns and export_codes for a file's form.

Belongs here: what is taken, what is offered and what is left open of a profile. Doesn't: what a
heading may mean (meanings.py), the workbook (seed_draft.py).
"""

import re
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestration.exports.headers import fold, heading_key
from orchestration.exports.seed_files import ReaderSettings
from orchestration.onboarding.likeness import Offer, nearest
from orchestration.onboarding.meanings import (
    NAMED,
    Read,
    Seeds,
    read_meanings,
)
from orchestration.onboarding.seed_draft import OPEN, DraftError, Sheet
from orchestration.onboarding.sight import Sight, Value, look_at
from orchestration.onboarding.tools import tell_tool
from orchestration.seeds.seed_tables import seed_records
from orchestration.words import FaultText

_HELPERS = ("suggestion", "likeness", "suggested_text", "other_suggestions", "asked", "examples")
_CODE_HELPERS = ("suggestion", "likeness", "suggested_text", "cells")
_MOST_VALUES = 1_000
_MOST_CODES = 60
"""Values of one question beyond which they are free text, and no codes."""

_FEWEST_LISTED = 2
"""Codes of a target that a list saves rows for."""

_ALIKE = 0.75
"""Values are short: less alike than this, they have only some letters in common."""

_TRUTHS = ("true", "false", "1", "0", "yes", "no", "y", "n")
_SLASHED = re.compile(r"\s*(\d{1,4})[/.-](\d{1,2})[/.-](\d{1,4})\b")
_NUMBERED = re.compile(r"\s*[(\[]?(\d{1,2})\b")

_NOTES = {
    "no_unit": FaultText(
        "map a column to unit_id, the one attribute that is required (_profile_id serves where "
        "all answers are of one unit).",
        "petakan satu kolom ke unit_id, satu-satunya atribut wajib (_profile_id bila semua jawaban "
        "dari satu satuan kerja).",
    ),
    "no_column": FaultText(
        "no column asks {count} of the {all} questions, nor anything like them: {names}.",
        "tidak ada kolom yang menanyakan {count} dari {all} pertanyaan, atau yang mirip: {names}.",
    ),
    "free_text": FaultText(
        "column '{name}' has {count} different values, as free text has: map it to ignore, or "
        "add its codes by hand.",
        "kolom '{name}' memuat {count} isi berbeda, seperti isian bebas: petakan ke ignore, atau "
        "tambahkan kodenya sendiri.",
    ),
    "personal": FaultText(
        "{count} values of '{name}' are not in the draft: they look like identifiers or addresses.",
        "{count} isi '{name}' tidak masuk draf: tampak seperti pengenal atau alamat.",
    ),
    "date_order": FaultText(
        "date_order: 05/06 may be read both ways; write dmy or mdy.",
        "date_order: 05/06 bisa dibaca dua arah; tulis dmy atau mdy.",
    ),
}


@dataclass(frozen=True)
class ProfileDraft:
    """The sheets of a profile's draft, what else is to be looked at, and what was found."""

    sheets: tuple[Sheet, ...]
    notes: tuple[FaultText, ...]
    targets: tuple[tuple[str, str, str], ...]
    taken_count: int
    column_count: int
    question_count: int
    all_question_count: int


def draft_profile(
    path: Path, *, seeds_dir: Path, instrument_id: str, profile_id: str, tool: str | None
) -> ProfileDraft:
    """Draft the profile; raises ExportFault as a pull would, DraftError for an unknown instrument.

    `tool` None: told by the file's headings.
    """
    seeds = Seeds(seeds_dir, instrument_id)
    if not seeds.questions:
        known = ", ".join(
            sorted({row["instrument_id"] for row in seed_records(seeds_dir, "questions")})
        )
        raise DraftError(
            f"questions.csv tidak memuat instrument_id '{instrument_id}'; yang ada / has none; it "
            f"has: {known}. Instrumen baru / a new instrument: ilk instrument new."
        )
    if profile_id in seeds.profiles:
        raise DraftError(
            f"profile_id '{profile_id}' sudah ada di export_profiles.csv: pilih nama lain. / is "
            "there already: choose another name."
        )
    with look_at(path, ReaderSettings(headings=seeds.headings())) as sight:
        told = tool or tell_tool(sight.reading.header.names)
        reads = read_meanings(sight, seeds, told)
        codes = _Codes(sight, seeds, profile_id, reads)
        profile, notes = _profile(sight, seeds, reads, told)
        columns = [_column(sight, seeds, profile_id, read) for read in reads]
    taken = [read.taken for read in reads if read.taken is not None]
    likely = {read.likely for read in reads}
    lacking = [question_id for question_id in seeds.questions if question_id not in likely]
    if "unit_id" not in likely:
        notes.append(_NOTES["no_unit"])
    if lacking:
        notes.append(
            _NOTES["no_column"].filled(
                count=len(lacking), all=len(seeds.questions), names=_listed(lacking)
            )
        )
    return ProfileDraft(
        sheets=(
            Sheet(
                "export_profiles",
                [{**profile, "profile_id": profile_id, "instrument_id": instrument_id}],
            ),
            Sheet("export_columns", columns, _HELPERS),
            Sheet("export_codes", codes.rows, _CODE_HELPERS),
        ),
        notes=(*notes, *codes.notes),
        targets=(
            *(("attribute", target, "") for target in seeds.attributes),
            *(("question", each, row["question_text"]) for each, row in seeds.questions.items()),
        ),
        taken_count=len(taken),
        column_count=len(reads),
        question_count=sum(meaning.kind == "question" for meaning in taken),
        all_question_count=len(seeds.questions),
    )


def _profile(
    sight: Sight, seeds: Seeds, reads: Sequence[Read], tool: str | None
) -> tuple[dict[str, str], list[FaultText]]:
    """Return the row of export_profiles: what content tells needs no cell."""
    zones = {seeds.profiles[each].get("timezone", "") for each in seeds.own_profiles}
    times = [
        value.text
        for read in reads
        if read.taken is not None and read.taken.target in ("submitted_at", "started_at")
        for value in sight.values(read.column.name, limit=100_000)
    ]
    order = date_order(times)
    notes = [_NOTES["date_order"]] if order == OPEN else []
    row = {
        "tool": tool or OPEN,
        "timezone": zones.pop() if len(zones) == 1 else OPEN,
        "description": sight.path.name,
        "date_order": order,
    }
    return row, notes


def date_order(times: Iterable[str]) -> str:
    """Return dmy, mdy or ymd where the days tell, '' where no date is written so, else open."""
    found = [match for time in times if (match := _SLASHED.match(time))]
    if not found:
        return ""
    if all(len(match[1]) == 4 for match in found):
        return "ymd"
    is_dmy = any(int(match[1]) > 12 for match in found)
    is_mdy = any(int(match[2]) > 12 for match in found)
    return OPEN if is_dmy == is_mdy else "dmy" if is_dmy else "mdy"


def _column(sight: Sight, seeds: Seeds, profile_id: str, read: Read) -> dict[str, str]:
    row = {
        "profile_id": profile_id,
        "source_column": read.column.name,
        "asked": fold(read.column.text),
        "examples": " | ".join(read.column.examples),
    }
    if read.taken is not None:
        return {**row, "target_kind": read.taken.kind, "target": read.taken.target}
    return {**row, "target_kind": OPEN, "target": OPEN, **_offered(read.offers)}


def _offered(offers: Sequence[Offer]) -> dict[str, str]:
    if not offers:
        return {}
    best, *others = offers
    return {
        "suggestion": best.target,
        "likeness": best.share,
        "suggested_text": best.text,
        "other_suggestions": "; ".join(f"{each.target} ({each.share})" for each in others),
    }


class _Codes:
    """The rows of export_codes: values that no seed reads by itself."""

    def __init__(self, sight: Sight, seeds: Seeds, profile_id: str, reads: Sequence[Read]) -> None:
        self._seeds = seeds
        self._profile_id = profile_id
        self.rows: list[dict[str, str]] = []
        self.notes: list[FaultText] = []
        of_questions: list[tuple[str, Sequence[Value], Mapping[str, str]]] = []
        for read in reads:
            target = read.likely
            if target is None or (target not in seeds.coded and target not in seeds.questions):
                continue
            values = sight.values(read.column.name, limit=_MOST_VALUES)
            shown = [value for value in values if not value.is_personal]
            name = sight.masked(fold(read.column.name))
            labels = sight.reading.labels.get(read.column.name, {})
            if hidden := len(values) - len(shown):
                self.notes.append(_NOTES["personal"].filled(count=hidden, name=name))
            if target in seeds.coded:
                self._add_attribute(target, shown, labels)
                continue
            unread = [value for value in shown if not self._is_on_scale(target, value.text)]
            if len(unread) > _MOST_CODES:
                self.notes.append(_NOTES["free_text"].filled(count=len(unread), name=name))
                continue
            of_questions.append((target, unread, labels))
        self._add_questions(of_questions)
        self._add_unseen({read.likely for read in reads} | {"*"})
        self._name_lists()

    def _add_attribute(
        self, target: str, values: Sequence[Value], labels: Mapping[str, str]
    ) -> None:
        """Add what the seeds don't read by themselves; `labels` say what the file's codes mean."""
        for value in values:
            named = self._seeds.names.known.get((target, heading_key(value.text)), set())
            is_id = target in NAMED and named == {value.text}
            if is_id or (target == "unit_id" and len(named) == 1):
                continue  # read by itself
            if target in ("is_complete", "is_test") and value.text.casefold() in _TRUTHS:
                continue
            spellings = [*self._seeds.names.spellings(target), *self._seeds.codes.spellings(target)]
            label = labels.get(value.text, value.text)
            code = self._seeds.code_of(target, value.text) or self._seeds.code_of(target, label)
            self._add(target, value, code, spellings, label=label)

    def _add_questions(
        self, of_questions: Sequence[tuple[str, Sequence[Value], Mapping[str, str]]]
    ) -> None:
        """Add a row for all questions where they agree what a value stands for.

        Several columns may be of one question: each with its values, and what these are called.
        """
        spelled: dict[str, Value] = {}
        stands_for: dict[str, dict[str | None, dict[str, None]]] = defaultdict(
            lambda: defaultdict(dict)
        )
        cells: dict[str, int] = defaultdict(int)
        for question_id, values, labels in of_questions:
            for value in values:
                key = heading_key(value.text)
                spelled.setdefault(key, value)
                cells[key] += value.count
                code = self._seeds.codes.of(question_id, value.text)
                code = code or self._seeds.codes.of("*", value.text)
                if (label := labels.get(value.text)) is not None:
                    code = code or self._seeds.codes.of("*", label)
                stands_for[key][code][question_id] = None
        spellings = self._seeds.codes.spellings("*")
        for key, by_code in stands_for.items():
            most_first = sorted(by_code.items(), key=lambda item: -len(item[1]))
            for place, (code, questions) in enumerate(most_first):
                value = Value(spelled[key].text, cells[key], is_personal=False)
                for target in ("*",) if place == 0 else questions:
                    number = self._number(
                        next(iter(questions)) if target == "*" else target, value.text
                    )
                    self._add(target, value, code, spellings, number)

    def _add_unseen(self, targets: Container[str | None]) -> None:
        """Add codes of the profile that shares most of them: few answers hold every choice."""
        there = {
            (row["target"], heading_key(row["source_value"])): row["code"] for row in self.rows
        }
        shared: Counter[str] = Counter()
        others = [row for row in self._seeds.code_rows if row["target"] in targets]
        for row in others:
            key = row["target"], heading_key(row["source_value"])
            if row["profile_id"] in self._seeds.own_profiles and there.get(key) == row["code"]:
                shared[row["profile_id"]] += 1
        for donor, _ in shared.most_common(1):
            for row in others:
                value = heading_key(row["source_value"])
                is_there = (row["target"], value) in there or ("*", value) in there
                if row["profile_id"] == donor and row["target"] != "unit_id" and not is_there:
                    self.rows.append({**row, "profile_id": self._profile_id, "cells": "0"})

    def _name_lists(self) -> None:
        """Name the code list that has all codes of a target, the shortest of several."""
        of_target: dict[str, list[dict[str, str]]] = defaultdict(list)
        for row in self.rows:
            of_target[row["target"]].append(row)
        self.rows = []
        for target, rows in of_target.items():
            codes = {(heading_key(row["source_value"]), row["code"]) for row in rows}
            lists = [name for name, listed in self._seeds.lists.items() if codes <= listed]
            if len(rows) < _FEWEST_LISTED or not lists:
                self.rows += rows
                continue
            row = {
                "profile_id": self._profile_id,
                "target": target,
                "code_list_id": min(lists, key=lambda name: len(self._seeds.lists[name])),
                "cells": str(sum(int(row["cells"]) for row in rows)),
            }
            self.rows.append(row)

    def _add(
        self,
        target: str,
        value: Value,
        code: str | None,
        spellings: Sequence[tuple[str, str]],
        number: str | None = None,
        label: str = "",
    ) -> None:
        row = {
            "profile_id": self._profile_id,
            "target": target,
            "source_value": value.text,
            "cells": str(value.count),
        }
        if code is not None:
            self.rows.append({**row, "code": code})
            return
        spelled = heading_key(label or value.text)
        found = nearest(spelled, spellings, count=1, least=_ALIKE)
        offers = [Offer(each.target, each.likeness, each.text) for each in found]
        if number is not None and (not offers or offers[0].target != number):
            offers = [Offer(number, 1.0, value.text)]
        told = {name: _offered(offers).get(name, "") for name in _CODE_HELPERS if name != "cells"}
        self.rows.append({**row, "code": OPEN, **told})

    def _is_on_scale(self, question_id: str, text: str) -> bool:
        """Whether a value is a number on its question's scale, which needs no row."""
        plain = re.fullmatch(r"\s*[+]?(\d{1,4})([.,]0*)?\s*", text)
        return plain is not None and self._is_code(question_id, plain[1])

    def _is_code(self, question_id: str, number: str) -> bool:
        row = self._seeds.questions[question_id]
        return int(row["scale_min"] or 0) <= int(number) <= int(row["scale_max"] or 0)

    def _number(self, question_id: str, text: str) -> str | None:
        """Return the number on the scale that a value begins with: `4 - Sangat Baik`."""
        found = _NUMBERED.match(text)
        return found[1] if found and self._is_code(question_id, found[1]) else None


def _listed(names: Iterable[str]) -> str:
    all_names = list(names)
    more = len(all_names) - 5
    return ", ".join(all_names[:5]) + (f" (+{more})" if more > 0 else "")
