"""Model-based scores of units: Fay & Herriot's model per unit level and component (method.md 6).

Belongs here: the model, its fit and its errors. Doesn't: ranks, which are of direct scores alone.

A unit's score is what its level, type, island group and last score lead to expect, plus a
difference of its own: y_j = x_j'b + v_j + e_j with v ~ N(0, A) and e ~ N(0, psi_j). Known units get
the empirical best linear unbiased predictor (EBLUP), all others x_j'b, the synthetic part.

Everything is made of shown figures (scores, counts, errors, changes, staff): nothing of a hidden
unit's answers enters, its own row included, and whoever reads the publication can compute it again.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy.optimize import brentq
from scipy.special import ndtri

from orchestration.scoring.score_tree import Bools, Floats

COMPONENTS = ("index", "service", "perspective")
COUNTS = ["effective_respondent_count", "respondent_count"]
KEYS = ["component_type", "service_id", "perspective_id"]
SMALL_AREAS = pa.schema(
    [
        ("cycle_id", pa.string()),
        ("weighting_mode", pa.string()),
        ("domain_type", pa.string()),
        ("domain_id", pa.string()),
        *((name, pa.string()) for name in KEYS),
        ("unit_level_id", pa.string()),
        ("estimate_type", pa.string()),
        *((name, pa.float64()) for name in ("direct_score", "model_score", "model_se")),
        *((name, pa.float64()) for name in ("ci_low", "ci_high", "model_weight")),
        *((name, pa.float64()) for name in ("between_variance", "benchmark_factor")),
        ("modelled_unit_count", pa.int64()),
    ]
)
# Units that a model needs beyond its coefficients, that a type or island group needs to have a
# coefficient, and that a last score needs to be one.
SPARE, LEAST_OF_TYPE, LEAST_OF_ISLANDS, LEAST_WITH_LAST = 5, 3, 5, 8


@dataclass(frozen=True)
class Fit:
    """A fitted model: the variance between units, coefficients and their covariance."""

    between: float
    coefficients: Floats
    covariance: Floats
    between_error: float
    """The asymptotic variance of `between`."""


def small_areas(
    *scores: pd.DataFrame,
    cycle_id: str,
    settings: pd.DataFrame,
    units: pd.DataFrame,
    regions: pd.DataFrame,
    staff: pd.DataFrame,
    changes: pd.DataFrame,
) -> pa.Table:
    """Return SMALL_AREAS: a row per rated unit and component that has a model at its level.

    `scores`: shown_scores of units, of levels and of the nation. `units`: design_units. `staff`:
    ranks_evenness_members of units. `changes`: shown_changes of units. In the cycle's own
    weighting mode.
    """
    of_cycle = settings.iloc[0]
    mode = of_cycle["weighting_mode"]
    z = float(ndtri((1 + float(of_cycle["ci_level"])) / 2))
    own_mode = pd.concat(
        [
            one[
                (one["weighting_mode"] == mode)
                & one["score"].notna()
                & one["component_type"].isin(COMPONENTS)
            ]
            for one in scores
        ]
    )
    last = changes.loc[changes["weighting_mode"] == mode, ["domain_id", *KEYS, "score_previous"]]
    rated = (
        units[units["is_rated"]]
        .rename(columns={"unit_id": "domain_id"})
        .merge(regions[["region_id", "island_group"]], on="region_id", how="left")
        .merge(staff[["domain_id", "staff_count"]], on="domain_id", how="left")
        .sort_values("domain_id")
    )
    rows: list[dict[str, Any]] = []
    for component, of_component in own_mode.groupby(KEYS, dropna=False):
        place = dict(zip(KEYS, component, strict=True))
        direct = of_component[of_component["domain_type"] == "provider_unit"]
        known = direct[["domain_id", "score", "score_step", *COUNTS]]
        before = last[_is_of(last, place)][["domain_id", "score_previous"]]
        for level, of_level in rated.groupby("unit_level_id"):
            whole = _whole(of_component, str(level))
            areas = of_level.merge(known, on="domain_id", how="left").merge(
                before, on="domain_id", how="left"
            )
            found = _level(areas, whole, z) if whole is not None else None
            if found is not None:
                about = {
                    "cycle_id": cycle_id,
                    "weighting_mode": mode,
                    "domain_type": "provider_unit",
                    **{key: None if pd.isna(value) else value for key, value in place.items()},
                    "unit_level_id": level,
                }
                rows += [about | row for row in found]
    if not rows:
        return SMALL_AREAS.empty_table()
    return pa.Table.from_pylist(
        [{name: _null(row[name]) for name in SMALL_AREAS.names} for row in rows],
        schema=SMALL_AREAS,
    )


def fitted(y: Floats, x: Floats, psi: Floats) -> Fit:
    """Fit by restricted maximum likelihood; `psi`: sampling variances."""

    def score(between: float) -> float:
        weights, projected, inverse = _projected(y, x, psi, between)
        trace = weights.sum() - np.einsum("ij,ij->", x.T @ (x * weights[:, None] ** 2), inverse)
        return float(projected @ projected - trace)

    between = 0.0
    if score(0.0) > 0:
        high = float(psi.max() + y.var())
        while score(high) > 0:
            high *= 2
        between = float(brentq(score, 0.0, high, xtol=1e-15, rtol=1e-14))
    weights, _, inverse = _projected(y, x, psi, between)
    return Fit(between, inverse @ x.T @ (weights * y), inverse, float(2 / np.sum(weights**2)))


def predicted(fit: Fit, y: Floats, x: Floats, psi: Floats) -> tuple[Floats, Floats, Floats]:
    """Return EBLUPs, their mean squared errors (Prasad & Rao 1990) and own weights."""
    total = fit.between + psi
    own = fit.between / total
    expected = x @ fit.coefficients
    of_coefficients = np.einsum("ij,jk,ik->i", x, fit.covariance, x)
    mse = (
        own * psi
        + (1 - own) ** 2 * of_coefficients
        + 2 * (1 - own) ** 2 * fit.between_error / total
    )
    return expected + own * (y - expected), mse, own


def _projected(y: Floats, x: Floats, psi: Floats, between: float) -> tuple[Floats, Floats, Floats]:
    """Return the weights 1 / (A + psi), P y and the covariance of coefficients."""
    weights = 1 / (between + psi)
    inverse = np.linalg.inv(x.T @ (x * weights[:, np.newaxis]))
    coefficients = inverse @ x.T @ (weights * y)
    return weights, weights * (y - x @ coefficients), np.asarray(inverse, dtype=np.float64)


def _level(
    areas: pd.DataFrame, whole: Mapping[str, float | None], z: float
) -> list[dict[str, Any]] | None:
    """Return the rows of a level's units; None where too few are known for a model."""
    known = areas["score"].notna().to_numpy()
    x = covariates(areas, known)
    if x is None:
        return None
    effective, count = (areas[name] for name in COUNTS)
    counts = effective.where(effective > 0, count)
    # Rounding is an error too, of a step's width and evenly spread.
    rounding = areas["score_step"].fillna(0.0).to_numpy(float) ** 2 / 12
    psi = (float(whole["variance"] or 0) / counts.to_numpy(float) + rounding)[known]
    y = areas["score"].to_numpy(float)[known]
    fit = fitted(y, x[known], psi)
    score = x @ fit.coefficients
    mse = fit.between + np.einsum("ij,jk,ik->i", x, fit.covariance, x)
    own = np.zeros(len(areas))
    score[known], mse[known], own[known] = predicted(fit, y, x[known], psi)
    staff = areas["staff_count"].fillna(0).to_numpy(float)
    factor = None
    if staff.sum() > 0 and whole["score"] is not None:
        factor = float(whole["score"] / (staff @ score / staff.sum()))
    score = np.clip(score * (factor or 1.0), 1.0, 4.0)
    se = np.sqrt(mse)
    return [
        {
            "domain_id": unit,
            "estimate_type": "eblup" if is_known else "synthetic",
            "direct_score": direct,
            "model_score": score[place],
            "model_se": se[place],
            "ci_low": max(1.0, score[place] - z * se[place]),
            "ci_high": min(4.0, score[place] + z * se[place]),
            "model_weight": own[place],
            "between_variance": fit.between,
            "benchmark_factor": factor,
            "modelled_unit_count": int(known.sum()),
        }
        for place, (unit, direct, is_known) in enumerate(
            zip(areas["domain_id"], areas["score"], known, strict=True)
        )
    ]


def covariates(areas: pd.DataFrame, known: Bools) -> Floats | None:
    """Return units x covariates, an intercept first; None where too few units are known for one.

    One after the other as long as units suffice: types, the score of the last cycle (for who has
    none, the mean of the others), island groups. Of the largest group speaks the intercept.
    """
    count = int(known.sum())
    if count < 1 + SPARE:
        return None
    chosen = np.ones((len(areas), 1))
    for column in _candidates(areas, known):
        wider = np.column_stack([chosen, column])
        squares = wider[known].T @ wider[known]  # small: a tenth of the time
        full = np.linalg.matrix_rank(squares, hermitian=True) == wider.shape[1]
        if full and count >= wider.shape[1] + SPARE:
            chosen = wider
    return chosen


def _candidates(areas: pd.DataFrame, known: Bools) -> Iterator[Floats]:
    yield from _groups(areas["unit_type"], known, LEAST_OF_TYPE)
    last = areas["score_previous"]
    if last[known].notna().sum() >= LEAST_WITH_LAST:
        yield (last - last[known].mean()).fillna(0.0).to_numpy(np.float64)
    yield from _groups(areas["island_group"], known, LEAST_OF_ISLANDS)


def _groups(names: "pd.Series[str]", known: Bools, least: int) -> Iterator[Floats]:
    counts = sorted(names[known].value_counts().items(), key=lambda each: (-each[1], each[0]))
    for name, count in counts[1:]:
        if count >= least:
            yield np.asarray((names == name).fillna(False), dtype=np.float64)


def _whole(of_component: pd.DataFrame, level: str) -> dict[str, float | None] | None:
    """Return the level's shown score and the variance of one respondent's, pooled over its units.

    The level's error, squared, times its effective respondents: published without rounding, which
    errors of units are not. The nation's, where the level's is not shown; None without either.
    """
    found: dict[str, float | None] = {"score": None}
    for kind, domain in (("national", "national"), ("provider_level", level)):
        rows = of_component[
            (of_component["domain_type"] == kind) & (of_component["domain_id"] == domain)
        ]
        for row in rows.to_dict("records"):
            if row["se"] > 0 and row["effective_respondent_count"] > 0:
                found["variance"] = row["se"] ** 2 * row["effective_respondent_count"]
            if kind == "provider_level":
                found["score"] = row["score"]
    return found if "variance" in found else None


def _is_of(rows: pd.DataFrame, place: Mapping[str, object]) -> "pd.Series[bool]":
    """Return which rows are of a component, whose keys may be NULL."""
    same = pd.Series(True, index=rows.index)
    for key, value in place.items():
        same &= rows[key].isna() if pd.isna(value) else rows[key] == value  # type: ignore[call-overload]
    return same


def _null(value: object) -> object:
    return None if value is None or value != value else value
