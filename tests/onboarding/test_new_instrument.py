"""A form's own definition becomes rows of questions.csv, whatever tool it is of."""

import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import xlsxwriter
from python_calamine import CalamineWorkbook
from typer.testing import CliRunner

from orchestration.cli import app
from orchestration.onboarding import form_definitions
from orchestration.onboarding.form_definitions import FormError, FormQuestion, read_form
from orchestration.onboarding.instrument_draft import ASKED, draft_instrument
from orchestration.onboarding.seed_draft import DraftError, add_draft
from orchestration.seeds.seed_tables import seed_records
from orchestration.settings import get_settings
from tests.conftest import SAMPLE_SEEDS, ilk
from tests.onboarding import form_files
from tests.onboarding.form_files import QUESTIONS, code

SEEDS = SAMPLE_SEEDS


def form_file(folder: Path, kind: str) -> Path:
    path = folder / f"form.{kind}"
    match kind:
        case "lss":
            path.write_text(form_files.lss(), encoding="utf-8")
        case "lsa":
            form_files.write_lsa(path)
        case "txt":
            path.write_text(form_files.structure(), encoding="utf-8-sig")
        case "xlsx":
            form_files.write_xlsform(path)
        case "qsf":
            path.write_text(form_files.qsf(), encoding="utf-8")
    return path


@pytest.mark.parametrize("kind", ["lss", "lsa", "txt", "xlsx", "qsf"])
def test_code_text_and_scale_are_told_by_each_tools_definition(kind: str, tmp_path: Path):
    draft = draft_instrument(
        form_file(tmp_path, kind), seeds_dir=SEEDS, instrument_id="new", index_id=None
    )
    assert draft.told_count == len(draft.rows) == len(QUESTIONS)
    for number, (row, known) in enumerate(zip(draft.rows, QUESTIONS, strict=True), start=1):
        assert (row["question_id"], row["question_text"]) == (code(number), known["question_text"])
        assert (row["scale_min"], row["scale_max"]) == ("1", "4")
        assert row["group"] == form_files.SERVICES[known["service_id"]]
        # The shipped instrument asks the same: what it says of the question is taken.
        places = ASKED[:4]
        assert [row[column] for column in places] == [known[column] for column in places]


def test_another_text_leaves_open_what_no_definition_tells(tmp_path: Path):
    path = tmp_path / "form.lss"
    path.write_text(form_files.lss(other=True), encoding="utf-8")
    draft = draft_instrument(path, seeds_dir=SEEDS, instrument_id="new", index_id="ilk")
    assert draft.told_count >= 0.8 * len(draft.rows)
    assert [row["service_id"] for row in draft.rows] == [row["service_id"] for row in QUESTIONS]
    assert {row["perspective_id"] for row in draft.rows} == {"?"}
    assert draft.open_choices[0] == (
        "perspective_id: assurance, empathy, reliability, responsiveness, tangible"
    )


def test_answers_without_numbers_that_many_questions_share_are_a_scale_left_open(tmp_path: Path):
    words = tuple((label.lower().replace(" ", "_"), label) for _, label in form_files.ANSWERS)
    form_files.write_xlsform(tmp_path / "form.xlsx", answers=words)
    draft = draft_instrument(
        tmp_path / "form.xlsx", seeds_dir=SEEDS, instrument_id="new", index_id=None
    )
    assert {row["scale_max"] for row in draft.rows} == {"?"}
    assert draft.left_out == ["jk"]


def test_parts_of_an_array_are_questions_of_their_own(tmp_path: Path):
    path = tmp_path / "form.txt"
    path.write_text(
        "class\ttype/scale\tname\ttext\tlanguage\nG\t\tSDM\t\tid\nQ\tF\tA\tSeberapa baik\tid\n"
        "SQ\t\tSQ1\tketepatan?\tid\nSQ\t\tSQ2\tkecepatan?\tid\n"
        "A\t0\tA1\tBuruk\tid\nA\t0\tA2\tBaik\tid\nQ\tF\tA\tHow good\ten\n",
        encoding="utf-8",
    )
    assert read_form(path)[1] == [
        FormQuestion(f"A_SQ{n}", f"Seberapa baik {what}?", "SDM", (("A1", "Buruk"), ("A2", "Baik")))
        for n, what in ((1, "ketepatan"), (2, "kecepatan"))
    ]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    shutil.copytree(SEEDS, tmp_path / "seeds")
    monkeypatch.setenv("ILK_SEEDS_DIR", str(tmp_path / "seeds"))
    monkeypatch.setenv("ILK_DATA_DIR", str(tmp_path / "data"))
    get_settings.cache_clear()
    yield tmp_path
    get_settings.cache_clear()


def test_a_draft_gets_into_the_seeds_when_nothing_is_open(place: Path):
    form = form_file(place, "xlsx")
    result = ilk("instrument", "new", str(form), "--instrument", "ilk-2027")
    assert result.exit_code == 0, result.output
    assert "68 dari / of 68" in result.output
    assert "Nothing is left" in result.output
    draft = place / "data" / "drafts" / "instrument-ilk-2027.xlsx"
    before = (place / "seeds" / "questions.csv").read_bytes()
    assert ilk("instrument", "add", str(draft)).exit_code == 0
    assert (place / "seeds" / "questions.csv").read_bytes().startswith(before)
    added = [
        row
        for row in seed_records(place / "seeds", "questions")
        if row["instrument_id"] == "ilk-2027"
    ]
    assert [row["question_id"] for row in added] == [code(n + 1) for n in range(68)]
    again = ilk("instrument", "new", str(form), "--instrument", "ilk-2027", "--out", "x.xlsx")
    assert (again.exit_code, "is there already" in again.output) == (1, True)


def test_of_an_instrument_that_builds_on_another_only_what_differs_is_drafted(place: Path):
    questions = place / "seeds" / "questions.csv"
    first, second, *_ = (row["question_id"] for row in QUESTIONS)
    # The form has one scale for all.
    text = questions.read_text(encoding="utf-8").replace(",1,5,", ",1,4,")
    header, *lines = text.splitlines()
    lines[0] = lines[0].replace(",1,4,", ",1,5,")
    gone = f"{lines[1]}\n".replace(f",{second},", ",gone,").replace(
        QUESTIONS[1]["question_text"], "Lain?"
    )
    questions.write_text("\n".join([header, *lines, gone]), encoding="utf-8")
    form = form_file(place, "xlsx")
    arguments = ("--instrument", "ilk-2027", "--base", "ilk-2025", "--no-ask")
    result = ilk("instrument", "new", str(form), *arguments)
    assert result.exit_code == 0, result.output
    assert "differs from ilk-2025: 0 pertanyaan baru / new questions, 1 berubah" in result.output
    assert "1 tidak ditanyakan lagi / asked no more" in result.output
    draft = place / "data" / "drafts" / "instrument-ilk-2027.xlsx"
    result = ilk("instrument", "add", str(draft))
    assert result.exit_code == 0, result.output
    assert "instruments.csv: +1 " in result.output
    assert "questions.csv: +2 " in result.output
    asked = {
        of: {row["question_id"]: row for row in seed_records(place / "seeds", "questions")
             if row["instrument_id"] == of}
        for of in ("ilk-2025", "ilk-2027")
    }  # fmt: skip
    assert asked["ilk-2025"].keys() - asked["ilk-2027"].keys() == {"gone"}
    assert len(asked["ilk-2027"]) == len(QUESTIONS)
    assert (asked["ilk-2027"][first]["scale_max"], asked["ilk-2025"][first]["scale_max"]) == (
        "4",
        "5",
    )
    none = ilk(
        "instrument", "new", str(form), "--instrument", "x", "--base", "y", "--out", "x.xlsx"
    )
    assert (none.exit_code, "--base: ilk-2025, ilk-2027" in none.output) == (1, True)


def test_a_question_that_the_base_has_under_its_code_is_reworded_and_others_are_new(tmp_path: Path):
    seeds = tmp_path / "seeds"
    shutil.copytree(SEEDS, seeds)
    questions = seeds / "questions.csv"
    text = questions.read_text(encoding="utf-8").replace(",1,5,", ",1,4,")
    text = text.replace(QUESTIONS[0]["question_text"], "Dulu?")
    questions.write_text(text.replace(QUESTIONS[0]["question_id"], code(1), 1), encoding="utf-8")
    path = form_file(tmp_path, "lss")
    draft = draft_instrument(
        path, seeds_dir=seeds, instrument_id="new", index_id=None, base_id="ilk-2025"
    )
    [row] = draft.rows
    assert row["question_id"] == code(1)
    assert row["question_text"] == QUESTIONS[0]["question_text"]
    assert "item_id" not in row


def test_what_is_open_is_asked_for_one_by_one(place: Path):
    path = place / "form.txt"
    path.write_text(
        "class\ttype/scale\tname\ttext\tlanguage\nG\t\tSumber Daya Manusia\t\tid\n"
        "Q\t5\tA\tSatu?\tid\nQ\t5\tB\tDua?\tid\n",
        encoding="utf-8",
    )
    # Two questions; perspective: a wrong one first, then the next keeps the answer before it.
    typed = "salah\nassurance\npengampu_tusi\npusat\n\n\nupt\n"
    get_settings.cache_clear()
    result = CliRunner().invoke(
        app, ["instrument", "new", str(path), "--instrument", "n", "--ask"], input=typed
    )
    assert result.exit_code == 0, result.output
    draft = place / "data" / "drafts" / "instrument-n.xlsx"
    header, *rows = CalamineWorkbook.from_path(draft).get_sheet_by_index(0).to_python()
    found = [dict(zip(header, row, strict=True)) for row in rows]
    assert [row["perspective_id"] for row in found] == ["assurance", "assurance"]
    assert [row["provider_level_id"] for row in found] == ["pusat", "upt"]
    assert [row["service_id"] for row in found] == ["sdm", "sdm"]
    assert [(row["scale_min"], row["scale_max"]) for row in found] == [("1", "5")] * 2


@pytest.mark.parametrize(
    "text",
    [
        '<?xml version="1.0"?><!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><document>&x;'
        "</document>",
        '<!DOCTYPE d [<!ENTITY a "aa"><!ENTITY b "&a;&a;&a;">]><document>&b;</document>',
        '<!-- <document> --><!DOCTYPE d SYSTEM "http://127.0.0.1/x.dtd"><document/>',
    ],
)
def test_xml_with_entities_is_refused_before_it_is_read(text: str, tmp_path: Path):
    path = tmp_path / "form.lss"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FormError, match="DOCTYPE"):
        read_form(path)


@pytest.mark.parametrize(
    "content",
    [b"", b"<html></html>", b"<document><questions>", b"{}", b'{"SurveyElements": 3}',
     b"PK\x03\x04", b"a,b\n1,2\n", b"\xff\xfe\x00",
     b"<document><questions><rows><row/></rows></questions></document>"],
)  # fmt: skip
def test_what_is_no_form_is_told_in_a_sentence(content: bytes, tmp_path: Path):
    path = tmp_path / "form.lss"
    path.write_bytes(content)
    with pytest.raises(FormError, match=r"form\.lss") as told:
        read_form(path)
    assert "export_profiles" not in str(told.value)
    assert "Export the form's definition" in str(told.value) or b"<questions>" in content


def test_a_workbook_of_answers_is_no_form_and_no_draft(tmp_path: Path):
    """The remedies of exports, a profile's `sheet` and the like, would lead astray."""
    path = tmp_path / "jawaban.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        book.add_worksheet("Jawaban").write_row(0, 0, ["ID", "Umur"])
    with pytest.raises(FormError, match="Export the form's definition") as told:
        read_form(path)
    assert "export_profiles" not in str(told.value)
    for seed, command in (("export_profiles", "profile"), ("questions", "instrument")):
        with pytest.raises(DraftError, match=f"`ilk {command} new` wrote.*Jawaban") as draft:
            add_draft(path, seeds_dir=SEEDS, wanted=[seed])
        assert "export_profiles.csv" not in str(draft.value)


@pytest.mark.parametrize("length", [200, 5_000])
def test_a_form_that_was_cut_off_is_told_as_that(length: int, tmp_path: Path):
    path = tmp_path / "form.lss"
    path.write_text(form_files.lss()[:length], encoding="utf-8")
    with pytest.raises(FormError, match="copy the file whole"):
        read_form(path)


@pytest.mark.parametrize("name", ["../../evil", "a/b", "", "a b"])
def test_a_name_that_leads_elsewhere_is_told_as_the_argument_that_it_is(name: str, place: Path):
    file = form_file(place, "lss")
    for command in (
        ("profile", "new", str(file), "--instrument", "ilk-2025", "--profile", name),
        ("instrument", "new", str(file), "--instrument", name),
    ):
        result = ilk(*command)
        assert result.exit_code == 2
        assert f"{command[-2]} '{name}': pakai huruf" in result.output
        assert "nothing was written" in result.output


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("names", "told"),
    [
        (("../survey_1.lss",), "leads out of it"),
        (("a.lss", "a.lss"), "holds 2 files of this name"),
        (("a.lss", "b.lss"), "holds a.lss, b.lss"),
        (("a.txt",), "holds a.txt, survey_1_responses.lsr"),
    ],
)
def test_an_archive_is_opened_within_the_bounds_of_a_pull(tmp_path: Path, names, told: str):
    path = tmp_path / "form.lsa"
    form_files.write_lsa(path, *names)
    with pytest.raises(FormError, match=rf"(?s)form\.lsa.*{told}"):
        read_form(path)


@pytest.mark.parametrize(
    "packing", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_an_archive_that_is_damaged_is_told_in_a_sentence(tmp_path: Path, packing: int):
    path = tmp_path / "form.lsa"
    form_files.write_lsa(path, packing=packing)
    content = bytearray(path.read_bytes())
    content[300] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(FormError, match="cut off or damaged"):
        read_form(path)
    path.write_bytes(content[:-30])
    with pytest.raises(FormError, match="cut off or damaged"):
        read_form(path)


def test_a_form_larger_than_any_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = form_file(tmp_path, "lsa")
    monkeypatch.setattr(form_definitions, "MOST_BYTES", path.stat().st_size)  # of the archive
    with pytest.raises(FormError, match="larger than"):
        read_form(path)
