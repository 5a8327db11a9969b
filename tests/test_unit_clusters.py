"""The design effect of respondents' units: person by person, in numpy, on a made-up cycle.

Belongs here: unit_clusters.py on tables. Doesn't: the sample against R (test_reference.py).
"""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from orchestration.scoring.second_moments import second_moments
from orchestration.scoring.unit_clusters import UNIT_TOTALS, unit_design_effects, unit_totals

RNG = np.random.default_rng(7)
# w1 and w2 stand alone in their regions, and so together; p and q are two of one region.
PLACES = {"w1": "r1", "w2": "r2", "p": "r3", "q": "r3"}
UNITS = RNG.choice(list(PLACES), 60)
STRATA = np.where(np.isin(UNITS, ["p", "q"]), 1, np.where(UNITS == "w1", 2, 3))
ITEMS = ("a", "b")
# Three in four rated an item, in steps of one a point; the best of p, the least of q.
RATED = RNG.random((60, 2)) < 0.75
STEPS = np.where(RATED, RNG.integers(1, 5, (60, 2)), 0)
STEPS[(UNITS == "p")[:, None] & RATED] = 4
WEIGHTS = {1: 2.0, 2: 5.0, 3: 3.5}
SIZES = {of: int((of == STRATA).sum()) for of in WEIGHTS}


def tables() -> dict[str, Any]:
    components = pd.DataFrame(
        {
            "component_number": [1, 2, 3],
            "component_type": ["index", "item", "item"],
            "service_id": [None, "s", "s"],
            "item_id": [None, *ITEMS],
        }
    )
    weights = np.array([WEIGHTS[of] for of in STRATA])
    counts = (weights[:, None] * RATED).sum(axis=0)
    means = (weights[:, None] * STEPS).sum(axis=0) / counts
    scores = pd.DataFrame(
        {
            "weighting_mode": "poststrat",
            "domain_number": 1,
            "component_number": [1, 2, 3],
            "score": [means.mean(), *means],
            "weighted_rating_count": [np.nan, *counts],
        }
    )
    strata = pd.DataFrame(
        {
            "weighting_mode": "poststrat",
            "stratum_number": [*WEIGHTS],
            "stratum_respondent_count": [*SIZES.values()],
            "weight": [*WEIGHTS.values()],
            "sampling_fraction": 0.6,
        }
    )
    return {
        "components": components,
        "edges": pd.DataFrame(
            {"storey": 3, "parent_number": 1, "child_number": [2, 3], "weight": 1.0}
        ),
        "scores": scores,
        "strata": strata,
        "units": pd.DataFrame(
            {"unit_id": [*PLACES], "region_id": [*PLACES.values()], "unit_level_id": "upt"}
        ),
    }


def ratings_of(people: np.ndarray) -> pa.Table:
    order = people[np.argsort(STRATA[people], kind="stable")]
    return pa.table(
        {
            "unit_id": UNITS[order],
            "role_id": ["penerima"] * len(order),
            "stratum_number": pa.array(STRATA[order], pa.int32()),
            "rating_1": pa.array(STEPS[order, 0], pa.int16()),
            "rating_2": pa.array(STEPS[order, 1], pa.int16()),
            "steps_per_point": pa.array([1] * len(order), pa.int32()),
        }
    )


SHARED: dict[str, Any] = {
    "cycle_id": "c",
    "settings": pd.DataFrame({"cycle_id": ["c"], "instrument_id": ["i"]}),
    "questions": pd.DataFrame(
        {
            "instrument_id": "i",
            "question_number": [1, 2],
            "item_id": ITEMS,
            "service_id": "s",
            "provider_level_rank": 1,
        }
    ),
    "components": tables()["components"],
    "routes": pd.DataFrame(
        {
            "domain_type": ["national"],
            "domain_number": [1],
            "attribute_name": ["role_id"],
            "attribute_value": ["penerima"],
            "role_id": ["penerima"],
            "is_level_1": [True],
        }
    ),
}


def variance(influences: np.ndarray, strata: np.ndarray) -> float:
    """With replacement, of draws within strata."""
    found = 0.0
    for of in np.unique(strata):
        drawn = influences[strata == of]
        found += len(drawn) / (len(drawn) - 1) * float(((drawn - drawn.mean()) ** 2).sum())
    return found


def test_units_in_place_of_persons_give_the_ratio_of_their_variances() -> None:
    ratings = ratings_of(np.arange(60))
    of = tables()
    found = unit_design_effects(
        unit_totals(ratings, **SHARED), second_moments(ratings, **SHARED), cycle_id="c", **of
    ).to_pandas()
    weights = np.array([WEIGHTS[stratum] for stratum in STRATA])
    means = of["scores"]["score"].to_numpy()[1:]
    counts = of["scores"]["weighted_rating_count"].to_numpy()[1:]
    of_item = weights[:, None] * (STEPS - means * RATED) / counts
    drawn_from = np.array(["joined", "joined", "r3", "r3"])
    assert found["unit_count"].to_list() == [4] * 3
    for number, influences in enumerate((of_item.mean(axis=1), *of_item.T), start=1):
        by_unit = np.array([influences[unit == UNITS].sum() for unit in PLACES])
        expected = variance(by_unit, drawn_from) / variance(influences, STRATA)
        row = found[found["component_number"] == number].iloc[0]
        assert row["unit_design_effect"] == pytest.approx(expected, rel=1e-12)


def test_totals_of_two_parts_of_the_people_add_up_to_those_of_all() -> None:
    def added(*parts: np.ndarray) -> dict[tuple[str, int], int]:
        sums: dict[tuple[str, int], int] = {}
        for people in parts:
            for row in unit_totals(ratings_of(people), **SHARED).to_pylist():
                for number, of in zip(row["total_numbers"], row["sums"], strict=True):
                    key = row["unit_id"], number
                    sums[key] = sums.get(key, 0) + of
        return sums

    assert added(np.arange(60)) == added(np.arange(25), np.arange(25, 60))
    assert unit_totals(ratings_of(np.arange(0)), **SHARED).num_rows == 0


def test_units_alone_in_the_nation_have_no_design_effect() -> None:
    people = np.flatnonzero(UNITS == "p")
    ratings = ratings_of(people)
    of = tables()
    found = unit_design_effects(
        unit_totals(ratings, **SHARED), second_moments(ratings, **SHARED), cycle_id="c", **of
    ).to_pandas()
    assert found.empty


def test_a_unit_that_answers_elsewhere_is_drawn_as_one_that_adds_nothing() -> None:
    ratings = ratings_of(np.arange(60))
    moments, totals = second_moments(ratings, **SHARED), unit_totals(ratings, **SHARED).to_pylist()

    def effects(**of_q: Any) -> pd.DataFrame:
        rows = [row | (of_q if row["unit_id"] == "q" else {}) for row in totals]
        changed = pa.Table.from_pylist(rows, schema=UNIT_TOTALS)
        return unit_design_effects(changed, moments, cycle_id="c", **tables()).to_pandas()

    elsewhere, nothing = effects(domain_number=2), effects(total_numbers=[], sums=[])
    assert len(nothing) == 3
    pd.testing.assert_frame_equal(elsewhere, nothing, rtol=1e-12)
