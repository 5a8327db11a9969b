"""Files as people and spreadsheets leave them: read right, or told in one sentence with its row."""

import io
import resource
import time
import zipfile

import pyarrow.parquet
import pytest
import xlsxwriter
from exports_cases import CYCLE, Cycle

from orchestration.exports import workbook_cells
from orchestration.exports.faults import ExportFault
from orchestration.exports.headers import fold, heading_key, unique_names

HEADINGS = ("Timestamp", "Satuan Kerja", "NIP", "Pertanyaan 1", "Pertanyaan 2")
KNOWN = frozenset(map(heading_key, HEADINGS))
RECORDS = [
    [f"0{day}/11/2025 08:00:00", "unit-a", f"19850101201001100{day}", "4", "3"]
    for day in range(1, 7)
]


def text(*rows, delimiter=",", line_break="\r\n"):
    return "".join(delimiter.join(row) + line_break for row in rows)


def workbook(*sheets):
    """A workbook of `(name, rows)`; a number stays one, a formula holds an error."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as book:
        for name, rows in sheets:
            sheet = book.add_worksheet(name)
            for row, cells in enumerate(rows):
                for column, cell in enumerate(cells):
                    if isinstance(cell, str) and cell.startswith("#"):
                        sheet.write_formula(row, column, "=NA()", None, cell)
                    else:
                        sheet.write(row, column, cell)
    return file.getvalue()


def rows_of(tmp_path):
    return pyarrow.parquet.read_table(tmp_path / "export.parquet")["_source_row"].to_pylist()


def fault_of(read, content, **settings):
    with pytest.raises(ExportFault) as caught:
        read(content, **settings)
    for sentence in (caught.value.in_english("a"), caught.value.in_indonesian("a")):
        assert sentence.count("\n") == 0
        assert len(sentence) < 400
    return caught.value


# --- text ----------------------------------------------------------------------------------------


def test_rows_without_anything_in_them_are_no_responses_and_are_counted(read, tmp_path):
    blank = ["", " ", "\u00a0", "", "\u200b"]
    content = text(HEADINGS, RECORDS[0], blank, RECORDS[1], [""], RECORDS[2], *[blank] * 2)
    reading, cells = read(content)
    assert cells == RECORDS[:3]
    assert (reading.record_count, reading.blank_row_count) == (3, 4)
    assert rows_of(tmp_path) == [2, 4, 6]


def test_blank_rows_of_a_workbook_are_counted_no_otherwise(read, tmp_path):
    content = workbook(("A", [HEADINGS, RECORDS[0], [" "] * 5, RECORDS[1], [], RECORDS[2], [" "]]))
    assert read(content)[1] == RECORDS[:3]
    assert rows_of(tmp_path) == [2, 4, 6]


@pytest.mark.parametrize("line", ["sep={}", '"sep={}"', "SEP={}"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "^"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_line_that_names_the_separator_is_no_header(read, tmp_path, line, delimiter, encoding):
    content = line.format(delimiter) + "\r\n" + text(HEADINGS, *RECORDS, delimiter=delimiter)
    reading, cells = read(content.encode(encoding))
    assert (reading.header.names, cells) == (HEADINGS, RECORDS)
    assert reading.delimiter == delimiter
    assert rows_of(tmp_path) == [2, 3, 4, 5, 6, 7]  # Excel does not show the line


@pytest.mark.parametrize("titles", [[["Rekap 2025", "", "", "", ""], [""] * 5], [["Rekap, 2025"]]])
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_titles_above_the_header_are_passed_over(read, tmp_path, titles, kind):
    rows = [*titles, HEADINGS, *RECORDS]
    content = text(*rows) if kind == "csv" else workbook(("Data", rows))
    reading, cells = read(content, headings=KNOWN)
    assert (reading.header.names, reading.header.rows, cells) == (
        HEADINGS,
        len(titles) + 1,
        RECORDS,
    )
    assert rows_of(tmp_path)[0] == len(titles) + 2


def test_a_header_below_responses_is_told_with_its_row(read):
    fault = fault_of(read, text(*RECORDS[:3], HEADINGS, *RECORDS[3:]), headings=KNOWN)
    assert (fault.code, fault.row) == ("header_below", 4)


def test_known_headings_tell_the_delimiter_where_every_cell_holds_another(read):
    rows = [["a,0", "4,0", "3,0", "2,0", "1,0"]] * 3
    reading, cells = read(text(HEADINGS, *rows, delimiter=";"), headings=KNOWN)
    assert (reading.delimiter, cells) == (";", rows)


def test_a_delimiter_that_ends_each_record_is_no_cell(read, tmp_path):
    reading, cells = read(text(HEADINGS, *[[*row, ""] for row in RECORDS]))
    assert (reading.header.names, cells) == (HEADINGS, RECORDS)
    assert rows_of(tmp_path) == [2, 3, 4, 5, 6, 7]
    reading, cells = read(text([*HEADINGS, ""], *RECORDS))
    assert (reading.header.names, cells) == (HEADINGS, RECORDS)


def test_a_cell_beyond_the_delimiter_that_ends_records_is_told_with_its_row(read):
    rows = [[*row, ""] for row in RECORDS * 20]
    rows[99][-1] = "x"
    assert (fault_of(read, text(HEADINGS, *rows)).code, caught_row(read, rows)) == ("ragged", 101)


def caught_row(read, rows):
    return fault_of(read, text(HEADINGS, *rows)).row


def test_the_end_of_file_character_of_dos_is_no_record(read):
    assert read(text(HEADINGS, *RECORDS) + "\x1a")[1] == RECORDS
    assert read(text(HEADINGS, *RECORDS) + "\x1a\r\n")[1] == RECORDS


@pytest.mark.parametrize("mark", ['"', "'"])
def test_import_ids_of_qualtrics_are_no_responses_in_either_quotation_mark(read, mark):
    ids = [f"{{{mark}ImportId{mark}: {mark}QID{number}{mark}}}" for number in range(5)]
    quoted = ['"' + cell.replace('"', '""') + '"' for cell in ids]
    reading, cells = read(text(HEADINGS, ["Kapan?"] * 5, quoted, *RECORDS))
    assert (reading.header.rows, cells) == (3, RECORDS)
    reading, cells = read(text(HEADINGS, quoted, *RECORDS))
    assert (reading.header.rows, cells) == (2, RECORDS)


def test_the_second_header_row_of_a_qualtrics_workbook_is_no_response(read):
    names = ["StartDate", "EndDate", "ResponseId", "Q1"]
    texts = ["Start Date", "End Date", "Response ID", "Cepat?"]
    response = ["2025-11-01", "2025-11-02", "R_1", "4"]
    reading, cells = read(workbook(("Sheet0", [names, texts, response])))
    assert (list(reading.header.names), cells) == (names, [response])
    # A cell that repeats its heading is no second header: choices are written so.
    assert read(text(["id", "Bus", "Kereta"], ["1", "Bus", "Kereta"]))[0].record_count == 1


def test_two_stray_quotation_marks_are_told_with_the_row_and_the_lines_they_swallow(read):
    header = ["ID", "Waktu", "Unit", "Q1", "Q2", "Saran"]
    rows = [[str(n), f"2025-10-{n:02} 08:00:00", "AB"[n % 2], "2", "3", "ok"] for n in range(1, 29)]
    rows[4][5], rows[24][5] = '"bagus sekali', '"kurang'
    fault = fault_of(read, text(header, *rows))
    assert (fault.code, fault.row, fault.details) == (
        "swallowed",
        6,
        {"column": "Saran", "lines": 20},
    )
    assert "20 lines that look like whole records" in fault.in_english("a.csv")
    # In the first column and in the middle, one record swallowed.
    for column in (0, 2):
        rows = [
            [str(n), f"2025-10-{n:02} 08:00:00", "AB"[n % 2], "2", "3", "ok"] for n in range(1, 9)
        ]
        rows[4][column] = '"' + rows[4][column]
        rows[5][column] = rows[5][column] + '"'
        fault = fault_of(read, text(header, *rows))
        assert (fault.code, fault.row, fault.details["lines"]) == ("swallowed", 6, 1)


def test_answers_of_several_lines_are_no_swallowed_records(read):
    header = ["ID", "Waktu", "Unit", "Q1", "Q2", "Saran"]
    answers = [
        "1, 2, 3, 4, 5, 6\n1, 2, 3, 4, 5, 6",
        "a,b,c,d,e\nf",
        "baik,\ncepat, ramah,\n, ,",
        "\n",
    ]
    rows = [["1", "2025-10-01 08:00:00", "A", "2", "3", f'"{answer}"'] for answer in answers]
    assert [cells[5] for cells in read(text(header, *rows))[1]] == answers


def test_a_workbook_saved_after_stray_quotation_marks_is_told_too(read):
    header = ["ID", "Waktu", "Unit", "Saran"]
    rows = [[str(n), f"2025-10-{n:02} 08:00:00", "A", "ok"] for n in range(1, 9)]
    rows[2][3] = "bagus\n4;2025-10-04 08:00:00;A;ok"
    fault = fault_of(read, workbook(("Data", [header, *rows])))
    assert (fault.code, fault.row) == ("swallowed", 4)


def test_one_broken_byte_leaves_a_utf8_file_utf8_and_is_told_with_its_place(read):
    content = text([*HEADINGS, "“Saran”"], *[[*row, "“ya”"] for row in RECORDS]).encode()
    place = content.index("“ya”".encode(), 300)
    reading, cells = read(content[:place] + b"\xe9" + content[place:])
    assert (reading.encoding, reading.header.names[5]) == ("utf-8", "“Saran”")
    row = content[:place].count(b"\n") + 1
    assert cells[row - 2][5] == "\ufffd“ya”"
    broken = reading.broken
    assert (broken.count, broken.offset, broken.row, broken.column) == (
        1,
        place + 1,
        row,
        "“Saran”",
    )


def test_a_broken_byte_is_noted_and_taken_for_no_cp1252(cycle: Cycle):
    cycle.drop("gform/a.csv", "id,note\n1,“ya”\n2,“a".encode() + b"\xff\n")
    (note,) = cycle.pull().notes
    assert note.startswith(f"{CYCLE}/gform/a.csv: Betulkan di aplikasi survei")
    assert "– row 3, column 'note': a character is damaged (byte 26; 1 in the file)" in note


def test_headings_with_letters_and_accents_apart_are_those_of_the_seeds():
    assert fold("Fasilitas cafe\u0301") == fold("Fasilitas caf\u00e9") == "Fasilitas caf\u00e9"


def test_a_header_of_forty_thousand_equal_headings_is_told_at_once(read):
    started = time.process_time()
    fault = fault_of(read, text(["Q"] * 40_000, ["1"] * 40_000))
    assert (fault.code, fault.details["found"]) == ("too_many_columns", 40_000)
    assert unique_names(["Q"] * 40_000)[-1] == "Q [40000]"
    assert time.process_time() - started < 5
    reading, _ = read(text(["Q"] * 10_000, ["1"] * 10_000))
    assert len(reading.header.names) == 10_000


def test_quotation_marks_behind_backslashes_are_told(read):
    rows = [["5", "A", '"kata petugas, \\"tunggu\\", lalu lama"']]
    fault = fault_of(read, text(["ID", "Unit", "Saran"], ["1", "A", "ok"], *rows))
    assert (fault.code, fault.row) == ("backslashes", 3)


def test_apostrophes_for_quotation_marks_are_told(read):
    for saran in ("baik", "baik, cepat"):
        table = ([*HEADINGS, "Saran"], *([*row, saran] for row in RECORDS))
        rows = [[f"'{cell}'" for cell in row] for row in table]
        assert fault_of(read, text(*rows)).code == "apostrophes"


def zipped(**members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("_", "."), content)
    return file.getvalue()


XML = '<?xml version="1.0"?>'
LOGIN = '<html><form><table><tr><td><input name="password"></td></tr></table></form></html>'


@pytest.mark.parametrize(
    ("content", "code", "what"),
    [
        (
            "<meta x='y'><style>td{}</style>\n<table><tr><th>ID</th></tr></table>",
            "web_table",
            "HTML",
        ),
        (f"{XML}<html><body><table><tr><td>1</td></tr></table></html>", "web_table", "HTML"),
        (
            f'{XML}\n<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet">',
            "web_table",
            "XML Spreadsheet 2003",
        ),
        ("MIME-Version: 1.0\nContent-Type: multipart/related\n\n<table>", "web_table", "MHTML"),
        (f"{XML}<data><row/></data>", "web_table", "XML"),
        (LOGIN, "html_page", "a web page"),
        (f"{XML}<html><table><tr><td>1".encode("utf-16"), "web_table", "HTML"),
        (
            f'{XML}<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet">'.encode(
                "utf-16"
            ),
            "web_table",
            "XML Spreadsheet 2003",
        ),
        (zipped(jawaban_csv="a,b\n1,2\n"), "zip_archive", "jawaban.csv"),
    ],
)
def test_what_is_no_export_is_told_as_what_it_is(read, content, code, what):
    fault = fault_of(read, content)
    assert (fault.code, fault.details["detail"]) == (code, what)


# --- workbooks ---------------------------------------------------------------------------------


def test_the_sheet_that_holds_the_known_headings_is_read_behind_a_cover(read):
    cover = ("Sampul", [["Survei ILK"], ["Semester II 2025"]])
    reading, cells = read(workbook(cover, ("Jawaban", [HEADINGS, *RECORDS])), headings=KNOWN)
    assert (reading.encoding, cells) == ("xlsx:Jawaban", RECORDS)


@pytest.mark.parametrize("known", [KNOWN, frozenset()])
def test_responses_in_a_second_sheet_are_told_with_their_sheets(read, known):
    sheets = ("Jawaban", [HEADINGS, *RECORDS[:4]]), ("Sheet2", [HEADINGS, *RECORDS[4:]])
    fault = fault_of(read, workbook(*sheets), headings=known)
    assert fault.code == "several_sheets"
    assert fault.details["sheets"] == "'Jawaban' (5), 'Sheet2' (3)"
    assert read(workbook(*sheets), headings=known, sheet="Sheet2")[1] == RECORDS[4:]


def test_a_workbook_without_the_known_headings_is_told_with_its_sheets(read):
    content = workbook(("Sampul", [["Survei"]]), ("Data", [["a", "b"], ["1", "2"]]))
    fault = fault_of(read, content, headings=KNOWN)
    assert (fault.code, fault.details["sheets"]) == ("no_headings", "'Sampul', 'Data'")


def test_error_cells_are_read_as_what_they_show(read):
    content = workbook(("Data", [["ID", "Unit"], ["1", "#N/A"], ["#DIV/0!", "B"], ["3", "C"]]))
    assert read(content)[1] == [["1", "#N/A"], ["#DIV/0!", "B"], ["3", "C"]]


def test_error_cells_that_an_old_workbook_does_not_place_are_seen():
    boolerr = b"\x05\x02\x08\x00" + b"\x01\x00\x02\x00\x0f\x00" + b"\x2a\x01"
    formula = (
        b"\x06\x00\x1b\x00" + b"\x01\x00\x02\x00\x0f\x00" + b"\x02\x00\x07\x00\x00\x00\xff\xff"
    )
    is_true = b"\x05\x02\x08\x00" + b"\x01\x00\x02\x00\x0f\x00" + b"\x01\x00"
    assert workbook_cells.old_errors(b"x" * 99 + boolerr) == "#N/A"
    assert workbook_cells.old_errors(b"x" * 99 + formula) == "#DIV/0!"
    assert workbook_cells.old_errors(b"x" * 99 + is_true) == ""


def test_numbers_of_more_than_fifteen_digits_are_shown_as_excel_cut_them(read):
    numbers = [198501012010011008, 3201011212900001, 999999999999999, -1234567890123456]
    content = workbook(("Data", [["NIP"], *[[number] for number in numbers]]))
    assert [cells for (cells,) in read(content)[1]] == [
        "1.98501012010011E+17", "3.20101121290000E+15", "999999999999999", "-1.23456789012346E+15",
    ]  # fmt: skip


def damaged(content, part, change):
    """The workbook with one of its parts changed."""
    file = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, change(old.read(name)) if name == part else old.read(name))
    return file.getvalue()


SHEET, TEXTS = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"


@pytest.mark.parametrize(
    ("part", "change"),
    [
        (SHEET, lambda xml: xml.replace(b'r="B2"', b'r="XFD1048576"')),
        (SHEET, lambda xml: xml.replace(b'r="B2"', b'r="ZZZZZZ99999999"')),
        (TEXTS, lambda xml: xml.replace(b"<t>Data</t>", b"<t>" + b"x" * (700 << 20) + b"</t>")),
    ],
    ids=["the last cell", "a cell beyond", "a text of 700 MB"],
)  # fmt: skip
def test_a_workbook_that_fills_or_kills_its_reader_is_refused_and_the_others_go_on(
    cycle: Cycle, part, change
):
    good = workbook(("Data", [["ID", "Unit"], ["1", "Data"]]))
    cycle.drop("gform/a.xlsx", damaged(good, part, change))
    cycle.drop("gform/b.csv", "ID,Unit\n1,A\n")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    report = cycle.pull()
    (refusal,) = report.refused
    assert refusal.code in ("workbook_limits", "bad_workbook", "too_many_columns")
    assert report.new == (f"{CYCLE}/gform/b.csv",)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300 << 10
