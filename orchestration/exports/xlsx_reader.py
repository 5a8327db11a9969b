"""Workbooks (XLSX, XLS) to record batches, every cell text.

Belongs here: which sheet is read; talking to the child process that opens the workbook
(workbook_cells). Doesn't: header rows (headers), writing.
"""

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from orchestration.exports import workbook_cells
from orchestration.exports.faults import CUT_NUMBERS, REPEATS, ExportFault
from orchestration.exports.headers import (
    Header,
    find_header,
    fold,
    is_blank,
    is_repeat_table,
    tell_header,
)
from orchestration.exports.reader_child import ReaderChild
from orchestration.exports.seed_files import ReaderSettings
from orchestration.exports.table import ExportTable
from orchestration.words import FaultText

_SHOWN_SHEETS = 6


def read_xlsx(path: Path, settings: ReaderSettings) -> ExportTable:
    """Open the prescribed sheet, else the visible one that holds the headings that are known.

    Where they don't tell, the first with anything in it. The table's `encoding` is `xlsx:<sheet>`.
    Raises ExportFault: also where responses stand in several sheets, since only one is read.
    """
    workbook = _Workbook(path, settings.sheet)
    try:
        sheet, repeats = _choose(workbook, settings)
        header = tell_header(sheet["rows"], settings.headings)
    except BaseException:
        workbook.close()
        raise
    notes = [REPEATS.filled(detail=_listed(repeats, header_rows=1))] if repeats else []
    return ExportTable(
        encoding=f"xlsx:{sheet['name']}",
        delimiter="",
        header=header,
        batches=_batches(workbook, sheet["name"], header, notes),
        notes=notes,
    )


def first_column(path: Path, sheet: str) -> int:
    """Return the first column of the sheet that holds anything, counted from 1."""
    workbook = _Workbook(path, sheet)
    with workbook:
        return int(workbook.sheets[0]["first_column"])


def _choose(
    workbook: "_Workbook", settings: ReaderSettings
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the sheet that is read, and those of repeat groups, which are not."""
    if settings.sheet is not None:
        if not workbook.sheets:
            raise ExportFault("no_sheet", sheet=settings.sheet, sheets=", ".join(workbook.names))
        return workbook.sheets[0], []
    if not workbook.sheets:
        raise ExportFault("bad_workbook", detail="it has no visible sheet")
    filled = [sheet for sheet in workbook.sheets if not all(map(is_blank, sheet["rows"]))]
    repeats = [sheet for sheet in filled if is_repeat_table(_heading_row(sheet))]
    filled = [sheet for sheet in filled if sheet not in repeats] or filled
    known = {
        sheet["name"]: find_header(sheet["rows"], settings.headings)[1] for sheet in workbook.sheets
    }
    chosen = max(filled or workbook.sheets, key=lambda sheet: known[sheet["name"]])
    most = known[chosen["name"]]
    if not most and settings.headings and len(filled) > 1:
        raise ExportFault("no_headings", sheets=_listed(filled))
    others = [
        sheet
        for sheet in filled
        if sheet is not chosen
        and (
            2 * known[sheet["name"]] > most if most else _heading_row(sheet) == _heading_row(chosen)
        )
    ]
    if others:
        raise ExportFault("several_sheets", sheets=_listed([chosen, *others], header_rows=0))
    return chosen, [sheet for sheet in repeats if sheet is not chosen]


def _heading_row(sheet: dict[str, Any]) -> list[str]:
    start, _ = find_header(sheet["rows"], frozenset())
    row: list[str] = sheet["rows"][start]
    return row


def _listed(sheets: list[dict[str, Any]], *, header_rows: int | None = None) -> str:
    """Return the first sheets by name, with their numbers of rows where `header_rows` is given."""
    shown = [
        f"'{sheet['name']}'"
        + (f" ({sheet['row_count'] - header_rows:,})" if header_rows is not None else "")
        for sheet in sheets[:_SHOWN_SHEETS]
    ]
    return ", ".join([*shown, *["..."][: len(sheets) > _SHOWN_SHEETS]])


def _batches(
    workbook: "_Workbook", sheet: str, header: Header, notes: list[FaultText]
) -> Generator[tuple[pa.RecordBatch, pa.Int64Array]]:
    width = len(header.names)
    cut: list[tuple[int, int]] = []
    count = 0
    with workbook:
        for block in workbook.rows(sheet):
            kept = sum(number <= header.rows for number in block["numbers"])
            numbers, rows = block["numbers"][kept:], block["rows"][kept:]
            found = [place for place in block["cut"] if place[0] > header.rows]
            cut, count = cut or found, count + len(found)
            if rows:
                columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
                names = [f"f{place}" for place in range(width)]
                yield pa.RecordBatch.from_arrays(columns[:width], names=names), pa.array(numbers)
    if cut:
        row, place = cut[0]
        column = fold(header.names[min(place, width - 1)]).replace(" / ", "/")
        notes.append(CUT_NUMBERS.filled(row=row, column=column, count=count))


class _Workbook(ReaderChild):
    """The child process that has a workbook open, and what it told of its sheets."""

    def __init__(self, path: Path, sheet: str | None) -> None:
        super().__init__(
            workbook_cells.__file__,
            *(str(path), *([] if sheet is None else [sheet])),
            silence="workbook_limits",
            memory=workbook_cells.MEMORY_BYTES >> 30,
            seconds=workbook_cells.CPU_SECONDS,
        )
        told = self.line()
        self.names: list[str] = told["names"]
        self.sheets: list[dict[str, Any]] = told["sheets"]

    def rows(self, sheet: str) -> Iterator[dict[str, list[Any]]]:
        """Yield blocks of the sheet's rows, with their numbers."""
        self.ask(sheet)
        while "end" not in (line := self.line()):
            yield line
