"""How far measures of evenness are noise: errors, intervals, what is left, changes (method.md 7).

Belongs here: what sampling errors of the compared domains do to each measure, by the delta method
and by draws. Doesn't: the measures of a cycle themselves, which are SQL's (models/figures/ranks/
ranks_evenness.sql; a test keeps both the same), and the adjustment of p-values.

Everything is made of shown scores and shown errors. The errors of domains are taken as independent
(method.md 7 says how much that leaves out).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy.special import ndtr, ndtri

from orchestration.scoring.score_tree import Bools, Floats

MEASURES = (
    *("mean", "range", "min_max_ratio", "cv", "williamson", "gini"),
    *("theil", "theil_between", "theil_within", "tau", "share_below_b"),
)
# What corrected values and intervals are cut at.
LEAST = {"mean": 1.0, "min_max_ratio": 0.25} | {
    name: 0.0 for name in MEASURES if name not in ("mean", "min_max_ratio")
}
SPREADS = ("range", "min_max_ratio", "cv", "williamson", "gini", "tau")
MOST = {"mean": 4.0, "range": 3.0, "min_max_ratio": 1.0, "tau": 3.0, "share_below_b": 1.0}
EVENNESS_ERRORS = pa.schema(
    [
        ("cycle_id", pa.string()),
        ("weighting_mode", pa.string()),
        ("between", pa.string()),
        ("measure", pa.string()),
        *((name, pa.float64()) for name in ("se", "ci_low", "ci_high", "value_corrected")),
        *((name, pa.float64()) for name in ("value_previous", "value", "delta", "delta_se")),
        ("p_value", pa.float64()),
        ("compared_count", pa.int64()),
    ]
)
# Domains whose staff no frame tells have the share of their respondents' weights: other tables tell
# it no more exactly, and here it needs to be no more exact.
SHARE_DECIMALS = 2
OF_THE_FRAME = ("provider_region", "provider_unit")


@dataclass(frozen=True)
class Compared:
    """The domains of a comparison: shares of staff (None without any), groups, the border of B."""

    share: Floats | None
    groups: Bools | None
    """Groups x domains: whose group each is; None where there are no groups."""
    border: float | None
    """The least score_100 of band B; None where the scheme has none."""
    has_same_persons: bool = False
    """Whether the same persons rate a domain of each group, as they do units of all levels."""

    def error_of(self, measure: str, gradient: Floats, se: Floats) -> float:
        """Return the error of a measure from those of domains, which are independent.

        A person's luck with units of all levels adds up in their mean, and not in spreads.
        """
        parts = (gradient * se) ** 2
        if measure == "mean" and self.has_same_persons and self.groups is not None:
            return float(np.sqrt(self.groups @ parts).sum())
        return float(np.sqrt(parts.sum()))


@dataclass(frozen=True)
class Noise:
    """What errors make of measures: by measure."""

    value: dict[str, float]
    corrected: dict[str, float]
    se: dict[str, float]
    gradient: dict[str, Floats]
    square: dict[str, float]
    """Of measures of spread: the corrected value, or the gap that a ratio leaves, squared."""


def evenness_errors(
    scores: pd.DataFrame,
    *,
    cycle_id: str,
    settings: pd.DataFrame,
    members: pd.DataFrame,
    changes: pd.DataFrame,
    previous: pd.DataFrame,
    bands: pd.DataFrame,
) -> pa.Table:
    """Return EVENNESS_ERRORS: a row per weighting mode, comparison and measure of a cycle.

    `scores`, `previous`: shown_scores of the index in this cycle and the one before. `members`:
    ranks_evenness_members. `changes`: shown_changes of the index. `bands`: band_schemes.
    """
    of_cycle = settings.iloc[0]
    scheme = bands[bands["band_scheme_id"] == of_cycle["band_scheme_id"]]
    border = scheme.loc[scheme["band"] == "B", "lower_100"]
    draws = Draws(int(of_cycle["random_seed"]), int(of_cycle["rank_draws"]))
    z = float(ndtri((1 + float(of_cycle["ci_level"])) / 2))
    keys = ["weighting_mode", "domain_type", "domain_id"]
    told = scores.loc[scores["score"].notna(), [*keys, "score", "se"]]
    shown = changes.loc[
        changes["is_shown"] & changes["delta"].notna(), [*keys, "score_previous", "score", "se"]
    ].rename(columns={"score": "score_now", "se": "change_se"})
    before = previous[[*keys, "se"]].rename(columns={"se": "se_previous"})
    joined = (
        members.merge(told, on=["domain_type", "domain_id"])
        .merge(shown, on=keys, how="left")
        .merge(before, on=keys, how="left")
        .sort_values(["weighting_mode", "between", "domain_id"])
    )
    rows: list[Mapping[str, Any]] = []
    for (mode, between), domains in joined.groupby(["weighting_mode", "between"]):
        place = {"cycle_id": cycle_id, "weighting_mode": mode, "between": between}
        compared = _compared(domains, border)
        noise = noise_of(domains["score"].to_numpy(float), _errors(domains["se"]), compared, draws)
        both = domains[domains["score_previous"].notna()]
        change = {} if both.empty else _changes(both, _compared(both, border), draws)
        rows += [
            place | _error(noise, measure, z) | change.get(measure, {})
            for measure in MEASURES
            if measure in noise.value or measure in change
        ]
    if not rows:
        return EVENNESS_ERRORS.empty_table()
    return pa.Table.from_pylist(
        [{name: _null(row.get(name)) for name in EVENNESS_ERRORS.names} for row in rows],
        schema=EVENNESS_ERRORS,
    )


def _error(noise: Noise, measure: str, z: float) -> dict[str, Any]:
    se, value = noise.se.get(measure), noise.corrected.get(measure)
    found: dict[str, Any] = {"measure": measure, "se": se, "value_corrected": value}
    # No draw that differs is no proof that none could.
    if se is not None and value is not None and se > 0:
        low, high = interval_of(measure, value, noise.value[measure], z * se)
        found |= {"ci_low": low, "ci_high": high}
    return found


def interval_of(measure: str, corrected: float, value: float, far: float) -> tuple[float, float]:
    """Return the interval around a corrected value, `far`: so many errors.

    A spread is never negative, and near 0 its noise is not normal: that of its square is,
    whose error is 2 x value x se.
    """
    least, most = LEAST[measure], MOST.get(measure, np.inf)
    if measure in SPREADS:
        gap, raw = _gap(measure, corrected), _gap(measure, value)
        ends = np.sqrt(np.maximum(0.0, gap**2 + np.array([-2, 2]) * raw * far))
        low, high = 1 - ends[::-1] if measure == "min_max_ratio" else ends
    else:
        low, high = corrected - far, corrected + far
    return max(least, float(low)), min(most, float(high))


def _changes(both: pd.DataFrame, compared: Compared, draws: "Draws") -> dict[str, dict[str, Any]]:
    """Return by measure its change over the domains that are shown in both cycles."""
    current = noise_of(both["score_now"].to_numpy(float), _errors(both["se"]), compared, draws)
    past = noise_of(
        both["score_previous"].to_numpy(float), _errors(both["se_previous"]), compared, draws
    )
    errors = _errors(both["change_se"])
    found: dict[str, dict[str, Any]] = {}
    for measure in current.corrected.keys() & past.corrected.keys():
        value, before = current.corrected[measure], past.corrected[measure]
        se, _ = _error_of_change(measure, current, past, errors, compared, as_square=False)
        tested = measure in SPREADS
        width, moved = _error_of_change(measure, current, past, errors, compared, as_square=tested)
        found[measure] = {
            "measure": measure,
            "value_previous": before,
            "value": value,
            "delta": value - before,
            "delta_se": se,
            "p_value": float(2 * ndtr(-abs(moved) / width)) if width > 0 else None,
            "compared_count": len(both),
        }
    return found


def _error_of_change(
    measure: str,
    current: Noise,
    past: Noise,
    errors: Floats | None,
    compared: Compared,
    *,
    as_square: bool,
) -> tuple[float, float]:
    """Return the error of a measure's change, or of its square's, and that change."""
    slopes = [
        2 * _gap(measure, each.value[measure]) if as_square else 1.0 for each in (current, past)
    ]
    values = [each.square if as_square else each.corrected for each in (current, past)]
    moved = values[0][measure] - values[1][measure]
    if measure in current.gradient and measure in past.gradient and errors is not None:
        # The error of a domain's change knows whether the same people answered twice.
        gradient = (slopes[0] * current.gradient[measure] + slopes[1] * past.gradient[measure]) / 2
        return compared.error_of(measure, gradient, errors), moved
    return float(np.hypot(slopes[0] * current.se[measure], slopes[1] * past.se[measure])), moved


def _gap(measure: str, value: float) -> float:
    """Return what grows with the spread: of the ratio of the worst to the best, what 1 leaves."""
    return 1 - value if measure == "min_max_ratio" else value


def noise_of(y: Floats, se: Floats | None, compared: Compared, draws: "Draws") -> Noise:
    """Return the measures of scores, what they are without noise, and their errors.

    Corrected: variances less the errors' own, else less what draws of the errors add to scores that
    are spread as the true ones are. Without errors a measure is not corrected and has no error.
    """
    value = _finite(measures_of(y, compared))
    if se is None:
        return Noise(value, {}, {}, {}, {})
    if len(y) < 2:
        # One domain has a mean and no spread.
        of_one = {name: value[name] for name in ("mean",) if name in value}
        return Noise(value, of_one, dict.fromkeys(of_one, float(se[0])), {}, {})
    truth = truth_like(y, se)
    drawn = measures_of(truth + se * draws.of(len(y)), compared)
    true_value = measures_of(truth, compared)
    exact = _less_variance(y, se, compared)
    gradient = gradients_of(y, compared)
    corrected, errors, square = {}, {}, {}
    for name, raw in value.items():
        without = raw if name == "mean" else raw - float((drawn[name] - true_value[name]).mean())
        if name in SPREADS:
            gap = _gap(name, without)
            square[name] = max(0.0, exact.get(name, np.sign(gap) * gap**2))
            without = _gap(name, float(np.sqrt(square[name])))
        corrected[name] = float(np.clip(without, LEAST[name], MOST.get(name, np.inf)))
        errors[name] = (
            compared.error_of(name, gradient[name], se)
            if name in gradient
            else float(np.std(drawn[name], ddof=1))
        )
    if "share_below_b" in value:
        corrected["share_below_b"], errors["share_below_b"] = _likely_share(y, se, compared)
    return Noise(value, corrected, errors, gradient, square)


def measures_of(y: Floats, compared: Compared) -> dict[str, Floats]:
    """Return the measures of scores, domains on the last axis; tau is the spread, noise and all."""
    found: dict[str, Floats] = {
        "range": y.max(axis=-1) - y.min(axis=-1),
        "min_max_ratio": y.min(axis=-1) / y.max(axis=-1),
    }
    if y.shape[-1] > 1:
        found["cv"] = y.std(axis=-1, ddof=1) / y.mean(axis=-1)
    share = compared.share
    if share is None:
        return found
    mean = y @ share
    over_mean = y / mean[..., np.newaxis]
    # Scores that share one Lorenz order whatever the ties: equal ones change places without effect.
    order = np.argsort(y, axis=-1)
    ordered, staff = np.take_along_axis(over_mean, order, axis=-1), share[order]
    spread = np.sqrt(((y - mean[..., np.newaxis]) ** 2) @ share)
    logarithms = np.log(over_mean)
    found |= {
        "mean": mean,
        "tau": spread,
        "williamson": spread / mean,
        "gini": (staff * ordered * (2 * staff.cumsum(axis=-1) - staff - 1)).sum(axis=-1),
        "theil": (over_mean * logarithms) @ share,
    }
    if compared.groups is not None:
        of_group = _of_group(over_mean, compared.groups, share)
        found["theil_between"] = (over_mean * np.log(of_group)) @ share
        found["theil_within"] = found["theil"] - found["theil_between"]
    if compared.border is not None:
        score_100 = np.floor(2500 * y + 0.5 + 1e-9) / 100
        found["share_below_b"] = (score_100 < compared.border - 1e-6).astype(float) @ share
    return found


def gradients_of(y: Floats, compared: Compared) -> dict[str, Floats]:
    """Return by measure its derivative by each domain's score, of those that have one."""
    found: dict[str, Floats] = {}
    plain, deviation = y.mean(), y.std(ddof=1)
    if deviation > 0:
        found["cv"] = (y - plain) / ((len(y) - 1) * deviation * plain) - deviation / (
            len(y) * plain**2
        )
    share = compared.share
    if share is None:
        return found
    mean = y @ share
    found["mean"] = share
    spread = np.sqrt((y - mean) ** 2 @ share)
    if spread > 0:
        found["tau"] = share * (y - mean) / spread
        found["williamson"] = share * ((y - mean) / (spread * mean) - spread / mean**2)
    value = measures_of(y, compared)
    order = np.argsort(y)
    up_to = np.empty(len(y))
    up_to[order] = share[order].cumsum()
    found["gini"] = share * (2 * up_to - share - 1 - value["gini"]) / mean
    found["theil"] = share * (np.log(y / mean) - value["theil"]) / mean
    if compared.groups is not None:
        of_group = _of_group(y / mean, compared.groups, share)
        found["theil_between"] = share * (np.log(of_group) - value["theil_between"]) / mean
        found["theil_within"] = found["theil"] - found["theil_between"]
    return found


def truth_like(y: Floats, se: Floats) -> Floats:
    """Return scores shrunk towards their mean and spread as the true ones are estimated to be.

    DerSimonian & Laird's variance; empirical Bayes estimates of it would be spread too little, and
    are stretched to have it (Louis 1984, JASA 79, 393-398; Ghosh 1992, JASA 87, 533-540).
    """
    errors = np.maximum(se, 1e-9) ** 2
    tau_square, mean = _true_spread(y, errors)
    if tau_square == 0:
        return np.full(len(y), mean)
    shrunk = mean + tau_square / (tau_square + errors) * (y - mean)
    spread = shrunk.std(ddof=1)
    stretched: Floats = shrunk.mean() + (shrunk - shrunk.mean()) * np.sqrt(tau_square) / spread
    return np.clip(stretched, 1.0, 4.0)


def _true_spread(y: Floats, errors: Floats) -> tuple[float, float]:
    """Return the variance of true scores and their mean; `errors` squared."""
    weights = 1 / errors
    fixed = np.average(y, weights=weights)
    excess = weights @ (y - fixed) ** 2 - (len(y) - 1)
    tau_square = max(0.0, float(excess / (weights.sum() - (weights**2).sum() / weights.sum())))
    return tau_square, float(np.average(y, weights=1 / (tau_square + errors)))


def _likely_share(y: Floats, se: Floats, compared: Compared) -> tuple[float, float]:
    """Return the staff below band B by each domain's probability to be there, and its error."""
    assert compared.share is not None and compared.border is not None
    errors = np.maximum(se, 1e-9) ** 2
    tau_square, mean = _true_spread(y, errors)
    own = tau_square / (tau_square + errors)
    spread = own * errors + (1 - own) ** 2 / np.sum(1 / (tau_square + errors))
    border = (100 * compared.border - 0.5) / 2500
    below = ndtr((border - mean - own * (y - mean)) / np.sqrt(spread))
    share = compared.share
    return float(share @ below), float(np.sqrt(share**2 @ (below * (1 - below))))


def _less_variance(y: Floats, se: Floats, compared: Compared) -> dict[str, float]:
    """Return the squares of measures made of a variance, less the part that errors make."""
    found = {"cv": float(y.var(ddof=1) - np.mean(se**2)) / y.mean() ** 2}
    if compared.share is not None:
        share = compared.share
        mean = y @ share
        # The mean follows a domain with a large share: the error that is left is 1 - p of it.
        found["tau"] = float(((y - mean) ** 2) @ share - (share * (1 - share)) @ se**2)
        found["williamson"] = found["tau"] / mean**2
    return found


def _of_group(values: Floats, groups: Bools, share: Floats) -> Floats:
    """Return for each domain the staff-weighted mean of its group."""
    staff = groups * share
    total = staff.sum(axis=1)
    means: Floats = (values @ staff.T) / np.where(total > 0, total, 1)
    of_group: Floats = means @ groups
    # A group without staff weighs nothing: 1 keeps its logarithm defined.
    return np.where(of_group > 0, of_group, 1.0)


def _compared(domains: pd.DataFrame, border: "pd.Series[float]") -> Compared:
    staff = domains["staff_count"].to_numpy(float)
    share = staff / staff.sum() if staff.sum() > 0 else None
    if share is not None and domains["domain_type"].iloc[0] not in OF_THE_FRAME:
        share = np.round(share, SHARE_DECIMALS)
        share = share / share.sum()
    names = domains["group_id"]
    groups = None
    if names.notna().all():
        groups = names.to_numpy() == np.unique(names.to_numpy(str))[:, np.newaxis]
    return Compared(
        share,
        groups,
        float(border.iloc[0]) if len(border) else None,
        has_same_persons=domains["between"].iloc[0] == "units",
    )


def _errors(se: "pd.Series[float]") -> Floats | None:
    """Return errors; who has none is as uncertain as the worst of the others. None: nobody has."""
    if not se.notna().any():
        return None
    return np.asarray(se.fillna(se.max()), dtype=np.float64)


def _finite(measures: Mapping[str, Floats]) -> dict[str, float]:
    return {name: float(value) for name, value in measures.items() if np.isfinite(value)}


def _null(value: object) -> object:
    return None if isinstance(value, float) and not np.isfinite(value) else value


class Draws:
    """Standard normal draws x domains, the same for so many domains."""

    def __init__(self, seed: int, count: int) -> None:
        """`count`: draws."""
        self.seed, self.count = seed, count
        self.made: dict[int, Floats] = {}

    def of(self, domains: int) -> Floats:
        """Return draws for so many domains."""
        if domains not in self.made:
            random = np.random.default_rng(self.seed)
            self.made[domains] = random.standard_normal((self.count, domains))
        return self.made[domains]
