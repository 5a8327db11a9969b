"""Wilson's interval as the macros write it (dbt_project/macros/intervals.sql).

Belongs here: its formula over plain numbers. Doesn't: that a cycle's intervals are these
(test_formulas.py), how often they hold (benchmarks/coverage.py).
"""

from collections.abc import Sequence
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from jinja2 import Environment
from scipy import stats

from orchestration.settings import REPOSITORY


@pytest.fixture(scope="module")
def macros() -> Any:
    path = REPOSITORY / "dbt_project" / "macros" / "intervals.sql"
    return Environment().from_string(path.read_text(encoding="utf-8")).module


def ends(macros: Any, people: pd.DataFrame, arguments: Sequence[str]) -> np.ndarray:
    """The size and both ends of `people`'s intervals, whose size is told by the `arguments`."""
    size = macros.wilson_size(*arguments)
    lowest, highest, *_ = arguments
    query = (
        f"with sized as (select *, {size} as size from people) select size, "
        f"{macros.wilson_end(f'({lowest})', 'size', 't', '-')}, "
        f"{macros.wilson_end(f'({highest})', 'size', 't', '+')} from sized"
    )
    return np.array(duckdb.sql(query).fetchall())


EXACT = ("score", "score", "se", "n", "n")


@pytest.mark.parametrize(("best", "n"), [(9, 10), (13, 25), (199, 200)])
def test_of_answers_1_and_4_alone_it_is_the_known_one_of_a_share(macros, best, n):
    """scipy's interval of best of n, where the error is that of a share."""
    p = best / n
    people = pd.DataFrame(
        {"score": [1 + 3 * p], "se": [3 * np.sqrt(p * (1 - p) / n)], "n": [n], "t": [1.959964]}
    )
    [[size, low, high]] = ends(macros, people, EXACT)
    assert size == pytest.approx(n)
    known = stats.binomtest(best, n).proportion_ci(0.95, "wilson")
    assert (low, high) == pytest.approx((1 + 3 * known.low, 1 + 3 * known.high), abs=1e-6)


def test_where_all_say_the_same_it_is_as_if_one_of_them_differed_by_half_a_point(macros):
    people = pd.DataFrame(
        {"score": [4.0, 1.0, 3.0], "se": [0.0, 0.0, 0.0], "n": [10.0] * 3, "t": [2.262] * 3}
    )
    # p (1 - p) of 59/60 over (1/60)^2: 59; of the middle 2/3 1/3 over (1/60)^2: 800.
    size, low, high = ends(macros, people, EXACT).T
    assert size == pytest.approx([59, 59, 800])
    assert (low[0], high[1]) == (
        pytest.approx(1 + 3 * 59 / (59 + 2.262**2)),
        pytest.approx(4 - 3 * 59 / (59 + 2.262**2)),
    )
    assert (high[0], low[1]) == (4, 1)
    assert low[2] < 2.9 < 3.1 < high[2]


def test_answers_of_1_and_4_alone_are_what_varies_most(macros):
    """An error beyond theirs makes no smaller size than the number of persons."""
    people = pd.DataFrame(
        {"score": [2.5], "se": [3 * np.sqrt(0.25 / 20) * 1.5], "n": [20.0], "t": [2]}
    )
    [[size, *_]] = ends(macros, people, EXACT)
    assert size == 20


def test_a_rounded_scores_interval_holds_the_exact_ones(macros):
    """Whatever the exact score, error and count were."""
    chance = np.random.default_rng(1)
    count = 20_000
    n = chance.uniform(2, 80, count)
    score = np.clip(4 - chance.exponential(0.5, count), 1, 4)
    most = 3 * np.sqrt((score - 1) / 3 * (4 - score) / 3 / n)
    people = pd.DataFrame(
        {
            "score": score,
            "se": most * chance.uniform(0, 1.1, count),
            "n": n,
            "t": stats.t.ppf(0.975, np.maximum(np.floor(n) - 4, 1)),
            "step": chance.choice([0.01, 0.02, 0.05, 0.1, 0.2], count),
        }
    )
    exact = ends(macros, people, EXACT)
    step = people["step"]
    people["score"] = np.floor(score / step + 0.5) * step
    people["se"] = np.maximum(np.floor(people["se"] / (step / 2) + 0.5) * step / 2, 2 * step)
    people["n"] = 5 * np.round(n / 5)
    shown = ends(
        macros,
        people,
        (
            *("score - step / 2", "score + step / 2", "se + step / 4"),
            *("greatest(n - 2.5, 1)", "n + 2.5"),
        ),
    )
    assert (shown[:, 0] <= exact[:, 0] + 1e-9).all()
    assert (shown[:, 1] <= exact[:, 1] + 1e-9).all()
    assert (shown[:, 2] >= exact[:, 2] - 1e-9).all()
    assert (exact[:, 1] < exact[:, 2]).all()
