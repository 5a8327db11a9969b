"""Killed (SIGKILL) and run again, a run publishes what an undisturbed one does: two moments of it.

Belongs here: the moments that harm most, in small cycles. Doesn't: random ones and other faults,
which `make faults` tries by the hundred (tests/faults).
"""

import time
from pathlib import Path

import duckdb
import pytest

from orchestration.cycles.fingerprints import models_hash
from orchestration.cycles.state import CycleStates
from orchestration.publishing.publication import table_checksums
from tests.small_cycle import SmallCycle, row

CYCLE, OTHER = "c1", "c2"
# What a run leaves behind as it goes: it is killed as soon as each is there.
MOMENTS = {
    "while dbt writes": "dbt_target/run/**/idx_scores.sql",
    "while the publication is built": "publications/.building/ilk.duckdb",
}


def small(folder: Path) -> SmallCycle:
    survey = SmallCycle(folder)
    survey.drop(f"{CYCLE}/p/a.csv", [row(number, unit="AAB"[number % 3]) for number in range(45)])
    return survey


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> SmallCycle:
    """A cycle that was run without any disturbance."""
    survey = small(tmp_path_factory.mktemp("undisturbed"))
    ended = survey.run(CYCLE)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return survey


def checksums(survey: SmallCycle) -> dict[str, str]:
    return table_checksums(survey.data / "published" / "ilk.duckdb")


def kill_when(survey: SmallCycle, pattern: str) -> bool:
    """Kill a run once a path below the data folder fits; False if it ended before."""
    assert not any(survey.data.glob(pattern)), "it would be killed at its start"
    run = survey.start("run", CYCLE)
    was_there = False
    while run.is_on and not was_there:
        was_there = any(survey.data.glob(pattern))
        time.sleep(0.005)
    run.kill()
    return run.wait().returncode == -9 and was_there


def test_a_run_killed_twice_ends_in_the_publication_of_an_undisturbed_run(
    undisturbed: SmallCycle, tmp_path: Path
) -> None:
    survey = small(tmp_path / "Data Ma'ruf, né à")  # as people name folders
    for moment, pattern in MOMENTS.items():
        assert kill_when(survey, pattern), moment
        assert not (survey.data / "published").exists(), moment
        for path in survey.data.glob("warehouse*"):  # what single persons answered
            assert path.stat().st_mode & 0o077 == 0, path
    ended = survey.run(CYCLE)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert checksums(survey) == checksums(undisturbed)


def test_a_cycle_that_broke_off_leaves_the_cycle_before_it_free_to_run(
    undisturbed: SmallCycle,
) -> None:
    states = CycleStates(undisturbed.data / "fingerprints.json")
    states.begin_build(OTHER, "broken off", seeds="older", models=models_hash())
    states.drop([CYCLE], why="seeds or code changed, both are to be run")
    half = f"select * replace ('{OTHER}' as cycle_id) from indexes.idx_scores"
    with duckdb.connect(str(undisturbed.data / "warehouse.duckdb")) as connection:
        connection.execute(f"insert into indexes.idx_scores {half}")
    said = undisturbed.run(CYCLE).stdout
    assert "dbt check" not in said, said
    # Built, with nothing left of the other's half; published once the other was run too.
    assert (
        f"the build broke off and the warehouse holds half of it. Run it again: ./ilk run {OTHER}"
        in said.replace("\n", " ")
    )
    assert undisturbed.warehouse("select distinct cycle_id from indexes.idx_scores") == [(CYCLE,)]
