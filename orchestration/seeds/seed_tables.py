"""A seed as people save it, told by content: the one place where seeds are read.

Belongs here: encoding, delimiter, blank rows, and how a spreadsheet writes a date, a number or a
truth. Doesn't: what rows stand for that are stated once (seed_expansion.py), what seeds must agree
on (expectations/seed_rules.py), what they mean (dbt).

Excel under an Indonesian locale saves `;` between cells, a byte order mark, TRUE, 0,25 and
31/05/2026. All readers, and dbt through `as_csv`, get the seeds' own form: true, 0.25, 2026-05-31.
What could mean two things (05/06/2026 between commas, 1.000 between semicolons) is left as it is
and told as unreadable.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest
from pathlib import Path
from typing import Any

from orchestration.project_files import shipped
from orchestration.seeds.seed_expansion import STATES, with_base_questions, with_listed_codes
from orchestration.words import FaultText

FILE_FAULTS = {
    "seed_is_there": FaultText(
        "the file is missing. Restore it, or set ILK_SEEDS_DIR to the folder of your seeds.",
        "berkas tidak ada. Pulihkan, atau arahkan ILK_SEEDS_DIR ke folder seed Anda.",
    ),
    "seed_is_utf8": FaultText(
        "the file is not UTF-8 (byte {detail}). Save it as CSV UTF-8.",
        "berkas bukan UTF-8 (bita ke-{detail}). Simpan sebagai CSV UTF-8.",
    ),
    "seed_is_csv": FaultText(
        "this can't be read as CSV ({detail}). Close the quotation mark that opens here.",
        "baris ini tidak dapat dibaca sebagai CSV ({detail}). Tutup tanda kutip yang dibuka.",
    ),
}
_DECLARATIONS = shipped("models/_seeds.yml")
_DELIMITERS = ",;\t|"
_TRUTHS = {"true": "true", "benar": "true", "false": "false", "salah": "false"}
# True or false under another name than is_...
_YES_OR_NO = {("survey_cycles", "reports")}
# Seeds that a folder may lack, and the rows that they then have: none, but for what an ILK asks
# of a person.
OPTIONAL_SEEDS: dict[str, tuple[tuple[str, ...], ...]] = {
    "code_lists": (),
    "demographics": (
        ("gender", "Jenis kelamin", "Gender", "1"),
        ("age_group", "Kelompok umur", "Age group", "2"),
        ("rank_group", "Golongan", "Rank group", "3"),
        ("tenure_group", "Masa kerja", "Years of service", "4"),
    ),
    "follow_ups": (),
    "instruments": (),
    "region_contacts": (),
    "statistical_activity": (),
    "verifications": (),
}
# A number that is declared as text, since one column holds all parameters.
_NUMBERS = {("method_parameters", "value")}
_BOMS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


class SeedFileError(ValueError):
    """A seed is no table; `rule` is of FILE_FAULTS, `line` where it begins (0: as a whole)."""

    def __init__(self, path: Path, rule: str, line: int = 0, detail: object = "") -> None:
        """Word the sentence in both languages."""
        text = FILE_FAULTS[rule]
        place = f"{path.name}, baris / line {line}" if line else str(path)
        words = (sentence.format(detail=detail) for sentence in (text.id, text.en))
        super().__init__(f"{place}: {' / '.join(words)}")
        self.rule, self.line, self.detail = rule, line, detail


@dataclass(frozen=True)
class SeedTable:
    """A seed's rows in the seeds' own form, and as they are written.

    `rows` are as wide as the header, `written` as wide as they are. `lines`: where each row begins
    in the file, `seeds` which file where that is not the same for all. `unread`: places of rows and
    columns whose cell could mean two things.
    """

    delimiter: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    written: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]
    unread: frozenset[tuple[int, str]]
    seeds: tuple[str, ...] = ()

    def records(self) -> list[dict[str, str]]:
        """Return the rows by column; a cell that is missing is empty."""
        return [dict(zip(self.header, row, strict=True)) for row in self.rows]

    def as_csv(self) -> str:
        """Return the seed as this repository's seeds are written: commas, UTF-8, `\\n`."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([self.header, *self.rows])
        return text.getvalue()


def read_seed(path: Path) -> SeedTable:
    """Read what a seed says, spelled out (seed_expansion.py). Raises SeedFileError."""
    table = written_seed(path)
    if path.stem not in STATES:
        return table
    stated = written_seed(path.with_name(f"{STATES[path.stem]}.csv"))
    spell_out = with_listed_codes if path.stem == "export_codes" else with_base_questions
    return spell_out(table, stated)


def written_seed(path: Path) -> SeedTable:
    """Read a seed's own rows, or those of an optional one that is missing. Raises SeedFileError."""
    if not path.is_file():
        if path.stem in OPTIONAL_SEEDS:
            rows = OPTIONAL_SEEDS[path.stem]
            lines = tuple(range(2, len(rows) + 2))
            header = tuple(declared_seeds()[path.stem])
            return SeedTable(",", header, rows, rows, lines, frozenset())
        raise SeedFileError(path, "seed_is_there")
    return _read(path, path.read_bytes())


@lru_cache(maxsize=64)
def _read(path: Path, content: bytes) -> SeedTable:
    text = _text(path, content)
    delimiter = _delimiter(text)
    # A spreadsheet leaves rows of delimiters below the last one.
    filled = [
        (line, row)
        for line, row in _records(path, text, delimiter)
        if any(cell.strip() for cell in row)
    ]
    if not filled:
        return SeedTable(delimiter, (), (), (), (), frozenset())
    lines, rows = zip(*filled, strict=True)
    header, *written = _without_blank_columns(rows)
    columns = tuple(heading.strip() for heading in header)
    kinds = _kinds(path.stem)
    days_first = {
        column
        for place, column in enumerate(columns)
        if kinds.get(column) == "date"
        and _are_days_first([row[place] for row in written if place < len(row)], delimiter)
    }
    read, unread = [], set()
    for number, row in enumerate(written):
        cells = []
        for column, cell in zip_longest(columns, row[: len(columns)], fillvalue=""):
            kind = kinds.get(column)
            found: str | None = cell
            if column in days_first:
                found = _iso_date(cell)
            elif kind == "truth":
                found = _TRUTHS.get(cell.strip().lower(), cell)
            elif kind == "number":
                found = _number(cell, delimiter)
            if found is None:
                unread.add((number, column))
            cells.append(cell if found is None else found)
        read.append(tuple(cells))
    return SeedTable(delimiter, columns, tuple(read), tuple(written), lines[1:], frozenset(unread))


def seed_records(seeds_dir: Path, name: str) -> list[dict[str, str]]:
    """Return the rows of a seed by column, as text in the seeds' own form."""
    return read_seed(seeds_dir / f"{name}.csv").records()


@lru_cache(maxsize=1)
def declared_seeds() -> dict[str, dict[str, str]]:
    """Return the type of every column of every seed, as models/_seeds.yml declares them."""
    import yaml  # type: ignore[import-untyped]  # it ships no types

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # in C ten times as fast, where built
    text = _DECLARATIONS.read_text(encoding="utf-8")
    document: dict[str, Any] = yaml.load(text, Loader=loader)
    return {seed["name"]: seed["config"]["column_types"] for seed in document["seeds"]}


def _kinds(seed: str) -> dict[str, str]:
    """Return by column what a spreadsheet may have written its own way."""
    kinds = {"date": "date", "double": "number"}
    return {
        column: "truth"
        if column.startswith("is_") or (seed, column) in _YES_OR_NO
        else "number"
        if (seed, column) in _NUMBERS
        else kinds.get(declared, "")
        for column, declared in declared_seeds().get(seed, {}).items()
    }


def _text(path: Path, content: bytes) -> str:
    encoding = _BOMS.get(content[:2], "utf-8-sig")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise SeedFileError(path, "seed_is_utf8", detail=error.start) from None


def _delimiter(text: str) -> str:
    """Return what splits the header into most cells: no seed's column has one in its name."""
    header = next((line for line in text.splitlines() if line.strip()), "")
    return max(_DELIMITERS, key=header.count)


def _records(path: Path, text: str, delimiter: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    start = 1
    try:
        for row in reader:
            yield start, tuple(row)
            start = reader.line_num + 1
    except csv.Error as error:
        raise SeedFileError(path, "seed_is_csv", start, error) from None


def _without_blank_columns(rows: Sequence[tuple[str, ...]]) -> Sequence[tuple[str, ...]]:
    """Leave out columns to the right that have no heading and no cell."""
    used = max(place for row in rows for place, cell in enumerate(row, start=1) if cell.strip())
    if used < min(map(len, rows)):
        return [row[:used] for row in rows]
    return rows


_SLASHED = re.compile(r"\s*(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})\s*")


def _are_days_first(cells: Sequence[str], delimiter: str) -> bool:
    """Whether dates such as 31/05/2026 name the day first; between commas only where one tells."""
    found = [match for cell in cells if (match := _SLASHED.fullmatch(cell))]
    if any(int(match[2]) > 12 for match in found):
        return False
    return delimiter != "," or any(int(match[1]) > 12 for match in found)


def _iso_date(cell: str) -> str:
    match = _SLASHED.fullmatch(cell)
    return f"{match[3]}-{int(match[2]):02}-{int(match[1]):02}" if match else cell


def _number(cell: str, delimiter: str) -> str | None:
    """Return the number with a point; None where its mark may stand between thousands.

    A comma is the decimal mark between semicolons, a point between commas; the other mark is too,
    unless three digits follow it. What is no number comes back as it is.
    """
    text = cell.strip()
    own, other = (".", ",") if delimiter == "," else (",", ".")
    if not re.fullmatch(r"[+-]?\d+[.,]\d+", text):
        return cell
    if re.fullmatch(rf"[+-]?[1-9]\d{{0,2}}{re.escape(other)}\d{{3}}", text):
        return None
    return text.replace(own, ".").replace(other, ".")
