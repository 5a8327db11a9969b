"""Seeds are input too: what a folder of seeds contradicts itself in, all of it in one report.

Belongs here: judging cells and rows, running the rules, wording the report. Doesn't: the demands
(expectations/seed_rules.py), reading the files (orchestration/seeds/seed_tables.py).
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from expectations.seed_rules import (
    DERIVED,
    MAY_BE_EMPTY,
    ONE_OF,
    OPTIONAL_COLUMNS,
    PLAIN_IDS,
    SeedRule,
    seed_rules,
)
from orchestration.durable_files import is_plain_word
from orchestration.exports.faults import URL_WITH_SECRET
from orchestration.exports.place_urls import holds_secret
from orchestration.seeds.seed_expansion import (
    ancestry,
    bases_of,
    with_base_questions,
    with_listed_codes,
)
from orchestration.seeds.seed_tables import (
    FILE_FAULTS,
    SeedFileError,
    SeedTable,
    declared_seeds,
    written_seed,
)
from orchestration.words import FaultText

if TYPE_CHECKING:
    import duckdb

_SHOWN = 3  # contradictions of one rule that the report spells out; the others it counts
_WORDS = 160  # characters of a row that are quoted

_FILE_TEXTS = {
    **FILE_FAULTS,
    "columns_are_there": FaultText(
        "there is no column '{column}'; the header has: {header}. Add it.",
        "tidak ada kolom '{column}'; judul yang ada: {header}. Tambahkan.",
    ),
    "headings_are_named_once": FaultText(
        "the header names '{column}' twice. Remove one of the two columns.",
        "judul kolom '{column}' ada dua. Hapus salah satu kolomnya.",
    ),
    "rows_fit_the_header": FaultText(
        "{found} cells where the header has {expected}. Put quotation marks around the cell that "
        "holds a {delimiter}.",
        "{found} sel, padahal judul kolom ada {expected}. Apit sel yang memuat {delimiter} dengan "
        "tanda kutip.",
    ),
}
_CELL_TEXTS = {
    "cells_are_filled": FaultText(
        "'{column}' is empty. Fill it in.",
        "'{column}' kosong. Isilah.",
    ),
    "cells_are_of_their_list": FaultText(
        "'{column}' is '{value}'; it may be: {allowed}.",
        "'{column}' berisi '{value}'; yang boleh: {allowed}.",
    ),
    "ids_are_plain": FaultText(
        "'{column}' is '{value}'. Use letters and digits, inside also point, hyphen and "
        "underscore, at most 100 and no device name of Windows (CON): this id names folders and "
        "domains.",
        "'{column}' berisi '{value}'. Pakai huruf dan angka, di dalamnya juga titik, tanda hubung, "
        "dan garis bawah, paling banyak 100 dan bukan nama perangkat Windows (CON): id ini menjadi "
        "nama folder dan domain.",
    ),
    "addresses_hold_no_secret": URL_WITH_SECRET,
    "dates_are_readable": FaultText(
        "'{column}' is '{value}', no date. Write it as YYYY-MM-DD.",
        "'{column}' berisi '{value}', bukan tanggal. Tulis sebagai YYYY-MM-DD.",
    ),
    "whole_numbers_are_readable": FaultText(
        "'{column}' is '{value}', no whole number. Write digits alone.",
        "'{column}' berisi '{value}', bukan bilangan bulat. Tulis angka saja.",
    ),
    "numbers_are_readable": FaultText(
        "'{column}' is '{value}', no number, or one that can be read in two ways. Write 0.25 or "
        "1000.",
        "'{column}' berisi '{value}', bukan angka, atau dapat dibaca dua cara. Tulis 0.25 atau "
        "1000.",
    ),
}


@dataclass(frozen=True)
class Contradiction:
    """A row of a seed and the rule it breaks; line 0 where the file as a whole does."""

    rule: str
    seed: str
    line: int
    words: str
    text: FaultText


@dataclass(frozen=True)
class _Seed:
    """A seed as it lies in its file: cells by column, the line each row begins in, its words."""

    name: str
    columns: dict[str, tuple[str, ...]]
    lines: tuple[int, ...]
    words: list[str]
    unread: frozenset[tuple[int, str]]
    table: SeedTable


class ContradictorySeedsError(ValueError):
    """A folder of seeds contradicts itself; the message is the whole report."""


def demand_agreement(seeds_dir: Path) -> None:
    """Raise ContradictorySeedsError with all that the folder's seeds contradict themselves in.

    Raises FileNotFoundError where the folder holds no seed at all.
    """
    files = sorted(seeds_dir.glob("*.csv"))
    if not files:
        raise FileNotFoundError(
            f"{seeds_dir}: tidak ada seed; arahkan ILK_SEEDS_DIR ke folder seed Anda. / "
            "no seed here; set ILK_SEEDS_DIR to the folder of your seeds."
        )
    # The command line asks before a run's imports, and the run's first step once more.
    contents = tuple((file.name, file.read_bytes()) for file in files if file.is_file())
    if found := _contradictions_in(contents, seeds_dir):
        raise ContradictorySeedsError(report(seeds_dir, found))


@lru_cache(maxsize=1)
def _contradictions_in(
    contents: tuple[tuple[str, bytes], ...],  # what the answer is remembered for
    seeds_dir: Path,
) -> list[Contradiction]:
    return contradictions(seeds_dir)


def contradictions(seeds_dir: Path) -> list[Contradiction]:
    """Return all contradictions of a folder of seeds, by seed and line.

    A seed that is no table (a column is missing, a row is ragged) is left out of the rules that
    read it.
    """
    types = _declared_types()
    found: list[Contradiction] = []
    tables = {}
    for name, declared in types.items():
        seed, faults = _read(seeds_dir / f"{name}.csv", name, declared)
        found += faults
        if seed is not None and not faults:
            tables[name] = seed
    derived = {
        name: make(tables)
        for name, make in _MADE.items()
        if all(seed in tables for seed in DERIVED[name])
    }
    for name, seed in tables.items():
        # What an instrument takes over from its base is filled in there.
        judged = derived.get(name, seed)
        found += _cell_faults(judged, types[name])
    found += _query_faults(tables, derived, types)
    # A row that several instruments or profiles read is told once.
    return sorted(dict.fromkeys(found), key=lambda each: (each.seed, each.line, each.rule))


def report(seeds_dir: Path, found: list[Contradiction]) -> str:
    """Return what a person reads: each contradiction with file, line, the row's words, remedy."""
    count = len(found)
    parts = [
        f"Seed di {seeds_dir} bertentangan; masalah: {count}. Tidak ada yang dihitung; publikasi "
        f"terakhir tetap. / The seeds in {seeds_dir} contradict themselves; problems: {count}. "
        "Nothing was computed; the last publication stays."
    ]
    of_rule: dict[tuple[str, str], list[Contradiction]] = {}
    for each in found:
        of_rule.setdefault((each.seed, each.rule), []).append(each)
    for (seed, _), group in of_rule.items():
        for each in _told_apart(group)[:_SHOWN]:
            place = f"{seed}.csv, baris/line {each.line}" if each.line else f"{seed}.csv"
            words = f": {each.words}" if each.words else ""
            parts.append(f"{place}{words}\n    {each.text.id} / {each.text.en}")
        if (more := len(group) - _SHOWN) > 0:
            parts.append(
                f"{seed}.csv: ... dan {more} baris lagi, semuanya {len(group)}. / and {more} more "
                f"rows, {len(group)} in all."
            )
    return "\n".join(parts)


def _told_apart(group: list[Contradiction]) -> list[Contradiction]:
    """Return contradictions of one rule with those first that say what none before says."""
    first = {each.text: each for each in reversed(group)}
    return sorted(group, key=lambda each: first[each.text] is not each)


def _declared_types() -> dict[str, dict[str, str]]:
    """Return the type of every column of every seed, as models/_seeds.yml declares them."""
    return {
        name: {**dict.fromkeys(OPTIONAL_COLUMNS.get(name, ()), "varchar"), **types}
        for name, types in declared_seeds().items()
    }


def _read(
    path: Path, name: str, declared: dict[str, str]
) -> tuple[_Seed | None, list[Contradiction]]:
    """Return the seed, or the reasons why it is no table."""

    def fault(rule: str, line: int = 0, words: str = "", **details: object) -> Contradiction:
        return _worded(_FILE_TEXTS[rule], rule, name, line, words, details)

    try:
        table = written_seed(path)
    except SeedFileError as error:
        return None, [fault(error.rule, error.line, detail=error.detail)]
    header, optional = table.header, OPTIONAL_COLUMNS.get(name, ())
    faults = [
        fault("columns_are_there", 1, column=column, header=", ".join(header) or "-")
        for column in declared
        if column not in header and column not in optional
    ]
    faults += [
        fault("headings_are_named_once", 1, column=column)
        for column in sorted(set(header))
        if header.count(column) > 1
    ]
    faults += [
        fault(
            "rows_fit_the_header",
            line,
            _words(row),
            found=len(row),
            expected=len(header),
            delimiter=table.delimiter,
        )
        for line, row in zip(table.lines, table.written, strict=True)
        if len(row) != len(header)
    ]
    if faults:
        return None, faults
    return _seed(name, table, declared), []


def _seed(name: str, table: SeedTable, declared: Iterable[str]) -> _Seed:
    blank = ("",) * len(table.rows)
    cells = (
        dict(zip(table.header, zip(*table.rows, strict=True), strict=True)) if table.rows else {}
    )
    columns = {column: cells.get(column, blank) for column in declared}
    words = [_words(row) for row in table.written]
    return _Seed(name, columns, table.lines, words, table.unread, table)


_Tables = Mapping[str, _Seed]


def _questions(tables: _Tables) -> _Seed:
    """Return what instruments ask; is_asked stays in `question_rows`, those of the file."""
    spelled = with_base_questions(tables["questions"].table, tables["instruments"].table)
    return _seed("questions", spelled, tables["questions"].columns)


def _all_codes(tables: _Tables) -> _Seed:
    spelled = with_listed_codes(tables["export_codes"].table, tables["code_lists"].table)
    seed = _seed("all_codes", spelled, ("profile_id", "target", "source_value", "code"))
    in_seed = spelled.seeds or ("export_codes",) * len(spelled.rows)
    return replace(seed, columns={**seed.columns, "in_seed": in_seed})


def _profile_instruments(tables: _Tables) -> _Seed:
    """Return which instruments each profile serves: its own and those built on it, else all."""
    bases = bases_of(tables["instruments"].table.records())
    asking = dict.fromkeys((*tables["questions"].columns["instrument_id"], *bases))
    profiles = tables["export_profiles"]
    served = [
        (line, profile_id, instrument_id)
        for line, profile_id, own in zip(
            profiles.lines,
            profiles.columns["profile_id"],
            profiles.columns["instrument_id"],
            strict=True,
        )
        for instrument_id in asking
        if not own.strip() or own in ancestry(bases, instrument_id)
    ]
    lines, profile_ids, instrument_ids = zip(*served, strict=True) if served else ((), (), ())
    columns = {"profile_id": profile_ids, "instrument_id": instrument_ids}
    return replace(profiles, name="profile_instruments", columns=columns, lines=lines)


_MADE: dict[str, Callable[[_Tables], _Seed]] = {
    "questions": _questions,
    "question_rows": lambda tables: replace(tables["questions"], name="question_rows"),
    "all_codes": _all_codes,
    "profile_instruments": _profile_instruments,
}
"""How each of DERIVED is made."""


def _cell_faults(seed: _Seed, declared: dict[str, str]) -> Iterator[Contradiction]:
    """Find cells that are empty, of the wrong type or not of their closed list."""
    may_be_empty = {*MAY_BE_EMPTY.get(seed.name, ()), *OPTIONAL_COLUMNS.get(seed.name, ())}
    for column, cells in seed.columns.items():
        allowed = ONE_OF.get((seed.name, column))
        for number, (line, words, value) in enumerate(
            zip(seed.lines, seed.words, cells, strict=True)
        ):
            rule = None
            if not value.strip():
                rule = None if column in may_be_empty else "cells_are_filled"
            elif allowed is not None and value not in allowed:
                rule = "cells_are_of_their_list"
            elif column in PLAIN_IDS and not is_plain_word(value):
                rule = "ids_are_plain"
            elif column == "location" and holds_secret(value):
                rule = "addresses_hold_no_secret"
            elif (number, column) in seed.unread:
                rule = "numbers_are_readable"
            elif declared[column] != "varchar":
                rule = _unreadable(value, declared[column])
            if rule:
                details = {"column": column, "value": value, "allowed": ", ".join(allowed or ())}
                yield _worded(_CELL_TEXTS[rule], rule, seed.name, line, words, details)


def _unreadable(value: str, type_: str) -> str | None:
    """Return the rule that a value of a declared type breaks: the strict forms dbt reads alike."""
    if type_ == "date":
        try:
            date.fromisoformat(value)
        except ValueError:
            return "dates_are_readable"
        return None if re.fullmatch(r"\d{4}-\d\d-\d\d", value) else "dates_are_readable"
    if type_ == "integer":
        return None if re.fullmatch(r"[+-]?\d{1,9}", value) else "whole_numbers_are_readable"
    try:
        return None if isfinite(float(value)) else "numbers_are_readable"
    except ValueError:
        return "numbers_are_readable"


def _query_faults(
    tables: _Tables, derived: _Tables, types: dict[str, dict[str, str]]
) -> Iterator[Contradiction]:
    """Run the rules that are queries over the seeds that are tables."""
    import duckdb

    words = {name: dict(zip(seed.lines, seed.words, strict=True)) for name, seed in tables.items()}
    seeds = {**tables, **derived}
    unreadable = {*types, *DERIVED} - set(seeds)
    unreadable |= {name for name in DERIVED if name not in derived}
    with duckdb.connect() as connection:
        connection.execute("set threads = 1")  # a few thousand rows: threads only cost
        for name, seed in seeds.items():
            _load(connection, seed, types.get(name) or types["questions"])
        for rule in seed_rules():
            if unreadable & set(re.findall(r"\w+", rule.sql)):
                continue
            for row in _rows(connection, rule):
                line = int(row.pop("line"))
                seed_name = row.pop("in_seed", rule.seed)
                quoted = words[seed_name].get(line, "")  # none: a rule on a seed without rows
                yield _worded(rule.text, rule.name, seed_name, line, quoted, row)


def _load(connection: "duckdb.DuckDBPyConnection", seed: _Seed, types: dict[str, str]) -> None:
    """Make the seed a table: empty cells NULL, and what is of no type too (it is reported)."""
    columns = ", ".join(
        f"try_cast(nullif(trim({column}), '') as {types[column]}) as {column}"
        if types.get(column, "varchar") != "varchar"
        else f"nullif({column}, '') as {column}"
        for column in seed.columns
    )
    cells = ", ".join(f"unnest(cast(? as varchar[])) as {column}" for column in seed.columns)
    connection.execute(
        f"create table {seed.name} as select line, {columns}"
        f" from (select unnest(cast(? as integer[])) as line, {cells})",
        [list(seed.lines), *map(list, seed.columns.values())],
    )


def _rows(connection: "duckdb.DuckDBPyConnection", rule: SeedRule) -> Iterable[dict[str, Any]]:
    cursor = connection.execute(rule.sql)
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _worded(
    text: FaultText, rule: str, seed: str, line: int, words: str, details: Mapping[str, object]
) -> Contradiction:
    shown = {name: _shown(value) for name, value in details.items()}
    filled = text.remedy_first().filled(**shown)
    return Contradiction(rule, seed, line, words, filled)


def _words(row: Iterable[str]) -> str:
    """Return a row as its file has it, on one line and not endless."""
    written = io.StringIO()
    csv.writer(written, lineterminator="").writerow(
        [_shown(" ".join(cell.split())) for cell in row]
    )
    text = written.getvalue()
    return text if len(text) <= _WORDS else f"{text[:_WORDS]}..."


def _shown(value: object) -> object:
    return "***" if isinstance(value, str) and holds_secret(value) else value
