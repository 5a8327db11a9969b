"""How precisely a score is shown, and what it may tell of few: cases worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from orchestration.publishing.disclosure.bounds import EXACT, Bounds, Sums, other_steps, steps


def sums(*entries: tuple[int, int, float]) -> Sums:
    """(whole, part, share), one sum a whole."""
    wholes = sorted({whole for whole, _, _ in entries})
    return Sums(
        equation=np.array([wholes.index(whole) for whole, _, _ in entries], dtype=np.int64),
        part=np.array([part for _, part, _ in entries], dtype=np.int64),
        share=np.array([share for _, _, share in entries], dtype=float),
        whole=np.array(wholes, dtype=np.int64),
        tolerance=np.zeros(len(wholes)),
        is_division=np.ones(len(wholes), dtype=bool),
    )


def bounds(
    score: list[float],
    *entries: tuple[int, int, float],
    step: list[float] | None = None,
    count: list[int] | None = None,
    small: list[int] | None = None,
    class_share: list[float] | None = None,
    class_count: list[int] | None = None,
    fixed: tuple[int, ...] = (),
) -> Bounds:
    """Cells of 30 persons, shown to 0.01, without classes: what differs is named."""
    width = len(score)
    is_small = np.isin(np.arange(width), small or [])
    return Bounds(
        score=np.array(score, dtype=float),
        respondent_count=np.array(count or [30] * width, dtype=np.int64),
        person_share=np.zeros(width),
        class_share=np.array(class_share or [0.0] * width),
        class_count=np.array(class_count or [0] * width, dtype=np.int64),
        is_small=is_small,
        can_hide=~np.isin(np.arange(width), fixed),
        step=np.array(step or [0.01] * width),
        sums=sums(*entries),
        least_width=1.0,
        least_count=10,
    )


def hidden(bounds: Bounds, small: list[int]) -> set[int]:
    is_hidden = np.isin(np.arange(len(bounds.score)), small)
    while len(more := bounds.to_hide(is_hidden)):
        is_hidden[more] = True
    return set(np.flatnonzero(is_hidden).tolist())


@pytest.mark.parametrize(
    ("person_share", "step"),
    [(0.001, 0.01), (0.01, 0.01), (0.011, 0.02), (1 / 30, 0.05), (0.1, 0.1), (0.11, 0.2), (1, 0.2)],
)
def test_a_step_is_at_least_what_a_point_of_the_heaviest_person_moves(person_share, step):
    cells = pd.DataFrame({"person_share": [person_share], "class_count": 3, "split_bits": 20.0})
    assert steps(cells, may_be_exact=np.array([True])) == [step]
    cells["small_class_count"] = 0
    # Two modes would split the classes.
    assert np.isnan(other_steps(cells, np.array([step]), is_blend=np.array([True])))


def test_a_nation_is_exact_where_its_classes_cannot_be_told_apart():
    cells = pd.DataFrame(
        {"person_share": 0.002, "class_count": [30, 30, 1, 30], "split_bits": [128, 80, 6, 79.9]}
    )
    shown = steps(cells, may_be_exact=np.array([True] * 4))
    assert shown.tolist() == [EXACT, EXACT, EXACT, 0.01]
    # The other mode: exact beside an exact one needs twice the ways to split.
    cells["small_class_count"] = 4
    others = other_steps(cells, shown, is_blend=np.array([True] * 4))
    assert others[:3].tolist() == [EXACT, 0.01, EXACT] and np.isnan(others[3])


def test_a_second_mode_is_shown_where_no_class_is_small_or_nothing_else_divides_the_cell():
    cells = pd.DataFrame({"class_count": 30, "split_bits": 200.0, "small_class_count": [0, 4, 4]})
    others = other_steps(cells, np.array([0.01] * 3), is_blend=np.array([False, False, True]))
    assert np.isnan(others).tolist() == [False, True, False]


def test_a_score_of_four_tells_of_all_and_is_hidden():
    # 4.00 to the coarsest step is 3.9-4: a class of half the weight has 3.8 or more.
    of_four = bounds([4.0], class_share=[0.5], class_count=[5])
    assert hidden(of_four, []) == {0}


def test_a_score_is_shown_more_coarsely_where_that_hides_a_class():
    # 3.70 to 0.01: a class with 0.26 of the weight has 4 - 0.305 / 0.26 = 2.83 or more, which of
    # whole ratings of 9 is 26/9: a range of 10/9. To 0.1 (3.65-3.75): 4 - 0.35 / 0.26 = 2.65, of
    # nine ratings 24/9: a range of 12/9, just over the 1.3 that is asked for.
    coarser = bounds([3.70], class_share=[0.26], class_count=[9])
    assert hidden(coarser, []) == set()
    assert coarser.step.tolist() == [0.1]


def test_a_hidden_part_that_a_whole_leaves_near_the_end_takes_a_part_along():
    # A whole of 3.50; parts 0.3 (hidden, few), 0.3 and 0.4, both shown at 3.0 and 3.5: the hidden
    # one is (3.5 - 0.9 - 1.4) / 0.3 = 4.0. With the smaller of the two hidden they share 2.1 of 2.4
    # points: it may be anything from 3.0, then, and with both from 2.4 on.
    told = bounds(
        [3.50, 4.0, 3.0, 3.5],
        (0, 1, 0.3), (0, 2, 0.3), (0, 3, 0.4),
        small=[1], count=[40, 8, 12, 20], fixed=(0,),
    )  # fmt: skip
    assert hidden(told, [1]) == {1, 2, 3}


def test_what_is_told_through_a_hidden_cell_is_found_too():
    # The region (0) is its only level (1, hidden), which is unit 2 (few, 0.6) and unit 3 (hidden):
    # 3.80 leaves unit 2 at least 4 - 0.205 / 0.6 = 3.66. So the region is hidden.
    told = bounds(
        [3.80, 3.80, 3.7, 3.95],
        (0, 1, 1.0), (1, 2, 0.6), (1, 3, 0.4),
        small=[2], count=[20, 20, 8, 12],
    )  # fmt: skip
    assert hidden(told, [1, 2, 3]) == {0, 1, 2, 3}


def test_the_nation_is_rounded_only_where_nothing_else_is_left():
    # Nothing but the nation is shown, and it says 4.00 of everybody: it can't be hidden.
    told = bounds([4.0, 4.0], (0, 1, 1.0), small=[1], step=[EXACT, 0.01], fixed=(0,),
                  class_share=[0.5, 0.0], class_count=[5, 0])  # fmt: skip
    assert hidden(told, [1]) == {1}
    assert told.step[0] == 0.2


def test_what_is_hidden_together_is_a_group_too():
    # Two hidden parts of 4 and 5 persons, each anything from 1 to 4, have together
    # (2.5 - 0.6 x 2.5) / 0.4 = 2.5: the third is hidden with them. Of 10 persons it stays.
    parts = ((0, 1, 0.2), (0, 2, 0.2), (0, 3, 0.6))
    few = bounds([2.5, 2.0, 3.0, 2.5], *parts, small=[1, 2], count=[49, 4, 5, 40], fixed=(0,))
    assert hidden(few, [1, 2]) == {1, 2, 3}
    more = bounds([2.5, 2.0, 3.0, 2.5], *parts, small=[1, 2], count=[50, 5, 5, 40], fixed=(0,))
    assert hidden(more, [1, 2]) == {1, 2}
    assert more.step[3] == 0.01


def test_what_is_hidden_together_is_told_by_a_hidden_parts_own_parts_too():
    # As above, and part 3 is the whole of 4, told by the same 40 persons: hiding 3 alone is no use.
    parts = ((0, 1, 0.2), (0, 2, 0.2), (0, 3, 0.6), (3, 4, 1.0))
    few = bounds([2.5, 2.0, 3.0, 2.5, 2.5], *parts, small=[1, 2], count=[49, 4, 5, 40, 40])
    assert hidden(few, [1, 2]) == {1, 2, 3, 4}


def test_only_what_a_range_comes_from_is_hidden():
    # Part 1 (few) is told by whole 0 and part 2: (3.7 - 0.5 x 3.4) / 0.5 = 4. Whole 3 holds it too,
    # but with a 4 that is hidden it tells nothing: it stays as it is.
    told = bounds(
        [3.7, 4.0, 3.4, 2.5, 2.0],
        (0, 1, 0.5), (0, 2, 0.5), (3, 1, 0.2), (3, 4, 0.8),
        small=[1], count=[30, 8, 22, 11, 12], fixed=(0,),
    )  # fmt: skip
    assert 3 not in hidden(told, [1, 4])
    assert told.step[3] == 0.01


def test_a_persons_rating_is_a_whole_one():
    # One person has 0.1875 of the weight. Shown to 0.2, 3.8 is at least 3.7: the others have 4 at
    # most, so the person (3.7 - 0.8125 x 4) / 0.1875 = 2.4 at least, and a whole rating is 3 or 4.
    assert hidden(bounds([3.8], class_share=[0.1875], class_count=[1]), []) == {0}


def test_of_what_tells_of_a_group_the_figure_of_the_fewest_yields():
    # (3.52 - 0.8 x 3.4) / 0.2 = 4.0 is part 1's: part 2 (22 persons) goes, and not the whole (60).
    # Without it part 1 is (3.52 - 0.8 x 4) / 0.2 = 1.6 at least, which tells little.
    told = bounds([3.52, 4.0, 3.4], (0, 1, 0.2), (0, 2, 0.8), small=[1], count=[60, 8, 22])
    assert hidden(told, [1]) == {1, 2}
    assert told.step[0] == 0.01
