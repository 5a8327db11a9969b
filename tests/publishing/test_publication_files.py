"""Files for people and programs beside the tables: CSV, workbooks, the data package, the sums.

Belongs here: what stands in them, and that what is wrong with them is seen. Doesn't: what may be in
the tables (test_disclosure_control.py).
"""

import json
import shutil
import subprocess
import zipfile
from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest
from frictionless import Package
from python_calamine import CalamineWorkbook

from orchestration.publishing import spreadsheets
from orchestration.publishing.checksums import differing_files, write_sums
from orchestration.publishing.data_package import write_data_package
from orchestration.publishing.specifications import ColumnSpec, Described, ForeignKey, Words
from orchestration.publishing.spreadsheets import write_spreadsheets

BAD = ["=1+1", "+1", "-1", "@sum(a1)", "\t=1", "\r=1", "\n=1"]
TEXTS = [*BAD, 'a;b "c" <&>', "_x0041_\x01", " kept ", "ringan\nberat"]


def words(name: str, *, required: bool = False, unit: str = "") -> ColumnSpec:
    return ColumnSpec(
        name,
        "",
        Words(f"Label {name}", f"Name of {name}"),
        Words(f"Isi {name}", f"What {name} holds"),
        unit,
        required,
        Words("orang", "persons") if unit else Words("", ""),
    )


def table(name: str, *columns: ColumnSpec, **said) -> Described:
    return Described(
        name=name,
        label=Words(f"Tabel {name}", f"Table {name}"),
        description=Words("Satu baris per nomor.", "One row per number."),
        columns={column.name: column for column in columns},
        key=said.get("key", ()),
        foreign_keys=said.get("foreign_keys", ()),
        view=said.get("view"),
    )


KNOWN = {
    "fct_rows": table(
        "fct_rows",
        words("number", required=True, unit="persons"),
        *(words(name) for name in ("score", "text", "is_it", "day_on", "seen_at", "kind_id")),
        key=("number",),
        foreign_keys=(ForeignKey(("kind_id",), "dim_kinds", ("kind_id",)),),
    ),
    "dim_kinds": table(
        "dim_kinds",
        words("kind_id", required=True),
        key=("kind_id",),
        foreign_keys=(
            ForeignKey(("part_of",), "dim_kinds", ("kind_id",)),
            ForeignKey(("kind_id", "part_of"), "fct_rows", ("kind_id", "text")),
        ),
    ),
    "fct_none": table("fct_none", words("number")),
    "v_rows": table("v_rows", words("number"), view="select number from fct_rows"),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("publication")
    with duckdb.connect(folder / "ilk.duckdb") as connection:
        connection.execute(
            "create table fct_rows (number integer, score double, text varchar, is_it boolean,"
            " day_on date, seen_at timestamp, kind_id varchar)"
        )
        rows = [
            [number, number / 8, text, True, date(2025, 12, 1), datetime(2025, 12, 1, 18, 30), "k"]
            for number, text in enumerate(TEXTS)
        ]
        connection.executemany("insert into fct_rows values (?, ?, ?, ?, ?, ?, ?)", rows)
        connection.execute("insert into fct_rows (number, score) values (99, 1e-7)")
        connection.execute("create table dim_kinds as select 'k' as kind_id, null as part_of")
        connection.execute("create table fct_none (number bigint)")
        connection.execute("create view v_rows as select number from fct_rows")
    write_spreadsheets(folder / "ilk.duckdb", KNOWN, folder, with_workbooks=True)
    write_data_package(folder / "ilk.duckdb", KNOWN, folder, "abc")
    write_sums(folder)
    return folder


@pytest.fixture
def copied(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "copy"))


def sheet(workbook: Path, name: str = "Data") -> list[list]:
    return CalamineWorkbook.from_path(workbook).get_sheet_by_name(name).to_python()


def inside(workbook: Path, part: str) -> str:
    with zipfile.ZipFile(workbook) as parts:
        return parts.read(part).decode("utf-8")


def test_a_csv_opens_in_excel_where_indonesian_is_set(made: Path):
    text = (made / "csv" / "fct_rows.csv").read_bytes().decode("utf-8")
    first, second, *_ = text.splitlines()
    assert first.startswith("\ufeffLabel number / Name of number;Label score / Name of score;")
    assert second == "0;0,0;'=1+1;true;2025-12-01;2025-12-01 18:30:00;k"
    assert text.rstrip().endswith("99;1e-07;;;;;")


def test_no_text_is_a_formula(made: Path):
    with duckdb.connect() as connection:
        read = connection.execute(
            f"from read_csv('{made}/csv/fct_rows.csv', delim = ';', header = true, "
            "all_varchar = true)"
        ).fetchall()
    assert [row[2] for row in read[:-1]] == [f"'{text}" for text in BAD] + TEXTS[len(BAD) :]
    data = inside(made / "xlsx" / "fct_rows.xlsx", "xl/worksheets/sheet1.xml")
    assert "<f>" not in data and 't="str"' not in data


def test_a_workbook_has_numbers_days_and_texts_as_they_are(made: Path):
    rows = sheet(made / "xlsx" / "fct_rows.xlsx")
    assert rows[0][:2] == ["Label number / Name of number", "Label score / Name of score"]
    assert rows[2][:2] == [1.0, 0.125]
    assert rows[1][3:] == [True, date(2025, 12, 1), datetime(2025, 12, 1, 18, 30), "k"]
    illegal_is_marked = [text.replace("\x01", "\ufffd") for text in TEXTS]
    assert [row[2] for row in rows[1:-1]] == illegal_is_marked
    assert rows[-1] == [99.0, 1e-7, "", "", "", "", ""]
    data = inside(made / "xlsx" / "fct_rows.xlsx", "xl/worksheets/sheet1.xml")
    with zipfile.ZipFile(made / "xlsx" / "fct_rows.xlsx") as parts:
        assert {part.compress_type for part in parts.infolist()} == {zipfile.ZIP_DEFLATED}
    assert 'state="frozen"' in data and "<autoFilter ref=" in data


def test_a_workbook_says_what_its_columns_are(made: Path):
    said = sheet(made / "xlsx" / "fct_rows.xlsx", "Kolom - Columns")
    assert said[0][0] == "Tabel fct_rows / Table fct_rows (fct_rows)"
    number, score = said[5:7]
    assert number[:5] == [
        "number", "Label number", "Name of number", "Isi number", "What number holds",
    ]  # fmt: skip
    assert number[5:] == ["orang", "persons", "tidak pernah kosong", "never empty"]
    assert score[7:] == ["lihat keterangan", "see the description"]


def test_what_a_sheet_cannot_hold_goes_on_in_the_next(made: Path, tmp_path, monkeypatch):
    monkeypatch.setattr(spreadsheets, "SHEET_ROWS", 5)
    write_spreadsheets(made / "ilk.duckdb", KNOWN, tmp_path, with_workbooks=True)
    workbook = tmp_path / "xlsx" / "fct_rows.xlsx"
    names = CalamineWorkbook.from_path(workbook).sheet_names
    assert names == ["Data", "Data 2", "Data 3", "Kolom - Columns"]
    numbers = [row[0] for name in names[:3] for row in sheet(workbook, name)[1:]]
    assert numbers == [*range(len(TEXTS)), 99]
    assert "12 baris" in sheet(workbook, "Kolom - Columns")[3][0]


def test_the_same_rows_make_the_same_bytes(made: Path, tmp_path: Path):
    write_spreadsheets(made / "ilk.duckdb", KNOWN, tmp_path, with_workbooks=True)
    for path in tmp_path.rglob("*.*"):
        assert path.read_bytes() == (made / path.relative_to(tmp_path)).read_bytes(), path


def faults(folder: Path) -> set[str]:
    report = Package(str(folder / "datapackage.json")).validate()
    return {error.type for task in report.tasks for error in task.errors} | {
        error.type for error in report.errors
    }


def test_the_data_package_is_valid_and_tells_types_keys_and_units(made: Path):
    assert faults(made) == set()
    package = json.loads((made / "datapackage.json").read_text(encoding="utf-8"))
    resources = {resource["name"]: resource for resource in package["resources"]}
    assert list(resources) == ["dim_kinds", "fct_none", "fct_rows", "v_rows"]
    schema = resources["fct_rows"]["schema"]
    assert schema["primaryKey"] == ["number"]
    assert schema["foreignKeys"][0]["reference"] == {"resource": "dim_kinds", "fields": ["kind_id"]}
    of_kinds = resources["dim_kinds"]["schema"]
    assert of_kinds["foreignKeys"][0]["reference"]["resource"] == "", "itself"
    assert of_kinds["foreignKeysWhereWhole"][0]["fields"] == ["kind_id", "part_of"]
    number, score, *_ = schema["fields"]
    assert (number["type"], number["unit"]) == ("integer", "orang / persons")
    assert number["missing_reason"] == "tidak pernah kosong / never empty"
    assert score["description"] == "Isi score / What score holds"


@pytest.mark.parametrize(
    ("name", "old", "new", "fault"),
    [
        ("fct_rows", "\n1;0,125;", "\nsatu;0,125;", "type-error"),
        ("fct_rows", "\n1;0,125;", "\n1;0.125;", "type-error"),
        ("fct_rows", "\n1;0,125;", "\n0;0,125;", "primary-key"),
        ("fct_rows", "\n1;0,125;", "\n;0,125;", "constraint-error"),
        ("dim_kinds", "\nk;", "\nother;", "foreign-key"),
        ("dim_kinds", "\nk;", "\nk;\nl;", "hash-count"),
    ],
)
def test_the_data_package_sees_a_planted_fault(copied: Path, name, old, new, fault):
    path = copied / "csv" / f"{name}.csv"
    text = path.read_bytes().decode("utf-8")
    assert old in text
    path.write_bytes(text.replace(old, new, 1).encode("utf-8"))
    assert fault in faults(copied)


def test_sums_name_every_file_and_see_a_flipped_byte(copied: Path):
    check = ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"]
    assert subprocess.run(check, cwd=copied).returncode == 0
    assert differing_files(copied) == []
    listed = (copied / "SHA256SUMS").read_text(encoding="utf-8")
    assert all(path.name in listed for path in copied.rglob("*.*"))
    flipped = copied / "xlsx" / "dim_kinds.xlsx"
    content = bytearray(flipped.read_bytes())
    content[100] ^= 1
    flipped.write_bytes(content)
    (copied / "csv" / "dim_kinds.csv").unlink()
    (copied / "more.csv").touch()
    assert differing_files(copied) == ["csv/dim_kinds.csv", "more.csv", "xlsx/dim_kinds.xlsx"]
    assert subprocess.run(check, cwd=copied, capture_output=True).returncode != 0
    (copied / "SHA256SUMS").unlink()
    assert differing_files(copied) is None, "a publication of before there were sums"
