"""Variances and covariances of a set's items, against numbers worked out by hand.

Belongs here: the arithmetic over persons. Doesn't: alpha against psych (test_real_instruments.py).
"""

import numpy as np
import pyarrow as pa
import pytest

from orchestration.scoring.item_covariances import Covariances, ItemSums, ratings_of

# Ratings 1 2 3 4 4 and 2 1 4 3 -, in halves of a point.
PEOPLE = pa.RecordBatch.from_pydict(
    {"item_8": [2, 4, 6, 8, 8], "item_9": [4, 2, 8, 6, None]},
    schema=pa.schema({"item_8": pa.int32(), "item_9": pa.int32()}),
)


def covariances(people: pa.RecordBatch, columns: list[str], block: int) -> Covariances:
    sums = ItemSums.of_items(len(columns))
    for start in range(0, people.num_rows, block):
        sums.add(ratings_of(people.slice(start, block), columns))
    return sums.covariances(parts_per_point=2)


@pytest.mark.parametrize("block", [1, 3, 5])
def test_moments_of_two_items_over_those_who_rated_both(block):
    # Variances 5 / 3 each, covariance 1; totals 3 3 7 7, their variance 16 / 3 = 5/3 + 5/3 + 2 x 1.
    found = covariances(PEOPLE.slice(0, 4), ["item_8", "item_9"], block)
    assert found.values == pytest.approx(np.array([[5 / 3, 1], [1, 5 / 3]]))
    assert found.values.sum() == pytest.approx(16 / 3)
    assert (found.counts == 4).all()


@pytest.mark.parametrize("block", [1, 3, 5])
def test_moments_by_pairs_keep_whom_a_pair_has(block):
    # The first item alone has a fifth person: 1 2 3 4 4, mean 2.8, squares
    # 3.24 + .64 + .04 + 1.44 + 1.44 = 6.8.
    found = covariances(PEOPLE, ["item_8", "item_9"], block)
    assert found.values == pytest.approx(np.array([[6.8 / 4, 1], [1, 5 / 3]]))
    assert found.counts.tolist() == [[5, 4], [4, 4]]


def test_one_person_has_no_variance():
    assert np.isnan(covariances(PEOPLE.slice(0, 1), ["item_8"], 1).values).all()


def test_no_rating_is_nan():
    assert np.isnan(ratings_of(PEOPLE, ["item_8", "item_9"])).tolist() == [[False, False]] * 4 + [
        [False, True]
    ]
