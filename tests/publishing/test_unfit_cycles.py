"""A cycle that lost its responses never takes the place of what was published of it.

Belongs here: whole small cycles that shrink, and what is published then. Doesn't: files that
shrink (exports/test_exports_landing.py).
"""

from pathlib import Path

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
    cycle.drop("c1/p/a.csv", _responses("c1", 40), header)
    cycle.drop("c2/p/a.csv", _responses("c2", 40), header)
    ran = cycle.run("--all")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert cycle.published(_FIGURES) == [("c1", 40, 3.5), ("c2", 40, 3.5)]
    parts = cycle.published("from audit_reconciliation where cycle_id = 'c1' order by all")

    # All of c1 are tests now; c2 got lower answers.
    cycle.drop("c1/p/a.csv", _responses("c1", 40, tests=40), header)
    cycle.drop("c2/p/a.csv", _responses("c2", 40, low=True), header)
    for arguments in (("--all",), ("--all", "--full-refresh")):
        ran = cycle.run(*arguments)
        assert ran.returncode == 1, ran.stdout + ran.stderr
        assert "diterima 0/40 (jawaban percobaan 40)" in ran.stdout
        assert "accepted 0/40 (trial response 40)" in ran.stdout
        assert "Its last publication (n = 40) stays." in ran.stdout
        assert "--accept-fewer" not in ran.stdout, "nothing at all is never accepted"
        assert "ilk run --all" not in ran.stdout, "which would say the same again"
        assert cycle.published(_FIGURES) == [("c1", 40, 3.5), ("c2", 40, 2.0)]
        kept = cycle.published("from audit_reconciliation where cycle_id = 'c1' order by all")
        assert kept == parts

    # 20 of 40 are left, where min_sample is 30.
    cycle.drop("c1/p/a.csv", _responses("c1", 40, tests=20, low=True), header)
    ran = cycle.run("c1")
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "accepted 20/40 (trial response 20), min_sample 30" in ran.stdout
    assert "ilk run c1 --accept-fewer" in ran.stdout
    assert cycle.published(_FIGURES) == [("c1", 40, 3.5), ("c2", 40, 2.0)]
    ran = cycle.run("c1", "--accept-fewer")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert cycle.published(_FIGURES) == [("c1", 20, 2.0), ("c2", 40, 2.0)]


def test_a_cycle_without_an_accepted_response_is_never_published_at_all(tmp_path: Path):
    cycle = SmallCycle(tmp_path)
    cycle.add("export_columns", "p,Uji,attribute,is_test")
    header = f"{HEADER},Uji"
    cycle.drop("c1/p/a.csv", _responses("c1", 40, tests=40), header)
    cycle.drop("c2/p/a.csv", _responses("c2", 15), header)
    ran = cycle.run("--all")
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "c1 tidak diterbitkan" in ran.stdout and "/ is not published" in ran.stdout
    assert cycle.published("select distinct cycle_id from audit_reconciliation") == [("c2",)]
    assert [count for _, count, _ in cycle.published(_FIGURES)] == [15], "few are few, not lost"
