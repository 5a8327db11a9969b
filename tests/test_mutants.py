"""The list of planted faults (mutants.toml) fits the tree: what can't be planted proves nothing.

Belongs here: the list against the files and tests that it names, which costs nothing. Doesn't:
planting them, which takes minutes (`make mutants`).
"""

from dataclasses import replace
from pathlib import Path

import pytest

from orchestration.settings import REPOSITORY
from tests.mutants import Mutant, drawn, read_mutants

MUTANTS = read_mutants()


def text(file: str) -> str:
    return (REPOSITORY / file).read_text(encoding="utf-8")


def test_every_mutant_can_be_planted():
    faults = [
        f"{mutant.what}: {fault}"
        for mutant in MUTANTS
        if (fault := mutant.fault_of_the_list(text(mutant.file)))
    ]
    assert faults == []
    assert len(MUTANTS) >= 60
    assert len({mutant.what for mutant in MUTANTS}) == len(MUTANTS), "say each in words of its own"


def test_what_a_mutant_names_exists():
    for mutant in MUTANTS:
        for model in mutant.unit_tests:
            [page] = (REPOSITORY / "models").rglob(f"{model}.yml")
            assert "\nunit_tests:" in page.read_text(encoding="utf-8"), f"{model} has no unit test"
        for model in mutant.build:
            assert len([*(REPOSITORY / "models").rglob(f"{model}.*")]) == 2, f"no model {model}"
        for test in mutant.tests:
            file, _, name = test.partition("::")
            assert f"def {name}(" in text(file) if name else (REPOSITORY / file).is_file(), test


def test_every_index_has_a_mutant():
    mutated = {Path(mutant.file) for mutant in MUTANTS}
    indexes = {path.relative_to(REPOSITORY) for path in (REPOSITORY / "models").rglob("idx_*.sql")}
    assert indexes - mutated == set(), "plant a wrong formula in each (tests/mutants.toml)"


@pytest.mark.parametrize("found", ["once once", "never"])
def test_a_mutant_that_does_not_stand_exactly_once_is_a_failure_with_a_sentence(found):
    mutant = Mutant("wrong", "a.sql", "once", "twice", tests=("t",))
    assert mutant.fault_of_the_list("once, or so") is None
    count = found.count("once")
    fault = mutant.fault_of_the_list(found)
    assert fault == f"its text stands {count} times in a.sql: correct mutants.toml"
    assert "names no tests" in str(replace(mutant, tests=()).fault_of_the_list("once"))


def test_a_days_draw_is_the_same_all_day():
    assert drawn(MUTANTS, 10, "") == drawn(MUTANTS, 10, "")
    assert len(set(drawn(MUTANTS, 10, ""))) == 10
