"""Records taken out of an export's bytes, all others left as they are and where they are.

Belongs here: CSV and XLSX surgery, the mark that stands in a record's place so that no other one's
number moves, and the proof that nothing else changed. Doesn't: whose records (forgotten), the
registry.
"""

import csv
import io
import re
import sys
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Set
from itertools import islice
from pathlib import Path
from xml.etree import ElementTree

import duckdb
import pyarrow as pa
import pyarrow.compute
from python_calamine import CalamineWorkbook

MARK = "ILKFORGOTTEN"
"""What the first cell of an erased record holds; its other cells are empty."""

_BOM = "\ufeff"
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
    header_rows: int,
    records: Mapping[int, Set[str]],
) -> None:
    """Copy an export to `target` without some of its records (1 = the first after the header).

    `records` holds for each the cells that tell whose it is: they may stand nowhere else in a
    workbook afterwards. `encoding`, `delimiter` and `header_rows` are the registry's. The same
    bytes and records give the same bytes. Raises ErasureError.
    """
    if encoding.startswith("xlsx:"):
        if not zipfile.is_zipfile(source):
            raise ErasureError("an old .xls workbook can't be edited")
        sheet = encoding.removeprefix("xlsx:")
        _erase_in_workbook(source, target, sheet=sheet, header_rows=header_rows, records=records)
    else:
        _erase_in_text(source, target, encoding, delimiter, {header_rows + n for n in records})


def check_nothing_else_changed(before: Path, after: Path, *, erased: Set[int]) -> None:
    """Compare two readings of an export (raw Parquet). Raises ErasureError where they differ."""
    rows = "select * exclude (_file_sha256, _pulled_at) from read_parquet({})"
    with duckdb.connect() as connection:
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
    """Replace records by number, header rows counted, as Python's csv module sees them."""
    codec = _KEEPING_THE_MARK.get(encoding, encoding)
    if encoding.replace("_", "-") == "utf-16":
        with source.open("rb") as file:
            codec = "utf-16-le" if file.read(2) == b"\xff\xfe" else "utf-16-be"
    csv.field_size_limit(sys.maxsize)
    number = 0
    with (
        source.open(encoding=codec, newline="") as text,
        target.open("w", encoding=codec, newline="") as cleared,
    ):
        lines = _Lines(text)
        for record in csv.reader(lines, delimiter=delimiter):
            span = lines.taken()
            number += bool(record)
            if record and number in numbers:
                line_break = span[len(span.rstrip("\r\n")) :]
                span = delimiter.join([MARK, *[""] * (len(record) - 1)]) + line_break
            cleared.write(span)


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
    header_rows: int,
    records: Mapping[int, Set[str]],
) -> None:
    """Blank rows of one sheet, and the shared texts that no cell refers to any longer."""
    rows, first_column = _sheet_rows(source, sheet, header_rows, set(records))
    with zipfile.ZipFile(source) as workbook:
        parts = {info.filename: workbook.read(info) for info in workbook.infolist()}
        infos = workbook.infolist()
    sheets = [name for name in parts if name.startswith("xl/worksheets/") and name.endswith(".xml")]
    before = _shared_in(parts, sheets)
    path = _sheet_path(parts, sheet)
    parts[path] = _blank_rows(parts[path], rows, first_column)
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


def _sheet_rows(
    source: Path, sheet: str, header_rows: int, records: set[int]
) -> tuple[set[int], str]:
    """Return the numbers that the records' rows have in the sheet, and its first column."""
    with CalamineWorkbook.from_path(source) as workbook:
        table = workbook.get_sheet_by_name(sheet)
        filled = (
            number
            for number, row in enumerate(table.iter_rows(), start=1)
            if any(cell != "" for cell in row)
        )
        after_header = enumerate(islice(filled, header_rows, None), start=1)
        rows = {row for record, row in after_header if record in records}
        letters, column = "", (table.start or (0, 0))[1] + 1
    while column:
        column, letter = divmod(column - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return rows, letters


def _sheet_path(parts: Mapping[str, bytes], sheet: str) -> str:
    """Return the part that holds the sheet, by the workbook's list and its relations."""
    book = ElementTree.parse(io.BytesIO(parts["xl/workbook.xml"]))
    links = ElementTree.parse(io.BytesIO(parts["xl/_rels/workbook.xml.rels"]))
    targets = {link.get("Id"): link.get("Target", "") for link in links.getroot()}
    for entry in book.iterfind(".//{*}sheet"):
        if entry.get("name") == sheet:
            link = next(value for name, value in entry.attrib.items() if name.endswith("}id"))
            path = targets[link]
            return path.lstrip("/") if path.startswith("/") else f"xl/{path}"
    raise ErasureError(f"its sheet '{sheet}' is not found")


def _shared_in(parts: Mapping[str, bytes], sheets: list[str]) -> set[int]:
    return {int(number) for name in sheets for number in _SHARED_CELL.findall(parts[name])}


def _blank_rows(content: bytes, rows: set[int], column: str) -> bytes:
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
