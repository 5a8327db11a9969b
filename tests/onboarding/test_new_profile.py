"""A form that asks the same questions under other headings, from its first export on."""

import csv
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet
import pytest
import xlsxwriter
from python_calamine import CalamineWorkbook

from expectations.border import Border
from expectations.raw_files import Cycle
from orchestration.bounded_engine import BoundedEngine
from orchestration.exports.pulling import pull_cycle
from orchestration.onboarding.likeness import nearest
from orchestration.onboarding.profile_draft import date_order
from orchestration.seeds.seed_tables import seed_records
from orchestration.settings import REPOSITORY, get_settings
from tests.conftest import SAMPLE_SEEDS, ilk
from tests.onboarding.new_form import REWORDED, write_sheet

PROFILE = "gform-baru"
CYCLE = "ilk-2025-s2"
ROWS = 150
Fill = Callable[[str, dict[str, str]], dict[str, str] | None]


@pytest.fixture(scope="module")
def form(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """The new form's first export, and question_id by its headings."""
    path = tmp_path_factory.mktemp("form") / "Survei baru (Respons).csv"
    return path, write_sheet(path, rows=ROWS)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a copy of the seeds and an empty data folder, which the settings point at."""
    shutil.copytree(SAMPLE_SEEDS, tmp_path / "seeds")
    monkeypatch.setenv("ILK_SEEDS_DIR", str(tmp_path / "seeds"))
    monkeypatch.setenv("ILK_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("ILK_LANDING_URL", str(tmp_path / "landing"))
    get_settings.cache_clear()
    yield tmp_path
    get_settings.cache_clear()


def sheets(draft: Path) -> dict[str, list[dict[str, str]]]:
    book = CalamineWorkbook.from_path(draft)
    found = {}
    for name in book.sheet_names:
        header, *rows = book.get_sheet_by_name(name).to_python()
        found[name] = [dict(zip(header, map(str, row), strict=True)) for row in rows]
    return found


def fill(draft: Path, how: Fill) -> None:
    """Save the draft as a person does who changed some rows; None takes a row out."""
    filled = {
        name: [new for row in rows if (new := how(name, row)) is not None]
        for name, rows in sheets(draft).items()
    }
    with xlsxwriter.Workbook(str(draft)) as book:
        for name, rows in filled.items():
            page = book.add_worksheet(name)
            for number, row in enumerate([{column: column for column in rows[0]}, *rows]):
                for at, cell in enumerate(row.values()):
                    page.write_string(number, at, cell)


def take_suggestions(name: str, row: dict[str, str]) -> dict[str, str] | None:
    """Take every suggestion; of codes that are unknown, none: such answers are judged later."""
    if name == "export_columns" and row["target"] == "?":
        return {**row, "target": "ok"}
    return None if name == "export_codes" and row["code"] == "?" else row


def new_profile(file: Path, *more: str) -> Any:
    return ilk("profile", "new", str(file), "--instrument", "ilk-2025", "--profile", PROFILE, *more)


def test_a_sheet_of_68_questions_is_mapped_but_for_what_was_reworded(form, place: Path):
    file, headings = form
    result = new_profile(file)
    assert result.exit_code == 0, result.output
    assert f"63 dari / of {len(headings)} pertanyaan" in result.output
    assert (
        f"export_columns: {REWORDED + 1} baris / rows (?); {REWORDED + 1} bersaran" in result.output
    )
    assert "no column asks" not in result.output, "what is offered is not lacking"
    draft = sheets(place / "data" / "drafts" / f"profile-{PROFILE}.xlsx")
    rows = {row["source_column"]: row for row in draft["export_columns"]}
    for heading, question_id in headings.items():
        row = rows[heading]
        if row["target"] == "?":  # offered, with how alike it is; never taken
            assert row["suggestion"] == question_id, heading
            assert 90 <= int(row["likeness"].strip("%")) < 100, heading
        else:
            assert (row["target_kind"], row["target"]) == ("question", question_id), heading
    assert sum(rows[heading]["target"] == "?" for heading in headings) == REWORDED
    assert (rows["Nama unit kerja Anda"]["suggestion"]) == "unit_id"
    [profile] = draft["export_profiles"]
    assert (profile["tool"], profile["timezone"], profile["date_order"]) == (
        "google_forms", "Asia/Jakarta", "dmy",
    )  # fmt: skip
    codes = {(row["target"], row["source_value"]): row["code"] for row in draft["export_codes"]}
    assert codes["*", "4 - Sangat Baik"] == "4"
    assert "4 - Sangat Setuju" in {value for _, value in codes}, "a choice that nobody took yet"


def test_codes_that_a_list_holds_are_one_row_that_names_it(form, place: Path):
    seeds = place / "seeds"
    listed = [row for row in seed_records(seeds, "export_codes") if row["profile_id"] == "gform"]
    targets = {"gender": "jk", "age_group": "usia"}
    lines = [f"{targets[row['target']]},{row['source_value']},{row['code']}" for row in listed
             if row["target"] in targets]  # fmt: skip
    more = ["jk_lain,Laki-laki,P", "usia_panjang,x,lt30", *(
        line.replace("usia", "usia_panjang") for line in lines if line.startswith("usia")
    )]  # fmt: skip
    header = "code_list_id,source_value,code"
    (seeds / "code_lists.csv").write_text("\n".join([header, *more, *lines, ""]), encoding="utf-8")
    assert new_profile(form[0]).exit_code == 0
    draft = place / "data" / "drafts" / f"profile-{PROFILE}.xlsx"
    rows = [row for row in sheets(draft)["export_codes"] if row["target"] in targets]
    assert [(row["target"], row["code_list_id"], row["source_value"]) for row in rows] == [
        ("gender", "jk", ""),
        ("age_group", "usia", ""),
    ]
    fill(draft, take_suggestions)
    assert ilk("profile", "add", str(draft)).exit_code == 0
    read = {
        (row["target"], row["source_value"]): row["code"]
        for row in seed_records(seeds, "export_codes")
        if row["profile_id"] == PROFILE
    }
    assert read["gender", "Laki-laki"] == "L"
    assert read["age_group", "30 - 39 tahun"] == "30_39"


def test_what_is_filled_in_gets_into_the_seeds_and_no_answer_is_lost(form, place: Path):
    file, headings = form
    before = {path.name: path.read_bytes() for path in (place / "seeds").glob("*.csv")}
    assert new_profile(file).exit_code == 0
    draft = place / "data" / "drafts" / f"profile-{PROFILE}.xlsx"
    fill(draft, take_suggestions)
    result = ilk("profile", "add", str(draft), "--cycle", CYCLE)
    assert result.exit_code == 0, result.output
    for name, content in before.items():
        assert (place / "seeds" / name).read_bytes().startswith(content), name
    outcomes = border_of(place, file).check()["survey_responses"]
    failed = {outcome.check: outcome.messages for outcome in outcomes if not outcome.passed}
    # The sample has answers and times that no seed knows; no column and no question is lost.
    assert failed.keys() <= {"answers_are_on_their_scale", "all_times_are_in_the_window"}, failed
    with file.open(encoding="utf-8", newline="") as opened:
        records = list(csv.DictReader(opened))
    wanted = sum(bool(record[heading].strip()) for record in records for heading in headings)
    mapped = [row["source_column"] for row in seed_records(place / "seeds", "export_columns")
              if row["profile_id"] == PROFILE and row["target_kind"] == "question"]  # fmt: skip
    [parquet] = (place / "raw").glob("survey_responses/*/*.parquet")
    cells = pyarrow.parquet.read_table(parquet, columns=mapped, partitioning=None).to_pylist()
    assert len(cells) == len(records) == ROWS
    assert sum(bool(cell.strip()) for row in cells for cell in row.values()) == wanted


def border_of(place: Path, file: Path) -> Border:
    """Pull the file as `ilk run` does, and return the border that checks it."""
    folder = place / "landing" / CYCLE / PROFILE
    folder.mkdir(parents=True)
    shutil.copy(file, folder / "a.csv")
    report = pull_cycle(
        cycle_id=CYCLE,
        seeds_dir=place / "seeds",
        landing=str(place / "landing"),
        raw_dir=place / "raw",
        pulled_at=datetime(2025, 12, 1, tzinfo=UTC),
        engine=BoundedEngine("1GB", place / "spilled"),
    )
    assert report.refused == ()
    return Border(
        raw_dir=place / "raw",
        seeds_dir=place / "seeds",
        export_files=place / "raw" / "export_files.parquet",
        dbt_project_dir=REPOSITORY / "dbt_project",
        quality_dir=place / "quality",
        cycle=Cycle(CYCLE, "ilk-2025", date(2025, 10, 6), date(2025, 11, 7), None, is_over=True),
        engine=BoundedEngine("1GB", place / "spilled"),
        max_off_scale_share=0.2,
        max_superseded_share=0.1,
    )


def test_a_tool_that_names_columns_by_codes_is_mapped_by_the_texts_below(place: Path):
    """Qualtrics: ids, texts, ImportIds."""
    questions = seed_records(SAMPLE_SEEDS, "questions")[:4]
    rows = [
        ["StartDate", "RecordedDate", "ResponseId", *(f"Q{n}" for n in range(1, 5))],
        ["Start Date", "Recorded Date", "Response ID", *(q["question_text"] for q in questions)],
        [f'{{"ImportId":"{each}"}}' for each in ("startDate", "recordedDate", "_recordId",
                                                 "QID1", "QID2", "QID3", "QID4")],
        ["2025-10-13 08:00:00", "2025-10-13 08:09:00", "R_1", "4", "3", "", "1"],
    ]  # fmt: skip
    with (place / "q.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    assert new_profile(place / "q.csv").exit_code == 0
    draft = sheets(place / "data" / "drafts" / f"profile-{PROFILE}.xlsx")
    columns = {row["source_column"]: row["target"] for row in draft["export_columns"]}
    assert list(columns.values())[:3] == ["started_at", "submitted_at", "response_id"]
    assert list(columns.values())[3:] == [question["question_id"] for question in questions]


def test_two_columns_of_one_question_both_have_their_codes_in_the_draft(place: Path):
    """As where a form asks it anew after a correction, and people answered either."""
    [question] = seed_records(SAMPLE_SEEDS, "questions")[:1]
    rows = [
        ["Timestamp", question["question_text"], question["question_id"]],
        *(["13/10/2025 8:00:00", "Lumayan", ""] for _ in range(3)),
        ["13/10/2025 8:00:00", "", "Biasa saja"],
        ["13/10/2025 8:00:00", "", "Lumayan"],
    ]
    with (place / "a.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    assert new_profile(place / "a.csv").exit_code == 0
    draft = sheets(place / "data" / "drafts" / f"profile-{PROFILE}.xlsx")
    assert [row["target"] for row in draft["export_columns"]][1:] == [question["question_id"]] * 2
    asked = [row for row in draft["export_codes"] if row["cells"] != "0"]
    assert [(row["target"], row["source_value"], row["cells"]) for row in asked] == [
        ("*", "Lumayan", "4"), ("*", "Biasa saja", "1"),
    ]  # fmt: skip


def test_labels_of_an_spss_file_say_what_its_codes_stand_for(place: Path):
    pyreadstat = pytest.importorskip("pyreadstat")
    [question] = seed_records(SAMPLE_SEEDS, "questions")[:1]
    frame = pd.DataFrame({"KAT": [1.0, 2.0, 1.0], "UNIT": [7.0, 7.0, 7.0], "Q": [4.0, 3.0, 9.0]})
    pyreadstat.write_sav(
        frame,
        str(place / "a.sav"),
        column_labels=["Kategori penerima layanan", "Unit kerja", question["question_text"]],
        variable_value_labels={
            "KAT": {1.0: "Pengampu tusi", 2.0: "Individu pegawai"},
            "UNIT": {7.0: "Badan Pembinaan Hukum Nasional"},
            "Q": {4.0: "Sangat baik", 3.0: "Baik", 9.0: "Tidak tersedia"},
        },
        variable_format={"KAT": "F1.0", "UNIT": "F1.0", "Q": "F1.0"},
    )
    assert new_profile(place / "a.sav", "--tool", "spss").exit_code == 0
    draft = sheets(place / "data" / "drafts" / f"profile-{PROFILE}.xlsx")
    codes = {(row["target"], row["source_value"]): row["code"] for row in draft["export_codes"]}
    assert codes["recipient_category_id", "1"] == "pengampu_tusi"
    assert codes["unit_id", "7"] == "bphn"
    assert codes["*", "9"] == "not_available"
    columns = {row["source_column"]: row["target"] for row in draft["export_columns"]}
    assert question["question_id"] in columns.values()


def test_nothing_gets_into_the_seeds_while_a_cell_is_open(form, place: Path):
    file, _ = form
    assert new_profile(file).exit_code == 0
    draft = place / "data" / "drafts" / f"profile-{PROFILE}.xlsx"
    before = {path: path.read_bytes() for path in (place / "seeds").glob("*.csv")}
    result = ilk("profile", "add", str(draft))
    assert result.exit_code == 1
    assert "sheet export_columns, baris / row 5: target_kind = ?" in result.output
    fill(draft, lambda name, row: {k: "ok" if v == "?" else v for k, v in row.items()})
    result = ilk("profile", "add", str(draft))
    assert result.exit_code == 1
    assert "code = ok (tanpa saran / nothing is suggested)" in result.output
    fill(draft, lambda name, row: {k: "nothing" if v == "ok" else v for k, v in row.items()})
    result = ilk("profile", "add", str(draft))
    assert result.exit_code == 1
    assert "Nothing was written" in result.output
    assert {path: path.read_bytes() for path in before} == before


def test_a_draft_and_a_profile_are_never_overwritten(form, place: Path):
    file, _ = form
    assert new_profile(file).exit_code == 0
    result = new_profile(file)
    assert (result.exit_code, "is there already" in result.output) == (1, True)
    assert new_profile(file, "--out", str(place / "other.xlsx")).exit_code == 0
    fill(place / "other.xlsx", take_suggestions)
    assert ilk("profile", "add", str(place / "other.xlsx")).exit_code == 0
    result = ilk("profile", "add", str(place / "other.xlsx"))
    assert (result.exit_code, "is there already" in result.output) == (1, True)


@pytest.mark.parametrize(
    ("times", "order"),
    [
        (["05/06/2025 8:00:00", "13/06/2025 8:00:00"], "dmy"),
        (["05/06/2025 8:00:00", "06/13/2025 8:00:00"], "mdy"),
        (["05/06/2025 8:00:00"], "?"),  # never guessed
        (["13/06/2025 8:00:00", "06/13/2025 8:00:00"], "?"),
        (["2025/06/13 8:00:00 AM GMT+7"], "ymd"),
        (["13 Juni 2025"], ""),
    ],
)
def test_day_and_month_are_told_by_the_days_or_left_open(times: list[str], order: str):
    assert date_order(times) == order


def test_an_unknown_instrument_is_told_with_those_that_are_there(form, place: Path):
    result = ilk("profile", "new", str(form[0]), "--instrument", "x", "--profile", "p")
    assert result.exit_code == 1
    assert "ilk-2025" in result.output


def test_the_nearest_text_is_offered_first_and_one_that_is_hardly_alike_never():
    texts = [("a", "how fast is the office"), ("b", "how fast was the office"), ("c", "zzz")]
    offers = nearest("how fast is the office?", texts)
    assert [offer.target for offer in offers] == ["a", "b"]
    assert offers[0].likeness > offers[1].likeness > 0.9
    assert nearest("q" * 300, [("a", "q" * 299)])[0].likeness > 0.99, "letters of a long text count"
