"""Workbooks (XLSX, XLS) to record batches, every cell text.

Belongs here: which sheet, how a cell becomes text. Doesn't: header rows (headers), writing.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import chain, islice
from pathlib import Path

import pyarrow as pa
from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from orchestration.exports.faults import ExportFault
from orchestration.exports.headers import tell_header
from orchestration.exports.seed_files import ReaderSettings
from orchestration.exports.sniffing import SAMPLE_RECORDS
from orchestration.exports.table import ExportTable

Cell = int | float | str | bool | time | date | datetime | timedelta

_BATCH_RECORDS = 10_000
_LOSSY = 10**15  # a spreadsheet keeps 15 digits of a number


def read_xlsx(path: Path, settings: ReaderSettings) -> ExportTable:
    """Open the prescribed sheet, else the first visible one. Rows without any value are no records.

    The table's `encoding` is `xlsx:<sheet>`. Raises ExportFault.
    """
    try:
        with CalamineWorkbook.from_path(path) as workbook:
            sheets = [
                sheet.name
                for sheet in workbook.sheets_metadata
                if sheet.typ == SheetTypeEnum.WorkSheet
                and sheet.visible == SheetVisibleEnum.Visible
            ]
            if not sheets:
                raise ExportFault("bad_workbook", detail="it has no visible sheet")
            name = settings.sheet or sheets[0]
            if name not in workbook.sheet_names:
                raise ExportFault("no_sheet", sheet=name, sheets=", ".join(workbook.sheet_names))
            # Calamine reads the whole sheet at this point: 60,000 x 80 take 340 MB and 6 CPU s.
            rows = workbook.get_sheet_by_name(name).iter_rows()
    except (CalamineError, OSError) as error:
        raise ExportFault("bad_workbook", detail=error) from error
    records = ([cell_text(cell) for cell in row] for row in rows if any(cell != "" for cell in row))
    sample = list(islice(records, SAMPLE_RECORDS))
    header = tell_header(sample)
    return ExportTable(
        encoding=f"xlsx:{name}",
        delimiter="",
        header=header,
        batches=_batches(chain(sample[header.rows :], records)),
    )


def cell_text(cell: Cell) -> str:
    """Return a cell as text: `5` for 5.0, `0.1`, `true`, `2025-06-01 23:59:59`, `10:30:00`.

    A duration is `H:MM:SS`, hours beyond 24 included. A number of more than 15 digits has lost the
    others when it was typed: it is `1.98501012010011E+17`, never taken for a whole one.
    """
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int | float) and abs(cell) >= _LOSSY:
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


def _batches(records: Iterator[Sequence[str]]) -> Iterator[pa.RecordBatch]:
    while block := list(islice(records, _BATCH_RECORDS)):
        columns = [pa.array(column, pa.string()) for column in zip(*block, strict=True)]
        yield pa.RecordBatch.from_arrays(columns, names=[f"f{i}" for i in range(len(columns))])
