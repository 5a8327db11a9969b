"""`ilk inspect`: what is seen of a file, and what is never shown."""

import csv
import shutil
import zipfile
from pathlib import Path

import pytest
import xlsxwriter

from orchestration.exports.faults import ExportFault
from orchestration.onboarding.inspection import inspect_file
from orchestration.onboarding.tools import tell_tool
from orchestration.settings import REPOSITORY
from tests.conftest import SAMPLE_SEEDS, ilk

NIP = "198507142010011004"
PERSONAL = (NIP, "1985 0714 2010 01 1004", "budi@kemenkum.go.id", "0812-3456-7890", "10.20.30.40",
            "Budi Santoso")  # fmt: skip
HEADER = ["Cap waktu", "Nama", "NIP", "Alamat IP", "Kontak", "Unit kerja", "Pertanyaan", ""]


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """Ten responses; identifiers stand where they belong, and in answers too."""
    path = tmp_path / "jawaban.csv"
    rows = [
        [f"13/10/2025 08:00:0{n}", "Budi Santoso", NIP, "10.20.30.40",
         "0812-3456-7890", "Kantor A", f"hubungi {PERSONAL[n % 5]}", ""]
        for n in range(10)
    ]  # fmt: skip
    rows[4][6] = "#N/A"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=";").writerows([HEADER, *rows, [""] * len(HEADER)])
    return path


def test_tool_delimiter_header_records_and_columns_are_told(export: Path):
    seen = inspect_file(export, seeds_dir=SAMPLE_SEEDS, profile_id=None)
    assert (seen.tool, seen.delimiter, seen.encoding) == ("google_forms", ";", "utf-8")
    assert (seen.header_row, seen.record_count, len(seen.columns)) == (1, 10, 8)
    mapped = {column.name: words for column, words in seen.columns}
    assert mapped["Cap waktu"] == "submitted_at (tool)?"
    assert mapped["Unit kerja"].startswith("unit_id")
    assert mapped["Pertanyaan"] == "–"


def test_no_example_shows_who_somebody_is(export: Path):
    result = ilk("inspect", str(export))
    assert result.exit_code == 0, result.output
    assert "Kantor A" in result.output
    assert not [told for told in PERSONAL if told in result.output]


def test_names_headings_and_cells_give_the_terminal_no_command(tmp_path: Path):
    """Nor a line that looks like one of ours."""
    path = tmp_path / "a\x1b]0;judul\x07\nProfil: b\x9b31m.csv"
    path.write_text(
        'Unit\x1b[2J,"Isi\nPerhatikan / Note: palsu"\nKantor\x1b[31m A,"x\n\u202ey"\n',
        encoding="utf-8",
    )
    result = ilk("inspect", str(path))
    assert result.exit_code == 0, result.output
    assert "Kantor" in result.output
    assert not set("\x1b\x07\x9b\u202e") & set(result.output)
    begins = [line.strip() for line in result.output.splitlines()]
    assert not [
        line for line in begins if line.startswith(("Profil: b", "Perhatikan / Note: palsu"))
    ]
    path.write_text("", encoding="utf-8")
    refused = ilk("inspect", str(path))
    assert refused.exit_code == 1 and not set("\x1b\x07\x9b") & set(refused.output)
    with zipfile.ZipFile(path, "w") as archive:
        for member in ("a\x1b[31m\nDibaca / Read: palsu.csv", "b.csv"):
            archive.writestr(member, "id,Unit\n1,A\n2,B\n")
    packed = ilk("inspect", str(path))
    assert "Ditolak / Refused" in packed.output and not set("\x1b\x9b") & set(packed.output)
    assert "\nDibaca / Read: palsu" not in packed.output


def test_answers_in_place_of_headings_are_not_shown_either(tmp_path: Path):
    path = tmp_path / "tanpa judul.csv"
    path.write_text(f"{NIP},a@b.id,4\n{NIP},c@d.id,3\n", encoding="utf-8")
    result = ilk("inspect", str(path))
    assert result.exit_code == 0, result.output
    assert not [told for told in (NIP, "a@b.id", "c@d.id") if told in result.output]


def test_problems_name_place_and_remedy_in_both_languages(export: Path):
    result = ilk("inspect", str(export))
    for told in (
        "galat lembar kerja seperti #N/A di baris 6. / correct the formula",
        "beri judul pada kolom ke-8 di formulir",
        "1 baris tanpa isi dilewati. / nothing to do: 1 rows",
        "kolom / column 'Pertanyaan': petakan ke respondent_identifier atau ignore: 9 sel",
        "./ilk profile new",
    ):
        assert told in result.output, told


def test_what_a_pull_would_refuse_is_refused_with_the_same_sentence(tmp_path: Path):
    path = tmp_path / "a.csv"
    path.write_text("Cap waktu,Unit\n", encoding="utf-8")
    with pytest.raises(ExportFault) as fault:
        inspect_file(path, seeds_dir=SAMPLE_SEEDS, profile_id=None)
    result = ilk("inspect", str(path))
    assert result.exit_code == 1
    assert fault.value.in_indonesian("a.csv") in result.output
    assert fault.value.in_english("a.csv") in result.output


def test_headings_below_responses_are_refused_as_a_pull_does(tmp_path: Path):
    path = tmp_path / "a.csv"
    path.write_text("x,y,4\nStempel waktu,Unit kerja,Jenis kelamin\nz,y,3\n", encoding="utf-8")
    with pytest.raises(ExportFault) as fault:
        inspect_file(path, seeds_dir=SAMPLE_SEEDS, profile_id=None)
    assert (fault.value.code, fault.value.row) == ("header_below", 2)


def test_a_profile_of_the_seeds_is_found_by_its_headings(tmp_path: Path):
    sample = REPOSITORY / "examples/ilk/landing/ilk-2025-s2/msform/survei-ilk-2025-s2.xlsx"
    seen = inspect_file(sample, seeds_dir=SAMPLE_SEEDS, profile_id=None)
    assert (seen.profile_id, seen.tool, seen.delimiter) == ("msform", "ms_forms", "")
    assert all(words.endswith("(msform)") for _, words in seen.columns)
    result = ilk("inspect", str(sample), "--profile", "nobody")
    assert (result.exit_code, "msform" in result.output) == (2, True)


def test_of_a_profile_that_serves_several_instruments_nothing_is_missing_that_only_others_ask(
    tmp_path: Path,
):
    seeds = tmp_path / "seeds"
    shutil.copytree(SAMPLE_SEEDS, seeds)
    (seeds / "instruments.csv").write_text(
        "instrument_id,base_instrument_id\nb,ilk-2025\n", "utf-8"
    )
    with (seeds / "questions.csv").open("a", encoding="utf-8") as file:
        file.write("b,baru,baru,sdm,reliability,pengampu_tusi,pusat,1,4,false,Baru?\n")
    with (seeds / "export_columns.csv").open("a", encoding="utf-8") as file:
        file.write("gform,Baru?,question,baru\n")
    sample = REPOSITORY / "examples/ilk/landing/ilk-2025-s2/gform/survei-ilk-2025-s2.csv"

    def missing(export: Path) -> list[str]:
        seen = inspect_file(export, seeds_dir=seeds, profile_id="gform")
        return [each.text.en for each in seen.problems if "are not there" in each.text.en]

    assert missing(sample) == []
    export = tmp_path / "tanpa-usia.csv"
    text = sample.read_text(encoding="utf-8")
    export.write_text(text.replace("Kelompok usia", "Umur", 1), encoding="utf-8")
    [told] = missing(export)
    assert "1 headings" in told


def test_a_workbook_is_read_as_text_is(tmp_path: Path):
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        page = book.add_worksheet("Jawaban")
        for number, row in enumerate([["ID", "Start time", "q"], [1, "x", 4], [2, "y", 3]]):
            page.write_row(number, 0, row)
    seen = inspect_file(path, seeds_dir=SAMPLE_SEEDS, profile_id=None)
    assert (seen.encoding, seen.tool, seen.record_count) == ("xlsx:Jawaban", "ms_forms", 2)


def test_the_one_export_of_an_archive_is_read_and_what_is_not_is_said(export: Path):
    path = export.with_name("ekspor.zip")
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(export, "CSV/jawaban.csv")
    seen = inspect_file(path, seeds_dir=SAMPLE_SEEDS, profile_id=None)
    assert (seen.tool, seen.record_count, seen.path) == ("google_forms", 10, path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../lari.csv", "a")
        archive.writestr("media/foto.jpg", "x")
    result = ilk("inspect", str(path))
    assert (result.exit_code, "10 jawaban" in result.output) == (0, False)
    assert "Jawaban / Records: 10" in result.output
    assert "Ditolak / Refused ekspor.zip/../lari.csv" in result.output
    assert "passed over in the ZIP archive, 1 files: media (1)" in result.output


def test_of_an_archive_it_is_said_what_a_pull_makes_of_each_file(export: Path):
    path = export.with_name("ekspor.zip")
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("jawaban.csv", "lagi.csv"):
            archive.write(export, name)
        archive.writestr("lain.csv", "id,unit\n1,A\n2,B\n")
        archive.writestr("rusak.csv", "id,unit\n1\n2,B\n")
        archive.write(path, "dalam.zip")
        archive.writestr("__MACOSX/._jawaban.csv", "x")
    result = ilk("inspect", str(path))
    assert result.exit_code == 0, result.output
    assert "Dibaca / Read ekspor.zip/jawaban.csv: 10 jawaban / records" in result.output
    assert "Dibaca / Read ekspor.zip/lain.csv: 2 jawaban / records" in result.output
    assert "Refused ekspor.zip/rusak.csv, baris 2:" in result.output
    assert "a copy of ekspor.zip/jawaban.csv" in result.output
    assert "Refused ekspor.zip/dalam.zip" in result.output
    assert "passed over in the ZIP archive, 1 files: __MACOSX (1)" in result.output
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("rusak.csv", "rusak 2.csv"):
            archive.writestr(name, "id,unit\n1\n2,B\n")
    assert ilk("inspect", str(path)).exit_code == 1


@pytest.mark.parametrize(
    ("headings", "tool"),
    [
        (["Timestamp", "q"], "google_forms"),
        (["q", "Timestamp"], None),
        (["id", "q"], None),
        (["id", "submitdate", "q"], "limesurvey"),
        (["ID", "Completion time", "q"], "ms_forms"),
        (["q", "_id", "_uuid"], "kobo"),
        (["StartDate", "ResponseId"], "qualtrics"),
        (["RespondentID", "q"], "surveymonkey"),
        (["a", "b"], None),
    ],
)
def test_a_tool_is_told_by_headings_of_its_own_alone(headings: list[str], tool: str | None):
    assert tell_tool(headings) == tool
