"""Confidence sets for ranks: pair by pair, against R's csranks, by hand, and how often they hold.

Belongs here: orchestration/scoring/rank_sets.py. Doesn't: what idx_rankings makes of them (its unit
test).

tests/reference/csranks.json holds what csranks (R; R/diffmeans.R at its commit 1c467e1, not in
Debian) gave with R = 20000, `csranks(y, diag(se^2), simul = FALSE)` and `simul = TRUE`, for 24
units made up for it.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from orchestration.scoring.rank_sets import Pairs, rank_sets

REFERENCE = Path(__file__).parent / "reference" / "csranks.json"
LEVEL = 0.95


def pair_by_pair(
    y: np.ndarray, se: np.ndarray, deviates: np.ndarray, of: list[int]
) -> tuple[list[int], list[int]]:
    """Return low and high ranks of units by the steps of csranks, one ordered pair a column."""
    width = np.sqrt(se[:, None] ** 2 + se[None] ** 2)
    left = np.zeros((len(y), len(y)), dtype=bool)
    left[of, :] = left[:, of] = True
    np.fill_diagonal(left, False)
    above = np.zeros_like(left)
    while left.any():
        first, second = np.nonzero(left)
        drawn = deviates * se
        excess = (drawn[:, first] - drawn[:, second]) / width[first, second]
        critical = np.quantile(excess.max(axis=1), LEVEL)
        new = left & (y[:, None] - y[None] - critical * width > 0)
        if not new.any():
            break
        above |= new
        left &= ~new
    return (1 + above[:, of].sum(axis=0)).tolist(), (len(y) - above[of, :].sum(axis=1)).tolist()


@pytest.mark.parametrize("count", [2, 9, 24])
def test_sets_by_classes_of_errors_are_those_of_all_pairs(count: int) -> None:
    random = np.random.default_rng(count)
    y = np.round(3.3 + 0.25 * random.standard_normal(count), 2)
    se = random.choice([0.02, 0.04, 0.05, 0.1], count)
    deviates = random.standard_normal((400, count))
    pairs = Pairs(y, se, deviates)
    one, everybody = pairs.marginal(LEVEL, count), pairs.simultaneous(LEVEL, count)
    for unit in range(count):
        low, high = pair_by_pair(y, se, deviates, [unit])
        assert (one.low[unit], one.high[unit]) == (low[0], high[0])
    low, high = pair_by_pair(y, se, deviates, [*range(count)])
    assert everybody.low.tolist() == low
    assert everybody.high.tolist() == high


def test_sets_are_those_of_csranks_but_for_its_draws() -> None:
    known = json.loads(REFERENCE.read_text(encoding="utf-8"))
    y, se = np.array(known["scores"]), np.array(known["errors"])
    pairs = Pairs(y, se, np.random.default_rng(20240909).standard_normal((20000, len(y))))
    for name, sets in (
        ("marginal", pairs.marginal(LEVEL, len(y))),
        ("simultaneous", pairs.simultaneous(LEVEL, len(y))),
    ):
        off = np.abs(np.array([sets.low, sets.high]) - np.array(known[name]))
        assert off.max() <= 1
        assert (off > 0).sum() <= 1


def test_sets_hold_all_true_ranks_at_once_also_near_ties() -> None:
    # 24 units as the review of the method has them: spread 0.22, and 0.05 where draws held 2.7 %.
    random = np.random.default_rng(7)
    for spread in (0.22, 0.05):
        held: dict[str, list[float]] = {"one": [], "all": []}
        for _ in range(150):
            truth = 3.3 + spread * random.standard_normal(24)
            se = random.choice([0.05, 0.08, 0.1, 0.15], 24)
            y = truth + se * random.standard_normal(24)
            rank = 1 + (truth[None] > truth[:, None]).sum(axis=1)
            pairs = Pairs(y, se, random.standard_normal((300, 24)))
            one, everybody = pairs.marginal(LEVEL, 24), pairs.simultaneous(LEVEL, 24)
            held["one"].append(((one.low <= rank) & (rank <= one.high)).mean())
            held["all"].append(((everybody.low <= rank) & (rank <= everybody.high)).all())
        # 150 samples: 0.95 less two and a half of their standard errors.
        assert np.mean(held["one"]) > 0.97
        assert np.mean(held["all"]) > 0.95 - 2.5 * np.sqrt(0.95 * 0.05 / 150)


def settings(draws: int = 500) -> pd.DataFrame:
    return pd.DataFrame([{"random_seed": 7, "rank_draws": draws, "ci_level": LEVEL}])


def units(*rows: tuple[str, str, float, float | None]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "weighting_mode": "none",
                "component_text": "index",
                "unit_level_id": "upt",
                "unit_type": kind,
                "domain_id": unit,
                "score": score,
                "se": se,
            }
            for unit, kind, score, se in rows
        ]
    )


def test_a_row_for_each_unit_with_an_error_among_those_of_its_type() -> None:
    # Type a: a1 is 7 errors of the difference above all, a4 as far below; a2 and a3 are equal, and
    # a5 has no error: nobody is certainly above or below it. A quarter of 5, rounded up, is 2.
    # Type b: 0.1 / sqrt(0.0002) = 7 errors apart, and the quarter of 2 is 1. Type c is alone.
    scores = units(
        ("a1", "a", 3.6, 0.02),
        ("a2", "a", 3.4, 0.02),
        ("a3", "a", 3.4, 0.02),
        ("a4", "a", 3.2, 0.02),
        ("a5", "a", 3.0, None),
        ("b1", "b", 3.5, 0.01),
        ("b2", "b", 3.4, 0.01),
        ("c1", "c", 3.4, 0.01),
    )
    found = rank_sets(scores, cycle_id="c", settings=settings()).to_pylist()
    assert {
        row["domain_id"]: (
            row["rank_set_low"],
            row["rank_set_high"],
            row["is_certainly_top"],
            row["is_certainly_bottom"],
        )
        for row in found
    } == {
        "a1": (1, 2, True, False),
        "a2": (2, 4, False, False),
        "a3": (2, 4, False, False),
        "a4": (4, 5, False, True),
        "b1": (1, 1, True, False),
        "b2": (2, 2, False, True),
        "c1": (1, 1, None, None),
    }


def test_without_any_error_there_is_no_set() -> None:
    scores = units(("a1", "a", 3.6, None), ("a2", "a", 3.4, None))
    assert rank_sets(scores, cycle_id="c", settings=settings()).num_rows == 0
    assert rank_sets(scores[:0], cycle_id="c", settings=settings()).num_rows == 0


def test_errors_of_nought_tell_any_difference_and_no_equality() -> None:
    scores = units(("a1", "a", 3.6, 0.0), ("a2", "a", 3.4, 0.0), ("a3", "a", 3.4, 0.0))
    found = rank_sets(scores, cycle_id="c", settings=settings()).to_pylist()
    assert [(row["rank_set_low"], row["rank_set_high"]) for row in found] == [
        (1, 1),
        (2, 3),
        (2, 3),
    ]
