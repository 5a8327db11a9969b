"""`ilk instrument new`: rows of questions.csv for a form, from its tool's own definition.

Belongs here: code, text and scale of each question, and what the seeds tell of the rest. Doesn't:
reading definitions (form_definitions.py), the workbook (seed_draft.py), asking (commands.py).
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestration.exports.headers import heading_key
from orchestration.onboarding.form_definitions import FormQuestion, read_form
from orchestration.onboarding.seed_draft import OPEN, DraftError, Sheet
from orchestration.seeds.seed_tables import seed_records

HELPERS = ("group", "answers")
ASKED = (
    "service_id",
    "perspective_id",
    "audience_id",
    "provider_level_id",
    "scale_min",
    "scale_max",
)
"""What a form definition may leave open, in the order in which a person is asked."""

_KNOWN = {
    "service_id": ("services", ("service_id", "name_id", "name_en")),
    "perspective_id": ("perspectives", ("perspective_id", "name_id", "name_en")),
    "audience_id": ("category_audiences", ("audience_id",)),
    "provider_level_id": ("unit_levels", ("unit_level_id", "name_id", "name_en")),
}
_COPIED = ("item_id", "service_id", "perspective_id", "audience_id", "provider_level_id")
_FEWEST_ANSWERS = 2
_GREATEST = 20
"""A code above it (77, 99) says that there is no answer."""
_SHARED = 3


@dataclass(frozen=True)
class InstrumentDraft:
    """The rows of an instrument's draft, and what may stand in a cell that is open."""

    tool: str
    rows: list[dict[str, str]]
    allowed: dict[str, list[str]]
    left_out: list[str]
    """Codes of questions whose answers are no scale, such as of a unit or an age."""
    base: tuple[str, str] | None = None
    """The instrument and the one that it builds on; `rows` are then what differs."""

    @property
    def sheets(self) -> list[Sheet]:
        """Return the sheet of questions, and that of the instrument where it builds on another."""
        questions = Sheet("questions", self.rows, HELPERS, self.allowed)
        if self.base is None:
            return [questions]
        row = dict(zip(("instrument_id", "base_instrument_id"), self.base, strict=True))
        return [Sheet("instruments", [row]), questions]

    @property
    def open_choices(self) -> list[str]:
        """Return a line for each column that is open somewhere, with what it may hold."""
        return [
            f"{column}: {', '.join(allowed)}"
            for column, allowed in self.allowed.items()
            if any(row.get(column) == OPEN for row in self.rows)
        ]

    @property
    def told_count(self) -> int:
        """Return how many rows have code, text and scale."""
        told = ("question_id", "question_text", "scale_min", "scale_max")
        return sum(all(row.get(column) not in ("", OPEN) for column in told) for row in self.rows)


def draft_instrument(
    path: Path,
    *,
    seeds_dir: Path,
    instrument_id: str,
    index_id: str | None,
    base_id: str | None = None,
) -> InstrumentDraft:
    """Draft the questions; raises FormError for what is no form, DraftError for what is there.

    `base_id`: the instrument it builds on; only what differs from it is drafted.
    """
    seeds = {name: seed_records(seeds_dir, name) for name in ("questions", "indexes")}
    if any(row["instrument_id"] == instrument_id for row in seeds["questions"]):
        raise DraftError(
            f"instrument_id '{instrument_id}' sudah ada di questions.csv: pilih nama lain. / is "
            "there already: choose another name."
        )
    asked = {row["question_id"]: row for row in seeds["questions"]
             if row["instrument_id"] == base_id}  # fmt: skip
    if base_id is not None and not asked:
        known = ", ".join(dict.fromkeys(row["instrument_id"] for row in seeds["questions"]))
        raise DraftError(f"--base: {known}")
    indexes = [row["index_id"] for row in seeds["indexes"]]
    if index_id not in indexes and (index_id or len(indexes) != 1):
        raise DraftError(f"--index: {', '.join(indexes)}")
    index = index_id or indexes[0]
    names = {
        column: _names(seeds_dir, seed, columns, index)
        for column, (seed, columns) in _KNOWN.items()
    }
    tool, form = read_form(path)
    by_text = {heading_key(row["question_text"]): row for row in seeds["questions"]}
    scales = _scales(form)
    if not scales:
        raise DraftError(
            f"{path.name}: tidak ada pertanyaan berskala di formulir ini. / no question of this "
            "form has a scale."
        )
    rows = [
        _row(question, scales[question.code], instrument_id, names, by_text)
        for question in form
        if question.code in scales
    ]
    return InstrumentDraft(
        tool=tool,
        rows=rows if base_id is None else _differences(rows, asked),
        base=None if base_id is None else (instrument_id, base_id),
        allowed={column: sorted(set(of.values())) for column, of in names.items()},
        left_out=[question.code for question in form if question.code not in scales],
    )


def _names(seeds_dir: Path, seed: str, columns: Sequence[str], index_id: str) -> dict[str, str]:
    """Return the ids of a seed by its folded ids and names."""
    return {
        heading_key(row[column]): row[columns[0]]
        for row in seed_records(seeds_dir, seed)
        if row.get("index_id", index_id) == index_id
        for column in columns
        if row.get(column)
    }


def _scales(form: Sequence[FormQuestion]) -> dict[str, tuple[str, str]]:
    """Return least and greatest code of each question that has a scale, open where no number tells.

    A question of the unit or of sex has no numbers; answers without any that three questions
    share are a scale all the same.
    """
    shared = Counter(question.answers for question in form)
    scales = {}
    for question in form:
        if numbers := _numbers(question):
            scales[question.code] = str(min(numbers)), str(max(numbers))
        elif shared[question.answers] >= _SHARED:
            scales[question.code] = OPEN, OPEN
    return scales


def _numbers(question: FormQuestion) -> list[int]:
    """Return the numbers of the answers' codes (`4`, `A4`), else of their labels (`4 - Baik`).

    One after the other; two answers that are none (`not_used`, 99) may stand beside them.
    """
    for pattern, place in ((r"[A-Za-z]{0,2}0*(\d{1,2})", 0), (r"[(\[]?(\d{1,2})\b.*", 1)):
        told = [re.fullmatch(pattern, answer[place], re.DOTALL) for answer in question.answers]
        numbers = sorted(int(match[1]) for match in told if match and int(match[1]) <= _GREATEST)
        is_enough = len(numbers) >= max(_FEWEST_ANSWERS, len(told) - 2)
        if is_enough and numbers == list(range(numbers[0], numbers[-1] + 1)):
            return numbers
    return []


def _row(
    question: FormQuestion,
    scale: tuple[str, str],
    instrument_id: str,
    names: dict[str, dict[str, str]],
    by_text: dict[str, dict[str, str]],
) -> dict[str, str]:
    row = {
        "instrument_id": instrument_id,
        "question_id": question.code,
        "item_id": question.code,
        "scale_min": scale[0],
        "scale_max": scale[1],
        "is_reverse_scored": "false",
        "question_text": question.text or OPEN,
        "group": question.group,
        "answers": " | ".join(f"{code} {label}".strip() for code, label in question.answers),
    }
    if same := by_text.get(heading_key(question.text)):  # another instrument asks the same
        return {**row, **{column: same[column] for column in _COPIED}}
    told = {column: _told(question, of) for column, of in names.items()}
    return {**row, **told}


def _differences(
    rows: Sequence[dict[str, str]], asked: dict[str, dict[str, str]]
) -> list[dict[str, str]]:
    """Return what an instrument states that builds on one which asks `asked`.

    A question is the base's by its text, else by its code.
    """
    texts = {name: heading_key(row["question_text"]) for name, row in asked.items()}
    found: list[dict[str, str]] = []
    kept: set[str] = set()
    for row in rows:
        text = heading_key(row["question_text"])
        alike = [name for name, of in texts.items() if of == text and name not in kept]
        name = next(iter(alike), row["question_id"])
        if name not in asked:
            found.append(row)
            continue
        kept.add(name)
        base = asked[name]
        changed = {
            column: row[column]
            for column in ("scale_min", "scale_max", "question_text")
            if row[column] != OPEN and heading_key(row[column]) != heading_key(base[column])
        }
        if changed:
            same = {column: row[column] for column in ("instrument_id", *HELPERS)}
            found.append({**same, "question_id": name, **changed})
    instrument_id = rows[0]["instrument_id"] if rows else ""
    return found + [
        {
            "instrument_id": instrument_id,
            "question_id": name,
            "is_asked": "false",
            "answers": row["question_text"],
        }
        for name, row in asked.items()
        if name not in kept
    ]


def _told(question: FormQuestion, names: dict[str, str]) -> str:
    """Return the one id there is, or that the group's title or the code names; else open."""
    ids = set(names.values())
    if len(ids) == 1:
        return next(iter(ids))
    if (by_group := names.get(heading_key(question.group))) is not None:
        return by_group
    code = f"_{heading_key(question.code)}_"
    by_code = {each for each in ids if f"_{heading_key(each)}_" in code}
    return next(iter(by_code)) if len(by_code) == 1 else OPEN


def ask_open(draft: InstrumentDraft, ask: Callable[[str, str, list[str], str], str]) -> None:
    """Fill what is open, one by one: `ask(place, question, allowed, default)` returns an answer.

    The answer before is the default: questions of one group stand together.
    """
    before: dict[str, str] = {}
    waiting = [(row, column) for row in draft.rows for column in ASKED if row.get(column) == OPEN]
    for number, (row, column) in enumerate(waiting, start=1):
        allowed = draft.allowed.get(column, [])
        place = f"{number}/{len(waiting)} {row['question_id']}: {row['question_text']}"
        row[column] = ask(place, column, allowed, before.get(column, ""))
        before[column] = row[column]
