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

_ERROR_CELL = re.compile(
    rb"<(?:\w+:)?c\b(?=[^>]*\bt=[\"']e[\"'])([^>]*)(?<!/)>(.*?)</(?:\w+:)?c>", re.S
)
_ERROR_VALUE = re.compile(rb"<(?:\w+:)?v>([^<]*)<")
_REFERENCE = re.compile(rb"\br=[\"']([A-Z]+)(\d+)[\"']")
_CHUNK_BYTES = 1 << 20
_LONGEST_CELL = 64 << 10
_OLD_ERRORS = {
    **{0: "#NULL!", 7: "#DIV/0!", 15: "#VALUE!", 23: "#REF!"},
    **{29: "#NAME?", 36: "#NUM!", 42: "#N/A"},
}
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
    for block in _blocks(sheets[name], _errors(path, name)):
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
    if isinstance(cell, int | float) and abs(cell) >= _MOST_DIGITS:
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


def _sample(sheet: CalamineSheet) -> list[list[str]]:
    rows = []
    for row in sheet.iter_rows():
        rows.append([cell_text(cell) for cell in row])
        if len(rows) == SAMPLE_ROWS:
            break
    return rows


def _errors(path: Path, sheet: str) -> dict[int, dict[int, str]]:
    """Return what stands in error cells, by row and column from 1: calamine hands on a blank."""
    with path.open("rb") as file:
        if file.read(2) != b"PK":
            file.seek(0)
            if old := old_errors(file.read()):
                raise Refusal("hidden_errors", detail=old)
            return {}
    errors: dict[int, dict[int, str]] = {}
    with zipfile.ZipFile(path) as archive:
        if "xl/workbook.xml" not in archive.namelist():
            return {}  # no XLSX
        part = sheet_path(archive.read, sheet)
        if part is None:
            return {}
        with archive.open(part) as content:
            held = b""
            while chunk := content.read(_CHUNK_BYTES):
                held += chunk
                done = 0
                if b't="e"' in held or b"t='e'" in held:
                    for found in _ERROR_CELL.finditer(held):
                        done = found.end()
                        value = _ERROR_VALUE.search(found[2])
                        text = value[1].decode() if value else "#ERROR"
                        place = _REFERENCE.search(found[1])
                        if place is None:
                            raise Refusal("hidden_errors", detail=text)
                        row = errors.setdefault(int(place[2]), {})
                        row[_column_number(place[1])] = text
                held = held[max(done, len(held) - _LONGEST_CELL) :]
    return errors


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + letter - ord("A") + 1
    return number


def _blocks(
    sheet: CalamineSheet, errors: dict[int, dict[int, str]]
) -> Iterator[dict[str, list[Any]]]:
    """Yield rows with anything in them and their numbers, as a spreadsheet shows them."""
    first_column = (sheet.start or (0, 0))[1] + 1
    numbers: list[int] = []
    rows: list[list[str]] = []
    characters = 0
    for number, row in enumerate(sheet.iter_rows(), start=1):
        cells = [cell_text(cell) for cell in row]
        for column, text in errors.get(number, {}).items():
            cells[column - first_column] = text
        length = sum(map(len, cells))
        if not length:
            continue
        if length > _BLOCK_CHARACTERS:
            raise Refusal("record_too_long", row=number, limit=_BLOCK_CHARACTERS >> 20)
        numbers.append(number)
        rows.append(cells)
        characters += length
        if len(rows) == _BLOCK_ROWS or characters >= _BLOCK_CHARACTERS:
            yield {"numbers": numbers, "rows": rows}
            numbers, rows, characters = [], [], 0
    if rows:
        yield {"numbers": numbers, "rows": rows}


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
