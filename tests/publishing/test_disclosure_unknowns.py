"""Which sums give an unknown away: matrices worked by hand.

Belongs here: unknowns.py. Doesn't: what is hidden for it (test_disclosure_control.py).
"""

import numpy as np
import pytest
from scipy.sparse import csr_array

from orchestration.publishing.disclosure.unknowns import UnknownSums


def sums(*equations: dict[int, float]) -> UnknownSums:
    width = 1 + max(max(equation) for equation in equations)
    rows = [[equation.get(column, 0.0) for column in range(width)] for equation in equations]
    return UnknownSums(csr_array(np.array(rows)))


def test_what_one_combination_of_sums_leaves_alone_is_determined():
    # x + a and a give x; b and c are only known together.
    found = sums({0: 1, 1: 1}, {1: 1}, {2: 1, 3: 1}).determined()
    assert found.tolist() == [True, True, False, False]


def test_an_unknown_is_told_by_the_nearest_sums_and_not_a_little_by_all():
    # x + a and a tell x; so do x + b, b + c and c, of which the last is further away. The shortest
    # weights of all five are (0.6, -0.6, 0.4, -0.4, 0.4).
    weights = sums({0: 1, 1: 1}, {1: 1}, {0: 1, 2: 1}, {2: 1, 3: 1}, {3: 1}).weights_that_give(0)
    assert weights == pytest.approx([1, -1, 0, 0, 0], abs=1e-9)


def test_an_unknown_that_only_all_sums_together_tell_is_told_by_all():
    chain = [{0: 1, 1: 1}, {1: 1, 2: 1}, {2: 1, 3: 1}, {3: 1}]
    assert sums(*chain).weights_that_give(0) == pytest.approx([1, -1, 1, -1], abs=1e-9)
