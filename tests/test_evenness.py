"""Errors, intervals and corrected values of evenness: by hand, by formulas apart, by simulation.

Belongs here: orchestration/scoring/evenness.py, and that its measures are those of idx_evenness.
Doesn't: the measures by hand (the unit test of ranks_evenness).
"""

from collections.abc import Callable

import duckdb
import numpy as np
import pandas as pd
import pytest

from orchestration.scoring.evenness import (
    MEASURES,
    SPREADS,
    Compared,
    Draws,
    evenness_errors,
    gradients_of,
    interval_of,
    measures_of,
    noise_of,
    truth_like,
)
from tests.conftest import SAMPLE_CYCLES, Sample

Y = np.array([3.81, 3.70, 3.55, 3.20, 3.62, 3.05])
STAFF = np.array([900, 400, 150, 120, 600, 80])
SE = np.array([0.02, 0.05, 0.2, 0.3, 0.03, 0.1])
SHARE = STAFF / STAFF.sum()
GROUPS = np.array(
    [[True, True, False, False, True, False], [False, False, True, True, False, True]]
)
COMPARED = Compared(SHARE, GROUPS, 76.61)


def apart(measure: str) -> Callable[[np.ndarray], float]:
    """Return a measure by its definition in method.md 7, written apart: pairs and loops."""

    def mean(y: np.ndarray) -> float:
        return float(sum(p * score for p, score in zip(SHARE, y, strict=True)))

    def gini(y: np.ndarray) -> float:
        pairs = sum(
            SHARE[i] * SHARE[j] * abs(y[i] - y[j]) for i in range(len(y)) for j in range(len(y))
        )
        return float(pairs / 2 / mean(y))

    def theil_between(y: np.ndarray) -> float:
        of_groups = [
            (SHARE[group].sum(), np.average(y[group], weights=SHARE[group])) for group in GROUPS
        ]
        return float(sum(part * own / mean(y) * np.log(own / mean(y)) for part, own in of_groups))

    def theil(y: np.ndarray) -> float:
        ratios = y / mean(y)
        return float(sum(p * r * np.log(r) for p, r in zip(SHARE, ratios, strict=True)))

    def spread(y: np.ndarray) -> float:
        return float(np.sqrt(sum(p * (s - mean(y)) ** 2 for p, s in zip(SHARE, y, strict=True))))

    return {
        "mean": mean,
        "gini": gini,
        "theil": theil,
        "theil_between": theil_between,
        "theil_within": lambda y: theil(y) - theil_between(y),
        "tau": spread,
        "williamson": lambda y: spread(y) / mean(y),
        "cv": lambda y: float(np.std(y, ddof=1) / np.mean(y)),
    }[measure]


@pytest.mark.parametrize(
    "measure",
    ["mean", "gini", "theil", "theil_between", "theil_within", "tau", "williamson", "cv"],
)
def test_a_gradient_is_the_slope_of_the_measure_by_its_definition(measure: str) -> None:
    of = apart(measure)
    assert float(measures_of(Y, COMPARED)[measure]) == pytest.approx(of(Y), abs=1e-12)
    step = 1e-5
    slopes = [(of(Y + step * unit) - of(Y - step * unit)) / 2 / step for unit in np.eye(6)]
    assert gradients_of(Y, COMPARED)[measure] == pytest.approx(slopes, abs=1e-9)
    noise = noise_of(Y, SE, COMPARED, Draws(7, 50))
    assert noise.se[measure] == pytest.approx(np.sqrt(sum((np.array(slopes) * SE) ** 2)), abs=1e-8)


def test_equal_scores_share_a_gini_whatever_their_order() -> None:
    y, share = np.array([3.0, 3.0, 3.4]), np.array([0.5, 0.2, 0.3])
    one = measures_of(y, Compared(share, None, None))["gini"]
    other = measures_of(y[[1, 0, 2]], Compared(share[[1, 0, 2]], None, None))["gini"]
    assert float(one) == pytest.approx(float(other), abs=1e-15)


def test_a_variance_is_corrected_by_what_errors_add_to_it() -> None:
    y, se, share = np.array([3.6, 3.2]), np.array([0.1, 0.2]), np.array([0.75, 0.25])
    noise = noise_of(y, se, Compared(share, None, None), Draws(7, 50))
    # 0.75 x 0.25 x 0.4^2 = 0.03, less 0.1875 x (0.01 + 0.04) = 0.009375.
    assert noise.corrected["tau"] == pytest.approx(np.sqrt(0.03 - 0.009375))
    assert noise.corrected["williamson"] == pytest.approx(np.sqrt(0.03 - 0.009375) / 3.5)
    # 0.4^2 / 2 = 0.08 less (0.01 + 0.04) / 2, over the plain mean.
    assert noise.corrected["cv"] == pytest.approx(np.sqrt(0.08 - 0.025) / 3.4)
    assert noise.corrected["mean"] == pytest.approx(3.5)


def test_true_like_scores_are_spread_as_the_true_ones_are_estimated_to_be() -> None:
    # As in the unit test of ranks_shrunken_scores: tau^2 = (8 - 2) / (48 - 16) = 0.1875.
    found = truth_like(np.array([2.5, 3.0, 3.5]), np.full(3, 0.25))
    assert found.var(ddof=1) == pytest.approx(0.1875)
    assert found.mean() == pytest.approx(3)


def test_scores_that_differ_less_than_their_errors_are_corrected_to_even() -> None:
    y, se = np.array([3.5, 3.48, 3.52]), np.full(3, 0.2)
    noise = noise_of(y, se, Compared(np.full(3, 1 / 3), None, None), Draws(7, 500))
    for measure in ("range", "cv", "williamson", "gini", "theil", "tau"):
        assert noise.corrected[measure] == 0
    assert noise.corrected["min_max_ratio"] == 1


def test_an_interval_of_a_spread_is_of_its_square_and_never_negative() -> None:
    # 0.2^2 -+ 2 x 0.25 x 0.05 = 0.015, 0.065; of 0.1: 0.01 - 0.025 < 0.
    assert interval_of("tau", 0.2, 0.25, 0.05) == pytest.approx((0.015**0.5, 0.065**0.5))
    assert interval_of("tau", 0.1, 0.25, 0.05) == pytest.approx((0, 0.035**0.5))
    # A ratio of 0.8, by what it leaves of 1.
    low, high = interval_of("min_max_ratio", 0.8, 0.75, 0.05)
    assert (low, high) == pytest.approx((1 - 0.065**0.5, 1 - 0.015**0.5))
    assert interval_of("theil", 0.1, 0.25, 0.05) == pytest.approx((0.05, 0.15))
    assert interval_of("mean", 3.99, 3.99, 0.05) == pytest.approx((3.94, 4))


def test_corrected_values_are_near_the_truth_and_intervals_hold_it() -> None:
    # 24 units of very unequal size. Values as they are exceed the truth by a third to many times.
    random, draws = np.random.default_rng(5), Draws(3, 200)
    for spread in (0.05, 0.22):
        held: dict[str, list[bool]] = {measure: [] for measure in MEASURES}
        off: dict[str, list[tuple[float, float]]] = {measure: [] for measure in MEASURES}
        for _ in range(120):
            staff = random.lognormal(4, 0.8, 24)
            compared = Compared(staff / staff.sum(), None, 76.61)
            se = np.clip(0.9 / np.sqrt(staff), 0.02, None)
            truth = np.clip(3.3 + spread * random.standard_normal(24), 1, 4)
            noise = noise_of(truth + se * random.standard_normal(24), se, compared, draws)
            for measure, true_value in measures_of(truth, compared).items():
                value, corrected = noise.value[measure], noise.corrected[measure]
                low, high = interval_of(measure, corrected, value, 1.96 * noise.se[measure])
                held[measure].append(bool(low - 1e-9 <= true_value <= high + 1e-9))
                off[measure].append((value - float(true_value), corrected - float(true_value)))
        for measure, found in off.items():
            if not found:
                continue
            assert np.mean(held[measure]) > 0.88, measure
            raw, corrected = np.sqrt(np.mean(np.array(found) ** 2, axis=0))
            assert corrected <= raw * 1.001, measure
            if measure in SPREADS:
                assert corrected < 0.85 * raw, measure


def tables(
    *domains: tuple[str, float, float | None, float],
    kind: str = "provider_unit",
    changes: tuple[tuple[str, float, float, float], ...] = (),
) -> dict[str, pd.DataFrame]:
    """Return what evenness_errors reads: domains with score, se and staff; changes of them."""
    place = {"weighting_mode": "none", "domain_type": kind}
    return {
        "scores": pd.DataFrame(
            [{**place, "domain_id": who, "score": score, "se": se} for who, score, se, _ in domains]
        ),
        "previous": pd.DataFrame([{**place, "domain_id": who, "se": 0.1} for who, *_ in domains]),
        "members": pd.DataFrame(
            [
                {
                    "between": "b",
                    "domain_type": kind,
                    "domain_id": who,
                    "group_id": None,
                    "staff_count": staff,
                }
                for who, _, _, staff in domains
            ]
        ),
        "changes": pd.DataFrame(
            [
                {
                    **place,
                    "domain_id": who,
                    "is_shown": True,
                    "score_previous": before,
                    "score": now,
                    "delta": now - before,
                    "se": se,
                }
                for who, before, now, se in changes
            ],
            columns=[*place, "domain_id", "is_shown", "score_previous", "score", "delta", "se"],
        ).astype({"is_shown": bool}),
        "settings": pd.DataFrame(
            [{"random_seed": 7, "rank_draws": 100, "ci_level": 0.95, "band_scheme_id": "s"}]
        ),
        "bands": pd.DataFrame([{"band_scheme_id": "s", "band": "B", "lower_100": 76.61}]),
    }


def errors_of(given: dict[str, pd.DataFrame]) -> dict[str, dict[str, float]]:
    found = evenness_errors(**given, cycle_id="c").to_pylist()
    return {row["measure"]: row for row in found}


def test_who_has_no_error_is_as_uncertain_as_the_worst_of_the_others() -> None:
    found = errors_of(tables(("a", 3.6, 0.1, 1.0), ("b", 3.4, 0.2, 1.0), ("c", 3.2, None, 2.0)))
    # sqrt((0.1^2 + 0.2^2) / 16 + 0.2^2 / 4)
    assert found["mean"]["se"] == pytest.approx(np.sqrt(0.05 / 16 + 0.01))
    without = errors_of(tables(("a", 3.6, None, 1.0), ("b", 3.4, None, 1.0)))
    assert without["gini"]["se"] is None
    assert without["gini"]["value_corrected"] is None


def test_the_mean_over_units_of_all_levels_has_the_levels_errors_added_up() -> None:
    given = tables(("a", 3.6, 0.1, 1.0), ("b", 3.4, 0.2, 1.0), ("c", 3.2, 0.3, 2.0))
    given["members"] = given["members"].assign(between="units", group_id=["l1", "l1", "l2"])
    # sqrt(0.1^2 + 0.2^2) / 4 of the first level, 0.3 / 2 of the second.
    assert errors_of(given)["mean"]["se"] == pytest.approx(np.sqrt(0.05) / 4 + 0.15)


def test_one_domain_has_a_mean_with_an_error_and_no_spread() -> None:
    found = errors_of(tables(("a", 3.6, 0.1, 5.0)))
    assert found["mean"]["se"] == pytest.approx(0.1)
    assert found["mean"]["ci_low"] == pytest.approx(3.6 - 0.1 * 1.959963985)
    assert found["range"]["se"] is None


def test_shares_that_no_frame_tells_are_no_finer_than_hundredths() -> None:
    found = errors_of(tables(("f", 3.6, 0.1, 3333.0), ("m", 3.4, 0.2, 6667.0), kind="gender"))
    assert found["mean"]["value_corrected"] == pytest.approx(0.33 * 3.6 + 0.67 * 3.4, abs=1e-12)


def test_a_change_is_over_what_is_shown_in_both_with_this_cycles_staff() -> None:
    given = tables(
        ("a", 3.6, 0.1, 1.0),
        ("b", 3.4, 0.1, 3.0),
        ("new", 1.2, 0.1, 9.0),
        changes=(("a", 3.5, 3.6, 0.05), ("b", 3.5, 3.4, 0.05)),
    )
    found = errors_of(given)
    # Staff 1 and 3: 3.5 before, 0.25 x 3.6 + 0.75 x 3.4 = 3.45 now; the changes' own errors.
    change = found["mean"]
    assert (change["value_previous"], change["value"]) == pytest.approx((3.5, 3.45))
    assert change["delta"] == pytest.approx(-0.05)
    assert change["delta_se"] == pytest.approx(0.05 * np.sqrt(0.0625 + 0.5625))
    assert change["compared_count"] == 2
    z = 0.05 / change["delta_se"]
    assert change["p_value"] == pytest.approx(0.2059032107, abs=1e-9)
    assert z == pytest.approx(1.2649110640673518)
    # The new one is in the cycle's own mean, and in no change.
    assert found["mean"]["value_corrected"] == pytest.approx((3.6 + 3 * 3.4 + 9 * 1.2) / 13)


def test_an_unchanged_spread_is_seldom_called_changed() -> None:
    random, rejected = np.random.default_rng(11), []
    for _ in range(15):
        truth = 3.3 + 0.2 * random.standard_normal(20)
        before, now = truth + 0.1 * random.standard_normal((2, 20))
        names = [f"u{unit}" for unit in range(20)]
        given = tables(
            *((name, score, 0.1, 1.0) for name, score in zip(names, now, strict=True)),
            changes=tuple(
                (name, old, new, 0.1 * np.sqrt(2))
                for name, old, new in zip(names, before, now, strict=True)
            ),
        )
        rejected += [errors_of(given)[measure]["p_value"] < 0.05 for measure in SPREADS]
    assert np.mean(rejected) < 0.12


def test_measures_are_those_of_idx_evenness(sample: Sample) -> None:
    with duckdb.connect(str(sample.settings.warehouse), read_only=True) as connection:
        cycle_id = SAMPLE_CYCLES[-1]
        members = connection.execute(
            """
            select scores.weighting_mode, members.between, group_id, staff_count, score
            from figures.ranks_evenness_members as members
            inner join figures.shown_scores as scores using (cycle_id, domain_type, domain_id)
            where cycle_id = ? and component_type = 'index' and score is not null
            """,
            [cycle_id],
        ).df()
        values = connection.execute(
            "select weighting_mode, between, measure, value, se, ci_low, ci_high, value_corrected, "
            "member_count from indexes.idx_evenness where cycle_id = ?",
            [cycle_id],
        ).df()
    known = {key: rows for key, rows in members.groupby(["weighting_mode", "between"])}
    compared = 0
    for row in values.to_dict("records"):
        of = known[row["weighting_mode"], row["between"]]
        names = of["group_id"]
        groups = None
        if names.notna().all():
            groups = names.to_numpy(str) == np.unique(names.to_numpy(str))[:, None]
        staff = of["staff_count"].to_numpy(float)
        found = measures_of(of["score"].to_numpy(), Compared(staff / staff.sum(), groups, 76.61))
        if row["measure"] != "tau":  # there less noise, here the whole spread
            assert found[row["measure"]] == pytest.approx(row["value"], abs=1e-12), row
            compared += 1
        if row["member_count"] > 1:
            assert row["se"] >= 0, row
            assert row["se"] == 0 or row["ci_low"] <= row["value_corrected"] <= row["ci_high"], row
    assert compared > 60
