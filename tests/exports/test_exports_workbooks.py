"""Workbooks: cells as text, sheets, and files whose name tells a lie."""

import io
import struct
import zipfile
from datetime import date, datetime, time, timedelta

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.exports.faults import ExportFault
from orchestration.exports.seed_files import ReaderSettings
from orchestration.exports.xlsx_reader import read_xlsx


def workbook(*sheets, hidden=()):
    """A workbook of `(name, rows)`; the sheets named in `hidden` are hidden."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as book:
        formats = {
            datetime: book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
            date: book.add_format({"num_format": "yyyy-mm-dd"}),
            time: book.add_format({"num_format": "hh:mm:ss"}),
            timedelta: book.add_format({"num_format": "[h]:mm:ss"}),
        }
        for name, rows in sheets:
            sheet = book.add_worksheet(name)
            if name in hidden:
                sheet.hide()
            else:
                sheet.activate()
            for row, cells in enumerate(rows):
                for column, cell in enumerate(cells):
                    if type(cell) in formats:
                        sheet.write_datetime(row, column, cell, formats[type(cell)])
                    else:
                        sheet.write(row, column, cell)
    return file.getvalue()


def test_cells_become_the_text_that_people_see(read):
    seen = {
        5: "5",
        0.1: "0.1",
        110000000000: "110000000000",
        True: "true",
        " x ": " x ",
        datetime(2025, 6, 1, 23, 59, 59): "2025-06-01 23:59:59",
        date(2025, 6, 1): "2025-06-01 00:00:00",
        time(10, 30): "10:30:00",
        timedelta(hours=30): "30:00:00",
    }
    content = workbook(("Form1", [list("abcdefghi"), list(seen)]))
    reading, cells = read(content)
    assert cells == [list(seen.values())]
    assert (reading.encoding, reading.delimiter) == ("xlsx:Form1", "")


def test_rows_without_any_value_are_no_records(read):
    content = workbook(("Form1", [["ID", "q"], [1, 5], [], [2, 4], ["", ""]]))
    assert read(content)[1] == [["1", "5"], ["2", "4"]]


def test_the_first_visible_sheet_is_read_unless_the_profile_names_another(read):
    content = workbook(
        ("lists", [["x"], [1]]), ("Form1", [["a"], [2]]), ("more", [["b"], [3]]), hidden=["lists"]
    )
    assert read(content)[1] == [["2"]]
    assert read(content, sheet="more")[1] == [["3"]]
    with pytest.raises(ExportFault) as caught:
        read(content, sheet="Sheet9")
    assert "has no sheet 'Sheet9'; it has: lists, Form1, more." in caught.value.in_english("a")


def test_a_workbook_cut_off_is_refused(read):
    content = workbook(("Form1", [["ID", "q"], [1, 5]]))
    with pytest.raises(ExportFault) as caught:
        read(content[: len(content) // 2])
    assert caught.value.code == "bad_workbook"


def test_a_csv_that_excel_put_into_one_column_is_refused(read):
    with pytest.raises(ExportFault) as caught:
        read(workbook(("Form1", [["id;unit;q"], ["1;A;5"], ["2;B;4"]])))
    assert caught.value.code == "nested"


def test_a_workbook_named_csv_and_a_csv_named_xlsx_are_read_by_content(cycle):
    cycle.drop("gform/a.csv", workbook(("Form1", [["ID", "q"], [1, 5]])))
    cycle.drop("msform/b.xlsx", "id,q\n1,4\n")
    report = cycle.pull()
    assert (len(report.new), report.records_read, report.refused) == (2, 2, ())


def test_more_records_than_a_batch_keep_their_order(read):
    rows = [["ID"], *([number] for number in range(1, 10_103))]
    _, cells = read(workbook(("Form1", rows)))
    assert [cells[0], cells[-1], len(cells)] == [["1"], ["10102"], 10_102]


def test_repeat_groups_are_told_and_the_main_sheet_is_read(cycle):
    repeat = [["name", "_index", "_parent_index"], ["A", 1, 1], ["B", 2, 1], ["C", 3, 2]]
    main = [["_index", "q1", "q2"], [1, 5, 4], [2, 3, 4]]
    cycle.drop("gform/a.xlsx", workbook(("kids", repeat), ("main", main)))
    report = cycle.pull()
    assert (report.records_read, report.refused) == (2, ())
    (note,) = report.notes
    assert "not read are its repeat groups" in note
    assert "grup berulangnya tidak dibaca" in note
    assert note.count("'kids' (3)") == 2


def test_a_number_of_sixteen_digits_is_told_as_cut_off_with_its_row_and_column(cycle):
    rows = [["id", "NIP", "q1"], [1, 7, "1E+5"], [2, 198501012010011001, "a"], [3, -(10**16), "b"]]
    cycle.drop("gform/a.xlsx", workbook(("main", rows)))
    (note,) = cycle.pull().notes
    assert "row 3, column 'NIP': a number of 16 digits or more" in note
    assert "baris 3, kolom 'NIP': angka 16 digit atau lebih" in note
    assert note.count("(2 ") == 2


def test_leading_zeros_that_a_format_shows_are_kept(read):
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as book:
        sheet = book.add_worksheet("A")
        five, percent = (book.add_format({"num_format": code}) for code in ("00000", "0%"))
        sheet.write_row(2, 1, ["kode", "share", "text"])
        for row, code in enumerate([12, 123456, 1.5, -7], start=3):
            sheet.write_number(row, 1, code, five)
            sheet.write_number(row, 2, 0.5, percent)
            sheet.write_string(row, 3, "12", five)
    _, cells = read(file.getvalue())
    assert cells == [[code, "0.5", "12"] for code in ("00012", "123456", "1.5", "-7")]


def ods(rows: str) -> bytes:
    file = io.BytesIO()
    names = {"office": "office", "table": "table", "text": "text"}
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{of}:1.0"'
        for name, of in names.items()
    )
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
        archive.writestr(
            "content.xml",
            f'<office:document-content {spaces} xmlns:calcext="urn:org:documentfoundation:names:'
            'experimental:calc:xmlns:calcext:1.0"><office:body><office:spreadsheet>'
            f'<table:table table:name="A">{rows}</table:table>'
            "</office:spreadsheet></office:body></office:document-content>",
        )
    return file.getvalue()


def ods_with_errors() -> bytes:
    def cell(text: str, more: str = "") -> str:
        kind = '"string" calcext:value-type="error"' if text.startswith("#") else '"string"'
        return (
            f"<table:table-cell {more} office:value-type={kind}><text:p>{text}</text:p>"
            "</table:table-cell>"
        )

    row = "<table:table-row>{}</table:table-row>"
    twice = 'table:number-columns-repeated="2"'
    return ods(
        row.format(cell("id") + cell("a") + cell("b") + cell("c"))
        + row.format(cell("1") + cell("x", twice) + cell("#N/A"))
        + row.format(cell("2") + cell("#DIV/0!", twice) + cell("y"))
    )


def test_error_cells_of_an_opendocument_sheet_are_read_as_what_they_show(read):
    _, cells = read(ods_with_errors())
    assert cells == [["1", "x", "x", "#N/A"], ["2", "#DIV/0!", "#DIV/0!", "y"]]


def record(kind: int, data: bytes = b"") -> bytes:
    """A record of a binary workbook."""
    kinds = bytes([kind]) if kind < 128 else bytes([kind & 0x7F | 0x80, kind >> 7])
    return kinds + bytes([len(data)]) + data


def xlsb_with_errors() -> bytes:
    def wide(text: str) -> bytes:
        return struct.pack("<I", len(text)) + text.encode("utf-16-le")

    def cell(kind: int, column: int, data: bytes) -> bytes:
        return record(kind, struct.pack("<II", column, 0) + data)

    def row(number: int, *cells: bytes) -> bytes:
        return record(0, struct.pack("<I", number) + bytes(13)) + b"".join(cells)

    sheet = (
        record(129) + record(148, struct.pack("<IIII", 0, 2, 0, 1)) + record(145)
        + row(0, cell(6, 0, wide("id")), cell(6, 1, wide("q")))
        + row(1, cell(6, 0, wide("1")), cell(3, 1, b"\x2a"))
        + row(2, cell(6, 0, wide("2")), cell(11, 1, b"\x07" + bytes(10)))
        + record(146) + record(130)
    )  # fmt: skip
    book = (
        record(131) + record(143) + record(156, bytes(8) + wide("rId1") + wide("A"))
        + record(144) + record(132)
    )  # fmt: skip
    relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.bin", book)
        archive.writestr(
            "xl/_rels/workbook.bin.rels",
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            f'<Relationship Id="rId1" Type="{relation}/worksheet" Target="worksheets/sheet1.bin"/>'
            "</Relationships>",
        )
        archive.writestr("xl/worksheets/sheet1.bin", sheet)
    return file.getvalue()


def test_error_cells_of_a_binary_workbook_are_read_as_what_they_show(read):
    _, cells = read(xlsb_with_errors())
    assert cells == [["1", "#N/A"], ["2", "#DIV/0!"]]


def xlsx_with_all() -> bytes:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as book:
        sheet = book.add_worksheet("A")
        sheet.write_row(0, 0, ["id", "kode", "error"])
        sheet.write_row(1, 0, [1, 2])
        sheet.write_number(2, 1, 7, book.add_format({"num_format": "000"}))
        sheet.write_formula(2, 2, "=NA()", None, "#N/A")
    return file.getvalue()


WORKBOOKS = {"ods": ods_with_errors(), "xlsb": xlsb_with_errors(), "xlsx": xlsx_with_all()}


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.sampled_from(sorted(WORKBOOKS)), st.data())
def test_any_damage_inside_a_workbook_ends_in_a_table_or_a_fault(tmp_path_factory, kind, data):
    with zipfile.ZipFile(io.BytesIO(WORKBOOKS[kind])) as archive:
        parts = {name: bytearray(archive.read(name)) for name in archive.namelist()}
    part = parts[data.draw(st.sampled_from([name for name, content in parts.items() if content]))]
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(part) - 1))
        part[at] = data.draw(st.sampled_from([0, 1, 34, 47, 60, 62, 127, 255, part[at]]))
    if data.draw(st.booleans()):
        del part[data.draw(st.integers(0, len(part))) :]
    path = tmp_path_factory.getbasetemp() / "damaged.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, bytes(content))
    try:
        for batch, numbers in read_xlsx(path, ReaderSettings()).batches:
            assert batch.num_rows == len(numbers)
    except ExportFault as fault:
        assert fault.code != "workbook_limits" or "SIG" in fault.details["detail"], fault.details
