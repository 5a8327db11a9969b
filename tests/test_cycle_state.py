"""The state of a cycle (orchestration/cycles/state.py): what holds after each transition.

Belongs here: transitions alone, and old files. Doesn't: who makes them (test_stages.py), a file
that is damaged (test_damaged_files.py).
"""

import json
from pathlib import Path

import pytest

from orchestration.cycles.state import BorderPassed, CycleStates, cycle_states
from orchestration.settings import Settings

FIRST, LAST = "c1", "c2"  # LAST is compared with FIRST


@pytest.fixture
def states(tmp_path: Path) -> CycleStates:
    return cycle_states(Settings(data_dir=tmp_path))


def build(states: CycleStates, cycle_id: str, fingerprint: str, *, seeds: str = "s") -> None:
    states.begin_build(cycle_id, fingerprint, seeds=seeds, models="m")
    later = {FIRST: [LAST], LAST: []}[cycle_id]
    states.finish_build(cycle_id, fingerprint, seeds=seeds, later=later)


def test_a_cycle_is_published_from_what_it_was_built_from_until_its_next_build_begins(
    states: CycleStates,
) -> None:
    build(states, FIRST, "a")
    assert not states.is_published_from(FIRST, "a")
    states.publish([FIRST])
    assert states.is_published_from(FIRST, "a")
    assert not states.is_published_from(FIRST, "b")
    states.begin_build(FIRST, "b", seeds="s", models="m")
    assert not states.is_published_from(FIRST, "a")
    assert (states.half_built, states.is_built_from(FIRST, "a")) == ({FIRST}, False)
    states.finish_build(FIRST, "b", seeds="s", later=[LAST])
    assert (states.half_built, states.is_built_from(FIRST, "b")) == (set(), True)


def test_seeds_count_as_loaded_once_a_build_with_them_is_done(states: CycleStates) -> None:
    states.begin_build(FIRST, "a", seeds="new", models="m")
    assert not states.has_loaded("new")
    states.finish_build(FIRST, "a", seeds="new", later=[])
    assert states.has_loaded("new")
    states.begin_build(FIRST, "a", seeds="new", models="m")
    assert states.has_loaded("new")
    states.begin_build(FIRST, "a", seeds="other", models="m")
    assert not states.has_loaded("new")


def test_the_models_that_made_a_warehouse_are_known_until_it_is_gone(states: CycleStates) -> None:
    assert not states.was_made_by("m")
    states.begin_build(FIRST, "a", seeds="s", models="m")
    assert states.was_made_by("m")  # of half a build, too
    states.finish_build(FIRST, "a", seeds="s", later=[])
    assert states.was_made_by("m")
    assert not states.was_made_by("another version")
    states.lose_warehouse()
    assert not states.was_made_by("m")


def test_a_cycle_built_without_the_one_before_it_is_built_again_after_that(
    states: CycleStates,
) -> None:
    build(states, LAST, "b")
    states.publish([LAST])
    build(states, FIRST, "a")
    assert states.built[LAST] != "b"
    assert not states.is_published_from(LAST, "b")
    build(states, LAST, "b")
    states.publish([FIRST, LAST])
    build(states, FIRST, "a2")  # it was there: who is compared with it has its own fingerprint
    assert states.is_published_from(LAST, "b")


def test_a_cycle_that_was_half_built_while_a_later_one_was_built_counts_as_not_there(
    states: CycleStates,
) -> None:
    build(states, FIRST, "a")
    build(states, LAST, "b")
    states.begin_build(FIRST, "a", seeds="s", models="m")  # and broke off
    build(states, LAST, "b2")  # its half is out of the warehouse
    assert (states.half_built, FIRST in states.built) == ({FIRST}, False)
    build(states, FIRST, "a")
    assert states.built[LAST] != "b2", "it lacks the changes from the first"


def test_what_is_dropped_or_let_out_is_made_or_published_again(states: CycleStates) -> None:
    for cycle_id in (FIRST, LAST):
        build(states, cycle_id, "a")
    states.publish([FIRST, LAST])
    states.drop([FIRST], why="somebody was forgotten")
    assert states.built == {FIRST: "dropped: somebody was forgotten", LAST: "a"}
    states.release(LAST)
    assert not states.is_published_from(LAST, "a")
    assert states.is_built_from(LAST, "a")


def test_what_the_border_said_outlives_the_warehouse_and_goes_alone(states: CycleStates) -> None:
    passed = BorderPassed("a", {"survey_responses": [{"check": "codes_are_known"}]})
    states.pass_border(FIRST, passed)
    build(states, FIRST, "a")
    states.lose_warehouse()
    assert (states.knows_the_warehouse, states.border_passed(FIRST)) == (False, passed)
    build(states, FIRST, "a")
    states.forget_border([FIRST])
    assert (states.border_passed(FIRST), states.built) == (None, {FIRST: "a"})


def test_a_file_of_before_is_read_as_it_is(states: CycleStates) -> None:
    outcomes = {"survey_responses": [{"check": "codes_are_known"}]}
    states.path.write_text(
        json.dumps(
            {
                "border": {FIRST: {"fingerprint": "r", "outcomes": outcomes}},
                "built": {FIRST: "a", LAST: "before c1"},
                "published": {FIRST: "a"},
                "unfinished": {LAST: "b"},
                "warehouse": {"seeds": "s"},
            }
        ),
        encoding="utf-8",
    )
    assert states.built == {FIRST: "a", LAST: "before c1"}
    assert states.is_published_from(FIRST, "a")
    assert states.half_built == {LAST}
    assert states.has_loaded("s")
    assert not states.was_made_by("m")  # which nobody had noted: that warehouse is made anew
    assert states.border_passed(FIRST) == BorderPassed("r", outcomes)
