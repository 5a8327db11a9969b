"""Records taken out of an export's bytes, all others left as they are and where they are.

Belongs here: CSV, XLSX and JSON surgery, the mark that stands in a record's place so that no other
one's number moves, and the proof that nothing else changed. Doesn't: whose records (forgotten), the
registry.
"""

import csv
import json
import re
import sys
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Set
from pathlib import Path

import pyarrow as pa
import pyarrow.compute

from orchestration.bounded_engine import BoundedEngine
from orchestration.exports.json_reader import flat, parts
from orchestration.exports.sniffing import separator_line
from orchestration.exports.workbook_cells import sheet_path
from orchestration.exports.xlsx_reader import first_column

MARK = "ILKFORGOTTEN"
"""What the first cell of an erased record holds; its other cells are empty."""

_BOM = "\ufeff"
_LONGEST_SEPARATOR_LINE = 12
# Codecs that leave the byte order mark in the text, so that it is written back as it was.
_KEEPING_THE_MARK = {"utf-8-sig": "utf-8", "utf_8_sig": "utf-8"}


class ErasureError(ValueError):
    """The bytes can't be edited and stay as they are; the sentence says why."""


def without_marks(batch: pa.RecordBatch, numbers: pa.Array) -> tuple[pa.RecordBatch, pa.Array]:
    """Return a batch of an export's records and their numbers without the erased ones."""
    is_erased = pa.compute.equal(batch.column(0), MARK)
    if not pa.compute.any(is_erased, min_count=0).as_py():
        return batch, numbers
    kept = pa.compute.invert(is_erased)
    return batch.filter(kept), numbers.filter(kept)


def erase_records(
    source: Path,
    target: Path,
    *,
    encoding: str,
    delimiter: str,
    records: Mapping[int, Set[str]],
) -> None:
    """Copy an export to `target` without some of its records, named by the rows they stand in.

    `records` holds for each the cells that tell whose it is: they may stand nowhere else in a
    workbook afterwards. `encoding` and `delimiter` are the registry's. The same bytes and records
    give the same bytes. Raises ErasureError.
    """
    if encoding.startswith("xlsx:"):
        if not zipfile.is_zipfile(source):
            raise ErasureError("an old .xls workbook can't be edited")
        sheet = encoding.removeprefix("xlsx:")
        _erase_in_workbook(source, target, sheet=sheet, records=records)
    elif encoding == "json":
        _erase_in_json(source, target, records.keys())
    elif not delimiter:
        raise ErasureError(f"a file of the kind {encoding} can't be edited")
    else:
        _erase_in_text(source, target, encoding, delimiter, records.keys())


def check_nothing_else_changed(
    engine: BoundedEngine, before: Path, after: Path, *, erased: Set[int]
) -> None:
    """Compare two readings of an export (raw Parquet). Raises ErasureError where they differ."""
    rows = "select * exclude (_file_sha256, _pulled_at) from read_parquet({})"
    with engine.opened() as connection:
        connection.execute("create temp table erased (n bigint)")
        connection.executemany("insert into erased values (?)", [[number] for number in erased])
        old = f"{rows.format('$before')} where _source_row not in (from erased)"
        new = rows.format("$after")
        differing = connection.execute(
            f"select count(*) from (({old} except all {new}) union all ({new} except all {old}))",
            {"before": str(before), "after": str(after)},
        ).fetchall()[0][0]
    if differing:
        raise ErasureError(f"its other records would not stay the same ({differing} differ)")


def _erase_in_text(
    source: Path, target: Path, encoding: str, delimiter: str, numbers: Set[int]
) -> None:
    """Replace records by their row, as Python's csv module sees them; broken bytes stay."""
    codec = _KEEPING_THE_MARK.get(encoding, encoding)
    if encoding.replace("_", "-") == "utf-16":
        with source.open("rb") as file:
            codec = "utf-16-le" if file.read(2) == b"\xff\xfe" else "utf-16-be"
    csv.field_size_limit(sys.maxsize)
    with (
        source.open(encoding=codec, errors="surrogateescape", newline="") as text,
        target.open("w", encoding=codec, errors="surrogateescape", newline="") as cleared,
    ):
        lines = _Lines(text)
        _, length = separator_line(text.read(_LONGEST_SEPARATOR_LINE).removeprefix(_BOM))
        text.seek(0)
        for number, record in enumerate(csv.reader(lines, delimiter=delimiter), start=not length):
            span = lines.taken()
            if record and number in numbers:
                line_break = span[len(span.rstrip("\r\n")) :]
                span = delimiter.join([MARK, *[""] * (len(record) - 1)]) + line_break
            cleared.write(span)


def _erase_in_json(source: Path, target: Path, numbers: Set[int]) -> None:
    """Put a record that holds the mark alone in the place of each.

    Its other cells stand in their order, empty: the first record's is that of the columns.
    """
    with source.open("rb") as file, target.open("w", encoding="utf-8", newline="") as cleared:
        first = ""
        for part in parts(file):
            text = part.text
            if part.record is not None:
                cells = flat(part.record)
                first = first or next(iter(cells), "")
                if part.number in numbers:
                    text = json.dumps(dict.fromkeys(cells, "") | {first: MARK})
            cleared.write(text)


class _Lines(Iterator[str]):
    """A text's lines, remembered until they are asked for; a byte order mark is not handed on."""

    def __init__(self, text: Iterable[str]) -> None:
        self._lines = iter(text)
        self._taken: list[str] = []

    def __next__(self) -> str:
        line = next(self._lines)
        self._taken.append(line)
        return line.removeprefix(_BOM)

    def taken(self) -> str:
        """Return what was handed on since this was last asked, as it stands in the file."""
        span = "".join(self._taken)
        self._taken.clear()
        return span


_ROW = re.compile(rb"<((?:\w+:)?)row\b([^>]*?)(?:/>|>.*?</\1row>)", re.S)
_SHARED = re.compile(rb"<((?:\w+:)?)si\b(?:[^>]*/>|[^>]*>.*?</\1si>)", re.S)
_SHARED_CELL = re.compile(
    rb"<(?:\w+:)?c\b(?=[^>]*\bt=\"s\")[^>]*>\s*(?:<(?:\w+:)?f\b.*?)?<(?:\w+:)?v>(\d+)<", re.S
)
_SHARED_STRINGS = "xl/sharedStrings.xml"


def _erase_in_workbook(
    source: Path,
    target: Path,
    *,
    sheet: str,
    records: Mapping[int, Set[str]],
) -> None:
    """Blank rows of one sheet, and the shared texts that no cell refers to any longer."""
    letters, column = "", first_column(source, sheet)
    while column:
        column, letter = divmod(column - 1, 26)
        letters = chr(ord("A") + letter) + letters
    with zipfile.ZipFile(source) as workbook:
        parts = {info.filename: workbook.read(info) for info in workbook.infolist()}
        infos = workbook.infolist()
    sheets = [name for name in parts if name.startswith("xl/worksheets/") and name.endswith(".xml")]
    before = _shared_in(parts, sheets)
    path = sheet_path(parts.__getitem__, sheet)
    if path is None:
        raise ErasureError(f"its sheet '{sheet}' is not found")
    parts[path] = _blank_rows(parts[path], records.keys(), letters)
    unused = before - _shared_in(parts, sheets)
    if unused:
        numbers = iter(range(len(parts[_SHARED_STRINGS])))
        parts[_SHARED_STRINGS] = _SHARED.sub(
            lambda found: (
                b"<%bsi><%bt></%bt></%bsi>" % ((found[1],) * 4)
                if next(numbers) in unused
                else found[0]
            ),
            parts[_SHARED_STRINGS],
        )
    secrets = {cell.encode() for cells in records.values() for cell in cells}
    for name, content in parts.items():
        if any(secret in content for secret in secrets):
            raise ErasureError(f"it holds the person in another place too ({name})")
    with zipfile.ZipFile(target, "w") as cleared:
        for info in infos:
            cleared.writestr(info, parts[info.filename])


def _shared_in(parts: Mapping[str, bytes], sheets: list[str]) -> set[int]:
    return {int(number) for name in sheets for number in _SHARED_CELL.findall(parts[name])}


def _blank_rows(content: bytes, rows: Set[int], column: str) -> bytes:
    number = 0

    def blank(found: re.Match[bytes]) -> bytes:
        nonlocal number
        given = re.search(rb"\br=\"(\d+)\"", found[2])
        number = int(given[1]) if given else number + 1
        if number not in rows:
            return found[0]
        cell = (
            '<{0}row r="{1}"><{0}c r="{2}{1}" t="inlineStr"><{0}is><{0}t>{3}</{0}t></{0}is></{0}c>'
            "</{0}row>"
        )
        return cell.format(found[1].decode(), number, column, MARK).encode()

    return _ROW.sub(blank, content)
