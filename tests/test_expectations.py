"""The border: each suite passes its good frame and fails its bad one, and says what to do."""

import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from python_calamine import CalamineWorkbook

from expectations.border import PSEUDONYM_CHECK, Border
from expectations.identifier_profiles import superseded
from expectations.lists import MendingList, plain
from expectations.one_export import Profilers, read_profiled
from expectations.raw_files import Cycle
from expectations.rule_words import RULE_WORDS
from expectations.rules import (
    FILE_CHECKS,
    RESPONSE_CHECKS,
    STAFF_CHECKS,
    Rule,
    export_file_rules,
    staff_frame_rules,
    survey_response_rules,
)
from expectations.validation import Outcome, validate
from orchestration.bounded_engine import BoundedEngine
from orchestration.engine_macros import EngineMacros
from orchestration.settings import REPOSITORY
from tests.small_cycle import SmallCycle, row

GOOD_COLUMN: dict[str, object] = {
    "file_name": "c/p/a.csv",
    "profile_id": "p",
    "header": "'id', 'Q1'",
    "row_count": 10,
    "source_column": "Q1",
    "target": "q1",
    "has_questions": True,
    "is_present": True,
    "cut_count": None,
    "first_cut_row": None,
    "twice_count": None,
    "first_twice_row": None,
    "nearest_heading": "–",
    "repeated_count": None,
    "repeated_row": None,
    "repeated_in": None,
    "repeated_files": None,
    "twofold_count": None,
    "twofold_in": None,
    "twofold_sources": None,
    "copied_count": None,
    "copied_in": None,
    "blank_share": 0.1,
    "off_scale_share": 0.0,
    "off_scale_examples": None,
    "file_off_scale_share": 0.0,
    "file_off_scale_examples": "",
    "unknown_share": None,
    "unknown_examples": None,
    "unknown_cell": None,
    "unknown_row": None,
    "nearest": None,
    "few_unknown_share": None,
    "answer_count": 9.0,
    "keeps_answers": True,
    "mojibake_count": 0,
    "mojibake_examples": None,
    "error_count": 0,
    "error_examples": None,
    "personal_count": 0,
    "personal_share": 0.0,
    "unreadable_share": None,
    "outside_share": None,
    "stray_share": 0.8,
    "few_stray_share": None,
    "time_cell": "kemarin",
    "time_row": 9,
    "better_order": None,
    "date_order": "dmy",
    "readable": "27/10/2025 09:05",
    "opens_on": date(2025, 10, 6),
    "closes_on": date(2025, 11, 7),
    "timezone": "Asia/Jakarta",
    "unmapped_count": 0,
    "unmapped_columns": "",
}
BAD_FIGURES: dict[str, dict[str, object]] = {
    "files_hold_their_questions": {"has_questions": False},
    "mapped_columns_are_present": {"is_present": False},
    "files_have_rows": {"row_count": 0},
    "codes_are_known": {"file_off_scale_share": 0.21},
    "identifiers_are_whole": {"cut_count": 3, "first_cut_row": 17},
    "units_and_categories_are_known": {"unknown_share": 0.3, "unknown_examples": "'Bandung'"},
    "date_orders_are_right": {"better_order": "mdy"},
    "times_are_readable": {"unreadable_share": 1.0},
    "times_are_in_the_window": {"outside_share": 0.8},
    "columns_hold_no_identifiers": {"personal_share": 0.9},
    "questions_keep_their_answers": {"keeps_answers": False, "off_scale_examples": "'9'"},
    "answers_are_on_their_scale": {"off_scale_share": 0.5, "off_scale_examples": "'9'"},
    "columns_have_answers": {"blank_share": 1.0},
    "texts_are_decoded": {"mojibake_count": 2, "mojibake_examples": "'Ã©'"},
    "cells_hold_no_errors": {"error_count": 2, "error_examples": "'#N/A'"},
    "response_ids_are_unique": {"repeated_count": 1},
    "responses_are_of_one_source": {
        "twofold_count": 9.0,
        "twofold_in": "c/p2/b.csv",
        "twofold_sources": "c/p/* – c/p2/*",
    },
    "files_do_not_hold_each_other": {"copied_count": 10.0, "copied_in": "c/p/b.csv"},
    "cells_hold_no_identifiers": {"personal_count": 1},
    "all_units_and_categories_are_known": {"few_unknown_share": 0.1, "unknown_share": 0.1},
    "all_times_are_in_the_window": {"few_stray_share": 0.1},
    "questions_are_answered_once": {"twice_count": 2, "first_twice_row": 4},
    "columns_are_mapped": {"unmapped_count": 1, "unmapped_columns": "'Q9'"},
}
GOOD_STAFF: dict[str, object] = {
    "file_name": "c/staff_frame.csv",
    "missing_columns": "",
    "is_encoding_told": True,
    "is_whole": True,
    "note_id": "",
    "note_en": "",
    "source_row": 1,
    "unit_id": "u1",
    "recipient_category_id": "keduanya",
    "role_id": "penerima",
    "staff_count": "12",
    "is_repeated": False,
    "is_total": False,
    "delivered_unit": "u1",
    **{
        f"{column}_{what}": ""
        for column in ("unit_id", "recipient_category_id", "role_id")
        for what in ("rows", "hint_en", "hint_id")
    },
}
BAD_STAFF: dict[str, dict[str, object]] = {
    "columns_are_present": {"missing_columns": "unit_id"},
    "encoding_is_told": {"is_encoding_told": False},
    "characters_are_whole": {"is_whole": False},
    "rows_are_no_totals": {"is_total": True},
    "staff_counts_are_whole": {"staff_count": "-1"},
    "units_are_known": {"unit_id": "u9"},
    "recipient_categories_are_known": {"recipient_category_id": "tamu"},
    "roles_are_known": {"role_id": "tamu"},
    "rows_are_unique": {"is_repeated": True},
}
GOOD_FILE: dict[str, object] = {
    "file_name": "c/p/a.csv",
    "profile_id": "p",
    "tool": "kobo",
    "header": "'_id', 'Q1'",
    "tool_headings": "_id / _uuid",
    "has_tool_heading": True,
    "is_encoding_told": True,
    "is_whole": True,
    "note_id": "",
    "note_en": "",
    "cycle_id": "c",
    "record_count": 100,
    "previous_cycle_id": "b",
    "previous_record_count": 90.0,
    "share_of_last_cycle": 1.1,
    "staff_count": 200.0,
    "share_of_staff": 0.5,
    "superseded_share": 0.05,
    "superseded_examples": "a.csv baris/row 2 = a.csv baris/row 9",
}
BAD_FILE: dict[str, dict[str, object]] = {
    "exports_are_of_their_tool": {"has_tool_heading": False},
    "encodings_are_told": {"is_encoding_told": False},
    "characters_are_whole": {"is_whole": False},
    "responses_are_as_many_as_in_the_last_cycle": {"share_of_last_cycle": 0.4},
    "persons_answer_once": {"superseded_share": 0.11},
    "responses_are_not_more_than_staff": {"share_of_staff": 1.2},
}
RESPONSES = survey_response_rules(max_off_scale_share=0.2)
STAFF = staff_frame_rules(
    known={"unit_id": ["u1", "u2"], "recipient_category_id": ["keduanya"], "role_id": ["penerima"]}
)
FILES = export_file_rules(max_superseded_share=0.1)


def failed(outcomes: list[Outcome]) -> dict[str, str]:
    return {
        outcome.check: "\n".join(outcome.messages) for outcome in outcomes if not outcome.passed
    }


@pytest.mark.parametrize(
    ("rules", "good"),
    [(RESPONSES, GOOD_COLUMN), (STAFF, GOOD_STAFF), (FILES, GOOD_FILE)],
    ids=["responses", "staff", "files"],
)
def test_a_suite_passes_its_good_frame(rules: list[Rule], good: dict[str, object]):
    assert failed(validate(pd.DataFrame([good]), rules, suite="good").outcomes) == {}


@pytest.mark.parametrize("check", BAD_FIGURES)
def test_each_rule_of_survey_responses_fails_its_bad_frame_and_names_the_file(check: str):
    frame = pd.DataFrame([GOOD_COLUMN, GOOD_COLUMN | BAD_FIGURES[check]])
    failures = failed(validate(frame, RESPONSES, suite="bad").outcomes)
    assert list(failures) == [check]
    assert failures[check].startswith("c/p/a.csv")


@pytest.mark.parametrize("check", BAD_STAFF)
def test_each_rule_of_the_staff_frame_fails_its_bad_frame_and_names_the_file(check: str):
    frame = pd.DataFrame([GOOD_STAFF, GOOD_STAFF | BAD_STAFF[check]])
    failures = failed(validate(frame, STAFF, suite="bad").outcomes)
    assert list(failures) == [check]
    assert failures[check].startswith("c/staff_frame.csv")


@pytest.mark.parametrize("check", BAD_FILE)
def test_each_rule_of_the_export_files_fails_its_bad_frame_and_names_what(check: str):
    frame = pd.DataFrame([GOOD_FILE, GOOD_FILE | BAD_FILE[check]])
    failures = failed(validate(frame, FILES, suite="bad").outcomes)
    assert list(failures) == [check]
    assert failures[check].startswith(("c/p/a.csv", "c: "))


def test_every_rule_has_a_bad_frame_here():
    assert [rule.name for rule in RESPONSES] == list(BAD_FIGURES)
    assert [rule.name for rule in STAFF] == list(BAD_STAFF)
    assert [rule.name for rule in FILES] == list(BAD_FILE)


def test_a_sentence_is_indonesian_and_english_each_with_its_own_figures():
    (rule,) = [rule for rule in FILES if rule.name == "responses_are_as_many_as_in_the_last_cycle"]
    assert rule.message(GOOD_FILE | {"record_count": 12345}).startswith(
        "c: 12.345 jawaban, di b 90."
    )
    assert " / 12,345 responses, in b 90. Is a file missing" in rule.message(
        GOOD_FILE | {"record_count": 12345}
    )
    (rule,) = [rule for rule in RESPONSES if rule.name == "codes_are_known"]
    sentence = rule.message(GOOD_COLUMN | {"file_off_scale_share": 0.1234})
    assert sentence.startswith("c/p/a.csv: Tambahkan ke export_codes.csv")
    assert "– 12,3% jawaban bukan" in sentence
    assert "– 12.3% of the answers are no known code (at most 20%" in sentence


def test_a_figure_of_the_whole_file_is_said_once():
    rows = [GOOD_COLUMN | {"source_column": name, "row_count": 0} for name in "abc"]
    outcomes = validate(pd.DataFrame(rows), RESPONSES, suite="bad").outcomes
    (outcome,) = [outcome for outcome in outcomes if not outcome.passed]
    assert outcome.failing_count == 1


SEEDS = {
    "export_profiles": "profile_id,tool,timezone,date_order\np,kobo,Asia/Jakarta,dmy\n",
    "export_columns": """profile_id,source_column,target_kind,target
p,id,attribute,response_id
p,NIP,attribute,respondent_identifier
p,unit,attribute,unit_id
p,sent,attribute,submitted_at
p,"How is
 the  service?",question,q1
p,Q2,question,q2
p,note,ignore,
p,gone,question,q3
""",
    "export_codes": """profile_id,target,source_value,code
p,*,N/A,not_available
p,*,Baik,3
p,q2,Baik,9
p,unit_id,Unit satu,u1
""",
    "questions": """instrument_id,question_id,scale_min,scale_max
i,q1,1,4
i,q2,1,5
i,q3,1,4
other,q1,1,10
""",
    "units": "unit_id,unit_name\nu1,One\nu2,Two\n",
    "recipient_categories": "recipient_category_id\nk\n",
    "roles": "role_id\npenerima\n",
}
# An identifier, one that Excel cut; both and an address are typed into columns of another kind.
NIP, CUT_NIP = "198001012001011001", "1.98E+17"
RECORDS = [
    ("1", NIP, "Unit satu", "05/10/2025 10.11.12", "3", "5", ""),
    ("2", CUT_NIP, "u1", "06/10/2025 8:00:00", "N/A", "Baik", ""),
    ("2", "", "cafÃ©", "kemarin", "5.0", "\u00a04.0 ", ""),
    ("4", NIP, "u2", "2025-10-07 10:11:12", "Baik", "=siti@x.go.id", ""),
    ("5", NIP, f"Budi {NIP}", "10/07/2025 10:11:12", "7", "2.5", ""),
]


@pytest.fixture
def border(tmp_path: Path) -> Border:
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    for name, text in SEEDS.items():
        (seeds / f"{name}.csv").write_text(text, encoding="utf-8")
    raw = tmp_path / "raw"
    folder = raw / "survey_responses" / "cycle_id=c"
    folder.mkdir(parents=True)
    headings = ["id", "NIP", "unit", "sent", "How is the  service?", "Q2", "extra"]
    answers = pd.DataFrame(RECORDS, columns=headings)
    answers["_source_row"], answers["_profile_id"] = range(2, len(RECORDS) + 2), "p"
    answers.to_parquet(folder / "sha.parquet")
    file = {
        "file_number": 1,
        "profile_id": "p",
        "kind": "survey_responses",
        "source": "c/p/*",
        "name": "c/p/a.csv",
        "sha256": "sha",
        "header": headings,
        "header_folded": [" ".join(heading.split()) for heading in headings],
        "status": "read",
        "message": "",
        "superseded_by": None,
    }
    files = [
        file | {"cycle_id": "c", "record_count": 5},
        file | {"cycle_id": "b", "record_count": 11, "name": "b/p/a.csv"},
    ]
    pd.DataFrame(files).to_parquet(raw / "export_files.parquet")
    return Border(
        raw_dir=raw,
        seeds_dir=seeds,
        export_files=raw / "export_files.parquet",
        dbt_project_dir=REPOSITORY / "dbt_project",
        quality_dir=tmp_path / "quality",
        cycle=Cycle("c", "i", date(2025, 10, 1), date(2025, 10, 31), "b", is_over=True),
        engine=BoundedEngine("1GB", tmp_path / "spilled"),
        max_off_scale_share=0.2,
        max_superseded_share=0.1,
    )


def test_what_is_broken_in_a_file_is_told_with_column_row_and_remedy(border: Border):
    failures = failed(border.check()["survey_responses"])
    assert "no column 'gone'" in failures["mapped_columns_are_present"]
    assert "export_columns.csv" in failures["mapped_columns_are_present"]
    assert "1 identifiers have lost their last digits" in failures["identifiers_are_whole"]
    assert "the first in row 3." in failures["identifiers_are_whole"]
    assert "'extra'" in failures["columns_are_mapped"]
    assert "'cafÃ©'" in failures["texts_are_decoded"]
    assert "– 1 baris" in failures["response_ids_are_unique"]
    # 'cafÃ©' and 'Budi <NIP>' of five units; one of five times is none, 10 July is not in October.
    # Two of five are too few to refuse their file: both are warnings.
    units = failures["all_units_and_categories_are_known"]
    assert "'unit': " in units
    assert "40,0% jawaban ditolak karena selnya tidak menuju" in units
    assert "in row 4" in units
    assert "times_are_readable" not in failures
    times = failures["all_times_are_in_the_window"]
    assert "40.0% of the responses are rejected" in times
    assert "such as 'kemarin' in row 4; expected: 2025-10-01 to 2025-10-31, Asia/Jakarta" in times
    assert not {"units_and_categories_are_known", "times_are_in_the_window"} & {*failures}
    assert failures["cells_hold_no_identifiers"].count("– 1 cells") == 2
    assert "20.0%" not in failures["cells_hold_no_identifiers"]
    assert "columns_hold_no_identifiers" not in failures  # one in five is not more than a fifth


def test_codes_are_judged_as_the_method_does(border: Border):
    # q1: 3, N/A and Baik (3) are known; 5.0 and 7 are not on 1-4. q2: 5 and 4.0 are on 1-5; Baik
    # has a row of its own, 9, off the scale; 2.5 is no whole number, nor is an address.
    failures = failed(border.check()["survey_responses"])
    on_scale = failures["answers_are_on_their_scale"]
    assert re.search(r"'How is the service\?': [^/]*– 40,0% jawaban", on_scale)
    assert re.search(r"'Q2': [^/]*– 60,0% jawaban", on_scale)
    # 5 of 10 answers of the file.
    assert re.match(r"c/p/a.csv: Tambahkan ke [^/]*– 50,0% jawaban", failures["codes_are_known"])


class OneHash(BoundedEngine):
    """One in which all texts have the same hash."""

    @contextmanager
    def opened(self, **settings: int | bool | str) -> Iterator[duckdb.DuckDBPyConnection]:
        with super().opened(**settings) as connection:
            connection.execute("create macro hash(text) as 7::ubigint")
            yield connection


@pytest.mark.parametrize("kind", [BoundedEngine, OneHash])
def test_who_answered_twice_is_told_by_identifiers_and_not_by_their_hashes(
    border: Border, kind: type[BoundedEngine], tmp_path: Path
):
    engine = kind("1GB", tmp_path / "spilled")
    files = border.files("survey_responses")
    profilers = Profilers(border.raw_dir, border.engine)
    with (
        profilers.profiled(border.seeds_dir, border.cycle, files, EngineMacros(), 0.2) as profiled,
        engine.opened() as connection,
    ):
        read_profiled(connection, profiled)
        share, examples = superseded(connection)
    assert share == 0.5  # four responses of two people; the fifth says nobody's identifier
    assert examples == "c/p/a.csv baris/row 2 = c/p/a.csv baris/row 5 = c/p/a.csv baris/row 6"


def test_a_cycle_is_compared_with_the_last_one_and_its_files_with_their_tool(border: Border):
    failures = failed(border.check()["export_files"])
    assert failures["responses_are_as_many_as_in_the_last_cycle"] == (
        "c: 4 jawaban, di b 11. Apakah ada berkas yang kurang, atau ada dua kali dengan dua "
        "nama? / "
        "4 responses, in b 11. Is a file missing, or there twice under two names?"
    )
    assert "no column _id / _uuid / _submission_time" in failures["exports_are_of_their_tool"]
    assert (
        "c/p/a.csv baris/row 2 = c/p/a.csv baris/row 5 = c/p/a.csv baris/row 6"
        in (failures["persons_answer_once"])
    )
    assert len(failures) == 3


def test_failing_rows_are_listed_with_file_row_and_cell_for_people_to_open(border: Border):
    outcomes = {outcome.check: outcome for outcome in border.check()["survey_responses"]}
    with border.failing_rows_file.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    listed = {(row["check"], row["row"], row["column"], row["cell"]) for row in rows}
    assert {row["file"] for row in rows} == {"c/p/a.csv"}
    # The header's row is 1. What is wrong with a file as a whole has no row.
    assert {each for each in listed if not each[1]} == {
        ("mapped_columns_are_present", "", "gone", ""),
        ("codes_are_known", "", "", ""),
        ("columns_are_mapped", "", "", ""),
        ("responses_are_as_many_as_in_the_last_cycle", "", "", ""),
        ("exports_are_of_their_tool", "", "", ""),
        ("persons_answer_once", "", "", ""),
    }
    assert {each for each in listed if each[1]} == {
        ("identifiers_are_whole", "3", "NIP", ""),
        ("all_units_and_categories_are_known", "4", "unit", "cafÃ©"),
        ("all_units_and_categories_are_known", "6", "unit", "Budi [...]"),
        ("answers_are_on_their_scale", "4", "How is the service?", "5.0"),
        ("answers_are_on_their_scale", "6", "How is the service?", "7"),
        ("answers_are_on_their_scale", "3", "Q2", "Baik"),
        ("answers_are_on_their_scale", "5", "Q2", "[...@...]"),
        ("answers_are_on_their_scale", "6", "Q2", "2.5"),
        ("texts_are_decoded", "4", "unit", "cafÃ©"),
        ("response_ids_are_unique", "3", "id", ""),
        ("response_ids_are_unique", "4", "id", ""),
        ("cells_hold_no_identifiers", "6", "unit", "Budi [...]"),
        ("cells_hold_no_identifiers", "5", "Q2", "[...@...]"),
        ("all_times_are_in_the_window", "6", "sent", "10/07/2025 10:11:12"),
        ("all_times_are_in_the_window", "4", "sent", "kemarin"),
    }
    assert len(outcomes["answers_are_on_their_scale"].examples) == 5


@pytest.mark.parametrize("cell", ["=1+1", "+62", "-oth-", "@x", "\tx"])
def test_a_cell_that_a_spreadsheet_would_compute_is_kept_from_it(cell: str):
    assert plain(cell) == f"'{cell}"
    assert plain("x" + cell) == "x" + cell


def test_the_list_opens_in_a_spreadsheet_with_the_values_and_their_counts_first(border: Border):
    parquet = next(border.raw_dir.rglob("sha.parquet"))
    answers = pd.read_parquet(parquet)
    many = pd.concat([answers] * 400, ignore_index=True)  # more than are listed one by one
    many["_source_row"] = range(2, len(many) + 2)
    many["Q2"] = "=1+1"
    many.to_parquet(parquet)
    border.check()
    workbook = CalamineWorkbook.from_path(str(border.failing_rows_file.with_suffix(".xlsx")))
    assert workbook.sheet_names == ["Nilai - Values", "Baris - Rows"]
    values, rows = (workbook.get_sheet_by_name(name).to_python() for name in workbook.sheet_names)
    assert ["answers_are_on_their_scale", "warning", "Q2", "=1+1", 2000, 1] in values
    of_q2 = [row for row in rows if row[0] == "answers_are_on_their_scale" and row[4] == "Q2"]
    assert len(of_q2) == 1001
    assert of_q2[0][3] == 2
    assert of_q2[-1][5] == "dan 1000 baris lagi / and 1000 more rows"
    with border.failing_rows_file.open(encoding="utf-8-sig", newline="") as file:
        assert "'=1+1" in {row["cell"] for row in csv.DictReader(file)}
    for file in border.folder.iterdir():
        assert file.stat().st_mode & 0o077 == 0, file


def test_a_heading_that_is_nearly_the_missing_one_is_offered(border: Border):
    seeds = border.seeds_dir / "export_columns.csv"
    text = seeds.read_text(encoding="utf-8").replace(",extra,", ",other,")
    seeds.write_text(text.replace("p,gone,", "p,Extras,"), encoding="utf-8")
    told = failed(border.check()["survey_responses"])["mapped_columns_are_present"]
    assert "no column 'Extras'" in told
    assert "nearest to it: 'extra';" in told
    assert "yang paling mirip: 'extra';" in told


def test_of_many_files_with_one_fault_five_are_told_and_all_are_in_report_and_list(border: Border):
    frame = pd.DataFrame(
        [GOOD_COLUMN | {"file_name": f"c/p/{number}.csv", "row_count": 0} for number in range(45)]
    )
    outcome = next(o for o in validate(frame, RESPONSES, suite="x").outcomes if not o.passed)
    assert len(outcome.messages) == 6
    assert outcome.messages[-1] == "... dan 40 lagi / and 40 more"


def test_the_report_is_a_page_of_our_own_that_holds_no_identifier(border: Border):
    border.check()
    page = border.page.read_text(encoding="utf-8")
    assert not re.search(r"https?://|<script|<link|<img|<iframe|@import|xpectation", page)
    for words in (
        "Semua kolom yang dipetakan ada di berkas",
        "Every mapped column is in the file",
        "column &#39;NIP&#39;",
        "Ekspor ulang",
        "cafÃ©",
        'href="failing_rows.xlsx"',
        "Siklus tertahan",
    ):
        assert words in page
    written = page + "".join(
        file.read_text(encoding="utf-8") for file in border.folder.glob("*.csv")
    )
    assert not re.search(rf"{NIP}|{re.escape(CUT_NIP)}|siti@", written)


def test_every_check_has_words_in_both_languages():
    checks = {PSEUDONYM_CHECK, *RESPONSE_CHECKS, *STAFF_CHECKS, *FILE_CHECKS}
    assert checks <= RULE_WORDS.keys(), "add it to expectations/rule_words.py"


def test_the_list_goes_when_all_is_mended(border: Border):
    border.check()
    files = sorted(border.folder.glob("failing*"))
    assert [file.name for file in files] == [
        "failing_rows.csv", "failing_rows.xlsx", "failing_rows_values.csv",
    ]  # fmt: skip
    MendingList("failing_rows", ("a",), [], ("a",), []).write(border.folder)
    assert not list(border.folder.glob("failing*"))


def test_exports_with_identifiers_need_a_pseudonym_key(border: Border):
    assert border.check_pseudonym_key(is_set=True).passed
    refused = border.check_pseudonym_key(is_set=False)
    assert (refused.check, refused.severity, refused.passed) == (PSEUDONYM_CHECK, "critical", False)
    assert "export ILK_PSEUDONYM_KEY=" in refused.messages[0]


def test_a_response_that_was_exported_again_is_no_further_one_of_its_person(tmp_path: Path):
    small = SmallCycle(tmp_path)
    again = row(1, nip="71")
    small.drop("c1/p/a.csv", [again, row(2, nip="72"), row(3, nip="72")])
    small.drop("c1/p/b.csv", [again, row(4, nip="73")])
    told = " ".join(
        word for outcome in small.check("c1")["export_files"] for word in outcome.messages
    )
    assert "c1/p/a.csv baris/row 3 = c1/p/a.csv baris/row 4" in told
    assert "baris/row 2" not in told
