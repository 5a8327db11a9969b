"""Follow-up plans: drafted from what is shown, filled in, read back into the seed, on the pages."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import xlsxwriter

from expectations.seed_rules import ONE_OF
from expectations.seeds import contradictions
from orchestration import follow_up_workbook as plans
from orchestration.publishing.reading.book import read_book
from orchestration.seeds.seed_tables import seed_records
from tests.conftest import SAMPLE_SEEDS, Sample

CYCLE = "ilk-2025-s2"
Rows = list[dict[str, str]]


@pytest.fixture(scope="module")
def drafted(sample: Sample, tmp_path_factory: pytest.TempPathFactory) -> Rows:
    """The rows of a draft, read as they are read back."""
    workbook = tmp_path_factory.mktemp("draft") / "draft.xlsx"
    count = plans.draft(
        database=sample.database, seeds_dir=SAMPLE_SEEDS, cycle_id=CYCLE, workbook=workbook
    )
    rows = [row for _, row in plans._read_file(workbook)]
    assert len(rows) == count
    return rows


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    """A folder of seeds that a test may write."""
    return Path(shutil.copytree(SAMPLE_SEEDS, tmp_path / "seeds"))


@pytest.fixture
def filled(tmp_path: Path) -> Callable[[Rows], Path]:
    """A workbook with these rows below the draft's headings."""

    def write(rows: Rows) -> Path:
        path = tmp_path / "filled.xlsx"
        with xlsxwriter.Workbook(str(path)) as book:
            sheet = book.add_worksheet()
            sheet.write_row(0, 0, list(plans.HEADINGS.values()))
            for number, row in enumerate(rows, start=1):
                sheet.write_row(number, 0, [row.get(column, "") for column in plans.HEADINGS])
        return path

    return write


def plan(row: dict[str, str], **changed: str) -> dict[str, str]:
    return (
        row | {"action": "Latih petugas", "owner": "Bagian Umum", "due_on": "31/03/2026"} | changed
    )


def test_a_draft_has_the_three_lowest_of_each_unit_that_is_shown_and_no_other(sample, drafted):
    with read_book(sample.database) as book:
        shown = {
            (row["domain_id"], row["perspective_id"])
            for unit_id in book.units[CYCLE]
            for row in book.rows(
                "idx_priorities", cycle_id=CYCLE, domain_type="provider_unit", domain_id=unit_id
            )
            if row["score"] is not None
        }
    assert {(row["unit_id"], row["perspective_id"]) for row in drafted} == shown
    assert len(drafted) > 20
    assert {row["status"] for row in drafted} == {"direncanakan / planned"}


def test_plans_go_out_and_come_back_merged_by_cycle_unit_and_perspective(
    sample, drafted, seeds, filled, tmp_path
):
    first, second, *others = drafted
    rows = [plan(first), plan(second, status="done", due_on="2026-01-05"), *others]
    merged = plans.read(file=filled(rows), seeds_dir=seeds, cycle_id=CYCLE)
    assert merged == plans.Merged(added=2, changed=0, same=0, unplanned=len(others))
    assert contradictions(seeds) == []
    written = seed_records(seeds, plans.SEED)
    assert [row["due_on"] for row in written] == ["2026-03-31", "2026-01-05"]
    assert [row["status"] for row in written] == ["planned", "done"]
    # What is known stands in the next draft, and reading that changes nothing.
    again = tmp_path / "again.xlsx"
    plans.draft(database=sample.database, seeds_dir=seeds, cycle_id=CYCLE, workbook=again)
    before = (seeds / "follow_ups.csv").read_bytes()
    merged = plans.read(file=again, seeds_dir=seeds, cycle_id=CYCLE)
    assert merged == plans.Merged(added=0, changed=0, same=2, unplanned=len(others))
    assert (seeds / "follow_ups.csv").read_bytes() == before
    # One is changed, another cycle's plan stays, and an emptied row takes nothing away.
    with (seeds / "follow_ups.csv").open("a", encoding="utf-8") as file:
        file.write(f"ilk-2025-s1,{first['unit_id']},empathy,Lama,Bagian Umum,2025-06-30,done\n")
    merged = plans.read(
        file=filled([first, plan(second, status="berjalan")]), seeds_dir=seeds, cycle_id=CYCLE
    )
    assert merged == plans.Merged(added=0, changed=1, same=0, unplanned=1)
    written = seed_records(seeds, plans.SEED)
    assert [(row["cycle_id"], row["status"]) for row in written] == [
        (CYCLE, "planned"),
        (CYCLE, "under_way"),
        ("ilk-2025-s1", "done"),
    ]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"cycle_id": "ilk-2025-s1"}, "the row says 'ilk-2025-s1'"),
        ({"unit_id": "nowhere"}, "'nowhere' is in no row of units.csv"),
        ({"perspective_id": "charm"}, "'charm' is in no row of perspectives.csv"),
        ({"action": ""}, "fill in 'Tindakan / Action'"),
        ({"owner": ""}, "fill in 'Penanggung jawab / Owner'"),
        ({"due_on": ""}, "fill in 'Tenggat / Due'"),
        ({"due_on": "31/02/2026"}, "'31/02/2026' is no date"),
        ({"status": "nanti"}, "'nanti' is no status"),
    ],
)
def test_a_wrong_row_is_named_as_the_spreadsheet_shows_it_and_nothing_is_written(
    drafted, seeds, filled, wrong, words
):
    rows = [plan(drafted[0]), drafted[1], plan(drafted[2], **wrong)]
    before = (seeds / "follow_ups.csv").read_bytes()
    with pytest.raises(plans.FollowUpError) as told:
        plans.read(file=filled(rows), seeds_dir=seeds, cycle_id=CYCLE)
    said = str(told.value).splitlines()
    assert said[0] == "filled.xlsx, baris / row 4:"
    assert words in said[2]
    assert len(said) == 4  # place, Indonesian, English, and that nothing was written
    assert (seeds / "follow_ups.csv").read_bytes() == before


def test_two_rows_of_one_plan_and_many_wrong_ones_are_told_shortly(drafted, seeds, filled):
    with pytest.raises(plans.FollowUpError, match="remove this row or row 2"):
        plans.read(
            file=filled([plan(drafted[0]), plan(drafted[0])]), seeds_dir=seeds, cycle_id=CYCLE
        )
    many = [plan(row, status="nanti") for row in drafted[:9]]
    with pytest.raises(plans.FollowUpError, match="4 baris lagi / and 4 more rows"):
        plans.read(file=filled(many), seeds_dir=seeds, cycle_id=CYCLE)


def test_a_file_without_a_column_or_that_is_no_workbook_is_refused(seeds, tmp_path):
    path = tmp_path / "x.xlsx"
    path.write_text("Siklus;Tindakan", encoding="utf-8")
    with pytest.raises(plans.FollowUpError, match=r"x\.xlsx"):
        plans.read(file=path, seeds_dir=seeds, cycle_id=CYCLE)
    path = tmp_path / "x.csv"
    path.write_text("Siklus / Cycle,ID satuan / Unit ID\nilk,a\n", encoding="utf-8")
    with pytest.raises(plans.FollowUpError, match="add the heading 'ID perspektif"):
        plans.read(file=path, seeds_dir=seeds, cycle_id=CYCLE)


def test_a_draft_never_takes_the_place_of_a_file_that_somebody_may_have_filled_in(
    sample, seeds, tmp_path
):
    path = tmp_path / "draft.xlsx"
    path.write_bytes(b"mine")
    with pytest.raises(plans.FollowUpError, match="is there already"):
        plans.draft(database=sample.database, seeds_dir=seeds, cycle_id=CYCLE, workbook=path)
    assert path.read_bytes() == b"mine"


def test_a_cycle_of_which_nothing_is_shown_has_no_draft(sample, seeds, tmp_path):
    with pytest.raises(plans.FollowUpError, match="shows no unit's lowest perspectives"):
        plans.draft(
            database=sample.database,
            seeds_dir=seeds,
            cycle_id="ilk-2026-s1",
            workbook=tmp_path / "draft.xlsx",
        )


def test_the_statuses_are_those_of_the_seed():
    assert tuple(plans.STATUSES) == ONE_OF[plans.SEED, "status"]
