"""Workbooks: cells as text, sheets, and files whose name tells a lie."""

import io
from datetime import date, datetime, time, timedelta

import pytest
import xlsxwriter

from orchestration.exports.faults import ExportFault


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
