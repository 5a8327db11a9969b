"""Real tools' exports: each lands whole, with the right count, or is refused for its reason."""

import re
from pathlib import Path

import pytest
from exports_cases import CYCLE

from orchestration.exports.faults import ExportFault
from orchestration.onboarding.tools import tell_tool
from orchestration.settings import REPOSITORY

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
    "kobo/customer_satisfaction_api_submissions.json": (10, 3, 0, "", "json"),
    "kobo/dietary_needs_api_submissions.json": (3, 3, 0, "", "json"),
    "kobo/grouped_repeatable_api_submissions.json": (8, 6, 0, "", "json"),
    "limesurvey/lsa_survey_archive_265831_code_short.csv": (7, 1, 1, ";", "utf-8-sig"),
    "limesurvey/lsa_survey_export_responses_with_tokens_code_short.csv": (
        *(7, 2, 1, ";"),
        "utf-8-sig",
    ),
    "limesurvey/multi282267_code_short.csv": (207, 2, 1, ";", "utf-8-sig"),
    "limesurvey/sample82556_code_short_all.csv": (522, 4, 1, ";", "utf-8-sig"),
    "limesurvey/sample82556_code_short_complete.csv": (522, 3, 1, ";", "utf-8-sig"),
    "limesurvey/sample82556_code_short_incomplete.csv": (522, 1, 1, ";", "utf-8-sig"),
    "limesurvey/sample82556_code_short_all.json": (522, 4, 0, "", "json"),
    "limesurvey/vvexport_82556_v1.tsv": (522, 4, 2, "\t", "utf-8"),
    "limesurvey/web82556_code_short_emcode_comma.csv": (649, 4, 1, ",", "utf-8-sig"),
    "qualtrics/impressive_climate_qualtrics.csv": (27, 452, 3, ",", "utf-8"),
    "qualtrics/sample.csv": (20, 1, 3, ",", "utf-8"),
    "qualtrics/sample_legacy.csv": (16, 1, 2, ",", "utf-8-sig"),
    "spss/satisfaction.sav": (10, 100, 0, "", "spss"),
    "spss/survey_mass.sav": (12, 237, 0, "", "spss"),
    "surveymonkey/StarWars.csv": (38, 1186, 2, ",", "cp1252"),
    "surveymonkey/comma-survey.csv": (13, 1129, 1, ",", "utf-8"),
}
REFUSED = {
    "limesurvey/multi282267_fr_full_long.csv": "limesurvey_headings",
    "limesurvey/web82556_default_full_long_comma.csv": "limesurvey_headings",
    "limesurvey/rc2_fieldmap.json": "json_without_records",
    # A request and its answer, in whose text the export is.
    **{
        f"limesurvey/raw_rpc/{path.name}": "json_without_records"
        for path in sorted((EXPORTS / "limesurvey" / "raw_rpc").glob("*.json"))
    },
    "kobo/customer_analysis_kobo_resaved_broken.csv": "nested",
    "surveymonkey/masculinity-survey.csv": "summary_table",
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


def test_no_sample_is_forgotten():
    names = {path.relative_to(EXPORTS).as_posix() for path in EXPORTS.rglob("*.*")}
    assert names - {"SOURCES.md"} == LANDS.keys() | REFUSED.keys()


def test_limesurveys_json_and_csv_hold_the_same_cells(read):
    table = "limesurvey/sample82556_code_short_all"
    (one, cells), (other, others) = read(EXPORTS / f"{table}.csv"), read(EXPORTS / f"{table}.json")
    assert one.header.names == other.header.names
    # The CSV has no CRLF in a cell.
    assert cells == [[cell.replace("\r\n", "\n") for cell in record] for record in others]


def test_the_cells_of_a_limesurvey_export_are_verbatim(read):
    reading, cells = read(EXPORTS / "limesurvey" / "sample82556_code_short_all.csv")
    column = dict(zip(reading.header.names, zip(*cells, strict=True), strict=True))
    assert column["id"] == ("1", "2", "3", "4")
    assert "1980-01-01 00:00:00" in column["submitdate"]


def test_a_limesurvey_vv_bears_the_texts_or_the_codes_that_the_profile_knows(read):
    vv = EXPORTS / "limesurvey" / "vvexport_82556_v1.tsv"
    texts, codes = (
        line.replace('"', "").split("\t") for line in vv.read_text(encoding="utf-8").split("\n")[:2]
    )
    assert codes[10].startswith("82556X")  # a place, which a copy of the survey has not
    for known, names in (
        ((), ["submitdate", texts[10]]),
        (("date submitted",), ["Date submitted", texts[10]]),
        ((codes[10].lower(), "submitdate"), ["submitdate", codes[10]]),
    ):
        reading, _ = read(vv, headings=frozenset(known))
        assert [reading.header.names[2], reading.header.names[10]] == names
        assert reading.header.rows == 2


def test_the_repeat_group_of_a_kobo_workbook_is_told_with_its_rows(read):
    repeats = EXPORTS / "kobo" / "grouped_repeatable_names.xlsx"
    reading, _ = read(repeats)
    (note,) = reading.notes
    assert note.en == (
        "not read are its repeat groups, rows of which are no respondents: "
        "'houshold_member_repeat' (13)."
    )
    with pytest.raises(ExportFault) as caught:
        read(repeats, sheet="houshold_member_repeat")
    assert caught.value.code == "repeat_table"


def test_a_vv_of_question_codes_bears_them(read):
    texts = "Response ID\tDate submitted\tStart language\tPuas?\n"
    content = texts + "id\tsubmitdate\tstartlanguage\tQ1\n1\t\tid\tA1\n"
    names = ("id", "submitdate", "startlanguage", "Q1")
    assert read(content)[0].header.names == names
    assert read(content)[0].header.texts[3] == "Puas?"
    assert read(content, headings=frozenset(("q1", "submitdate")))[0].header.names == names
    known = frozenset(("puas?", "date submitted"))
    assert read(content, headings=known)[0].header.names[3] == "Puas?"


def test_whole_texts_as_answers_under_codes_are_refused_too(read):
    texts = (EXPORTS / "limesurvey" / "web82556_default_full_long_comma.csv").read_bytes()
    codes = (EXPORTS / "limesurvey" / "web82556_code_short_emcode_comma.csv").read_bytes()
    with pytest.raises(ExportFault) as caught:
        read(codes.split(b"\r\n")[0] + b"\r\n" + texts.split(b"\r\n", 1)[1])
    assert caught.value.code == "limesurvey_answers"


def test_a_surveymonkey_block_names_question_and_choice(read):
    reading, _ = read(EXPORTS / "surveymonkey" / "StarWars.csv")
    assert reading.header.names[0] == "RespondentID"
    assert reading.header.folded_names[4].startswith("Which of the following Star Wars films")
    assert reading.header.folded_names[4].endswith(": Star Wars: Episode II Attack of the Clones")


def _table() -> dict[str, tuple[str, str]]:
    """The rows of docs/sources.md, "Real exports": tool, and records or the fault, by file."""
    text = (REPOSITORY / "docs" / "sources.md").read_text(encoding="utf-8")
    section = text.split("\n## Real exports\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(.+?)` \| (.*?) \| (.+?) \|", section, flags=re.M)
    return {name: (tool, outcome) for name, tool, outcome in rows}


def test_one_pull_of_all_real_exports_is_what_the_table_says(cycle):
    for path in EXPORTS.rglob("*.*"):
        if path.is_file() and path.name != "SOURCES.md":
            name = path.relative_to(EXPORTS).as_posix().replace("raw_rpc/", "raw_rpc-")
            cycle.drop(f"gform/{name.replace('/', '--')}", path.read_bytes())
    report = cycle.pull()

    def shown(name: str) -> str:
        name = name.removeprefix(f"{CYCLE}/gform/").replace("--", "/")
        return re.sub(r"raw_rpc-.+", "raw_rpc/*.json", name)

    found = {
        shown(row["name"]): (tell_tool(row["header"]) or "not told", f"{row['record_count']:,}")
        for row in cycle.registry()
        if row["status"] == "read"
    } | {shown(refusal.name): ("", f"refused, {refusal.code}") for refusal in report.refused}
    assert found == _table()
