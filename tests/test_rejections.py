"""What does not count is listed with the cell that decided, and that cell is the file's own."""

import csv
import re

import duckdb
import pytest
from python_calamine import CalamineWorkbook

from orchestration.settings import REPOSITORY
from orchestration.words import REASONS
from tests.conftest import SAMPLE_CYCLES, SAMPLE_LANDING, Sample


@pytest.fixture(scope="module")
def rejections(sample: Sample) -> list[dict]:
    with duckdb.connect(str(sample.settings.warehouse), read_only=True) as warehouse:
        cursor = warehouse.execute("select * from marts.audit_rejections")
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def test_every_reason_of_the_sample_is_listed_with_its_cell(rejections):
    decided = {
        (row["rejected"], row["rejection_reason"], row["source_column"] is not None)
        for row in rejections
    }
    assert decided == {
        ("response", "test_response", True),
        ("response", "incomplete", False),
        ("response", "out_of_window", True),
        ("response", "unknown_unit", True),
        ("response", "unknown_category", True),
        ("response", "superseded", False),
        ("answer", "off_route", True),
        ("answer", "no_provider", True),
        ("answer", "off_scale", True),
    }


def test_a_listed_cell_stands_in_its_file_row_and_column(sample: Sample, rejections):
    files = sample.settings.raw_dir / "survey_responses"
    with duckdb.connect() as raw:
        cells = {
            path.stem: raw.execute(
                "select * from read_parquet(?, hive_partitioning = false) order by _source_row",
                [str(path)],
            ).df()
            for path in files.rglob("*.parquet")
        }
    listed = [row for row in rejections if row["source_column"] is not None]
    for row in listed:
        table = cells[row["_file_sha256"]]
        heading = next(
            name
            for name in table.columns
            if " ".join(name.split()) == " ".join(row["source_column"].split())
        )
        cell = table.loc[table["_source_row"] == row["_source_row"], heading].item()
        assert row["value"] == cell[:100], row
    assert len(listed) > 400


def test_every_row_of_the_samples_files_is_accepted_or_listed(sample: Sample):
    """Counted anew with csv and calamine: rows in = accepted + rejected, one by one."""
    with duckdb.connect(str(sample.settings.warehouse), read_only=True) as warehouse:
        accounted = dict(
            warehouse.execute(
                """
                select
                    file_name,
                    sum(response_count) filter (is_accepted) + coalesce(any_value(listed), 0)
                from marts.audit_reconciliation
                left join (
                    select file_name, count(*) as listed from marts.audit_rejections
                    where rejected = 'response' group by file_name
                ) using (file_name)
                group by file_name
                """
            ).fetchall()
        )
    assert len(accounted) == 6
    for name, count in accounted.items():
        path = SAMPLE_LANDING / name
        if path.suffix == ".xlsx":
            rows = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
        else:
            with path.open(encoding="utf-8-sig", newline="") as file:
                dialect = csv.Sniffer().sniff(file.readline(), ",;")
                file.seek(0)
                rows = [row for row in csv.reader(file, dialect) if row]
        assert count == len(rows) - 1, name


def test_the_list_stays_inside_and_schema_drift_is_published(sample: Sample):
    tables = {path.name for path in (sample.settings.published_dir / "parquet").iterdir()}
    assert "audit_rejections" not in tables
    assert "audit_schema_drift" in tables


def test_the_list_for_people_leads_to_the_row_that_a_spreadsheet_shows(sample: Sample, rejections):
    folder = sample.settings.quality_dir / SAMPLE_CYCLES[-1]
    workbook = CalamineWorkbook.from_path(str(folder / "rejected_rows.xlsx"))
    values, (headings, *rows) = (
        workbook.get_sheet_by_name(name).to_python() for name in workbook.sheet_names
    )
    assert headings == ["alasan", "reason", "file", "row", "column", "cell"]
    of_cycle = [row for row in rejections if row["cycle_id"] == SAMPLE_CYCLES[-1]]
    assert sum(value[4] for value in values[1:]) == len(rows) == len(of_cycle)
    opened = {}
    checked = 0
    for _, reason, name, row, column, cell in rows:
        if not name.endswith(".xlsx") or not column:
            continue
        if name not in opened:
            export = CalamineWorkbook.from_path(str(SAMPLE_LANDING / name))
            opened[name] = export.get_sheet_by_index(0).to_python()
        sheet = opened[name]
        place = [" ".join(str(heading).split()) for heading in sheet[0]].index(
            " ".join(column.split())
        )
        found = sheet[int(row) - 1][place]
        if isinstance(found, str):  # a time is shown in the list's own way
            assert found == cell, (reason, row)
            checked += 1
    assert checked


def test_every_reason_has_words_in_both_languages(rejections):
    with_words = {row["rejection_reason"] for row in rejections}
    contract = (REPOSITORY / "models/people/weights/weights_by_response.yml").read_text(
        encoding="utf-8"
    )
    listed = re.search(r"rejection_reason in \(([^)]*)\)", contract)
    assert listed
    with_words |= set(re.findall(r"\w+", listed[1]))
    assert with_words <= REASONS.keys(), "add it to orchestration/words.py"
