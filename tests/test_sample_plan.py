"""Sample plans: against a search and scipy, and as `ilk plan` gives them to people.

Belongs here: the sample's published plan, the command. Doesn't: numbers by hand (the YAML beside
participation_score_spreads, fieldwork_plan_basis, fct_sample_plan), pages.
"""

import csv
import zipfile
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from python_calamine import CalamineWorkbook
from scipy.stats import norm, t

from orchestration.sample_plan import PlanError, write_plan
from tests.conftest import Sample, ilk

PLANNED = "ilk-2026-s1"


@pytest.fixture(scope="module")
def plan(sample: Sample) -> pd.DataFrame:
    with duckdb.connect(sample.database, read_only=True) as connection:
        return connection.execute("from fct_sample_plan").df()


def half_width(size, spread, population):
    return t.ppf(0.975, size - 1) * spread * np.sqrt(1 / size - 1 / population)


def test_the_needed_sample_is_the_smallest_whose_interval_is_as_narrow(plan):
    kinds = plan[["staff_count", "score_sd", "required_for_precision"]].drop_duplicates()
    assert len(kinds) > 200
    for population, spread, needed in kinds.itertuples(index=False):
        sizes = np.arange(2, max(population, 2) + 1)
        is_narrow = (half_width(sizes, spread, population) <= 0.15) | (sizes >= population)
        assert needed == min(sizes[is_narrow][0], population), (population, spread)


def test_the_sample_for_a_change_finds_it_with_the_wanted_power(plan):
    kinds = plan[["staff_count", "score_sd", "required_for_change"]].drop_duplicates()
    for population, spread, needed in kinds.itertuples(index=False):
        sizes = np.arange(2, max(population, 2) + 1)
        error = spread * np.sqrt(2 * (1 / sizes - 1 / population).clip(min=0))
        with np.errstate(divide="ignore"):
            power = norm.cdf(0.2 / error - norm.ppf(0.975))
        assert needed == min(sizes[(power >= 0.8 - 1e-12) | (sizes >= population)][0], population)


def test_what_is_expected_follows_from_who_is_asked(plan):
    units = plan[(plan["plan_scope"] == "unit") & plan["invite"].notna()]
    assert {*units["rate_of"]} >= {"unit", "region_level"}
    rate = units["previous_response_rate"]
    asked = np.ceil(units["required_for_precision"] / rate - 1e-9)
    assert (units["invite"] == np.minimum(asked, units["staff_count"])).all()
    known = plan[plan["expected_half_width"].notna()]
    assert len(known) > 500
    reach = half_width(known["expected_sample"], known["score_sd"], known["staff_count"])
    reach = np.where(known["expected_sample"] >= known["staff_count"], 0, reach)
    # Student's t of small samples is that of an expansion here.
    assert np.allclose(known["expected_half_width"], reach, rtol=4e-4)
    for scope, key in (("region", "region_id"), ("level", "unit_level_id"), ("national", None)):
        rows = plan[plan["plan_scope"] == scope].set_index(["cycle_id", "scope_id"])
        own = units if key is None else units[units[key].notna()]
        keys = own[key] if key else pd.Series("national", index=own.index)
        pairs = {name: name for name in ("staff_count", "invite", "expected_sample")} | {
            "required_for_precision": "required_of_units",
            "krejcie_morgan_sample": "krejcie_morgan_of_units",
        }
        for column, whole in pairs.items():
            sums = own[column].groupby([own["cycle_id"], keys.rename("scope_id")]).sum()
            told = rows[whole].reindex(sums.index)
            assert (told == sums).all(), (scope, column)


def test_a_plan_stands_before_anybody_can_answer_on_the_last_closed_cycle(plan):
    (nation,) = plan[
        (plan["cycle_id"] == PLANNED) & (plan["plan_scope"] == "national")
    ].itertuples()
    assert nation.previous_cycle_id == nation.frame_cycle_id == "ilk-2025-s2"
    assert pd.isna(nation.respondent_count) and pd.isna(nation.status)
    first = plan[plan["cycle_id"] == "ilk-2025-s1"]
    assert first["previous_cycle_id"].isna().all() and first["invite"].isna().all()
    assert {*first["score_sd"]} == {0.5}
    # A closed cycle's is what it should have been; few are short by precision as by proportion.
    assert {*plan.loc[plan["cycle_id"] == "ilk-2025-s2", "status"].dropna()} == {
        "short",
        "sufficient",
    }


def test_what_is_told_of_who_answered_is_what_participation_tells(sample, plan):
    with duckdb.connect(sample.database, read_only=True) as connection:
        told = connection.execute(
            "select cycle_id, unit_id, respondent_count from fct_participation_units "
            "where role_id = 'penerima' and unit_id is not null and staff_count > 0"
        ).df()
    units = plan[(plan["plan_scope"] == "unit") & plan["respondent_count"].notna()]
    both = units.merge(told, on=["cycle_id", "unit_id"], how="outer", suffixes=("", "_told"))
    assert len(both) == len(units) == len(told)
    assert (both["respondent_count"] == both["respondent_count_told"]).all()


def test_the_command_prints_and_writes_a_plan_for_people(sample: Sample, tmp_path: Path):
    result = ilk("plan", PLANNED, "--out", str(tmp_path / "rencana"))
    assert result.exit_code == 0, result.output
    for said in ("Undang", "Ask", "Nasional / The nation", "ilk-2025-s2", "satuan kerja / units"):
        assert said in result.output
    book = CalamineWorkbook.from_path(tmp_path / "rencana" / f"{PLANNED}.xlsx")
    rows = book.get_sheet_by_name("Data").to_python()
    with (tmp_path / "rencana" / f"{PLANNED}.csv").open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.reader(file, delimiter=";"))
    assert len(rows) == len(lines) > 900
    assert list(rows[0]) == lines[0]
    assert "Nama / Name" in lines[0] and "Perlu diundang / To invite" in lines[0]
    place = lines[0].index("Nama / Name")
    assert lines[1][place] == "Nasional / The nation"
    assert "Kolom - Columns" in book.sheet_names


def test_names_of_a_plan_are_never_formulas(sample: Sample, tmp_path: Path):
    database = tmp_path / "ilk.duckdb"
    with duckdb.connect(str(database)) as connection:
        connection.execute(f"attach '{sample.database}' as shown (read_only)")
        for table in ("fct_sample_plan", "dim_cycle_units", "dim_regions", "dim_unit_levels"):
            connection.execute(f"create table {table} as from shown.main.{table}")
        connection.execute("update dim_cycle_units set unit_name = '=1+1'")
    made = write_plan(database=database, known={}, cycle_id=PLANNED, folder=tmp_path)
    assert ";'=1+1;" in made.csv.read_text(encoding="utf-8")
    with zipfile.ZipFile(made.workbook) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode("utf-8")
    assert ">=1+1<" in sheet and "<f>" not in sheet, "a text, and no formula"


def test_what_has_no_plan_is_told_in_three_lines_with_its_remedy(sample: Sample, tmp_path: Path):
    result = ilk("plan", "ilk-1999")
    assert result.exit_code == 2 and "ilk-1999" in result.output
    empty = tmp_path / "ilk.duckdb"
    with pytest.raises(PlanError, match="Run a cycle first, with a staff frame"):
        write_plan(database=empty, known={}, cycle_id=PLANNED, folder=tmp_path)
    duckdb.connect(str(empty)).close()
    with pytest.raises(PlanError, match="Publish again with this version"):
        write_plan(database=empty, known={}, cycle_id=PLANNED, folder=tmp_path)
    with pytest.raises(PlanError, match="holds no plan of it") as told:
        write_plan(database=sample.database, known={}, cycle_id="unknown", folder=tmp_path)
    assert len(str(told.value).splitlines()) <= 3
    assert {*tmp_path.iterdir()} == {empty}, "nothing is written"
