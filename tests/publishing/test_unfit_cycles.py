"""A cycle that lost its responses never takes the place of what was published of it.

Belongs here: whole small cycles that shrink, and what is published then. Doesn't: files that
shrink (exports/test_exports_landing.py).
"""

from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from orchestration.bounded_engine import BoundedEngine
from orchestration.stages.unfit_cycles import cycles_built, unfit_cycles
from tests.small_cycle import HEADER, SmallCycle, row

_FIGURES = """
    select cycle_id, respondent_count, round(score, 4) from idx_scores
    where domain_type = 'national' and component_type = 'index' order by cycle_id
"""


def _responses(cycle: str, count: int, *, tests: int = 0, low: bool = False) -> list[str]:
    month = {"c1": 10, "c2": 11}[cycle]
    rows = [row(number, month=month) + f",{int(number < tests)}" for number in range(count)]
    return [cells.replace(",4,3,", ",2,2,") if low else cells for cells in rows]


def test_a_cycle_whose_responses_are_gone_stays_as_it_was_published_and_others_go_on(
    tmp_path: Path,
):
    cycle = SmallCycle(tmp_path)
    cycle.add("export_columns", "p,Uji,attribute,is_test")
    header = f"{HEADER},Uji"

    # Without an accepted response it is never published at all.
    cycle.drop("c1/p/a.csv", _responses("c1", 40, tests=40), header)
    cycle.drop("c2/p/a.csv", _responses("c2", 15), header)
    ran = cycle.run("--all")
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "c1 tidak diterbitkan" in ran.stdout and "/ is not published" in ran.stdout
    assert cycle.published("select distinct cycle_id from audit_reconciliation") == [("c2",)]
    assert cycle.published(_FIGURES) == [("c2", 15, 3.5)], "few are few, not lost"

    cycle.drop("c1/p/a.csv", _responses("c1", 40), header)
    ran = cycle.run("c1")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert cycle.published(_FIGURES) == [("c1", 40, 3.5), ("c2", 15, 3.5)]
    parts = cycle.published("from audit_reconciliation where cycle_id = 'c1' order by all")

    # All of c1 are tests, in the first file as it was; then c2 got lower answers, too.
    cycle.drop("c1/p/a.csv", _responses("c1", 40, tests=40), header)
    for arguments, of_c2 in ((("c1",), 3.5), (("--all", "--full-refresh"), 2.0)):
        cycle.drop("c2/p/a.csv", _responses("c2", 15, low=of_c2 == 2.0), header)
        ran = cycle.run(*arguments)
        assert ran.returncode == 1, ran.stdout + ran.stderr
        assert "diterima 0/40 (jawaban percobaan 40)" in ran.stdout
        assert "accepted 0/40 (trial response 40)" in ran.stdout
        assert "Its last publication (n = 40) stays." in ran.stdout
        assert "--accept-fewer" not in ran.stdout, "nothing at all is never accepted"
        assert "ilk run --all" not in ran.stdout, "which would say the same again"
        assert cycle.published(_FIGURES) == [("c1", 40, 3.5), ("c2", 15, of_c2)]
        kept = cycle.published("from audit_reconciliation where cycle_id = 'c1' order by all")
        assert kept == parts

    # 20 of 40 are left, where min_sample is 30.
    cycle.drop("c1/p/a.csv", _responses("c1", 40, tests=20, low=True), header)
    ran = cycle.run("c1")
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "accepted 20/40 (trial response 20), min_sample 30" in ran.stdout
    assert "ilk run c1 --accept-fewer" in ran.stdout
    assert cycle.published(_FIGURES) == [("c1", 40, 3.5), ("c2", 15, 2.0)]
    ran = cycle.run("c1", "--accept-fewer")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert cycle.published(_FIGURES) == [("c1", 20, 2.0), ("c2", 15, 2.0)]


CLOSES_ON = date(2025, 10, 31)
SCORES = "(cycle_id varchar, domain_type varchar, component_type varchar, respondent_count bigint)"


@pytest.mark.parametrize(
    ("today", "is_scored", "is_unfit"),
    [
        (CLOSES_ON, False, False),
        (CLOSES_ON + timedelta(days=1), False, True),
        (CLOSES_ON, True, True),
    ],
    ids=["open", "closed", "open again"],
)
@pytest.mark.parametrize("rejected", [0, 3])
def test_that_nobody_has_answered_is_told_while_a_window_is_open_and_no_score_is_lost(
    tmp_path: Path, today: date, is_scored: bool, is_unfit: bool, rejected: int
):
    warehouse, published = tmp_path / "warehouse.duckdb", tmp_path / "ilk.duckdb"
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(
            f"""
            create schema marts; create schema design; create schema indexes;
            create table marts.fct_responses as
                select 'c1' as cycle_id, false as is_accepted, 'incomplete' as rejection_reason
                from range({rejected});
            create table marts.fct_participation as select 'c1' as cycle_id;
            create table design.design_settings as
                select 'c1' as cycle_id, 30 as min_sample, date '{CLOSES_ON}' as closes_on;
            create table indexes.idx_scores {SCORES};
            """
        )
    with duckdb.connect(str(published)) as connection:
        connection.execute(f"create table idx_scores {SCORES}")
        if is_scored:
            connection.execute("insert into idx_scores values ('c1', 'national', 'index', 40)")
    found = unfit_cycles(
        BoundedEngine("1GB", tmp_path / "spilled"), warehouse, published, today=today
    )
    assert [*found] == (["c1"] if is_unfit else [])
    assert all(each.response_count == rejected for each in found.values())
    assert cycles_built(warehouse) == {"c1"}
