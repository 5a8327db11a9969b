"""Model-based scores of units: against R's sae, a likelihood apart, and from what is published.

Belongs here: orchestration/scoring/small_areas.py and that it tells nothing but shown figures.
Doesn't: what shown figures are (tests/publishing).

tests/reference/milk_fay_herriot.csv: expenditure on milk in 43 areas (Arora & Lahiri 1997,
Statistica Sinica 7, 1053-1063) with what the REML part of mseFH and eblupFH of R's sae gives for
`direct_est ~ factor(major_area)`, `std_error^2`, at a precision of 1e-13. sae is not in Debian.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy.optimize import minimize_scalar

from orchestration.scoring.score_tree import Floats
from orchestration.scoring.small_areas import (
    KEYS,
    covariates,
    fitted,
    predicted,
    small_areas,
)
from tests.conftest import SAMPLE_CYCLES, Sample

MILK = Path(__file__).parent / "reference" / "milk_fay_herriot.csv"


def test_predictions_and_their_errors_are_those_of_sae() -> None:
    milk = pd.read_csv(MILK)
    areas = milk["major_area"].to_numpy()
    x = np.column_stack(
        [np.ones(len(milk)), *((areas == area).astype(float) for area in (2, 3, 4))]
    )
    y, psi = milk["direct_est"].to_numpy(), milk["std_error"].to_numpy() ** 2
    fit = fitted(y, x, psi)
    score, mse, _ = predicted(fit, y, x, psi)
    assert fit.between == pytest.approx(0.0185503347628, abs=1e-12)
    assert fit.coefficients == pytest.approx(
        [0.968188987, 0.1327803055, 0.2269462245, -0.2413010399], abs=1e-9
    )
    assert np.abs(score - milk["eblup"]).max() < 1e-12
    assert np.abs(mse / milk["mse"] - 1).max() < 1e-12


def test_the_variance_between_units_maximises_the_restricted_likelihood() -> None:
    random = np.random.default_rng(4)
    for true_spread in (0.0, 0.1, 0.3):
        x = np.column_stack([np.ones(30), random.standard_normal(30)])
        psi = random.uniform(0.005, 0.05, 30)
        y = x @ [3.3, 0.1] + true_spread * random.standard_normal(30)
        y = y + np.sqrt(psi) * random.standard_normal(30)

        def minus_log(between: float, y: Floats = y, x: Floats = x, psi: Floats = psi) -> float:
            total = np.diag(between + psi)
            inverse = np.linalg.inv(total)
            information = x.T @ inverse @ x
            left = y - x @ np.linalg.solve(information, x.T @ inverse @ y)
            logs = np.linalg.slogdet(total)[1] + np.linalg.slogdet(information)[1]
            return float(logs + left @ inverse @ left)

        best = minimize_scalar(minus_log, bounds=(0, 1), method="bounded", options={"xatol": 1e-10})
        assert fitted(y, x, psi).between == pytest.approx(best.x, abs=1e-6)


def test_intervals_hold_the_truth_of_units_as_the_model_has_them() -> None:
    random, held, off = np.random.default_rng(9), [], []
    for _ in range(150):
        x = np.column_stack([np.ones(30), random.integers(0, 2, 30)])
        psi = random.uniform(0.005, 0.05, 30)
        truth = x @ [3.3, 0.1] + 0.15 * random.standard_normal(30)
        y = truth + np.sqrt(psi) * random.standard_normal(30)
        score, mse, _ = predicted(fitted(y, x, psi), y, x, psi)
        held.append(np.abs(score - truth) < 1.96 * np.sqrt(mse))
        off.append([np.mean((score - truth) ** 2), np.mean(mse)])
    assert 0.92 < np.mean(held) < 0.97
    true_error, said = np.mean(off, axis=0)
    assert said == pytest.approx(true_error, rel=0.1)


def inputs(scores: Mapping[str, float | None], **columns: object) -> dict[str, pd.DataFrame]:
    """Return what small_areas reads: units of a level with scores, and the level's own."""
    whole: dict[str, Any] = {
        "weighting_mode": "poststrat",
        "component_type": "index",
        "service_id": None,
        "perspective_id": None,
        "respondent_count": 400.0,
        "effective_respondent_count": 400.0,
        "score_step": None,
    }
    place = {"domain_type": "provider_level", "domain_id": "upt"}
    rows = [whole | place | {"score": 3.4, "se": 0.025}]
    for unit, score in scores.items():
        place = {"domain_type": "provider_unit", "domain_id": unit}
        told = {"effective_respondent_count": 20.0, "respondent_count": 25.0, "score_step": 0.01}
        rows.append(whole | place | {"score": score, "se": None} | told | columns)
    return {
        "scores": pd.DataFrame(rows).astype({"se": float, "score": float, "score_step": float}),
        "settings": pd.DataFrame([{"weighting_mode": "poststrat", "ci_level": 0.95}]),
        "units": pd.DataFrame(
            [
                {
                    "unit_id": unit,
                    "unit_level_id": "upt",
                    "unit_type": "t",
                    "region_id": "r",
                    "is_rated": True,
                }
                for unit in scores
            ]
        ),
        "regions": pd.DataFrame([{"region_id": "r", "island_group": "i"}]),
        "staff": pd.DataFrame([{"domain_id": unit, "staff_count": 50.0} for unit in scores]),
        "changes": pd.DataFrame(columns=["weighting_mode", "domain_id", *KEYS, "score_previous"]),
    }


SCORES: dict[str, float | None] = {
    "a": 3.1,
    "b": 3.2,
    "c": 3.3,
    "d": 3.5,
    "e": 3.6,
    "f": 3.7,
    "hidden": None,
}


def of_units(given: dict[str, pd.DataFrame]) -> dict[str, dict[str, Any]]:
    found = computed(given).to_pylist()
    return {row["domain_id"]: row for row in found}


def computed(given: Mapping[str, pd.DataFrame]) -> pa.Table:
    others = {name: table for name, table in given.items() if name != "scores"}
    return small_areas(given["scores"], **others, cycle_id="c")


def test_a_shown_score_moves_towards_the_model_and_a_hidden_one_is_the_models() -> None:
    found = of_units(inputs(SCORES))
    # S^2 = 0.025^2 x 400 = 0.25, psi = 0.25 / 20 + 0.01^2 / 12; equal psi: the mean is 3.4, and
    # A + psi = sum (y - 3.4)^2 / 5 = 0.28 / 5 = 0.056.
    psi = 0.0125 + 0.0001 / 12
    own = 1 - psi / 0.056
    assert found["a"]["model_weight"] == pytest.approx(own)
    assert found["a"]["model_score"] == pytest.approx(3.4 - 0.3 * own)
    assert found["a"]["direct_score"] == 3.1
    error = psi * own + (1 - own) ** 2 * 0.056 / 6 + 2 * (1 - own) ** 2 * 2 * 0.056 / 6
    assert found["a"]["model_se"] == pytest.approx(np.sqrt(error))
    assert found["a"]["ci_low"] == pytest.approx(3.4 - 0.3 * own - 1.959963985 * np.sqrt(error))
    hidden = found["hidden"]
    assert (hidden["estimate_type"], hidden["model_weight"]) == ("synthetic", 0)
    assert hidden["model_score"] == pytest.approx(3.4)
    assert hidden["model_se"] == pytest.approx(np.sqrt(0.056 - psi + 0.056 / 6))
    assert hidden["direct_score"] is None
    assert {row["estimate_type"] for unit, row in found.items() if unit != "hidden"} == {"eblup"}


def test_model_scores_agree_with_the_level_in_the_mean_by_staff() -> None:
    given = inputs(SCORES)
    given["staff"]["staff_count"] = [10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0]
    found = of_units(given)
    scores = [row["model_score"] for _, row in sorted(found.items())]
    assert np.average(scores, weights=[10, 20, 30, 40, 50, 60, 70]) == pytest.approx(3.4)
    factor = found["a"]["benchmark_factor"]
    assert found["hidden"]["model_score"] == pytest.approx(3.4 * factor)
    given["staff"]["staff_count"] = 0.0
    assert of_units(given)["a"]["benchmark_factor"] is None


def test_nothing_of_a_hidden_units_answers_is_in_any_row() -> None:
    given = inputs(SCORES)
    told = computed(given)
    is_hidden = given["scores"]["domain_id"] == "hidden"
    for column, value in (
        ("effective_respondent_count", 3.0),
        ("respondent_count", 9.0),
        ("se", 0.9),
    ):
        given["scores"].loc[is_hidden, column] = value
    assert computed(given) == told
    assert computed(given | {"scores": given["scores"][~is_hidden]}) == told


def test_without_units_enough_there_is_no_model() -> None:
    few = {unit: score if unit != "f" else None for unit, score in SCORES.items()}
    assert of_units(inputs(few)) == {}


def areas(**columns: list[Any]) -> pd.DataFrame:
    count = len(next(iter(columns.values())))
    blank: dict[str, list[Any]] = {"unit_type": ["t"] * count, "island_group": ["i"] * count}
    return pd.DataFrame(blank | {"score_previous": [np.nan] * count} | columns)


def test_covariates_need_units_enough_and_the_largest_group_is_the_intercept() -> None:
    known = np.ones(12, dtype=bool)
    types = ["a"] * 7 + ["b"] * 3 + ["c"] * 2
    found = covariates(areas(unit_type=types), known)
    assert found is not None
    assert found.T.tolist() == [[1.0] * 12, [0.0] * 7 + [1.0] * 3 + [0.0] * 2]
    # A last score of 8 units, around their mean; of the others it is the mean.
    last = [3.0, 3.2] * 4 + [np.nan] * 4
    found = covariates(areas(score_previous=last), known)
    assert found is not None
    assert found[:, 1] == pytest.approx([-0.1, 0.1] * 4 + [0.0] * 4)
    # What tells no more than a type does, and what leaves fewer than 5 units over, is left out.
    both = areas(unit_type=["a"] * 7 + ["b"] * 5, island_group=["i"] * 7 + ["j"] * 5)
    assert covariates(both, known).shape == (12, 2)  # type: ignore[union-attr]
    assert covariates(areas(unit_type=types[4:10]), np.ones(6, dtype=bool)).shape == (6, 1)  # type: ignore[union-attr]


def test_whoever_reads_the_publication_can_compute_it_again(sample: Sample) -> None:
    """No figure inside is in it: hidden units' rows tell nothing that shown figures do not."""
    cycle_id = SAMPLE_CYCLES[-1]
    with duckdb.connect(str(sample.database), read_only=True) as connection:

        def rows(text: str) -> pd.DataFrame:
            return connection.execute(text, [cycle_id]).df()

        published = rows("from idx_small_areas where cycle_id = ? order by all")
        given = {
            "scores": rows(
                "from idx_scores where cycle_id = ? "
                "and domain_type in ('provider_unit', 'provider_level', 'national')"
            ),
            "changes": rows(
                "from idx_changes where cycle_id = ? and domain_type = 'provider_unit'"
            ),
            "units": rows(
                "select unit_id, unit_level_id, unit_type, region_id, unit_level_id in "
                "(select unit_level_id from idx_small_areas) as is_rated "
                "from dim_cycle_units where cycle_id = ?"
            ),
            "settings": rows("select weighting_mode, ci_level from dim_cycles where cycle_id = ?"),
        }
    with duckdb.connect(str(sample.settings.warehouse), read_only=True) as connection:
        # Of the staff frame and a seed: neither has anything of answers.
        regions = connection.execute("from seeds.regions").df()
        staff = connection.execute(
            "from figures.ranks_evenness_members where between = 'units' and cycle_id = ?",
            [cycle_id],
        ).df()
    scores = given.pop("scores")
    again = small_areas(
        scores, **given, regions=regions, staff=staff, cycle_id=cycle_id
    ).to_pandas()
    keys = ["domain_id", *KEYS]
    joined = published.merge(again, on=keys, suffixes=("", "_again"))
    assert len(joined) == len(published) == len(again) > 100
    assert (joined["estimate_type"] == joined["estimate_type_again"]).all()
    for name in ("model_score", "model_se", "model_weight"):
        assert joined[name].to_numpy() == pytest.approx(
            joined[f"{name}_again"].to_numpy(), abs=1e-9
        )
    assert (published["estimate_type"] == "synthetic").any()
