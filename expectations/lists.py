"""What somebody must mend, as lists that open in any spreadsheet: the values first, then the rows.

Belongs here: CSV and XLSX, nothing in them a formula. Doesn't: which rows (failing_rows.py) and
what a rejected response is (rejected_rows.py).
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestration.durable_files import whole_file

Row = Sequence[str | int]
SHEET_ROWS = 1_048_575  # Excel's, without the heading


@dataclass(frozen=True)
class MendingList:
    """Two tables of one matter: its distinct values with their counts, and the rows."""

    stem: str
    """`<stem>.xlsx`, `<stem>.csv` with the rows, `<stem>_values.csv`."""
    value_headings: tuple[str, ...]
    values: Sequence[Row]
    row_headings: tuple[str, ...]
    rows: Sequence[Row]

    def write(self, folder: Path) -> None:
        """Write the three files, or remove them where there is nothing to mend."""
        workbook, rows, values = list_files(folder, self.stem)
        if not self.rows:
            for file in (workbook, rows, values):
                file.unlink(missing_ok=True)
            return
        _write_csv(rows, self.row_headings, self.rows)
        _write_csv(values, self.value_headings, self.values)
        _write_workbook(
            workbook,
            {
                "Nilai - Values": (self.value_headings, self.values),
                "Baris - Rows": (self.row_headings, self.rows),
            },
        )


def list_files(folder: Path, stem: str) -> tuple[Path, Path, Path]:
    """Return where a list lies: workbook, CSV of rows, CSV of values."""
    return folder / f"{stem}.xlsx", folder / f"{stem}.csv", folder / f"{stem}_values.csv"


def plain(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _write_csv(path: Path, headings: Sequence[str], rows: Sequence[Row]) -> None:
    with whole_file(path) as fresh, fresh.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(headings)
        writer.writerows(
            [plain(cell) if isinstance(cell, str) else cell for cell in row] for row in rows
        )


def _write_workbook(path: Path, sheets: dict[str, tuple[Sequence[str], Sequence[Row]]]) -> None:
    """Write sheets whose texts are texts: Excel computes nothing of them."""
    import xlsxwriter

    with whole_file(path) as fresh:
        workbook = xlsxwriter.Workbook(str(fresh), {"in_memory": True})
        bold = workbook.add_format({"bold": True, "bottom": 1})
        for name, (headings, rows) in sheets.items():
            sheet = workbook.add_worksheet(name)
            sheet.freeze_panes(1, 0)
            for column, heading in enumerate(headings):
                sheet.write_string(0, column, heading, bold)
                widest = max([len(heading), *(len(str(row[column])) for row in rows[:200])])
                sheet.set_column(column, column, min(widest + 2, 60))
            for number, row in enumerate(rows[:SHEET_ROWS], start=1):
                for column, cell in enumerate(row):
                    if isinstance(cell, str):
                        sheet.write_string(number, column, cell)
                    else:
                        sheet.write_number(number, column, cell)
            sheet.autofilter(0, 0, max(len(rows), 1), len(headings) - 1)
        workbook.close()
