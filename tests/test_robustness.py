"""Draws over weights, mean and weighting mode: scores by hand, and the sample's units.

Belongs here: orchestration/scoring/robustness.py and what the sample makes of it. Doesn't: ranks
and probabilities out of given draws (the unit test of idx_robustness).
"""

import duckdb
import numpy as np
import pytest

from orchestration.scoring.robustness import agree_with_shown, drawn_scores
from orchestration.scoring.score_tree import parents_of
from tests.conftest import Sample

# The index (4) of one service (3) of one perspective (2) with two items (0 and 1, from 0).
PARENTS = parents_of([(1, 3, 1, 1.0), (1, 3, 2, 3.0), (2, 4, 3, 1.0), (3, 5, 4, 1.0)])
NAMES = ["item a", "item b", "perspective p", "service s", ""]


def values(*units: tuple[float, float]) -> np.ndarray:
    """Two items' scores of each unit, in an array components x units."""
    found = np.full((5, len(units)), np.nan)
    found[:2] = np.array(units).T
    return found


def draw(item_scores: dict[str, np.ndarray], *, noise: float, draws: int = 400) -> np.ndarray:
    return drawn_scores(
        item_scores,
        PARENTS,
        NAMES,
        draws=draws,
        noise=noise,
        seed=7,
        min_weight_share=2 / 3,
    )


def test_without_noise_a_draw_is_one_of_the_two_means_in_one_of_the_modes():
    # Weights 1 and 3. Of 1 and 4: arithmetic 13/4 = 3.25, geometric 4^(3/4) = 2.828427. In the
    # other mode, of 4 and 1: 7/4 = 1.75 and 4^(1/4) = 1.414214.
    scores = draw({"none": values((1, 4)), "poststrat": values((4, 1))}, noise=0)
    means = [1.75, 4**0.25, 3.25, 4**0.75]
    found, counts = np.unique(np.round(scores, 9), return_counts=True)
    assert found == pytest.approx(sorted(means), abs=1e-9)
    assert (counts > 60).all()


def test_noise_moves_each_weight_within_its_bounds():
    # A quarter up and down: the first item's share of the weight lies between 0.75 / (0.75 + 3.75)
    # = 1/6 and 1.25 / (1.25 + 2.25) = 5/14; of 1 and 4 the arithmetic mean is 4 - 3 x share, the
    # geometric one 4^(1 - share).
    scores = draw({"none": values((1, 4))}, noise=0.25)[:, 0]
    assert scores.max() <= 4 - 3 / 6
    assert scores.min() >= np.exp(np.log(4) * (1 - 5 / 14))
    # Both ways: with factors from 1 on the share would be at least 1 / (1 + 4.5) = 2/11.
    assert scores.max() > 4 - 3 * 2 / 11
    assert len(np.unique(scores)) > 300


def test_who_has_a_score_does_not_depend_on_the_draw():
    # The second item carries 3 of 4 of the weight, the first 1 of 4: alone it is too little.
    scores = draw({"none": values((np.nan, 3), (3, np.nan))}, noise=0.25)
    assert scores[:, 0] == pytest.approx(3)
    assert np.isnan(scores[:, 1]).all()


def test_the_same_seed_draws_the_same_scores():
    units = {"none": values((1, 4), (2, 3))}
    assert (draw(units, noise=0.25) == draw(units, noise=0.25)).all()


def test_a_unit_that_leads_in_every_item_leads_in_every_draw():
    scores = draw({"none": values((3.9, 3.8), (2.0, 3.7))}, noise=0.25)
    assert (scores[:, 0] > scores[:, 1]).all()


def test_a_hidden_item_takes_what_its_shown_parent_leaves_for_it():
    # Weights 1 and 3, the perspective 3.0, the first item 2.4: (4 x 3.0 - 2.4) / 3 = 3.2. Of the
    # second unit all is hidden but the index, 2.5; of the third an item was never rated.
    nan = np.nan
    scores = np.array(
        [[2.4, nan, nan], [nan, nan, nan], [3.0, nan, 3.5], [3.0, nan, 3.5], [3.0, 2.5, 3.5]]
    )
    hidden = np.isnan(scores)
    hidden[0, 2] = False
    agree_with_shown(scores, hidden, PARENTS)
    expected = np.array([[2.4, 2.5, nan], [3.2, 2.5, 3.5]])
    assert scores[:2] == pytest.approx(expected, nan_ok=True, abs=1e-12)


def test_what_rounding_leaves_moves_all_children_alike():
    # Rounded scores can leave more than 4: 4 x 3.98 - 1 x 3.5 = 12.42, over 3 is 4.14. With 4 the
    # mean is (3.5 + 3 x 4) / 4 = 3.875, 0.105 short.
    scores = np.array([[3.5], [np.nan], [3.98], [3.98], [3.98]])
    agree_with_shown(scores, np.isnan(scores), PARENTS)
    assert scores[:2, 0] == pytest.approx([3.605, 4.105], abs=1e-12)


@pytest.fixture(scope="module")
def warehouse(sample: Sample) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(str(sample.settings.warehouse), read_only=True)


def test_every_shown_unit_with_an_index_has_its_ranks_and_no_other(warehouse):
    [(missing, beyond)] = warehouse.execute(
        """
        select
            count(*) filter (where robustness.domain_id is null),
            count(*) filter (where shown.domain_id is null)
        from (
            select distinct cycle_id, domain_id from figures.shown_unit_scores
            where component_type = 'index'
        ) as shown
        full join (select distinct cycle_id, domain_id from indexes.idx_robustness) as robustness
            using (cycle_id, domain_id)
        """
    ).fetchall()
    assert (missing, beyond) == (0, 0)


def test_the_nominal_rank_lies_within_the_ranks_that_are_drawn(warehouse):
    # Half of the draws take the nominal mean and move the weights alone. Units of equal shown
    # scores share the first of their ranks; draws tell them apart. The median may lie elsewhere.
    outside = warehouse.execute(
        """
        with units as (
            select distinct
                cycle_id, unit_level_id, domain_id,
                nominal_rank, rank_p05, rank_p50, rank_p95, unit_count,
            from indexes.idx_robustness
        ),
        ranked as (
            select
                *,
                nominal_rank - 1
                    + count(*) over (partition by cycle_id, unit_level_id, nominal_rank)
                    as last_nominal_rank,
            from units
        )
        select cycle_id, domain_id from ranked
        where nominal_rank > rank_p95 or last_nominal_rank < rank_p05 or rank_p50 > unit_count
        """
    ).fetchall()
    assert outside == []
