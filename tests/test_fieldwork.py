"""Who still has to answer, as `ilk status CYCLE` prints it and as files for each region.

Belongs here: both, of the sample's publication. Doesn't: what is told of whom
(publishing/test_participation.py), cycles without an answer (test_publication_in_time.py).
"""

import csv
import re
import shutil
from datetime import timedelta
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from python_calamine import CalamineWorkbook

from orchestration.dbt_build import manifest_path
from orchestration.fieldwork import NoFieldworkError, read_fieldwork
from orchestration.publishing.region_files import (
    fieldwork_rows,
    write_region_files,
    write_unscored,
)
from orchestration.publishing.specifications import Described, read_described
from orchestration.seeds.survey_cycles import find_cycle, read_cycles
from tests.conftest import Sample, ilk

CYCLE, PLANNED = "ilk-2025-s2", "ilk-2026-s2"


@pytest.fixture(scope="module")
def known(sample: Sample) -> dict[str, Described]:
    return read_described(manifest_path(sample.settings))


@pytest.fixture(scope="module")
def hostile(sample: Sample, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample's publication with a unit whose name a spreadsheet would compute."""
    database = tmp_path_factory.mktemp("hostile") / "ilk.duckdb"
    shutil.copyfile(sample.database, database)
    with duckdb.connect(str(database)) as connection:
        connection.execute(
            "update dim_cycle_units set unit_name = '=cmd|x!A0' where unit_id = 'setjen'"
        )
    return database


def cells(path: Path) -> list[dict[str, str]]:
    text = path.read_text(encoding="utf-8-sig")
    return list(csv.DictReader(text.splitlines(), delimiter=";"))


def test_each_row_is_in_one_regions_file_those_that_miss_most_first(hostile, known, tmp_path):
    with fieldwork_rows(hostile) as connection:
        files = write_region_files(connection, known, CYCLE, tmp_path, with_workbooks=True)
        told = connection.execute(
            "select region_id, count(*), sum(shortfall)::bigint from fieldwork"
            f" where cycle_id = '{CYCLE}' group by all"
        ).fetchall()
    shortfall = "Masih kurang / Shortfall"
    assert len(files) == len(told) > 30
    written = {}
    for file in files:
        rows = cells(file.csv)
        assert {row["Wilayah / Region"] for row in rows} == {file.name}
        for role in {row["Peran / Role"] for row in rows}:
            missing = [int(row[shortfall] or 0) for row in rows if row["Peran / Role"] == role]
            assert missing == sorted(missing, reverse=True)
        written[file.region_id] = (len(rows), sum(int(row[shortfall] or 0) for row in rows))
        workbook = CalamineWorkbook.from_path(str(file.workbook)).get_sheet_by_index(0).to_python()
        assert len(workbook) == len(rows) + 1 and workbook[0] == [*rows[0]]
    assert written == {region_id: (count, missing) for region_id, count, missing in told}
    assert len(cells(tmp_path / CYCLE / "all.csv")) == sum(count for _, count, _ in told)


def test_no_name_is_a_formula(hostile, known, tmp_path):
    with fieldwork_rows(hostile) as connection:
        write_region_files(connection, known, CYCLE, tmp_path, with_workbooks=True)
    name = "Nama satuan kerja / Unit name"
    named = [row[name] for row in cells(tmp_path / CYCLE / "all.csv") if row[name].endswith("A0")]
    assert set(named) == {"'=cmd|x!A0"}
    sheet = CalamineWorkbook.from_path(str(tmp_path / CYCLE / "all.xlsx")).get_sheet_by_index(0)
    place = sheet.to_python()[0].index(name)
    assert "=cmd|x!A0" in [row[place] for row in sheet.to_python()]


def test_a_publication_has_the_files_of_cycles_without_a_score_alone(hostile, known, tmp_path):
    write_unscored(hostile, known, tmp_path, with_workbooks=False)
    assert not [*tmp_path.iterdir()], "all of the sample's are scored"
    database = tmp_path / "ilk.duckdb"
    shutil.copyfile(hostile, database)
    with duckdb.connect(str(database)) as connection:
        connection.execute(f"delete from idx_scores where cycle_id = '{CYCLE}'")
    write_unscored(database, known, tmp_path, with_workbooks=False)
    assert [path.name for path in (tmp_path / "fieldwork").iterdir()] == [CYCLE]
    assert {path.suffix for path in (tmp_path / "fieldwork" / CYCLE).iterdir()} == {".csv"}


def test_a_regions_days_close_with_what_is_told_of_its_units(sample):
    with duckdb.connect(str(sample.database), read_only=True) as connection:
        days = connection.execute(
            "select * from fct_participation_region_days join dim_cycles using (cycle_id)"
        ).df()
        units = connection.execute("from fct_participation_units where role_id = 'penerima'").df()
    counts = ["unit_count", "staff_count", "respondent_count", "required_sample"]
    keys = ["cycle_id", "region_id"]
    last = days[days["day_on"] == days["closes_on"]].set_index(keys)[counts].sort_index()
    told = units.groupby(keys, dropna=False)[counts].sum().sort_index()
    assert len(last) > 60
    pd.testing.assert_frame_equal(last, told, check_dtype=False)
    grown = days.groupby(keys, dropna=False)["new_respondent_count"].sum().sort_index()
    assert (grown == last["respondent_count"]).all()


def test_fieldwork_is_read_up_to_a_day_and_its_sums_are_the_nations(sample):
    cycle = find_cycle(read_cycles(sample.settings.seeds_dir), CYCLE)
    day = cycle.opens_on + timedelta(days=3)
    with fieldwork_rows(sample.database) as connection:
        found = read_fieldwork(connection, cycle, today=day)
        planned = find_cycle(read_cycles(sample.settings.seeds_dir), PLANNED)
        with pytest.raises(NoFieldworkError, match=f"./ilk run {PLANNED}"):
            read_fieldwork(connection, planned, today=day)
    assert [each for each, _, _ in found.days] == [day - timedelta(days=n) for n in (3, 2, 1, 0)]
    assert found.days_left == (cycle.closes_on - day).days
    for count in ("unit_count", "staff_count", "respondent_count", "shortfall"):
        assert sum(row[count] or 0 for row in found.regions) == found.whole[count]
    missing = [row["shortfall"] for row in found.short]
    assert sum(missing) == found.whole["shortfall"] and missing == sorted(missing, reverse=True)


def test_status_of_a_cycle_names_who_is_short_and_writes_the_lists(sample, tmp_path):
    result = ilk("status", CYCLE, "--out", str(tmp_path))
    assert result.exit_code == 0, result.output
    assert re.search(r"and \d+ more", result.output) and "sudah ditutup / closed" in result.output
    assert (tmp_path / CYCLE / "all.xlsx").is_file() and str(tmp_path) in result.output
    assert ilk("status", PLANNED).exit_code == 1
    assert ilk("status", "--out", str(tmp_path)).exit_code == 2
    assert ilk("status", "no-such-cycle").exit_code == 2
