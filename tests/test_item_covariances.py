"""Variances and covariances of a set's items, against numbers worked out by hand.

Belongs here: the arithmetic over persons. Doesn't: alpha against psych (test_real_instruments.py).
"""

import numpy as np
import pandas as pd
import pytest

from orchestration.scoring.item_covariances import Ratings, complete, pairwise

# Ratings 1 2 3 4 4 and 2 1 4 3 -, in halves of a point.
PEOPLE = pd.DataFrame(
    {"item_8": [2, 4, 6, 8, 8], "item_9": [4, 2, 8, 6, np.nan], "parts_per_point": 2}
)


def test_moments_of_two_items_over_those_who_rated_both():
    # Variances 5 / 3 each, covariance 1; totals 3 3 7 7, their variance 16 / 3 = 5/3 + 5/3 + 2 x 1.
    found = complete(Ratings.of(PEOPLE, [8, 9]))
    assert found.values == pytest.approx(np.array([[5 / 3, 1], [1, 5 / 3]]))
    assert found.values.sum() == pytest.approx(16 / 3)
    assert (found.counts == 4).all()


def test_moments_by_pairs_keep_whom_a_pair_has():
    # The first item alone has a fifth person: 1 2 3 4 4, mean 2.8, squares
    # 3.24 + .64 + .04 + 1.44 + 1.44 = 6.8.
    found = pairwise(Ratings.of(PEOPLE, [8, 9]))
    assert found.values == pytest.approx(np.array([[6.8 / 4, 1], [1, 5 / 3]]))
    assert found.counts.tolist() == [[5, 4], [4, 4]]


def test_one_person_has_no_variance():
    assert np.isnan(pairwise(Ratings.of(PEOPLE.head(1), [8])).values).all()


def test_who_rated_nothing_of_a_set_is_no_rater():
    people = pd.DataFrame({"item_8": [2, np.nan], "item_9": [np.nan, np.nan], "parts_per_point": 2})
    assert Ratings.of(people, [8, 9]).are_there().tolist() == [True, False]
