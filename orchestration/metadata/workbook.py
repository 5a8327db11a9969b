"""The three forms as one workbook, laid out as an officer copies them into BPS' entry site.

Belongs here: sheets, columns, colours. Doesn't: answers. Every cell is text: nothing that somebody
wrote into a seed becomes a formula.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from orchestration.durable_files import whole_file
from orchestration.metadata.activity import DERIVED, MISSING, OPEN, Answer, missing
from orchestration.metadata.forms import ACTIVITY, INDICATOR_COLUMNS, SEED, VARIABLE_COLUMNS
from orchestration.metadata.indicators import Row

_TITLE = "Metadata statistik menurut Peraturan BPS Nomor 5 Tahun 2020"
_WIDE = {
    "definisi", "interpretasi", "metode", "pembangun_nama", "variabel_nama", "klasifikasi",
    "kalimat_pertanyaan", "aturan_validasi", "klasifikasi_isian", "nama", "alias",
}  # fmt: skip


def write_workbook(
    path: Path,
    *,
    title: str,
    found: Mapping[str, Answer],
    indicators: Sequence[Row],
    variables: Sequence[Row],
) -> None:
    """Write the workbook, whole or not at all."""
    import xlsxwriter

    with whole_file(path) as fresh:
        book = xlsxwriter.Workbook(str(fresh), {"in_memory": True})
        paper = _Paper(book)
        _activity(paper, title, found, variables)
        _rows(paper, "MS-Ind", f"MS-Ind · {title}", INDICATOR_COLUMNS, indicators)
        _rows(paper, "MS-Var", f"MS-Var · {title}", VARIABLE_COLUMNS, variables)
        _asked(paper, found)
        book.close()


class _Paper:
    """A workbook with its formats."""

    def __init__(self, book: Any) -> None:  # noqa: ANN401  # XlsxWriter ships no types
        plain = {"valign": "top", "text_wrap": True, "border": 1, "border_color": "#d5dae0"}
        self.book = book
        self.title = book.add_format({"bold": True, "font_size": 13})
        self.faint = book.add_format({**plain, "font_color": "#55616d"})
        self.head = book.add_format({**plain, "bold": True, "bg_color": "#e8ecf1"})
        self.block = book.add_format({**plain, "bold": True, "bg_color": "#d5dae0"})
        self.cell = book.add_format(plain)
        self.empty = book.add_format({**plain, "bg_color": "#fff2b3"})


def _activity(
    paper: _Paper, title: str, found: Mapping[str, Answer], variables: Sequence[Row]
) -> None:
    sheet = paper.book.add_worksheet("MS-Keg")
    for place, width in enumerate((9, 46, 8, 60, 44, 34)):
        sheet.set_column(place, place, width)
    sheet.write_string(0, 0, f"MS-Keg · {title}", paper.title)
    sheet.write_string(
        1, 0, f"{_TITLE}. Kuning: belum terisi, isi di seed {SEED}.csv (lembar Belum terisi)."
    )
    for place, heading in enumerate(
        ("Rincian", "Pertanyaan", "Kode", "Isian", "Dari mana", "Pilihan")
    ):
        sheet.write_string(2, place, heading, paper.head)
    sheet.freeze_panes(3, 2)
    line = 3
    for block in ACTIVITY:
        heading = ". ".join(filter(None, (block.number, block.title)))
        sheet.merge_range(line, 0, line, 5, heading, paper.block)
        line += 1
        for asked in block.fields:
            answer = found[asked.key]
            code = answer.value if asked.options else ""
            value = paper.empty if answer.state == MISSING else paper.cell
            sheet.write_string(line, 0, asked.number, paper.cell)
            sheet.write_string(line, 1, asked.label, paper.cell)
            sheet.write_string(line, 2, code, value)
            sheet.write_string(line, 3, answer.in_words, value)
            sheet.write_string(line, 4, _origin(answer), paper.faint)
            sheet.write_string(line, 5, asked.choice(), paper.faint)
            line += 1
        if block.number == "III":
            line = _collected(paper, sheet, line, variables)


def _collected(paper: _Paper, sheet: Any, line: int, variables: Sequence[Row]) -> int:  # noqa: ANN401
    """Write 3.4, the table of variables that are collected; return the next line."""
    headings = ("3.4", "Variabel (karakteristik) yang dikumpulkan", "", "Konsep dan definisi")
    for place, heading in enumerate((*headings, "Referensi waktu", "")):
        sheet.write_string(line, place, heading, paper.head)
    for number, row in enumerate(variables, start=1):
        told = f"{row['konsep']}. {row['definisi']}"
        cells = (f"3.4.{number}", row["nama"], "", told, row["referensi_waktu"], row["alias"])
        for place, text in enumerate(cells):
            sheet.write_string(line + number, place, text, paper.cell)
    return line + len(variables) + 1


def _rows(
    paper: _Paper,
    name: str,
    title: str,
    columns: Mapping[str, tuple[str, str]],
    rows: Sequence[Row],
) -> None:
    sheet = paper.book.add_worksheet(name)
    sheet.write_string(0, 0, title, paper.title)
    sheet.set_column(0, 0, 5)
    sheet.write_string(1, 0, "(1)", paper.head)
    sheet.write_string(2, 0, "No.", paper.head)
    for place, (column, (number, label)) in enumerate(columns.items(), start=1):
        sheet.set_column(place, place, 42 if column in _WIDE else 22)
        sheet.write_string(1, place, number, paper.head)
        sheet.write_string(2, place, label, paper.head)
    sheet.freeze_panes(3, 2)
    for line, row in enumerate(rows, start=3):
        sheet.write_string(line, 0, str(line - 2), paper.cell)
        for place, column in enumerate(columns, start=1):
            sheet.write_string(line, place, row[column], paper.cell)


def _asked(paper: _Paper, found: Mapping[str, Answer]) -> None:
    sheet = paper.book.add_worksheet("Belum terisi")
    asked = missing(found)
    waiting = [answer for answer in found.values() if answer.state == OPEN]
    for place, width in enumerate((44, 9, 52, 70)):
        sheet.set_column(place, place, width)
    sheet.write_string(0, 0, f"Belum terisi: {len(asked)}", paper.title)
    sheet.write_string(
        1, 0, f"Salin kolom field ke seed {SEED}.csv, isi kolom value, lalu jalankan lagi."
    )
    for place, heading in enumerate(("field", "Rincian", "Pertanyaan", "Pilihan / bentuk")):
        sheet.write_string(2, place, heading, paper.head)
    sheet.freeze_panes(3, 1)
    for line, answer in enumerate((*asked, *waiting), start=3):
        field, how = answer.field, paper.empty if answer.state == MISSING else paper.faint
        shape = {"date": "YYYY-MM-DD", "number": "bilangan bulat"}.get(field.kind, field.choice())
        if field.kind == "sum":
            shape = f"jumlah kode: {shape}"
        if answer.state == OPEN:
            shape = "; ".join(filter(None, (answer.origin, shape)))
        for place, text in enumerate((field.key, field.number, field.label, shape)):
            sheet.write_string(line, place, text, how if place == 0 else paper.cell)


def _origin(answer: Answer) -> str:
    return f"diturunkan: {answer.origin}" if answer.state == DERIVED else answer.origin
