"""docs/data-quality.md is true: one test a fault, each with the message that a person reads.

The table is the source: every row's message and fate are held against what really happens to the
fault of that name below. Rows that name a test are proved there.
"""

import csv
import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import pytest
import xlsxwriter
from exports_cases import CYCLE, Cycle

from expectations.border import Border
from expectations.raw_files import Cycle as Measure
from expectations.validation import Outcome
from orchestration.bounded_engine import BoundedEngine
from orchestration.engine_macros import EngineMacros
from orchestration.settings import REPOSITORY
from orchestration.words import REASONS, FaultText, both
from tests.conftest import Sample

GOOD = "id,unit\n1,A\n2,B\n"


def table() -> dict[str, dict[str, str]]:
    """The rows of docs/data-quality.md by the name of their fault."""
    text = (REPOSITORY / "docs" / "data-quality.md").read_text(encoding="utf-8")
    names = ("name", "fault", "caught", "pesan", "message", "rest")
    rows = re.findall(r"^\| `(\w+)`" + r" \| (.+?)" * 5 + r" \|$", text, flags=re.M)
    return {row[0]: dict(zip(names, row, strict=True)) for row in rows}


TABLE = table()


def workbook(rows: list[list[str]]) -> bytes:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as book:
        sheet = book.add_worksheet("Form1")
        for number, cells in enumerate(rows):
            sheet.write_row(number, 0, cells)
    return file.getvalue()


def zipped(name: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, GOOD)
    return file.getvalue()


# --- files that are refused whole -------------------------------------------------------------

REFUSED: dict[str, bytes] = {
    "empty": b"",
    "header_only": b"id,unit\r\n",
    "login_page": b"<!DOCTYPE html><html><body>Login</body></html>",
    "json": b'{"id": 1, "result": {"status": "Invalid session key"}}',
    "json_cut_off": b'[{"id": 1}, {"id": 2, "q',
    "json_page": b'{"count": 1001, "next": "https://kf/?start=1", "results": [{"id": 1}]}',
    "json_heading_twice": b'[{"id": 1, "Kepuasan": "4", "Kepuasan": "3"}]',
    "limesurvey_texts": b"Response ID,Date submitted,Start language,Puas?\n1,,id,Baik\n",
    "limesurvey_answers": b"id,submitdate,startlanguage,a,b\n1,,id,Ya,N/A\n2,,id,Tidak,N/A\n",
    "spss": b"$FL2@(#) SPSS DATA FILE",
    "pdf": b"%PDF-1.7\n",
    "nul": b"id,unit\n1,a\x00b\n",
    "no_workbook": b"PK\x03\x04 no workbook",
    "workbook_cut_off": workbook([["id", "unit"], ["1", "A"]])[:900],
    "undecodable": b"id,unit\n1,\x81\xff\n",
    "mixed_encodings": "id,unit\n1,é\n".encode() + b"2,\x8f\xe9\n",
    "cut_in_a_cell": b'id,unit,note\n1,A,x\n2,B,"cut in a ce',
    "cut_in_a_record": b"id,unit,note\n1,A,x\n2,B",
    "quote_not_closed": b'id,note\n1,"open\n2,x\n3,y\n',
    "short_record": b"id,unit,note\n1,A,x\n2,B\n3,C,z\n",
    "long_record": b"id,unit\n1,A\n2,B,\n3,C\n",
    "delimiter_in_a_cell": b"id;unit;note\n1;A;x\n2;B;a;b\n3;C;z\n",
    "resaved_by_excel": b'id,unit,q1\n1,A,5\n"2,B,4"\n',
    "one_column_workbook": workbook([["id;unit;q"], ["1;A;5"], ["2;B;4"]]),
    "huge_cell": b"id,note\n1,x\n2," + b"y" * (17 << 20) + b"\n",
    "zip_cut_off": zipped("jawaban.csv")[:-10],
    "zip_empty": b"PK\x05\x06" + bytes(18),
    "web_table": b"<meta charset=utf-8><table><tr><td>1</td></tr></table>",
    "too_many_columns": b"Q," * 10_000 + b"Q\n" + b"1," * 10_000 + b"1\n",
    "apostrophes": b"'id','unit'\n'1','A'\n",
    "backslashes": b'id,unit\n1,A\n2,"kata \\"B, C\\" lalu"\n',
    "swallowed": b'id,unit,note\n1,A,x\n2,B,"x\n3,A,x"\n4,B,x\n',
    "repeat_table": b"name,PARENT_KEY,KEY\nA,uuid:1,uuid:1/kid[1]\n",
    "summary_table": b",All,Men\nHow fast?,,\n,Fast,37%\n,Slow,63%\n",
    "copy": GOOD.encode(),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_fault_refuses_its_file_with_a_message_and_the_others_go_on(cycle: Cycle, name: str):
    cycle.drop("gform/a.csv", GOOD)
    cycle.drop("gform/b.csv", REFUSED[name])
    report = cycle.pull()
    (refusal,) = report.refused
    assert f"{CYCLE}/gform/b.csv" in refusal.message
    assert TABLE[name]["message"] in refusal.message
    assert f"{CYCLE}/gform/b.csv" in refusal.message_id
    assert TABLE[name]["pesan"] in refusal.message_id
    assert TABLE[name]["rest"].startswith("file refused whole, the others go on")
    assert (report.new, report.records_read) == ((f"{CYCLE}/gform/a.csv",), 2)


def test_a_sheet_that_is_not_there_refuses_its_file(cycle: Cycle):
    cycle.profiles(msform=",,Jawaban")
    cycle.drop("msform/a.xlsx", workbook([["id", "unit"], ["1", "A"]]))
    (refusal,) = cycle.pull().refused
    assert TABLE["no_sheet"]["message"] in refusal.message
    assert TABLE["no_sheet"]["pesan"] in refusal.message_id


# --- what the border says of files that were read ----------------------------------------------

HEADER = "id,Timestamp,NIP,unit,q1,q2,note"
NO_TIMESTAMP = HEADER.replace("Timestamp", "Jam")
NIP = "19800101200101100"


Change = Callable[[list[str]], list[str]]


def all_(place: int, value: str) -> Change:
    """Write the value into the cell of every row."""
    return lambda cells: [*cells[:place], value, *cells[place + 1 :]]


def one(place: int, value: str) -> Change:
    """Write it into the first row's cell alone."""
    return lambda cells: all_(place, value)(cells) if cells[0].endswith("0") else cells


def some(place: int, value: str) -> Change:
    """Write it into three rows of ten."""
    return lambda cells: all_(place, value)(cells) if cells[0][-1] in "012" else cells


def export(
    number: int,
    change: Change = list,
    header: str = HEADER,
    rows: int = 10,
) -> str:
    """Ten good responses, each changed; `number` keeps two files from being copies."""
    lines = [header]
    for row in range(rows):
        cells = [f"{number}{row}", f"{6 + row}/10/2025 10:11:12", NIP + str(row), "A", "4", "3", ""]
        text = io.StringIO()
        csv.writer(text, lineterminator="").writerow(change(cells))
        lines.append(text.getvalue())
    return "\n".join(lines) + "\n"


# name: (check, its file)
BORDER: dict[str, tuple[str, str]] = {
    "another_survey": ("files_hold_their_questions", "hello,world\n1,2\n"),
    "column_missing": ("mapped_columns_are_present", export(10, header=HEADER.replace("q2", "Q"))),
    "digits_cut": ("identifiers_are_whole", export(31, all_(2, "198001012001011000"))),
    "scientific_notation": ("identifiers_are_whole", export(11, all_(2, "1.98E+17"))),
    "texts_for_codes": ("codes_are_known", export(12, all_(4, "Sangat baik"))),
    "other_scale": ("questions_keep_their_answers", export(13, all_(5, "9"))),
    "some_off_scale": ("answers_are_on_their_scale", export(32, some(5, "9"))),
    "some_units": ("all_units_and_categories_are_known", export(33, one(3, "Bandung"))),
    "some_times": ("all_times_are_in_the_window", export(34, one(1, "6/5/2025 8:00:00"))),
    "times_unreadable": ("times_are_readable", export(35, all_(1, "kemarin"))),
    "answered_twice": (
        "questions_are_answered_once",
        export(36, lambda cells: [*cells, "4"], header=f"{HEADER},q2 (revisi)"),
    ),
    "one_person_many_times": ("persons_answer_once", ""),
    "column_of_blanks": ("columns_have_answers", export(14, all_(5, ""))),
    "mojibake": ("texts_are_decoded", export(15, one(3, "CafÃ©"))),
    "error_cells": ("cells_hold_no_errors", export(25, one(4, "#N/A"))),
    "broken_byte": ("characters_are_whole", export(26, one(6, "“\udcff”"))),
    "ids_repeated": ("response_ids_are_unique", export(16, one(0, "161"))),
    "column_added": ("columns_are_mapped", export(17, header=HEADER.replace("note", "Saran?"))),
    "other_units": ("units_and_categories_are_known", export(18, all_(3, "Bandung"))),
    "other_date_order": ("date_orders_are_right", export(19, all_(1, "10/25/2025 8:00:00"))),
    "other_cycle": ("times_are_in_the_window", export(20, all_(1, "6/5/2025 8:00:00"))),
    "identifiers_mapped_wrongly": ("columns_hold_no_identifiers", export(21, all_(3, NIP + "9"))),
    "address_in_a_cell": ("cells_hold_no_identifiers", export(22, one(5, "a@x.go.id"))),
    "other_tool": ("exports_are_of_their_tool", export(23, header=NO_TIMESTAMP)),
    "encoding_of_last_resort": ("encodings_are_told", export(24, one(6, "déjà vu"))),
    "frame_of_last_resort": ("encoding_is_told", ""),
    "fewer_than_last_cycle": ("responses_are_as_many_as_in_the_last_cycle", ""),
    "more_than_staff": ("responses_are_not_more_than_staff", ""),
    "frame_without_a_column": ("columns_are_present", ""),
    "frame_total": ("rows_are_no_totals", ""),
    "staff_count_no_number": ("staff_counts_are_whole", ""),
    "frame_unknown_unit": ("units_are_known", ""),
    "frame_unknown_category": ("recipient_categories_are_known", ""),
    "frame_row_repeated": ("rows_are_unique", ""),
    "no_pseudonym_key": ("pseudonym_key_is_set", ""),
}  # fmt: skip
SEEDS = {
    "export_profiles": "profile_id,tool,timezone,date_order\ngform,google_forms,Asia/Jakarta,dmy\n",
    "export_columns": "profile_id,source_column,target_kind,target\n"
    "gform,id,attribute,response_id\ngform,Timestamp,attribute,submitted_at\n"
    "gform,NIP,attribute,respondent_identifier\ngform,unit,attribute,unit_id\n"
    "gform,q1,question,q1\ngform,q2,question,q2\ngform,q2 (revisi),question,q2\n"
    "gform,note,ignore,\n",
    "export_codes": "profile_id,target,source_value,code\n",
    "questions": "instrument_id,question_id,scale_min,scale_max\ni,q1,1,4\ni,q2,1,4\n",
    "units": "unit_id\nA\n",
    "recipient_categories": "recipient_category_id\nk\n",
    "roles": "role_id\npenerima\n",
}
FRAME = """unit_id,recipient_category_id,role_id,staff_count,note
A,k,penerima,12,déjà vu
A,k,penerima,10,
A,k,penerima,dua,
Z,k,penerima,3,
A,tamu,penerima,4,
Jumlah,,,29,
"""


def border_of(folder: Path, files: dict[str, str], frame: str) -> Border:
    """Land the files in a cycle of their own and stand at its border."""
    cycle = Cycle(folder)
    cycle.seed("gform")
    exports = {f"gform/{name}.csv": content for name, content in files.items()}
    for name, content in {**exports, "staff_frame.csv": frame}.items():
        cycle.drop(
            name,
            content.encode("cp1252")
            if "déjà" in content
            else content.encode(errors="surrogateescape"),
        )
    for name, text in SEEDS.items():
        (cycle.seeds_dir / f"{name}.csv").write_text(text, encoding="utf-8")
    assert cycle.pull().refused == ()
    return Border(
        raw_dir=cycle.raw_dir,
        seeds_dir=cycle.seeds_dir,
        export_files=cycle.raw_dir / "export_files.parquet",
        dbt_project_dir=REPOSITORY / "dbt_project",
        quality_dir=folder / "quality",
        cycle=Measure(CYCLE, "i", date(2025, 10, 6), date(2025, 11, 7), None, is_over=True),
        engine=BoundedEngine("1GB", folder / "spilled"),
        max_off_scale_share=0.2,
        max_superseded_share=0.1,
    )


def test_a_frame_by_names_with_separators_and_a_total_is_told_in_a_sentence_a_name(tmp_path: Path):
    frame = (
        "Kerangka pegawai,,,\nunit_id,recipient_category_id,role_id,staff_count\n"
        "Unit  satu,k,penerima,1.234\nUnit satu,k,penerima,1.000\nUNIT SATU,k,penerima,7\n"
        "A,k,penerima,12.000.000\nB,k,penerima,2\nJUMLAH,,,12.002.241\n"
    )
    here = border_of(tmp_path, {"a": export(31)}, frame)
    (here.seeds_dir / "units.csv").write_text("unit_id,unit_name\nA,Unit satu\n", encoding="utf-8")
    told = {outcome.check: outcome.messages for outcome in here.check()["staff_frame"]}
    place = f"{CYCLE}/staff_frame.csv, baris / row"
    assert told["rows_are_no_totals"] == (
        f"{place} 8: Hapus baris itu – 'JUMLAH' adalah baris jumlah, dan akan menghitung pegawai "
        "dua kali. / Delete the row – 'JUMLAH' is a total, and would count all staff twice.",
    )
    for row, name in ((3, "Unit  satu"), (4, "Unit satu"), (5, "UNIT SATU")):
        assert (
            f"{place} {row}: units.csv tidak memuat unit_id '{name}': itu nama 'A'. Tulis id itu. "
            f"/ units.csv has no unit_id '{name}': it is the name of 'A'. Write that id."
        ) in told["units_are_known"]
    assert (
        f"{place} 7: units.csv tidak memuat unit_id 'B'. Tambahkan di sana, atau perbaiki baris "
        "itu. / units.csv has no unit_id 'B'. Add it there, or correct the row."
    ) in told["units_are_known"]
    assert len(told["units_are_known"]) == 4
    assert [check for check, messages in told.items() if messages] == [
        "rows_are_no_totals",
        "units_are_known",
    ]
    macros = EngineMacros(REPOSITORY / "dbt_project")
    with duckdb.connect() as connection:
        counts = connection.execute(
            f"select {macros.plain_count('x')} from (select unnest(?) as x)",
            [["1.234", " 1,234 ", "1.000", "12.0", "12", "1.5", "1234.567"]],
        ).fetchall()
    assert [count for (count,) in counts] == [
        *("1234", "1234", "1000", "12.0", "12", "1.5", "1234.567"),
    ]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Outcome]]:
    """Every fault of the border at once, by check: each file has one, and says so itself."""
    files = {name: content for name, (_, content) in BORDER.items() if content}
    broken = border_of(tmp_path_factory.mktemp("faults"), files, FRAME)
    found = [outcome for group in broken.check().values() for outcome in group]
    found.append(broken.check_pseudonym_key(is_set=False))
    # Each of these needs a cycle of its own: the frame as a whole, and the last cycle's count.
    headless = border_of(
        tmp_path_factory.mktemp("frame"), {"a": export(30)}, "unit_id,role_id\nA,penerima\n"
    )
    found += headless.check()["staff_frame"]
    files_of = headless.export_files
    with duckdb.connect() as connection:
        connection.execute(
            f"copy (from '{files_of}' union all select * replace ('b' as cycle_id,"
            f" 21 as record_count) from '{files_of}' where kind = 'survey_responses')"
            f" to '{files_of}.new' (format parquet)"
        )
    Path(f"{files_of}.new").replace(files_of)
    later = replace(headless, cycle=replace(headless.cycle, previous_cycle_id="b"))
    found += later.check()["export_files"]
    by_check: dict[str, list[Outcome]] = {}
    for outcome in found:
        by_check.setdefault(outcome.check, []).append(outcome)
    return by_check


@pytest.mark.parametrize("name", BORDER)
def test_a_fault_is_told_at_the_border(outcomes: dict[str, list[Outcome]], name: str):
    check, content = BORDER[name]
    messages = [message for outcome in outcomes[check] for message in outcome.messages]
    file = f"{CYCLE}/gform/{name}.csv" if content else ""
    assert [
        message
        for message in messages
        if message.startswith(file)
        and TABLE[name]["message"] in message
        and TABLE[name]["pesan"] in message
    ], messages
    rest = {
        "critical": "cycle blocked, the last publication stays",
        "warning": "shown, the run goes on",
    }
    assert TABLE[name]["rest"] == rest[outcomes[check][0].severity]
    assert TABLE[name]["caught"] == f"border, `{check}`"


# --- rows and answers that are rejected one by one ---------------------------------------------

ROWS = (
    "test_response", "incomplete", "out_of_window", "unknown_unit", "unknown_category",
    "superseded", "off_scale", "off_route", "no_provider",
)  # fmt: skip


@pytest.mark.parametrize("reason", ROWS)
def test_a_row_or_answer_is_rejected_with_its_reason_and_the_others_count(
    sample: Sample, reason: str
):
    with duckdb.connect(str(sample.settings.warehouse), read_only=True) as warehouse:
        (rejected,) = warehouse.execute(
            "select any_value(rejected) from marts.audit_rejections where rejection_reason = ?",
            [reason],
        ).fetchall()[0]
    words = FaultText(TABLE[reason]["message"], TABLE[reason]["pesan"])
    assert words == REASONS[reason]
    assert TABLE[reason]["rest"] == f"{rejected} rejected, the others count"
    if rejected == "response":
        assert f" {both(words)}" in sample.output


# --- the table itself ----------------------------------------------------------------------------


def test_the_table_has_forty_faults_and_each_is_tested():
    tested = {*REFUSED, *BORDER, *ROWS, "no_sheet"}
    named = {
        name: re.findall(r"`([\w/]+\.py)::(\w+)`", row["caught"]) for name, row in TABLE.items()
    }
    assert len(TABLE) >= 40
    assert {name for name, tests in named.items() if not tests} == tested
    for tests in named.values():
        for path, function in tests:
            assert f"def {function}(" in (REPOSITORY / path).read_text(encoding="utf-8"), function
