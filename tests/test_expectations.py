"""The border: each suite passes its good frame and fails its bad one, and says what to do."""

from pathlib import Path

import duckdb
import pandas as pd
import pytest

from expectations.border import PSEUDONYM_CHECK, Border
from expectations.rules import Rule, staff_frame_rules, survey_response_rules
from expectations.validation import Outcome, validate

GOOD_COLUMN: dict[str, object] = {
    "file_name": "c/p/a.csv",
    "profile_id": "p",
    "header": "'id', 'Q1'",
    "row_count": 10,
    "source_column": "Q1",
    "target": "q1",
    "is_present": True,
    "scientific_count": None,
    "first_scientific_row": None,
    "repeated_count": None,
    "blank_share": 0.1,
    "off_scale_share": 0.0,
    "off_scale_examples": None,
    "file_off_scale_share": 0.0,
    "file_off_scale_examples": "",
    "mojibake_count": 0,
    "mojibake_examples": None,
    "unmapped_count": 0,
    "unmapped_columns": "",
}
BAD_FIGURES: dict[str, dict[str, object]] = {
    "mapped_columns_are_present": {"is_present": False},
    "files_have_rows": {"row_count": 0},
    "codes_are_known": {"file_off_scale_share": 0.21},
    "identifiers_are_whole": {"scientific_count": 3, "first_scientific_row": 17},
    "answers_are_on_their_scale": {"off_scale_share": 0.5, "off_scale_examples": "'9'"},
    "columns_have_answers": {"blank_share": 1.0},
    "texts_are_decoded": {"mojibake_count": 2, "mojibake_examples": "'Ã©'"},
    "response_ids_are_unique": {"repeated_count": 1},
    "columns_are_mapped": {"unmapped_count": 1, "unmapped_columns": "'Q9'"},
}
GOOD_STAFF: dict[str, object] = {
    "file_name": "c/staff_frame.csv",
    "missing_columns": "",
    "source_row": 1,
    "unit_id": "u1",
    "recipient_category_id": "keduanya",
    "role_id": "penerima",
    "staff_count": "12",
}
BAD_STAFF: dict[str, dict[str, object]] = {
    "columns_are_present": {"missing_columns": "unit_id"},
    "staff_counts_are_whole": {"staff_count": "-1"},
    "units_are_known": {"unit_id": "u9"},
}
RESPONSES = survey_response_rules(max_off_scale_share=0.2)
STAFF = staff_frame_rules(unit_ids=["u1", "u2"])


def failed(outcomes: list[Outcome]) -> dict[str, str]:
    return {
        outcome.check: "\n".join(outcome.messages) for outcome in outcomes if not outcome.passed
    }


@pytest.mark.parametrize(
    ("rules", "good"), [(RESPONSES, GOOD_COLUMN), (STAFF, GOOD_STAFF)], ids=["responses", "staff"]
)
def test_a_suite_passes_its_good_frame(rules: list[Rule], good: dict[str, object]):
    assert failed(validate(pd.DataFrame([good]), rules, suite="good")) == {}


@pytest.mark.parametrize("check", BAD_FIGURES)
def test_each_rule_of_survey_responses_fails_its_bad_frame_and_names_the_file(check: str):
    frame = pd.DataFrame([GOOD_COLUMN, GOOD_COLUMN | BAD_FIGURES[check]])
    failures = failed(validate(frame, RESPONSES, suite="bad"))
    assert list(failures) == [check]
    assert failures[check].startswith("c/p/a.csv")


@pytest.mark.parametrize("check", BAD_STAFF)
def test_each_rule_of_the_staff_frame_fails_its_bad_frame_and_names_the_file(check: str):
    frame = pd.DataFrame([GOOD_STAFF, GOOD_STAFF | BAD_STAFF[check]])
    failures = failed(validate(frame, STAFF, suite="bad"))
    assert list(failures) == [check]
    assert failures[check].startswith("c/staff_frame.csv")


def test_every_rule_has_a_bad_frame_here():
    assert [rule.name for rule in RESPONSES] == list(BAD_FIGURES)
    assert [rule.name for rule in STAFF] == list(BAD_STAFF)


def test_a_figure_of_the_whole_file_is_said_once():
    rows = [GOOD_COLUMN | {"source_column": name, "row_count": 0} for name in "abc"]
    (outcome,) = [o for o in validate(pd.DataFrame(rows), RESPONSES, suite="bad") if not o.passed]
    assert outcome.failing_count == 1


SEEDS = {
    "export_columns": """profile_id,source_column,target_kind,target
p,id,attribute,response_id
p,NIP,attribute,respondent_identifier
p,unit,attribute,unit_id
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
""",
    "questions": """instrument_id,question_id,scale_min,scale_max
i,q1,1,4
i,q2,1,5
i,q3,1,4
other,q1,1,10
""",
    "units": "unit_id,unit_name\nu1,One\nu2,Two\n",
}


@pytest.fixture
def border(tmp_path: Path) -> Border:
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    for name, text in SEEDS.items():
        (seeds / f"{name}.csv").write_text(text, encoding="utf-8")
    raw = tmp_path / "raw"
    folder = raw / "survey_responses" / "cycle_id=c"
    folder.mkdir(parents=True)
    with duckdb.connect() as connection:
        connection.execute(
            """
            copy (
                select *, row_number() over () as _source_row, 'p' as _profile_id
                from (values
                    ('1', '198001', 'u1', '3', '5', ''),
                    ('2', '1.98E+17', 'u1', 'N/A', 'Baik', ''),
                    ('2', '', 'cafÃ©', '5.0', chr(160) || '4.0 ', ''),
                    ('4', '198002', 'u2', 'Baik', '', ''),
                    ('5', '198003', 'u2', '7', '2.5', '')
                ) as answers(id, NIP, unit, "How is the  service?", Q2, extra)
            ) to '"""
            + str(folder / "sha.parquet")
            + "' (format parquet)"
        )
        connection.execute(
            """
            copy (
                select 1 as file_number, 'c' as cycle_id, 'p' as profile_id,
                    'survey_responses' as kind, 'c/p/a.csv' as name, 'sha' as sha256,
                    ['id', 'NIP', 'unit', 'How is the  service?', 'Q2', 'extra'] as header,
                    ['id', 'NIP', 'unit', 'How is the service?', 'Q2', 'extra'] as header_folded,
                    'read' as status, null::varchar as superseded_by
            ) to '"""
            + str(raw / "export_files.parquet")
            + "' (format parquet)"
        )
    return Border(
        raw_dir=raw,
        seeds_dir=seeds,
        export_files=raw / "export_files.parquet",
        cycle_id="c",
        instrument_id="i",
        max_off_scale_share=0.2,
    )


def test_what_is_broken_in_a_file_is_told_with_column_row_and_remedy(border: Border):
    failures = failed(border.check_responses())
    assert "no column 'gone'" in failures["mapped_columns_are_present"]
    assert "export_columns.csv" in failures["mapped_columns_are_present"]
    assert "column 'NIP': 1 identifiers" in failures["identifiers_are_whole"]
    assert "the first in row 2" in failures["identifiers_are_whole"]
    assert "'extra'" in failures["columns_are_mapped"]
    assert "'cafÃ©'" in failures["texts_are_decoded"]
    assert "column 'id': 1 rows" in failures["response_ids_are_unique"]


def test_codes_are_judged_as_the_method_does(border: Border):
    # q1: 3, N/A and Baik (3) are known; 5.0 and 7 are not on 1-4. q2: 5 and 4.0 are on 1-5; Baik
    # has a row of its own, 9, off the scale; 2.5 is no whole number; one is blank.
    failures = failed(border.check_responses())
    assert "'How is the service?': 40.0% of the answers" in failures["answers_are_on_their_scale"]
    assert "'Q2': 50.0% of the answers" in failures["answers_are_on_their_scale"]
    # 4 of 9 answers of the file.
    assert failures["codes_are_known"].startswith("c/p/a.csv: 44.4% of the answers")


def test_exports_with_identifiers_need_a_pseudonym_key(border: Border):
    assert border.check_pseudonym_key(is_set=True).passed
    refused = border.check_pseudonym_key(is_set=False)
    assert (refused.check, refused.severity, refused.passed) == (PSEUDONYM_CHECK, "critical", False)
    assert "export ILK_PSEUDONYM_KEY=" in refused.messages[0]
