"""Real tools' exports: each lands whole, with the right count, or is refused for its reason."""

from pathlib import Path

import pytest

from orchestration.exports.faults import ExportFault

EXPORTS = Path(__file__).resolve().parents[3] / "shared" / "data" / "exports"

pytestmark = pytest.mark.skipif(
    not EXPORTS.is_dir(), reason="the shared sample exports are not beside the repository"
)

# file: (columns, records, header rows, delimiter, encoding)
LANDS = {
    "google_forms/ewallet_likert.csv": (25, 259, 1, ",", "utf-8"),
    "google_forms/marketing_mix_en_timestamp.csv": (31, 59, 1, ",", "utf-8"),
    "google_forms/streamlit_app_satisfaction_semicolon.csv": (12, 240, 1, ";", "utf-8"),
    "kobo/customer_satisfaction_labels.csv": (2, 3, 1, ";", "utf-8"),
    "kobo/customer_satisfaction_labels.xlsx": (2, 3, 1, "", "xlsx:Customer Satisfaction"),
    "kobo/customer_satisfaction_names.csv": (2, 3, 1, ";", "utf-8"),
    "kobo/customer_satisfaction_names.xlsx": (2, 3, 1, "", "xlsx:Customer Satisfaction"),
    "kobo/customers_feedback_kobo.csv": (20, 15, 1, ";", "utf-8"),
    "kobo/dietary_needs_labels.csv": (6, 3, 1, ";", "utf-8"),
    "kobo/dietary_needs_labels.xlsx": (6, 3, 1, "", "xlsx:Dietary needs"),
    "kobo/dietary_needs_names.csv": (6, 3, 1, ";", "utf-8"),
    "kobo/dietary_needs_names.xlsx": (6, 3, 1, "", "xlsx:Dietary needs"),
    "kobo/grouped_repeatable_names.csv": (4, 6, 1, ";", "utf-8"),
    "kobo/grouped_repeatable_names.xlsx": (4, 6, 1, "", "xlsx:Household survey with repeat..."),
    "limesurvey/lsa_survey_archive_265831_code_short.csv": (7, 1, 1, ";", "utf-8-sig"),
    "limesurvey/lsa_survey_export_responses_with_tokens_code_short.csv": (
        *(7, 2, 1, ";"),
        "utf-8-sig",
    ),
    "limesurvey/multi282267_code_short.csv": (207, 2, 1, ";", "utf-8-sig"),
    "limesurvey/multi282267_fr_full_long.csv": (207, 2, 1, ";", "utf-8-sig"),
    "limesurvey/sample82556_code_short_all.csv": (522, 4, 1, ";", "utf-8-sig"),
    "limesurvey/sample82556_code_short_complete.csv": (522, 3, 1, ";", "utf-8-sig"),
    "limesurvey/sample82556_code_short_incomplete.csv": (522, 1, 1, ";", "utf-8-sig"),
    "limesurvey/vvexport_82556_v1.tsv": (522, 4, 2, "\t", "utf-8"),
    "limesurvey/web82556_code_short_emcode_comma.csv": (649, 4, 1, ",", "utf-8-sig"),
    "limesurvey/web82556_default_full_long_comma.csv": (649, 4, 1, ",", "utf-8-sig"),
    "qualtrics/impressive_climate_qualtrics.csv": (27, 452, 3, ",", "utf-8"),
    "qualtrics/sample.csv": (20, 1, 3, ",", "utf-8"),
    "qualtrics/sample_legacy.csv": (16, 1, 2, ",", "utf-8-sig"),
    "surveymonkey/StarWars.csv": (38, 1186, 2, ",", "cp1252"),
    "surveymonkey/comma-survey.csv": (13, 1129, 1, ",", "utf-8"),
}
REFUSED = {
    "kobo/customer_analysis_kobo_resaved_broken.csv": "nested",
    "surveymonkey/masculinity-survey.csv": "summary_table",
    "spss/satisfaction.sav": "sav_not_read",
    "spss/survey_mass.sav": "sav_not_read",
}


@pytest.mark.parametrize("name", LANDS)
def test_a_real_export_lands_whole(read, name):
    reading, _ = read(EXPORTS / name)
    found = len(reading.header.names), reading.record_count, reading.header.rows
    assert (*found, reading.delimiter, reading.encoding) == LANDS[name]


@pytest.mark.parametrize("name", REFUSED)
def test_a_real_file_that_is_no_usable_export_is_refused(read, name):
    with pytest.raises(ExportFault) as caught:
        read(EXPORTS / name)
    assert caught.value.code == REFUSED[name]


def test_no_sample_is_forgotten_and_every_json_is_refused(read):
    for path in sorted(EXPORTS.rglob("*")):
        name = path.relative_to(EXPORTS).as_posix()
        if path.suffix == ".json":
            with pytest.raises(ExportFault) as caught:
                read(path)
            assert caught.value.code == "json_not_read"
        elif path.is_file() and path.name != "SOURCES.md":
            assert name in LANDS.keys() | REFUSED.keys()


def test_the_cells_of_a_limesurvey_export_are_verbatim(read):
    reading, cells = read(EXPORTS / "limesurvey" / "sample82556_code_short_all.csv")
    column = dict(zip(reading.header.names, zip(*cells, strict=True), strict=True))
    assert column["id"] == ("1", "2", "3", "4")
    assert "1980-01-01 00:00:00" in column["submitdate"]


def test_a_surveymonkey_block_names_question_and_choice(read):
    reading, _ = read(EXPORTS / "surveymonkey" / "StarWars.csv")
    assert reading.header.names[0] == "RespondentID"
    assert reading.header.folded_names[4].startswith("Which of the following Star Wars films")
    assert reading.header.folded_names[4].endswith(": Star Wars: Episode II Attack of the Clones")
