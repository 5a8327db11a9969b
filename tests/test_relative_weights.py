"""Johnson's relative weights, by hand, against R's rwa, and by Johnson's own way through an SVD.

Belongs here: correlations, weights, what has none and why. Doesn't: the draws and raked weights
(test_raking.py), what becomes of answers on the way (test_formulas.py).
"""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from orchestration.scoring import relative_weights as tested
from orchestration.scoring.bootstrap import times_drawn
from orchestration.scoring.relative_weights import (
    RELATIVE_WEIGHTS,
    Weighing,
    correlations,
    johnson,
    person_means,
    relative_weights,
    weights_of,
)

# Of R's mtcars: mpg, cyl, disp, hp, wt, gear.
CARS = np.array(
    [
        *((21, 6, 160, 110, 2.62, 4), (21, 6, 160, 110, 2.875, 4), (22.8, 4, 108, 93, 2.32, 4)),
        *(
            (21.4, 6, 258, 110, 3.215, 3),
            (18.7, 8, 360, 175, 3.44, 3),
            (18.1, 6, 225, 105, 3.46, 3),
        ),
        *(
            (14.3, 8, 360, 245, 3.57, 3),
            (24.4, 4, 146.7, 62, 3.19, 4),
            (22.8, 4, 140.8, 95, 3.15, 4),
        ),
        *((19.2, 6, 167.6, 123, 3.44, 4), (17.8, 6, 167.6, 123, 3.44, 4)),
        *((16.4, 8, 275.8, 180, 4.07, 3), (17.3, 8, 275.8, 180, 3.73, 3)),
        *(
            (15.2, 8, 275.8, 180, 3.78, 3),
            (10.4, 8, 472, 205, 5.25, 3),
            (10.4, 8, 460, 215, 5.424, 3),
        ),
        *(
            (14.7, 8, 440, 230, 5.345, 3),
            (32.4, 4, 78.7, 66, 2.2, 4),
            (30.4, 4, 75.7, 52, 1.615, 4),
        ),
        *(
            (33.9, 4, 71.1, 65, 1.835, 4),
            (21.5, 4, 120.1, 97, 2.465, 3),
            (15.5, 8, 318, 150, 3.52, 3),
        ),
        *(
            (15.2, 8, 304, 150, 3.435, 3),
            (13.3, 8, 350, 245, 3.84, 3),
            (19.2, 8, 400, 175, 3.845, 3),
        ),
        *((27.3, 4, 79, 66, 1.935, 4), (26, 4, 120.3, 91, 2.14, 5), (30.4, 4, 95.1, 113, 1.513, 5)),
        *((15.8, 8, 351, 264, 3.17, 5), (19.7, 6, 145, 175, 2.77, 5), (15, 8, 301, 335, 3.57, 5)),
        (21.4, 4, 121, 109, 2.78, 4),
    ]
)
NAMES = ("mpg", "cyl", "disp", "hp", "wt", "gear")


def cars(*predictors: str) -> np.ndarray:
    return CARS[:, [NAMES.index(name) for name in (*predictors, "mpg")]]


def people(count: int, predictors: int, *, missing: float = 0.0, seed: int = 1) -> np.ndarray:
    """Whole numbers from 1 to 4 that go together, and what they decide."""
    chance = np.random.default_rng(seed)
    liking = chance.normal(2.6, 0.5, (count, 1)) + chance.normal(0, 0.8, (count, predictors))
    overall = liking @ np.arange(1, predictors + 1) / (predictors * (predictors + 1) / 2)
    means = np.column_stack([liking, overall + chance.normal(0, 0.3, count)])
    means = np.clip(np.rint(means), 1, 4)
    means[:, :-1][chance.random((count, predictors)) < missing] = np.nan
    return means


def of(means: np.ndarray, weights: np.ndarray | None = None) -> dict[str, Any]:
    """The figures of people of whom each is a weight cell, with as good as no replicates."""
    whole = np.ones(len(means)) if weights is None else weights
    return figures(means, Weighing("x", whole, np.repeat(whole[:, np.newaxis], 2, axis=1)))


def figures(means: np.ndarray, weighing: Weighing, **changed) -> dict[str, Any]:
    asked = {
        "cell_of": np.arange(len(means)),
        "drawn": np.ones((len(means), weighing.replicates.shape[1]), dtype=np.uint8),
        "min_count": 10,
        "ci_level": 0.95,
    }
    found = weights_of(means, weighing, **(asked | changed))
    return {str(name): found[name].to_numpy() for name in found}


def test_two_predictors_by_hand():
    # sqrt of [[1, p], [p, 1]] is [[a, b], [b, a]] with a² + b² = 1, 2 a b = p: 0.96, 0.28, 0.5376.
    # With b = (0.5, 0.25) the answer's correlations are 0.55 and 0.38, and the weights
    # 0.9216 x 0.25 + 0.0784 x 0.0625 = 0.2353 and 0.0784 x 0.25 + 0.9216 x 0.0625 = 0.0772.
    matrix = np.array([[1, 0.5376, 0.55], [0.5376, 1, 0.38], [0.55, 0.38, 1]])
    assert johnson(matrix[np.newaxis])[0] == pytest.approx([0.2353, 0.0772], abs=1e-12)


@pytest.mark.parametrize(
    ("predictors", "weights", "expected", "r_squared"),
    [
        # What R's rwa 0.1 prints (its README and its articles), in seven digits.
        (
            ("cyl", "disp", "hp", "gear"),
            [1] * 32,
            [0.2284797, 0.2221469, 0.2321744, 0.0963886],
            0.7791896,
        ),
        (
            ("cyl", "disp", "hp", "wt"),
            [1] * 32,
            [0.2096904, 0.1883043, 0.1799590, 0.2706812],
            0.8486348,
        ),
        (("hp", "wt", "disp"), [1, 2, 5, 3] * 8, [0.2322933, 0.3546032, 0.2844148], 0.8713113),
    ],
)
def test_weights_are_those_of_rwa(predictors, weights, expected, r_squared):
    found = of(cars(*predictors), np.array(weights, dtype=float))
    assert found["relative_weight"] == pytest.approx(expected, abs=6e-8)
    assert found["r_squared"] == pytest.approx([r_squared] * len(predictors), abs=6e-8)


@pytest.mark.parametrize("predictors", [1, 2, 6])
def test_weights_are_those_of_the_nearest_orthogonal_variables(predictors):
    """Johnson's own way: standardised data = P D Q', orthogonal variables Z = P Q'."""
    means = people(150, predictors)
    weights = np.random.default_rng(2).uniform(0.5, 9, len(means))
    share = weights / weights.sum()
    centred = means - share @ means
    scaled = centred / np.sqrt(share @ centred**2) * np.sqrt(share)[:, np.newaxis]
    left, _, right = np.linalg.svd(scaled[:, :-1], full_matrices=False)
    orthogonal = left @ right
    explained = (orthogonal.T @ scaled[:, :-1]).T ** 2 @ (orthogonal.T @ scaled[:, -1]) ** 2
    found = of(means, weights)
    assert found["relative_weight"] == pytest.approx(explained, abs=1e-12)
    # They add up to R squared of weighted least squares.
    residual = scaled[:, -1] - scaled[:, :-1] @ np.linalg.lstsq(scaled[:, :-1], scaled[:, -1])[0]
    assert found["r_squared"][0] == pytest.approx(1 - residual @ residual, abs=1e-12)
    assert found["correlation"] == pytest.approx(scaled[:, :-1].T @ scaled[:, -1], abs=1e-12)


def test_a_weight_of_three_is_three_such_persons():
    means = people(80, 4, missing=0.1)
    times = np.arange(80) % 3 + 1
    assert of(means, times.astype(float))["relative_weight"] == pytest.approx(
        of(np.repeat(means, times, axis=0))["relative_weight"], abs=1e-12
    )


def test_who_gave_no_overall_answer_counts_nowhere():
    means = people(120, 3, missing=0.1)
    silent = people(30, 3, seed=9)
    silent[:, -1] = np.nan
    found = of(np.vstack([means, silent]))
    assert found["relative_weight"] == pytest.approx(of(means)["relative_weight"], abs=1e-12)
    assert list(found["respondent_count"]) == [
        int(n) for n in (~np.isnan(means[:, :-1])).sum(axis=0)
    ]


def test_correlations_are_each_over_who_rated_both():
    means = people(60, 2, missing=0.3)
    [every, *_] = correlations(
        means,
        Weighing("x", np.ones(1), np.ones((1, 1))),
        cell_of=np.zeros(60, dtype=np.int64),
        drawn=np.ones((60, 1), dtype=np.uint8),
    )
    assert every == pytest.approx(pd.DataFrame(means).corr().to_numpy(), abs=1e-12)


def test_the_order_of_persons_and_the_size_of_blocks_do_not_show(monkeypatch):
    means = people(200, 5, missing=0.1)
    weighing = Weighing("x", np.array([1 / 3, 0.7]), np.array([[0.1, 0.9], [1 / 7, 2.2]]))
    drawn = np.random.default_rng(3).integers(0, 3, (200, 2)).astype(np.uint8)
    cell_of = np.repeat([0, 1], 100)
    first = figures(means, weighing, cell_of=cell_of, drawn=drawn)
    monkeypatch.setattr(tested, "PERSONS", 7)
    again = figures(means[::-1], weighing, cell_of=cell_of[::-1], drawn=drawn[::-1])
    assert [list(first[name]) for name in tested.FIGURES] == [
        list(again[name]) for name in tested.FIGURES
    ]


def test_errors_are_those_of_the_replicates():
    means = people(90, 3)
    drawn = np.random.default_rng(4).multinomial(89, [1 / 90] * 90, 50).T.astype(np.uint8)
    one = np.zeros(90, dtype=np.int64)
    weighing = Weighing("x", np.ones(1), np.full((1, 50), 90 / 89))
    found = figures(means, weighing, cell_of=one, drawn=drawn, ci_level=0.8)
    replicates = np.array(
        [of(np.repeat(means, times, axis=0))["relative_weight"] for times in drawn.T]
    )
    assert found["se"] == pytest.approx(replicates.std(axis=0, ddof=1), abs=1e-12)
    assert found["ci_low"] == pytest.approx(np.quantile(replicates, 0.1, axis=0), abs=1e-12)
    assert found["ci_high"] == pytest.approx(np.quantile(replicates, 0.9, axis=0), abs=1e-12)


@pytest.mark.parametrize(("unruly", "has_error"), [(2, True), (3, False)])
def test_there_is_no_error_where_replicates_that_have_no_weights_would_be_left_out(
    unruly, has_error
):
    means = people(60, 2)
    drawn = np.random.default_rng(5).integers(0, 3, (60, 40)).astype(np.uint8)
    drawn[1:, :unruly] = 0  # one person, whose answers go with nothing
    one = np.zeros(60, dtype=np.int64)
    weighing = Weighing("x", np.ones(1), np.ones((1, 40)))
    found = figures(means, weighing, cell_of=one, drawn=drawn)
    assert np.isfinite(found["relative_weight"]).all()
    assert np.isfinite([found[name] for name in ("se", "ci_low", "ci_high")]).all() == has_error


# --- What has no weight, and why -----------------------------------------------------------------


def test_a_perspective_that_few_rated_or_all_alike_is_left_out():
    means = people(50, 5)
    means[9:, 1] = np.nan
    means[:, 2] = 4
    means[:, 3] = np.nan
    found = of(means)
    assert list(found["null_reason"]) == [None, "suppressed", "no_variation", "no_answers", None]
    assert [*found["respondent_count"][[0, 2, 3, 4]]] == [50, 50, 0, 50]
    assert pd.isna(found["respondent_count"][1])
    rest = of(means[:, [0, 4, 5]])["relative_weight"]
    assert found["relative_weight"] == pytest.approx(
        [rest[0], np.nan, np.nan, np.nan, rest[1]], nan_ok=True
    )
    means[9, 1] = 1
    means[8, 1] = 4
    assert of(means)["null_reason"][1] is None  # ten


def test_two_perspectives_that_few_rated_together_hide_all():
    means = people(60, 3)
    means[:29, 0] = np.nan
    means[38:, 1] = np.nan
    found = of(means)  # 29 to 37 rated both
    assert list(found["null_reason"]) == ["suppressed"] * 3
    assert pd.isna(found["respondent_count"]).all()
    assert np.isnan([found[name] for name in tested.FIGURES]).all()
    assert list(of(people(60, 3))["null_reason"]) == [None] * 3


def test_an_overall_answer_that_is_the_same_for_all_is_explained_by_nothing():
    means = people(50, 2)
    means[:, -1] = 3
    assert list(of(means)["null_reason"]) == ["no_variation"] * 2


def test_nobody_has_no_answers():
    means = people(20, 2)
    means[:, -1] = np.nan
    found = of(means)
    assert list(found["null_reason"]) == ["no_answers"] * 2
    assert list(found["respondent_count"]) == [0, 0]


def test_perspectives_that_tell_one_another_have_no_weights():
    means = people(60, 3)
    means[:, 1] = 5 - means[:, 0]
    assert list(of(means)["null_reason"]) == ["incoherent"] * 3


@pytest.mark.parametrize(("apart", "has_weights"), [(1e-9, False), (1e-7, True)])
def test_predictors_that_rounding_can_not_tell_apart_have_no_weights(apart, has_weights):
    matrix = np.array([[1, 1 - apart, 0.5], [1 - apart, 1, 0.5], [0.5, 0.5, 1]])
    assert np.isfinite(johnson(matrix[np.newaxis])).all() == has_weights


def test_correlations_that_can_not_all_be_true_are_not_mended():
    # The first two alike, each over other persons all of the answer, and against one another.
    means = np.array([[1, 3, 1], [2, 1, 2], [3, 2, 3]] * 4, dtype=float)
    first, second = (
        np.repeat([[1, np.nan, 1], [4, np.nan, 4]], 10, axis=0),
        np.repeat([[np.nan, 1, 1], [np.nan, 4, 4]], 10, axis=0),
    )
    found = of(np.vstack([means, first, second]))
    assert list(found["null_reason"]) == ["incoherent"] * 2
    assert np.isnan(found["relative_weight"]).all()


def test_what_explains_all_has_weights():
    means = people(60, 2)
    means[:, -1] = means[:, 0] + 2 * means[:, 1]
    found = of(means)
    assert found["r_squared"] == pytest.approx([1, 1], abs=1e-12)


# --- A cycle -------------------------------------------------------------------------------------

QUESTIONS = pd.DataFrame(
    [
        *((1, "a", "s1", "x", "one", "performance"), (2, "a", "s1", "x", "one", "performance")),
        *((3, "b", "s1", "x", "one", "performance"), (4, "c", "s1", "y", "one", "performance")),
        *((5, "all", None, None, "one", "overall"), (6, "d", "s2", "x", "two", "performance")),
        (7, "c", "s1", "y", "one", "expectation"),
    ],
    columns=["question_number", "item_id", "service_id", "perspective_id", "audience_id", "asks"],
).assign(instrument_id="i")
SETTINGS = pd.DataFrame(
    [
        {
            **{"cycle_id": "c1", "instrument_id": "i", "min_cell_n": 10, "ci_level": 0.95},
            **{"bootstrap_replicates": 30, "random_seed": 1, "rake_max_rounds": 9},
            **{"rake_tolerance": 1e-9, "rake_trim_low": 0.3, "rake_trim_high": 3.0},
        }
    ]
)


def ratings(count: int) -> pd.DataFrame:
    chance = np.random.default_rng(6)
    return pd.DataFrame({f"rating_{n}": chance.integers(0, 5, count) for n in range(1, 8)})


def cycle(questions: pd.DataFrame = QUESTIONS, sizes: tuple[int, int] = (30, 40)) -> pd.DataFrame:
    cells = pd.DataFrame(
        {
            "stratum_number": [1, 2],
            "weight_cell_number": [1, 2],
            "stratum_respondent_count": sizes,
            "respondent_count": sizes,
        }
    )
    weights = pd.DataFrame(
        [("none", 1, 1.0), ("none", 2, 1.0), ("poststrat", 1, 7.0), ("poststrat", 2, 2.0)],
        columns=["weighting_mode", "weight_cell_number", "weight"],
    )
    found = relative_weights(
        ratings(sum(sizes)),
        cycle_id="c1",
        settings=SETTINGS,
        cells=cells,
        weights=weights,
        margins=pd.DataFrame(),
        questions=questions,
    )
    assert found.schema == RELATIVE_WEIGHTS
    return found.to_pandas()


def test_audiences_that_are_asked_so_have_rows_in_every_mode():
    found = cycle()
    keys = ["weighting_mode", "audience_id", "service_id", "perspective_id"]
    assert found[keys].to_numpy().tolist() == [
        [mode, "one", "s1", perspective]
        for mode in ("none", "poststrat")
        for perspective in ("x", "y")
    ]
    [plain, _, weighted, _] = found["correlation"]
    assert plain != pytest.approx(weighted, abs=1e-3)


def test_an_instrument_that_asks_nothing_overall_has_no_rows():
    assert cycle(QUESTIONS[QUESTIONS["asks"] != "overall"]).empty


def test_replicates_draw_one_less_and_weigh_the_more():
    sizes = (4, 60)
    of_one = QUESTIONS[QUESTIONS["audience_id"] == "one"]
    is_overall = of_one["asks"] == "overall"
    _, means = person_means(
        ratings(64), of_one[of_one["asks"] == "performance"], of_one[is_overall]
    )
    expected = figures(
        means,
        Weighing("x", np.array([7.0, 2]), np.array([[7 * 4 / 3] * 30, [2 * 60 / 59] * 30])),
        cell_of=np.repeat([0, 1], sizes),
        drawn=times_drawn(sizes, 30, seed=1),
    )
    found = cycle(sizes=sizes)
    is_weighted = found["weighting_mode"] == "poststrat"
    assert [*found.loc[is_weighted, "se"]] == pytest.approx(expected["se"], abs=1e-12)


def test_the_one_of_a_stratum_is_in_every_replicate():
    assert np.isfinite(cycle(sizes=(1, 60))["se"]).all()


def test_a_mean_is_one_of_items_and_an_item_one_of_what_was_rated_of_it():
    people = pd.DataFrame(
        {f"rating_{n}": of for n, of in enumerate([[1, 4], [4, 0], [2, 0], [0, 3], [3, 1]], 1)}
    )
    of_one = QUESTIONS[QUESTIONS["audience_id"] == "one"]
    keys, means = person_means(
        people, of_one[of_one["asks"] == "performance"], of_one[of_one["asks"] == "overall"]
    )
    # Two questions of an item at most, two items of a perspective at most: in quarters.
    assert keys.to_numpy().tolist() == [["s1", "x"], ["s1", "y"]]
    assert means / 4 == pytest.approx(
        np.array([[(2.5 + 2) / 2, np.nan, 3], [4, 3, 1]]), nan_ok=True
    )
