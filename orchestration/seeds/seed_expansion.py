"""What seeds state once, spelled out for everything that reads them.

Belongs here: the rows that a code list and a base instrument stand for; which instruments a profile
serves. Doesn't: reading files (seed_tables.py, whose `read_seed` calls this), what seeds must agree
on (expectations/seed_rules.py).

Whoever reads `export_codes` and `questions`, dbt too, gets a row a value and a row a question, and
knows neither lists nor bases. What contradicts itself (an unknown list, a circle of bases) is told
by the seeds' rules and stands for no rows here.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestration.seeds.seed_tables import SeedTable

    Row = tuple[str, int, dict[str, str]]
    """The seed and the line that a row stands in, and its cells."""

STATES = {"export_codes": "code_lists", "questions": "instruments"}
"""Seeds that are spelled out, and the one that says by what."""

LIST, BASE, IS_ASKED = "code_list_id", "base_instrument_id", "is_asked"
BOUND, HIGHEST = "lower_bound", 150
"""Of a class of whole years: the first; where no class follows, the last."""

WRITTEN_ONLY = {"export_codes": LIST, "questions": IS_ASKED}
"""Columns that spelling out takes away."""


def with_listed_codes(codes: "SeedTable", lists: "SeedTable") -> "SeedTable":
    """Return the codes of profiles, those of a list that a row names in this row's place.

    A row of a list that has a lower bound stands for each whole number from there to below the next
    bound of the list, but for those that have a row of their own.
    """
    if LIST not in codes.header:
        return codes
    listed: dict[str, list[Row]] = {}
    for line, row in zip(lists.lines, lists.records(), strict=True):
        listed.setdefault(row.get(LIST, "").strip(), []).append(("code_lists", line, row))
    found: list[Row] = []
    for line, row in zip(codes.lines, codes.records(), strict=True):
        if not (name := row[LIST].strip()):
            found.append(("export_codes", line, row))
        for seed, of_list, value in _each_year(listed.get(name, [])) if name else ():
            cells = {column: value.get(column, "") for column in ("source_value", "code")}
            found.append((seed, of_list, {**row, **cells}))
    return _table(codes, found, LIST)


def _each_year(rows: "Sequence[Row]") -> "Iterator[Row]":
    stated = {row["source_value"].strip() for _, _, row in rows}
    bounds = sorted({number for row in rows if (number := _bound(row)) is not None})
    for row in rows:
        if (first := _bound(row)) is None:
            yield row
            continue
        end = next((bound for bound in bounds if bound > first), HIGHEST + 1)
        for year in range(first, end):
            if str(year) not in stated:
                yield (*row[:2], {**row[2], "source_value": str(year)})


def _bound(row: "Row") -> int | None:
    text = row[2].get(BOUND, "").strip()
    return int(text) if text.isdecimal() else None


def with_base_questions(questions: "SeedTable", instruments: "SeedTable") -> "SeedTable":
    """Return the questions of all instruments, those taken over from a base behind its own.

    A row of an instrument that builds on another replaces the base's question of that id; a cell
    that it leaves empty is the base's. Where `is_asked` is false the question is not taken over.
    """
    bases = bases_of(instruments.records())
    if not bases and IS_ASKED not in questions.header:
        return questions
    own: dict[str, list[Row]] = {}
    for line, row in zip(questions.lines, questions.records(), strict=True):
        own.setdefault(row.get("instrument_id", ""), []).append(("questions", line, row))
    first = (row for name, rows in own.items() if name not in bases for row in rows if _asks(row))
    found = sorted(first, key=lambda row: row[1])
    for name in bases:
        found += _asked(own, bases, name)
    return _table(questions, found, IS_ASKED)


def _asked(own: "Mapping[str, list[Row]]", bases: Mapping[str, str], name: str) -> "list[Row]":
    """Return what an instrument asks: its oldest base's questions, changed by each that follows."""
    rows: list[Row] = []
    for each in reversed(ancestry(bases, name)):
        stated: dict[str, list[Row]] = {}
        for row in own.get(each, ()):
            stated.setdefault(_question(row), []).append(row)
        taken = {_question(row) for row in rows}
        rows = [_over(row, new) for row in rows for new in stated.get(_question(row), [row])]
        rows += [row for question, new in stated.items() if question not in taken for row in new]
        rows = [row for row in rows if _asks(row)]
    return [(seed, line, {**row, "instrument_id": name}) for seed, line, row in rows]


def _question(row: "Row") -> str:
    return row[2].get("question_id", "")


def _asks(row: "Row") -> bool:
    return row[2].get(IS_ASKED, "").strip() != "false"


def _over(row: "Row", new: "Row") -> "Row":
    if row is new:
        return row
    return (*new[:2], {**row[2], **{name: cell for name, cell in new[2].items() if cell.strip()}})


def bases_of(instruments: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Return by instrument the one that it builds on, of the rows of `instruments`."""
    bases: dict[str, str] = {}
    for row in instruments:
        name, base = row.get("instrument_id", "").strip(), row.get(BASE, "").strip()
        if name and base:
            bases.setdefault(name, base)
    return bases


def ancestry(bases: Mapping[str, str], instrument_id: str) -> list[str]:
    """Return the instrument and all that it builds on, nearest first; a circle is cut."""
    chain = [instrument_id]
    while (base := bases.get(chain[-1])) is not None and base not in chain:
        chain.append(base)
    return chain


def _table(written: "SeedTable", rows: "Sequence[Row]", without: str) -> "SeedTable":
    header = tuple(column for column in written.header if column != without)
    cells = tuple(tuple(row[column] for column in header) for _, _, row in rows)
    return replace(
        written,
        header=header,
        rows=cells,
        written=cells,
        lines=tuple(line for _, line, _ in rows),
        seeds=tuple(seed for seed, _, _ in rows),
        unread=frozenset(),
    )
