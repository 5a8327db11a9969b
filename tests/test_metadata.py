"""`ilk metadata`: what the forms of BPS and the codebook say, and what is asked for.

Belongs here: answers, the seed statistical_activity, files. Doesn't: figures themselves.
"""

import csv
import json
import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest
from python_calamine import CalamineWorkbook

from expectations.seeds import contradictions
from orchestration.cycles.fingerprints import cycle_fingerprint
from orchestration.metadata.activity import DERIVED, NOT_ASKED, OPEN, STATED, answers, missing
from orchestration.metadata.codebook import NAMESPACE
from orchestration.metadata.command import CODEBOOK, FORMS, WORKBOOK, write_metadata
from orchestration.metadata.forms import (
    ACTIVITY,
    FIELDS,
    INDICATOR_COLUMNS,
    SEED,
    VARIABLE_COLUMNS,
)
from orchestration.metadata.sources import read_sources
from orchestration.publishing.reading.headline import read_headline
from orchestration.settings import REPOSITORY, Settings
from tests.conftest import SAMPLE_SEEDS, Sample, ilk

ILK, SKM = SAMPLE_SEEDS, REPOSITORY / "examples" / "skm" / "seeds"
NOWHERE = REPOSITORY / "no publication"
SHIPPED = pytest.mark.parametrize(
    ("seeds", "cycle_id"), [(ILK, "ilk-2025-s2"), (SKM, "skm-2020")], ids=["ilk", "skm"]
)

# Children in the order that codebook.xsd of DDI-Codebook 2.5 gives them: the sequences of the
# complex types codeBookType, stdyDscrType, citationType, titlStmtType, stdyInfoType, sumDscrType,
# methodType, dataCollType, anlyInfoType, fileTxtType, dataDscrType, varType, catgryType. The schema
# itself can't be had from a package registry; these are its elements that we write, of the field
# level documentation.
SEQUENCES = {
    "codeBook": "stdyDscr fileDscr dataDscr",
    "stdyDscr": "citation stdyInfo method dataAccs",
    "citation": "titlStmt rspStmt prodStmt",
    "titlStmt": "titl parTitl IDNo",
    "rspStmt": "AuthEnty",
    "prodStmt": "producer",
    "stdyInfo": "abstract sumDscr",
    "sumDscr": "timePrd collDate nation geogCover anlyUnit universe dataKind",
    "method": "dataColl anlyInfo",
    "dataColl": "timeMeth dataCollector frequenc sampProc collMode resInstru weight cleanOps",
    "anlyInfo": "respRate EstSmpErr",
    "dataAccs": "useStmt",
    "useStmt": "restrctn",
    "fileDscr": "fileTxt",
    "fileTxt": "fileName fileCont fileType",
    "dataDscr": "var",
    "var": "labl respUnit qstn valrng txt catgry codInstr concept varFormat",
    "qstn": "qstnLit",
    "valrng": "range",
    "catgry": "catValu labl",
}
REQUIRED = {"codeBook": {"stdyDscr"}, "stdyDscr": {"citation"}, "citation": {"titlStmt"}}
REQUIRED |= {"titlStmt": {"titl"}, "catgry": {"catValu"}}


def seeds_with(folder: Path, stated: str, of: Path = ILK) -> Path:
    """A folder of seeds whose seed of the forms says this."""
    target = folder / "seeds"
    shutil.copytree(of, target)
    (target / f"{SEED}.csv").write_text(stated, encoding="utf-8")
    return target


def sheets(workbook: Path) -> dict[str, list[list[str]]]:
    book = CalamineWorkbook.from_path(workbook)
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def answered(seeds: Path, cycle_id: str = "ilk-2025-s2", published: Path = NOWHERE):
    return answers(read_sources(seeds, published, cycle_id))


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> dict[str, Path]:
    """The files of both folders of seeds that we ship, before anything is published."""
    folder = tmp_path_factory.mktemp("metadata")
    for seeds, cycle_id in ((ILK, "ilk-2025-s2"), (SKM, "skm-2020")):
        write_metadata(seeds_dir=seeds, published_dir=NOWHERE, folder=folder, cycle_id=cycle_id)
    return {cycle_id: folder / cycle_id for cycle_id in ("ilk-2025-s2", "skm-2020")}


@SHIPPED
def test_every_coded_value_is_a_code_of_the_form_and_other_is_said_in_words(seeds, cycle_id):
    found = answered(seeds, cycle_id)
    assert found.keys() == FIELDS.keys()
    for key, answer in found.items():
        if answer.value and answer.field.options:
            assert int(answer.value) in answer.field.codes, key
            other = max(answer.field.options)
            if answer.field.kind == "sum" and other in answer.field.parts(answer.value):
                assert found[f"{key}_lainnya"].value, key


@SHIPPED
def test_the_json_the_workbook_and_the_count_say_the_same(seeds, cycle_id, written):
    content = json.loads((written[cycle_id] / FORMS).read_text(encoding="utf-8"))
    asked = [answer.field.key for answer in missing(answered(seeds, cycle_id))]
    assert content["belum_terisi"] == asked
    book = sheets(written[cycle_id] / WORKBOOK)
    assert list(book) == ["MS-Keg", "MS-Ind", "MS-Var", "Belum terisi"]
    assert [row[0] for row in book["Belum terisi"]][3 : 3 + len(asked)] == asked
    assert book["Belum terisi"][0][0] == f"Belum terisi: {len(asked)}"
    of_sheet = {row[1]: row[3] for row in book["MS-Keg"][3:]}
    for block in content["ms_keg"]:
        for said in block["rincian"]:
            assert of_sheet[said["pertanyaan"]] == said["isian_kata"]
    for name, rows, columns in (
        ("MS-Ind", content["ms_ind"], INDICATOR_COLUMNS),
        ("MS-Var", content["ms_var"], VARIABLE_COLUMNS),
    ):
        assert [row[1:] for row in book[name][3:]] == [
            [row[column] for column in columns] for row in rows
        ]


def test_indicators_and_variables_are_the_seeds(written):
    ilk = json.loads((written["ilk-2025-s2"] / FORMS).read_text(encoding="utf-8"))
    skm = json.loads((written["skm-2020"] / FORMS).read_text(encoding="utf-8"))
    with (ILK / "questions.csv").open(encoding="utf-8", newline="") as file:
        texts = [row["question_text"] for row in csv.DictReader(file)]
    assert [row["kalimat_pertanyaan"] for row in ilk["ms_var"]][: len(texts)] == texts
    assert [row["alias"] for row in skm["ms_var"]][:9] == [f"U{n}" for n in range(1, 10)]
    names = [row["nama"] for row in ilk["ms_ind"]]
    assert len(names) == 1 + 4 + 5 + 3 and len(set(names)) == len(names)
    index = ilk["ms_ind"][0]
    assert (index["komposit"], index["satuan"]) == ("1", "Poin, skala 1–4")
    assert "Sumber Daya Manusia 0,25" in index["metode"] and "88,31–100,00" in index["interpretasi"]
    # One service of one unit: nine elements make it, and nobody is asked whether it is there.
    assert [row["komposit"] for row in skm["ms_ind"]] == ["1", *["2"] * 9]
    assert skm["ms_ind"][0]["satuan"] == "Poin, skala 25–100"
    assert skm["ms_ind"][0]["level_estimasi"] == "Satuan kerja (Unit pelayanan)"
    labels = {row["alias"]: row["klasifikasi_isian"] for row in ilk["ms_var"]}
    agree = "perencanaan_keuangan_responsiveness_individu_pegawai_pusat"
    assert labels[agree].splitlines()[3] == "4 = Sangat Setuju"
    of_five = [row for row in ilk["ms_var"] if row["satuan"] == "Skala 1–5"]
    assert of_five and all(row["klasifikasi_isian"].startswith("1\n2\n3\n4\n5") for row in of_five)


def test_what_a_publication_shows_enters_the_form(sample: Sample):
    settings = sample.settings
    headline = read_headline(settings.published_dir, "ilk-2025-s2")
    found = answered(settings.seeds_dir, published=settings.published_dir)
    counts = f"({headline.respondent_count} dari {headline.staff_count})"
    assert found["fraksi_sampel_keseluruhan"].value.endswith(counts)
    assert found["cara_pengumpulan_data"].value == "2"
    assert "galat baku 0," in found["nilai_perkiraan_sampling_error"].value
    result = ilk("metadata", "ilk-2025-s2")
    assert result.exit_code == 0, result.output
    assert f"not filled in yet: {len(missing(found))} (sektor_kegiatan" in result.output
    assert (settings.data_dir / "metadata" / "ilk-2025-s2" / CODEBOOK).is_file()
    planned = ilk("metadata", "ilk-2026-s1")
    assert planned.exit_code == 0 and "Not published yet" in planned.output


def test_a_field_is_asked_only_where_the_one_before_says_so(tmp_path):
    census = answered(seeds_with(tmp_path / "a", "field,value\ncara_pengumpulan_data,1\n"))
    block = next(block for block in ACTIVITY if block.number == "V")
    assert {census[asked.key].state for asked in block.fields} == {NOT_ASKED}
    assert census["apakah_mendapat_rekomendasi"].state == NOT_ASKED
    said = "metode_pemilihan_sampel_tahap_terakhir,2\nsarana_pengumpulan_data,10\n"
    people = answered(seeds_with(tmp_path / "b", f"field,value\n{said}"))
    assert people["fraksi_sampel_keseluruhan"].state == NOT_ASKED
    assert people["metode_yang_digunakan"] in missing(people)
    assert people["jumlah_petugas_enumerator"] in missing(people)  # 10 = CAPI + CAWI
    untold = answered(seeds_with(tmp_path / "c", "field,value\n"))
    assert untold["fraksi_sampel_keseluruhan"].state == OPEN
    assert untold["fraksi_sampel_keseluruhan"] not in missing(untold)


def test_what_the_seed_states_goes_before_what_is_derived_and_one_cycle_before_all(tmp_path):
    seeds = seeds_with(
        tmp_path,
        "field,value,cycle_id\n"
        "jadwal_desain_awal,2025-01-01,ilk-2025-s2\njadwal_desain_awal,2024-01-01,\n"
        "tingkat_penyajian,1,\neselon_1,,\n",
    )
    assert contradictions(seeds) == []
    found, other = answered(seeds), answered(seeds, "ilk-2025-s1")
    assert found["jadwal_desain_awal"].value == "2025-01-01"
    assert other["jadwal_desain_awal"].value == "2024-01-01"
    assert (found["tingkat_penyajian"].state, found["tingkat_penyajian"].value) == (STATED, "1")
    assert found["frekuensi_penyelenggaraan"].state == DERIVED
    assert found["eselon_1"] in missing(found)  # an empty value is none


def test_a_folder_without_the_seed_is_read_as_it_is(tmp_path):
    seeds = seeds_with(tmp_path, "", of=SKM)
    (seeds / f"{SEED}.csv").unlink()
    assert contradictions(seeds) == []
    assert len(missing(answered(seeds, "skm-2020"))) > 30


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ("instansi,Kementerian", "fields_are_of_the_forms"),
        ("jenis_statistik,4", "codes_are_of_the_forms"),
        ("metode_pengumpulan_data,32", "codes_are_of_the_forms"),
        ("jadwal_desain_awal,31/05/2026", "dates_are_of_the_forms"),
        ("jadwal_desain_awal,2026-02-30", "dates_are_of_the_forms"),
        ("jumlah_petugas_enumerator,lima", "numbers_are_of_the_forms"),
        ("eselon_1,A\neselon_1,B", f"{SEED}_are_unique"),
    ],
)
def test_a_seed_that_the_forms_cannot_hold_is_told(tmp_path, row, rule):
    seeds = seeds_with(tmp_path, f"field,value\n{row}\n")
    [found] = contradictions(seeds)
    assert (found.seed, found.rule) == (SEED, rule)
    if rule == "fields_are_of_the_forms":
        assert "instansi_penyelenggara" in found.text.en


def test_what_no_figure_depends_on_makes_no_cycle_anew(tmp_path):
    seeds = seeds_with(tmp_path, "field,value\n")
    settings = Settings(data_dir=tmp_path / "data", seeds_dir=seeds)
    before = cycle_fingerprint(settings, "ilk-2025-s2")
    (seeds / f"{SEED}.csv").write_text("field,value\neselon_1,Setjen\n", encoding="utf-8")
    assert cycle_fingerprint(settings, "ilk-2025-s2") == before


def test_nothing_that_a_seed_says_becomes_a_formula(tmp_path):
    seeds = seeds_with(tmp_path, 'field,value\neselon_1,"=HYPERLINK(""x"")"\n')
    write_metadata(seeds_dir=seeds, published_dir=NOWHERE, folder=tmp_path, cycle_id="ilk-2025-s2")
    cells = [cell for row in sheets(tmp_path / "ilk-2025-s2" / WORKBOOK)["MS-Keg"] for cell in row]
    assert '=HYPERLINK("x")' in cells


@SHIPPED
def test_the_codebook_keeps_the_order_that_the_schema_demands(seeds, cycle_id, written):
    root = ElementTree.parse(written[cycle_id] / CODEBOOK).getroot()
    assert root.tag == f"{{{NAMESPACE}}}codeBook"
    for element in root.iter():
        name = element.tag.removeprefix(f"{{{NAMESPACE}}}")
        children = [child.tag.removeprefix(f"{{{NAMESPACE}}}") for child in element]
        order = SEQUENCES.get(name, "").split()
        assert {*children} <= {*order}, name
        assert children == sorted(children, key=order.index), name
        assert {*children} >= REQUIRED.get(name, set()), name
        assert bool(children) or bool(element.text) or name in ("range", "varFormat"), name
    space = {"ddi": NAMESPACE}
    ids = [each for element in root.iter() if (each := element.get("ID"))]
    assert len(ids) == len(set(ids)) and all(re.fullmatch(r"[A-Za-z][\w.-]*", each) for each in ids)
    files = {each.get("ID") for each in root.findall("ddi:fileDscr", space)}
    variables = root.findall(".//ddi:var", space)
    assert {file for each in variables for file in each.get("files", "").split()} == files
    content = json.loads((written[cycle_id] / FORMS).read_text(encoding="utf-8"))
    assert [each.get("name") for each in variables] == [row["alias"] for row in content["ms_var"]]


def test_every_field_and_column_has_its_row_in_the_documentation():
    text = (REPOSITORY / "docs" / "metadata.md").read_text(encoding="utf-8")
    documented = re.findall(r"^\| `(\w+)` \|", text, flags=re.M)
    assert documented == [*FIELDS, *INDICATOR_COLUMNS, *VARIABLE_COLUMNS], (
        "one row a field and column in docs/metadata.md, in the forms' order"
    )
