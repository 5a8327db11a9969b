"""Variances and covariances of a set's items, against numbers worked out by hand.

Belongs here: the arithmetic over persons. Doesn't: alpha against psych (test_real_instruments.py).
"""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from orchestration.scoring.item_covariances import (
    ItemSums,
    cell_moments,
    item_pairs,
    ratings_of,
    set_moments,
)
from orchestration.sharding.merging import merged

# Ratings 1 2 3 4 4 and 2 1 4 3 -, in halves of a point.
PEOPLE = pa.RecordBatch.from_pydict(
    {"item_8": [2, 4, 6, 8, 8], "item_9": [4, 2, 8, 6, None]},
    schema=pa.schema({"item_8": pa.int32(), "item_9": pa.int32()}),
)


def covariances(people: pa.RecordBatch, columns: list[str], block: int) -> tuple[Any, Any]:
    sums = ItemSums.of_items(len(columns))
    for start in range(0, people.num_rows, block):
        sums.add(ratings_of(people.slice(start, block), columns))
    return sums.covariances(parts_per_point=2), sums.counts


@pytest.mark.parametrize("block", [1, 3, 5])
def test_moments_of_two_items_over_those_who_rated_both(block):
    # Variances 5 / 3 each, covariance 1; totals 3 3 7 7, their variance 16 / 3 = 5/3 + 5/3 + 2 x 1.
    found, counts = covariances(PEOPLE.slice(0, 4), ["item_8", "item_9"], block)
    assert found == pytest.approx(np.array([[5 / 3, 1], [1, 5 / 3]]))
    assert found.sum() == pytest.approx(16 / 3)
    assert (counts == 4).all()


@pytest.mark.parametrize("block", [1, 3, 5])
def test_moments_by_pairs_keep_whom_a_pair_has(block):
    # The first item alone has a fifth person: 1 2 3 4 4, mean 2.8, squares
    # 3.24 + .64 + .04 + 1.44 + 1.44 = 6.8.
    found, counts = covariances(PEOPLE, ["item_8", "item_9"], block)
    assert found == pytest.approx(np.array([[6.8 / 4, 1], [1, 5 / 3]]))
    assert counts.tolist() == [[5, 4], [4, 4]]


def test_one_person_has_no_variance():
    assert np.isnan(covariances(PEOPLE.slice(0, 1), ["item_8"], 1)[0]).all()


def test_no_rating_is_nan():
    assert np.isnan(ratings_of(PEOPLE, ["item_8", "item_9"])).tolist() == [[False, False]] * 4 + [
        [False, True]
    ]


def moments_of_cells(ratings: np.ndarray, sizes: list[int]) -> list[dict[str, float]]:
    """Moments of cells of so many items each, p0, p1, ..., from persons x items in hundredths."""
    numbers = range(1, ratings.shape[1] + 1)
    batch = pa.RecordBatch.from_pydict(
        {
            "parts_per_point": np.full(len(ratings), 100),
            "is_straight_lining": np.full(len(ratings), fill_value=False),
            **{
                f"item_{number}": pa.array(column, mask=np.isnan(column)).cast(pa.int32())
                for number, column in zip(numbers, ratings.T, strict=True)
            },
        }
    )
    items = pd.DataFrame(
        {
            "cycle_id": "c",
            "service_id": "s",
            "perspective_id": np.repeat([f"p{cell}" for cell in range(len(sizes))], sizes),
            "component_number": numbers,
        }
    )
    sets = items.assign(
        set_type="service", set_id="s", item_column=[f"item_{number}" for number in numbers]
    )
    pairs = item_pairs([batch.slice(0, 70), batch.slice(70)], item_sets=sets)
    return cell_moments(pairs.to_pandas(), items=items).to_pylist()


def adjusted(cell: dict[str, float]) -> float:
    common = cell["within_covariance"] or cell["inter_item_correlation"] * cell["item_variance"]
    return cell["between_covariance"] / np.sqrt(common * cell["rest_within_covariance"])


def test_a_cell_goes_with_the_rest_as_its_mean_does_over_both_alphas():
    generator = np.random.default_rng(1)
    person = generator.normal(size=(300, 1))
    ratings = np.round(100 * (person + generator.normal(size=(300, 6))))
    own, rest = ratings[:, :2], ratings[:, 2:]

    def alpha(items):
        count, covariances = items.shape[1], np.cov(items.T)
        return count / (count - 1) * (1 - np.trace(covariances) / covariances.sum())

    observed = np.corrcoef(own.mean(axis=1), rest.mean(axis=1))[0, 1]
    first, *_, single = moments_of_cells(ratings, [2, 3, 1])
    assert adjusted(first) == pytest.approx(observed / np.sqrt(alpha(own) * alpha(rest)), abs=1e-9)
    # One item: the mean of the correlations within the other two cells stands for its reliability.
    correlations = np.corrcoef(ratings.T)
    within = [correlations[0, 1], correlations[2, 3], correlations[2, 4], correlations[3, 4]]
    observed = np.corrcoef(ratings[:, 5], ratings[:, :5].mean(axis=1))[0, 1]
    expected = observed / np.sqrt(np.mean(within) * alpha(ratings[:, :5]))
    assert single["within_covariance"] is None
    assert adjusted(single) == pytest.approx(expected, abs=1e-9)


def test_importance_does_not_grow_with_the_questions_where_none_matters_more():
    sizes = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12] * 2
    counts = np.array(sizes)
    starts = np.cumsum([0, *sizes])
    found = []
    for seed in range(4):
        generator = np.random.default_rng(seed)
        person = generator.normal(size=(1500, 1))
        noise = generator.normal(size=(1500, sum(sizes)))
        ratings = np.round(100 * (person + 1.5 * noise))
        ratings[generator.random(ratings.shape) < 0.1] = np.nan
        new = [adjusted(cell) for cell in moments_of_cells(ratings, sizes)]
        means = [
            np.nanmean(np.where(np.isnan(part).all(axis=1)[:, None], 0, part), axis=1)
            for part in np.split(ratings, starts[1:-1], axis=1)
        ]
        old = [np.corrcoef(mean, np.nanmean(ratings, axis=1))[0, 1] for mean in means]
        assert np.mean(new) == pytest.approx(1, abs=0.02)
        found.append([np.corrcoef(values, counts)[0, 1] for values in (new, old)])
    new, old = np.mean(found, axis=0)
    assert abs(new) < 0.2
    assert old > 0.6


@pytest.mark.parametrize("shards", [1, 2, 7])
def test_the_sums_of_parts_of_the_people_add_up_to_those_of_all(shards):
    generator = np.random.default_rng(shards)
    ratings = generator.integers(100, 401, (300, 5)).astype(object)
    ratings[generator.random(ratings.shape) < 0.2] = None
    people = pa.RecordBatch.from_pydict(
        {
            "parts_per_point": np.full(300, 100),
            "is_straight_lining": generator.random(300) < 0.1,
            **{f"item_{number}": pa.array(ratings[:, number], pa.int32()) for number in range(5)},
        }
    )
    sets = pd.DataFrame(
        [
            ("c", set_type, set_id, number, f"i{number}", f"item_{number}")
            for set_type, set_id, numbers in (
                ("service", "a", range(3)), ("service", "b", (3, 4)), ("audience", "all", range(5)),
            )
            for number in numbers
        ],
        columns=["cycle_id", "set_type", "set_id", "component_number", "item_id", "item_column"],
    )  # fmt: skip
    whole = item_pairs([people], item_sets=sets)
    shard_of = generator.integers(0, shards, 300)
    parts = [
        item_pairs([people.take(np.flatnonzero(shard_of == number))], item_sets=sets)
        for number in range(shards + 1)  # the last one has nobody
    ]
    keys = [*whole.schema.names[:5], "parts_per_point"]
    found = merged(parts, by=keys, numbered={})
    assert found.equals(whole.sort_by([(name, "ascending") for name in keys]))

    moments = set_moments(found.to_pandas(), item_sets=sets).to_pandas()
    of_all = moments[moments["set_type"] == "audience"].set_index("item_id")
    complete = pd.DataFrame(ratings).dropna().astype(float) / 100
    assert (of_all["respondent_count"] == len(complete)).all()
    assert of_all.loc["i2", "item_variance"] == pytest.approx(complete[2].var(), abs=1e-9)
    assert of_all["total_variance"].iloc[0] == pytest.approx(complete.sum(axis=1).var(), abs=1e-9)
    missing = pd.DataFrame(ratings).isna()
    assert (of_all["rater_count"] == (~missing.all(axis=1)).sum()).all()


def test_of_nobody_there_are_items_without_moments():
    sets = pd.DataFrame(
        [("c", "service", "s", 1, "i", "item_1")],
        columns=["cycle_id", "set_type", "set_id", "component_number", "item_id", "item_column"],
    )
    pairs = item_pairs([], item_sets=sets)
    assert pairs.num_rows == 0
    [row] = set_moments(pairs.to_pandas(), item_sets=sets).to_pylist()
    assert (row["rater_count"], row["respondent_count"], row["item_variance"]) == (0, 0, None)
