"""The child process that opens a workbook: what is in it can end or fill this process, not the run.

Belongs here: limits, sheets, cells as text, over a pipe. Doesn't: which sheet, what its rows mean
(xlsx_reader). It imports nothing of the project, nor pyarrow: it starts in some 30 ms.

It writes a line of JSON for the sheets, with their first rows; reads the name of the one that is
wanted; writes its rows, some thousands a line, and a last line. Errors are a line of their own.
"""

import json
import re
import resource
import sys
import zipfile
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    SheetTypeEnum,
    SheetVisibleEnum,
)

Cell = int | float | str | bool | time | date | datetime | timedelta

MEMORY_BYTES = 2 << 30
"""60,000 x 80 cells take 340 MB and 6 CPU s."""
CPU_SECONDS = 300
SAMPLE_ROWS = 50
_BLOCK_ROWS = 10_000
_BLOCK_CHARACTERS = 8 << 20
_MOST_DIGITS = 10**15
"""Excel keeps 15 digits of a number: what was typed behind them is lost."""

_CELL_VALUE = re.compile(rb"<(?:\w+:)?v>([^<]*)<")
_STYLE = re.compile(rb"\bs=[\"'](\d+)[\"']")
_OTHER_TYPE = re.compile(rb"\bt=[\"'](?!n[\"'])")
_REFERENCE = re.compile(rb"\br=[\"']([A-Z]+)(\d+)[\"']")
_CHUNK_BYTES = 1 << 20
_LONGEST_CELL = 64 << 10
_OLD_ERRORS = {
    **{0: "#NULL!", 7: "#DIV/0!", 15: "#VALUE!", 23: "#REF!"},
    **{29: "#NAME?", 36: "#NUM!", 42: "#N/A"},
}
_BUNDLE_SHEET, _ROW_HEADER, _ERROR_CELLS = 156, 0, (3, 11)
"""Records of XLSB: a sheet of the workbook, a row's beginning, a cell and a formula in error."""
_ODS_ERROR = b'value-type="error"'
_MOST_REPEATS = 10_000
_Texts = dict[int, dict[int, str]]
"""By row and column, from 1."""

_OLD_ERROR_CELL = re.compile(
    rb"\x05\x02\x08\x00.{6}([\x00\x07\x0f\x17\x1d\x24\x2a])\x01"
    rb"|\x06\x00.{8}\x02\x00([\x00\x07\x0f\x17\x1d\x24\x2a])\x00.{2}\xff\xff",
    re.S,
)


def main(path: Path, wanted: str | None) -> None:
    """Serve the workbook at `path`; of its sheets the one `wanted`, else all that are visible."""
    with CalamineWorkbook.from_path(path) as workbook:
        names = workbook.sheet_names
        visible = [
            sheet.name
            for sheet in workbook.sheets_metadata
            if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible
        ]
        served = visible if wanted is None else [name for name in names if name == wanted]
        sheets = {name: workbook.get_sheet_by_name(name) for name in served}
    samples = [
        {
            "name": name,
            "rows": _sample(sheet),
            "row_count": sheet.height,
            "first_column": (sheet.start or (0, 0))[1] + 1,
        }
        for name, sheet in sheets.items()
    ]
    _write({"names": names, "sheets": samples})
    chosen = sys.stdin.readline()
    if not chosen:
        return  # nobody wants any
    name = json.loads(chosen)
    for block in _blocks(sheets[name], _seen(path, name)):
        _write(block)
    _write({"end": True})


def cell_text(cell: Cell) -> str:
    """Return a cell as text: `5` for 5.0, `0.1`, `true`, `2025-06-01 23:59:59`, `10:30:00`.

    A duration is `H:MM:SS`, hours beyond 24 included. A whole number of more than 15 digits is
    `1.98501012010011E+17`, as Excel shows it: the other digits are not in the workbook.
    """
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if _is_cut(cell):
        return f"{cell:.14E}"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ", timespec="seconds")
    if isinstance(cell, date):
        return f"{cell} 00:00:00"
    if isinstance(cell, time):
        return cell.strftime("%H:%M:%S")
    if isinstance(cell, timedelta):
        minutes, seconds = divmod(round(cell.total_seconds()), 60)
        return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"
    return repr(cell)


def sheet_path(read: Callable[[str], bytes], sheet: str) -> str | None:
    """Return the part of an XLSX that holds the sheet, by the workbook's list and its relations."""
    book = ElementTree.parse(BytesIO(read("xl/workbook.xml")))
    links = ElementTree.parse(BytesIO(read("xl/_rels/workbook.xml.rels")))
    targets = {link.get("Id"): link.get("Target", "") for link in links.getroot()}
    for entry in book.iterfind(".//{*}sheet"):
        if entry.get("name") == sheet:
            link = next(value for name, value in entry.attrib.items() if name.endswith("}id"))
            path = targets[link]
            return path.lstrip("/") if path.startswith("/") else f"xl/{path}"
    return None


def old_errors(content: bytes) -> str:
    """Return the first error value that an old workbook (.xls) holds, '' where it holds none."""
    found = _OLD_ERROR_CELL.search(content)
    return _OLD_ERRORS[(found[1] or found[2])[0]] if found else ""


def _is_cut(cell: Cell) -> bool:
    """Whether it is a number of more digits than Excel keeps."""
    return isinstance(cell, int | float) and abs(cell) >= _MOST_DIGITS


def _sample(sheet: CalamineSheet) -> list[list[str]]:
    rows = []
    for row in sheet.iter_rows():
        rows.append([cell_text(cell) for cell in row])
        if len(rows) == SAMPLE_ROWS:
            break
    return rows


def _seen(path: Path, sheet: str) -> _Texts:
    """Return what people see where calamine hands on something else.

    Error cells, for which it hands on a blank, and numbers that a format fills up with zeros.
    """
    with path.open("rb") as file:
        if file.read(2) != b"PK":
            file.seek(0)
            if old := old_errors(file.read()):
                raise Refusal("hidden_errors", detail=old)
            return {}
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        if "xl/workbook.xml" in names:
            return _seen_in_xlsx(archive, sheet)
        if "xl/workbook.bin" in names:
            return _seen_in_xlsb(archive, sheet)
        return _seen_in_ods(archive, sheet) if "content.xml" in names else {}


def _seen_in_xlsx(archive: zipfile.ZipFile, sheet: str) -> _Texts:
    part = sheet_path(archive.read, sheet)
    if part is None:
        return {}
    texts: _Texts = {}
    errors = _marked_cells(archive, part, rb"t=[\"']e[\"']", (b't="e"', b"t='e'"))
    for row, column, _, value in errors:
        texts.setdefault(row, {})[column] = value.decode() or "#ERROR"
    widths = _zero_formats(archive)
    if not widths:
        return texts
    styles = rb"s=[\"'](?:%b)[\"']" % b"|".join(widths)
    for row, column, attributes, value in _marked_cells(archive, part, styles, (b"<",)):
        style = _STYLE.search(attributes)
        if style and value.isdigit() and not _OTHER_TYPE.search(attributes):
            texts.setdefault(row, {})[column] = value.decode().zfill(widths[style[1]])
    return texts


def _marked_cells(
    archive: zipfile.ZipFile, part: str, mark: bytes, signs: tuple[bytes, ...]
) -> Iterator[tuple[int, int, bytes, bytes]]:
    """Yield row, column, attributes and value of a sheet's cells whose attributes match `mark`.

    Text without any of the `signs` holds none.
    """
    cell = re.compile(rb"<(?:\w+:)?c\b(?=[^>]*\b%b)([^>]*)(?<!/)>(.*?)</(?:\w+:)?c>" % mark, re.S)
    with archive.open(part) as content:
        held = b""
        while chunk := content.read(_CHUNK_BYTES):
            held += chunk
            done = 0
            if any(sign in held for sign in signs):
                for found in cell.finditer(held):
                    done = found.end()
                    value = _CELL_VALUE.search(found[2])
                    text = value[1] if value else b""
                    place = _REFERENCE.search(found[1])
                    if place is None:
                        raise Refusal("hidden_errors", detail=text.decode() or "#ERROR")
                    yield int(place[2]), _column_number(place[1]), found[1], text
            held = held[max(done, len(held) - _LONGEST_CELL) :]


def _zero_formats(archive: zipfile.ZipFile) -> dict[bytes, int]:
    """Return the styles of numbers that are shown with leading zeros, and how many digits."""
    if "xl/styles.xml" not in archive.namelist():
        return {}
    styles = ElementTree.parse(BytesIO(archive.read("xl/styles.xml"))).getroot()
    formats = {
        entry.get("numFmtId"): len(code)
        for entry in styles.iterfind(".//{*}numFmt")
        if re.fullmatch("00+", code := entry.get("formatCode", ""))
    }
    cells = enumerate(styles.iterfind("./{*}cellXfs/{*}xf"))
    ids = ((place, style.get("numFmtId")) for place, style in cells)
    return {str(place).encode(): formats[of] for place, of in ids if of in formats}


def _seen_in_xlsb(archive: zipfile.ZipFile, sheet: str) -> _Texts:
    """Return the error cells of a binary workbook (MS-XLSB, 2.1.4: records of id, size, bytes)."""
    links = ElementTree.parse(BytesIO(archive.read("xl/_rels/workbook.bin.rels")))
    targets = {link.get("Id"): link.get("Target", "") for link in links.getroot()}
    part = None
    for kind, data in xlsb_records(archive.read("xl/workbook.bin")):
        if kind == _BUNDLE_SHEET:
            link, rest = _wide_text(data[8:])
            if _wide_text(rest)[0] == sheet:
                path = targets[link]
                part = path.lstrip("/") if path.startswith("/") else f"xl/{path}"
    texts: _Texts = {}
    row = 0
    for kind, data in xlsb_records(archive.read(part)) if part else ():
        if kind == _ROW_HEADER:
            row = int.from_bytes(data[:4], "little") + 1
        elif kind in _ERROR_CELLS:
            column = int.from_bytes(data[:4], "little") + 1
            texts.setdefault(row, {})[column] = _OLD_ERRORS.get(data[8], "#ERROR")
    return texts


def xlsb_records(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the records of a part of a binary workbook: id and bytes."""
    at = 0
    while at < len(content):
        kind, at = _varying(content, at, 2)
        size, at = _varying(content, at, 4)
        yield kind, content[at : at + size]
        at += size


def _varying(content: bytes, at: int, most: int) -> tuple[int, int]:
    """Return a number of up to `most` bytes, seven bits each, and the place behind it."""
    number = 0
    for place, byte in enumerate(content[at : at + most]):
        number |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return number, at + place + 1
    return number, at + most


def _wide_text(data: bytes) -> tuple[str, bytes]:
    length = 2 * int.from_bytes(data[:4], "little")
    return data[4 : 4 + length].decode("utf-16-le"), data[4 + length :]


def _seen_in_ods(archive: zipfile.ZipFile, sheet: str) -> _Texts:
    """Return the error cells of an OpenDocument sheet, as LibreOffice marks them."""
    with archive.open("content.xml") as content:
        held = b""
        while (chunk := content.read(_CHUNK_BYTES)) and _ODS_ERROR not in held + chunk:
            held = chunk[-len(_ODS_ERROR) :]
        if not chunk:
            return {}
    texts: _Texts = {}
    is_wanted = False
    row = column = 0
    in_row: dict[int, str] = {}
    with archive.open("content.xml") as content:
        for event, element in ElementTree.iterparse(content, ("start", "end")):
            name = element.tag.rpartition("}")[2]
            if event == "start":
                if name == "table":
                    is_wanted, row = _of(element, "name") == sheet, 0
                elif name == "table-row":
                    column, in_row = 0, {}
                continue
            if name in ("table-cell", "covered-table-cell"):
                times = int(_of(element, "number-columns-repeated") or 1)
                if any(key.endswith("}value-type") and value == "error"
                       for key, value in element.attrib.items()):  # fmt: skip
                    text = "".join(element.itertext()).strip() or "#ERROR"
                    in_row |= {column + n: text for n in range(1, min(times, _MOST_REPEATS) + 1)}
                column += times
                element.clear()
            elif name == "table-row":
                times = int(_of(element, "number-rows-repeated") or 1)
                if is_wanted and in_row:
                    texts |= {row + n: in_row for n in range(1, min(times, _MOST_REPEATS) + 1)}
                row += times
                element.clear()
    return texts


def _of(element: ElementTree.Element, name: str) -> str:
    """Return an attribute by its name without namespace."""
    found = (value for key, value in element.attrib.items() if key.endswith(f"}}{name}"))
    return next(found, "")


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + letter - ord("A") + 1
    return number


def _blocks(sheet: CalamineSheet, seen: _Texts) -> Iterator[dict[str, list[Any]]]:
    """Yield rows with anything in them and their numbers, as a spreadsheet shows them.

    With each the numbers whose last digits Excel cut off: row and place in it.
    """
    first_column = (sheet.start or (0, 0))[1] + 1
    numbers: list[int] = []
    rows: list[list[str]] = []
    cut: list[tuple[int, int]] = []
    characters = 0
    for number, row in enumerate(sheet.iter_rows(), start=1):
        cells = [cell_text(cell) for cell in row]
        for column, text in seen.get(number, {}).items():
            if 0 <= column - first_column < len(cells):
                cells[column - first_column] = text
        joined = "".join(cells)
        if "E+" in joined:
            cut += [(number, place) for place, cell in enumerate(row) if _is_cut(cell)]
        length = len(joined)
        if not length:
            continue
        if length > _BLOCK_CHARACTERS:
            raise Refusal("record_too_long", row=number, limit=_BLOCK_CHARACTERS >> 20)
        numbers.append(number)
        rows.append(cells)
        characters += length
        if len(rows) == _BLOCK_ROWS or characters >= _BLOCK_CHARACTERS:
            yield {"numbers": numbers, "rows": rows, "cut": cut}
            numbers, rows, cut, characters = [], [], [], 0
    if rows:
        yield {"numbers": numbers, "rows": rows, "cut": cut}


class Refusal(Exception):
    """A fault (faults.FAULTS) and what fills its sentence."""

    def __init__(self, code: str, **details: object) -> None:
        """`details` are those of ExportFault."""
        super().__init__(code)
        self.line = {"fault": code, "details": details}


def _write(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line))
    sys.stdout.write("\n")
    sys.stdout.flush()


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":  # elsewhere it is not enforced, or refused
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


if __name__ == "__main__":
    _limit()
    try:
        main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None)
    except Refusal as refusal:
        _write(refusal.line)
    except (CalamineError, OSError, zipfile.BadZipFile, ElementTree.ParseError) as error:
        _write({"fault": "bad_workbook", "details": {"detail": str(error)}})
    except MemoryError:
        raise  # its silence is told
    except Exception as error:  # what damaged parts lead to; its message may quote them
        _write({"fault": "bad_workbook", "details": {"detail": type(error).__name__}})
