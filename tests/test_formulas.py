"""Published figures against numpy, over a small index of our own (formula_case.py).

Belongs here: formulas of docs/method.md that follow from single answers, computed here from the
answers that were given. Doesn't: errors and raked weights (test_reference.py, test_raking.py: R),
what dbt's unit tests work out by hand (the YAML beside each model).
"""

import os
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import ROUND_HALF_UP, Decimal
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from jinja2 import Environment
from scipy import linalg, stats

from orchestration.scoring.bootstrap import replicate_weights, times_drawn
from orchestration.scoring.raking import Rules
from orchestration.settings import REPOSITORY
from tests.formula_case import (
    OF_WILSON,
    PARAMETERS,
    SHARED_ITEMS,
    UNITS,
    WEIGHTS,
    Question,
    Response,
    all_asked,
    answers,
    asked,
    build,
    is_on_route,
    staff,
)

CYCLE = "late"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The case's data folder; `make mutants` gives one that is built already."""
    if built := os.environ.get("ILK_FORMULA_CASE"):
        return Path(built) / "data"
    folder = tmp_path_factory.mktemp("formulas")
    build(folder)
    return folder / "data"


@pytest.fixture(scope="module")
def warehouse(data: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(data / "warehouse.duckdb"), read_only=True) as connection:
        yield connection


def rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    found = connection.execute(query)
    names = [column[0] for column in found.description or []]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def item_means(questions: Iterable[Question], cycle: str = CYCLE) -> np.ndarray:
    """Each person's mean of each item over these questions: persons x items, NaN for none."""
    questions = list(questions)
    items = sorted({question.item for question in questions})
    means = []
    for response in answers(cycle):
        given = {item: [] for item in items}
        for question in questions:
            if (score := question.score(response[question.name])) is not None:
                given[question.item].append(score)
        means.append([np.mean(of) if of else np.nan for of in given.values()])
    return np.array(means)


def in_set(set_type: str, set_id: str) -> list[Question]:
    return [question for question in asked(CYCLE) if getattr(question, set_type) == set_id]


# --- 9. Reliability -----------------------------------------------------------------------------

SETS = [("audience", "tusi"), ("audience", "pegawai"), ("service", "s1"), ("perspective", "y")]


def alpha(covariances: np.ndarray) -> float:
    k = len(covariances)
    return k / (k - 1) * (1 - np.trace(covariances) / covariances.sum())


def pairwise_covariances(means: np.ndarray) -> np.ndarray:
    k = means.shape[1]
    found = np.empty((k, k))
    for one in range(k):
        for other in range(k):
            both = means[~np.isnan(means[:, [one, other]]).any(axis=1)]
            found[one, other] = np.cov(both[:, one], both[:, other])[0, 1]
    return found


@pytest.mark.parametrize(("set_type", "set_id"), SETS)
def test_alpha_is_that_of_the_answers_to_the_sets_own_questions(warehouse, set_type, set_id):
    means = item_means(in_set(set_type, set_id))
    complete = means[~np.isnan(means).any(axis=1)]
    [row] = rows(
        warehouse,
        f"from indexes.idx_reliability where cycle_id = '{CYCLE}' and set_type = '{set_type}' "
        f"and set_id = '{set_id}' and item_id is null",
    )
    assert row["respondent_count"] == len(complete)
    assert row["alpha"] == pytest.approx(alpha(np.cov(complete.T)), abs=1e-9)
    assert row["pairwise_alpha"] == pytest.approx(alpha(pairwise_covariances(means)), abs=1e-9)


@pytest.mark.parametrize(("set_type", "set_id"), SETS)
def test_an_item_is_correlated_with_the_others_of_its_set(warehouse, set_type, set_id):
    means = item_means(in_set(set_type, set_id))
    complete = means[~np.isnan(means).any(axis=1)]
    items = sorted({question.item for question in in_set(set_type, set_id)})
    expected = {
        item: np.corrcoef(complete[:, place], np.delete(complete, place, axis=1).sum(axis=1))[0, 1]
        for place, item in enumerate(items)
    }
    found = rows(
        warehouse,
        f"from indexes.idx_reliability where cycle_id = '{CYCLE}' and set_type = '{set_type}' "
        f"and set_id = '{set_id}' and item_id is not null",
    )
    correlations = {row["item_id"]: row["item_total_correlation"] for row in found}
    assert correlations == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("set_type", "set_id"), SETS)
def test_shares_of_a_set_are_over_who_was_asked_and_who_rated(warehouse, set_type, set_id):
    questions = in_set(set_type, set_id)
    was_asked = [
        (question, response)
        for question in questions
        for response in answers(CYCLE)
        if is_on_route(question, response)
    ]
    ratings = [
        score
        for question, response in was_asked
        if (score := question.score(response[question.name])) is not None
    ]
    raters = [
        response
        for response in answers(CYCLE)
        if any(question.score(response[question.name]) is not None for question in questions)
    ]
    [row] = rows(
        warehouse,
        f"from indexes.idx_reliability where cycle_id = '{CYCLE}' and set_type = '{set_type}' "
        f"and set_id = '{set_id}' and item_id is null",
    )
    blanks = sum(response[question.name] == "" for question, response in was_asked)
    assert row["nonresponse_share"] == pytest.approx(blanks / len(was_asked), abs=1e-12)
    assert row["ceiling_share"] == pytest.approx(ratings.count(4) / len(ratings), abs=1e-12)
    flagged = sum(is_straight_lining(response) for response in raters)
    assert 0 < flagged < len(raters)
    assert row["straight_lining_share"] == pytest.approx(flagged / len(raters), abs=1e-12)


def is_straight_lining(response: Response) -> bool:
    scores = [question.score(response[question.name]) for question in all_asked(CYCLE)]
    given = [score for score in scores if score is not None]
    return len(given) >= PARAMETERS["straight_lining_min_answers"] and len(set(given)) == 1


# --- 3 and 5. Scores of units, their intervals and bands ----------------------------------------


def mean_of_known(
    values: Iterable[float],
    weights: Iterable[float] = (),
    *,
    least: float = PARAMETERS["min_weight_share"],
) -> float:
    """NaN where those with a value carry less than the share `least` of the weight."""
    of = np.array(list(values))
    weight = np.array(list(weights) or [1.0] * len(of))
    known = ~np.isnan(of)
    if not known.any() or weight[known].sum() < least * weight.sum():
        return np.nan
    return float(np.average(of[known], weights=weight[known]))


def unit_scores(unit: str) -> dict[tuple[str, str | None, str | None], float]:
    """The unweighted scores of what is rated in a unit, by type, service and perspective."""
    ratios = {}
    for item in sorted({question.item for question in asked(CYCLE)}):
        scores = [
            score
            for question in asked(CYCLE)
            for person in answers(CYCLE)
            if question.item == item
            and unit == (person["unit"] if question.level == "wilayah" else "p1")
            and (score := question.score(person[question.name])) is not None
        ]
        ratios[item] = float(np.mean(scores)) if scores else np.nan
    cells = {
        (service, perspective): mean_of_known(
            ratios[item]
            for item in sorted(
                {
                    of.item
                    for of in asked(CYCLE)
                    if (of.service, of.perspective) == (service, perspective)
                }
            )
        )
        for service in ("s1", "s2")
        for perspective in WEIGHTS
    }
    services = {
        service: mean_of_known((cells[service, name] for name in WEIGHTS), WEIGHTS.values())
        for service in ("s1", "s2")
    }
    return {
        ("index", None, None): mean_of_known(services.values()),
        **{("service", service, None): score for service, score in services.items()},
        **{
            ("perspective", None, perspective): mean_of_known(
                cells[service, perspective] for service in ("s1", "s2")
            )
            for perspective in WEIGHTS
        },
    }


@pytest.mark.parametrize("unit", ["p1", "w1", "w2", "w3", "w5"])
def test_a_units_scores_are_means_of_means_of_what_was_said_of_it(warehouse, unit):
    found = {
        (row["component_type"], row["service_id"], row["perspective_id"]): row["score"]
        for row in rows(
            warehouse,
            f"from indexes.idx_scores where cycle_id = '{CYCLE}' and weighting_mode = 'none' "
            f"and domain_type = 'provider_unit' and domain_id = '{unit}' "
            "and component_type in ('index', 'service', 'perspective') and score is not null",
        )
    }
    expected = {key: score for key, score in unit_scores(unit).items() if not np.isnan(score)}
    assert found == pytest.approx(expected, abs=1e-9)


def band(score: float) -> str:
    """Permenpan RB 14/2017, of score_100 half up to two decimals."""
    rounded = Decimal(repr(round(25 * score, 9))).quantize(Decimal("0.01"), ROUND_HALF_UP)
    ends = {"A": "88.31", "B": "76.61", "C": "65.00"}
    return next((name for name, end in ends.items() if rounded >= Decimal(end)), "D")


def test_an_exact_half_goes_up_though_arithmetic_left_it_below():
    # 3.5322 is 88.305 of 100, so 88.31, band A; a thousandth of a millionth below it is not.
    text = (REPOSITORY / "dbt_project" / "macros" / "bands.sql").read_text(encoding="utf-8")
    macros: Any = Environment().from_string(text).module
    for score, rounded in ((3.5322, 88.31), (3.5322 - 2e-13, 88.31), (3.5322 - 1e-9, 88.30)):
        query = f"select {macros.score_for_band(f'{score!r}::double')}"
        assert duckdb.sql(query).fetchall() == [(pytest.approx(rounded, abs=1e-9),)]


def test_an_interval_is_students_cut_at_the_ends_of_the_scale_and_read_as_bands(warehouse):
    found = rows(
        warehouse, f"from indexes.idx_scores where cycle_id = '{CYCLE}' and se is not null"
    )
    assert len(found) > 500
    assert {row["ci_method"] for row in found} == {"wald"}
    for row in found:
        reach = float(stats.t.ppf(0.975, row["df"])) * row["se"]
        low, high = max(1.0, row["score"] - reach), min(4.0, row["score"] + reach)
        assert (row["ci_low"], row["ci_high"]) == pytest.approx((low, high), abs=1e-7)
        assert row["score_100"] == pytest.approx(25 * row["score"], abs=1e-12)
        assert row["band"] == band(row["score"])
        is_certain = band(row["ci_low"]) == band(row["ci_high"]) if low < high else None
        assert row["is_band_certain"] == is_certain
    assert {row["is_band_certain"] for row in found} == {True, False, None}


def test_where_a_method_says_so_an_interval_is_wilsons_of_the_size_that_the_error_tells(warehouse):
    found = rows(warehouse, "from indexes.idx_scores where cycle_id = 'early' and se is not null")
    assert len(found) > 500
    assert {row["ci_method"] for row in found} == {"wilson"}
    told = Counter()
    for row in found:
        n, t = row["effective_respondent_count"], float(stats.t.ppf(0.975, row["df"]))
        of_one = 1 / (6 * n)
        p = (row["score"] - 1) / 3
        inner = min(max(p, of_one), 1 - of_one)
        size = max(inner * (1 - inner) / max(row["se"] / 3, of_one) ** 2, n)
        told["equal"] += row["se"] == 0
        told["own"] += row["se"] / 3 > of_one and n < size and p == inner
        # The ends are where p lies t standard errors of a share of that size away.
        [low, high] = np.roots([1 + t**2 / size, -(2 * p + t**2 / size), p**2])[::-1]
        ends = (1 + 3 * low.real, 1 + 3 * high.real)
        assert (row["ci_low"], row["ci_high"]) == pytest.approx(ends, abs=1e-7)
        assert 1 <= row["ci_low"] < row["ci_high"] <= 4
        assert row["is_band_certain"] == (band(row["ci_low"]) == band(row["ci_high"]))
    assert min(told.values()) > 10


def test_an_interval_of_a_rounded_score_is_never_narrower_than_the_exact_ones(warehouse):
    keys = "cycle_id, weighting_mode, domain_type, domain_id, component_type"
    found = rows(
        warehouse,
        f"""
        select shown.ci_low, shown.ci_high, exact.ci_low as exact_low, exact.ci_high as exact_high,
            shown.se is null as is_unknown, exact.se is null as is_exact_unknown,
            shown.ci_low is null and shown.ci_high is null and shown.is_band_certain is null
                as has_no_interval
        from figures.shown_scores as shown
        inner join figures.scores_with_errors as exact using ({keys})
        where shown.cycle_id = 'early' and not shown.is_suppressed
            and shown.score_step is not null
            and shown.service_id is not distinct from exact.service_id
            and shown.perspective_id is not distinct from exact.perspective_id
            and shown.item_id is not distinct from exact.item_id
        """,
    )
    assert len(found) > 20
    assert {row["is_unknown"] for row in found} == {True, False}
    for row in found:
        assert row["is_unknown"] == row["is_exact_unknown"] == row["has_no_interval"]
        if not row["is_unknown"]:
            assert 1 <= row["ci_low"] <= row["exact_low"] + 1e-9
            assert 4 >= row["ci_high"] >= row["exact_high"] - 1e-9


def units_index(unit: str, weights: np.ndarray) -> float:
    """The early cycle's index of a unit by people of these weights; nobody who weighs 0."""
    ratios: dict[tuple[str, str, str], float] = {}
    for question in asked("early"):
        key = (question.service, question.perspective, question.item)
        if key in ratios:
            continue
        top = bottom = 0.0
        for of in asked("early"):
            for person, weight in zip(answers("early"), weights, strict=True):
                is_rated = unit == (person["unit"] if of.level == "wilayah" else "p1")
                score = of.score(person[of.name])
                if of.item == question.item and is_rated and score is not None and weight:
                    top, bottom = top + weight * score, bottom + weight
        ratios[key] = top / bottom if bottom else np.nan
    mean = partial(mean_of_known, least=OF_WILSON["min_weight_share"])
    cells = {
        (service, perspective): mean(
            ratio
            for (of, within, _), ratio in ratios.items()
            if (of, within) == (service, perspective)
        )
        for service in ("s1", "s2")
        for perspective in WEIGHTS
    }
    return mean(
        mean((cells[service, name] for name in WEIGHTS), WEIGHTS.values())
        for service in ("s1", "s2")
    )


@pytest.mark.parametrize("unit", ["w1", "w5"])
def test_the_error_of_few_is_what_leaving_each_out_changes(warehouse, unit):
    people = answers("early")
    strata = np.array([f"{UNITS[person['unit']]}|{person['category']}" for person in people])
    score = units_index(unit, np.ones(len(people)))
    variance, without = 0.0, {}
    for place, stratum in enumerate(strata):
        is_of = strata == stratum
        n = int(is_of.sum())
        frame = sum(
            count
            for (of, category, _), count in staff().items()
            if f"{UNITS[of]}|{category}" == stratum
        )
        # Who is of another unit changes nothing but the others' weight: once a stratum is enough.
        key = place if people[place]["unit"] == unit else (stratum,)
        if key not in without:
            weights = np.where(is_of, n / (n - 1), 1.0)
            weights[place] = 0
            without[key] = units_index(unit, weights)
        variance += (1 - n / frame) * (n - 1) / n * (without[key] - score) ** 2
    [row] = rows(
        warehouse,
        "from indexes.idx_scores where cycle_id = 'early' and weighting_mode = 'none' "
        f"and domain_type = 'provider_unit' and domain_id = '{unit}' and component_type = 'index'",
    )
    assert row["score"] == pytest.approx(score, abs=1e-9)
    assert row["se"] == pytest.approx(np.sqrt(variance), rel=1e-9)


def test_the_mean_of_the_levels_is_plain(warehouse):
    # Of what is shown: a hidden one would be told by the mean. Levels with small classes of weight
    # show no second mode.
    shown = rows(
        warehouse,
        "select weighting_mode, domain_type, avg(score) as score "
        f"from figures.shown_scores where cycle_id = '{CYCLE}' "
        "and component_type = 'index' and domain_type in ('equal_level', 'provider_level') "
        "and not is_suppressed group by all",
    )
    assert {row["weighting_mode"] for row in shown} == {"rake"}
    scores = {row["domain_type"]: row["score"] for row in shown}
    assert scores["equal_level"] == pytest.approx(scores["provider_level"], abs=1e-12)
    [inside] = rows(
        warehouse,
        f"select score from indexes.idx_scores where cycle_id = '{CYCLE}' "
        "and domain_type = 'equal_level' and score is not null",
    )
    assert inside["score"] == scores["equal_level"]


# --- 9. Expectation and importance asked --------------------------------------------------------


def test_gaps_and_satisfaction_are_those_of_what_was_expected(warehouse):
    def nation(asks: str) -> dict[str, float]:
        of_item: dict[str, list[float]] = {}
        for question in asked(CYCLE, asks):
            for person in answers(CYCLE):
                if (score := question.score(person[question.name])) is not None:
                    of_item.setdefault(question.item, []).append(score)
        return {item: float(np.mean(scores)) for item, scores in of_item.items()}

    score, expected, importance = (
        nation(asks) for asks in ("performance", "expectation", "importance")
    )
    found = {
        (row["component_type"], row["service_id"], row["item_id"]): row
        for row in rows(
            warehouse,
            f"from indexes.idx_expectations where cycle_id = '{CYCLE}' "
            "and weighting_mode = 'none' and domain_type = 'national'",
        )
    }
    for item, service in (("a", "s1"), ("b", "s1"), ("c", "s2")):
        row = found["item", service, item]
        assert row["expectation"] == pytest.approx(expected[item], abs=1e-9)
        assert row["gap"] == pytest.approx(score[item] - expected[item], abs=1e-9)
    # What matters is asked of item a alone; of the others the expectation says it.
    weight = {"a": importance["a"], "b": expected["b"], "c": expected["c"]}
    for key, items in ((("service", "s1", None), "ab"), (("index", None, None), "abc")):
        satisfied = sum(weight[item] * score[item] for item in items)
        index = satisfied / 4 / sum(weight[item] for item in items)
        assert found[key]["satisfaction_index"] == pytest.approx(index, abs=1e-9)
    of_s1 = (expected["a"] + 2 * expected["b"]) / 3
    assert found["service", "s1", None]["expectation"] == pytest.approx(of_s1, abs=1e-9)


# --- 9. Derived importance ----------------------------------------------------------------------


def test_importance_is_the_correlation_with_the_mean_over_all_a_person_rated(warehouse):
    means_of_all = item_means(asked(CYCLE))
    expected = {}
    for service in ("s1", "s2"):
        for perspective in WEIGHTS:
            of_cell = [
                question
                for question in asked(CYCLE)
                if (question.service, question.perspective) == (service, perspective)
            ]
            means = item_means(of_cell)
            who = ~np.isnan(means).all(axis=1)
            own = np.nanmean(means[who], axis=1)
            overall = np.nanmean(means_of_all[who], axis=1)
            expected[service, perspective] = np.corrcoef(own, overall)[0, 1]
    found = {
        (row["service_id"], row["perspective_id"]): row["importance"]
        for row in rows(warehouse, f"from figures.scores_importance where cycle_id = '{CYCLE}'")
    }
    assert found == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("cycle", "share"), [("late", "1"), ("early", "reliability")])
def test_a_quadrant_is_as_likely_as_both_sides_of_its_lines(warehouse, cycle, share):
    found = rows(
        warehouse,
        f"""select shown.*, scores.se, scores.respondent_count, {share} as reliability
        from indexes.idx_priorities as shown
        inner join figures.scores_importance using (cycle_id, service_id, perspective_id)
        inner join figures.shown_scores as scores using
            (cycle_id, weighting_mode, domain_type, component_type, service_id, perspective_id)
        where cycle_id = '{cycle}' and domain_type = 'national'""",
    )
    assert len(found) > 2 * len(WEIGHTS)  # of both services, in more than one weighting mode
    for row in found:
        observed = row["importance"] * row["reliability"]
        error = (1 - observed**2) / np.sqrt(row["respondent_count"] - 3) / row["reliability"]
        assert row["importance_se"] == pytest.approx(error, abs=1e-9)
        far = (row["score"] - row["mean_score"]) / row["se"]
        far_in_importance = (row["importance"] - row["mean_importance"]) / error
        expected = stats.norm.cdf(abs(far)) * stats.norm.cdf(abs(far_in_importance))
        assert row["quadrant_probability"] == pytest.approx(expected, abs=1e-9)


# --- 9. Drivers ---------------------------------------------------------------------------------


def relative_weights(means: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Correlations with the last column, and what each of the others explains of it."""
    of = means.shape[1]
    every = np.eye(of)
    for one in range(of):
        for other in range(of):
            both = ~np.isnan(means[:, [one, other, -1]]).any(axis=1) & (weights > 0)
            [[first, common], [_, second]] = np.cov(
                means[both, one], means[both, other], aweights=weights[both]
            )
            every[one, other] = common / np.sqrt(first * second)
    root = linalg.sqrtm(every[:-1, :-1])
    return every[:-1, -1], root**2 @ np.linalg.solve(root, every[:-1, -1]) ** 2


def means_of_audience(audience: str) -> tuple[list[tuple[str, str]], np.ndarray]:
    """The perspectives of services that it rates, and persons x these and the overall answer."""
    own = [question for question in asked(CYCLE) if question.audience == audience]
    cells = sorted({(of.service, of.perspective) for of in own})
    whole = [of for of in asked(CYCLE, "overall") if of.audience == audience]
    sets = [[of for of in own if (of.service, of.perspective) == cell] for cell in cells]
    items = [item_means(questions) for questions in (*sets, whole)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of who rated nothing
        return cells, np.column_stack([np.nanmean(of, axis=1) for of in items])


@pytest.mark.parametrize("audience", ["tusi", "pegawai"])
def test_drivers_are_relative_weights_of_the_answers_to_the_audiences_questions(
    warehouse, audience
):
    cells, means = means_of_audience(audience)
    for mode, weights in (
        ("none", np.ones(len(means))),
        ("rake", weights_of(warehouse, CYCLE)),
    ):
        found = rows(
            warehouse,
            f"from indexes.idx_drivers where cycle_id = '{CYCLE}' and weighting_mode = '{mode}' "
            f"and audience_id = '{audience}' order by service_id, perspective_id",
        )
        correlation, explained = relative_weights(means, weights)
        assert [(row["service_id"], row["perspective_id"]) for row in found] == cells
        for row, own, weight, mean in zip(found, correlation, explained, means.T[:-1], strict=True):
            assert row["correlation"] == pytest.approx(own, abs=1e-9)
            assert row["relative_weight"] == pytest.approx(weight, abs=1e-9)
            assert row["r_squared"] == pytest.approx(explained.sum(), abs=1e-9)
            assert row["explained_share"] == pytest.approx(weight / explained.sum(), abs=1e-9)
            assert row["respondent_count"] == np.sum(~np.isnan(mean) & ~np.isnan(means[:, -1]))


def test_the_error_of_a_driver_is_that_of_replicates_raked_anew(warehouse):
    cells, means = means_of_audience("pegawai")
    replicates = replicates_of(warehouse, CYCLE).T
    drawn = np.array([relative_weights(means, weights)[1] for weights in replicates])
    found = rows(
        warehouse,
        f"from indexes.idx_drivers where cycle_id = '{CYCLE}' and weighting_mode = 'rake' "
        "and audience_id = 'pegawai' order by service_id, perspective_id",
    )
    ends = np.quantile(drawn, [0.025, 0.975], axis=0)
    assert len(found) == len(cells)
    assert [row["se"] for row in found] == pytest.approx(np.std(drawn, axis=0, ddof=1), abs=1e-9)
    assert [row["ci_low"] for row in found] == pytest.approx(ends[0], abs=1e-9)
    assert [row["ci_high"] for row in found] == pytest.approx(ends[1], abs=1e-9)


def test_what_decides_an_overall_answer_explains_most_of_it(warehouse):
    for audience, cell in (("tusi", ("s1", "x")), ("pegawai", ("s2", "x"))):
        most, *_ = rows(
            warehouse,
            f"from indexes.idx_drivers where cycle_id = '{CYCLE}' and weighting_mode = 'rake' "
            f"and audience_id = '{audience}' order by relative_weight desc",
        )
        assert (most["service_id"], most["perspective_id"]) == cell


def test_an_overall_answer_is_kept_and_in_no_score(warehouse):
    whole = [of for of in asked(CYCLE, "overall") if of.audience == "pegawai"]
    kept = {
        row["response_id"]: row
        for row in rows(
            warehouse,
            "from marts.fct_answers inner join marts.fct_responses using (cycle_id, response_key) "
            f"where cycle_id = '{CYCLE}' and question_id = '{whole[0].name}'",
        )
    }
    for person in answers(CYCLE):
        code = person[whole[0].name]
        told = kept[person["id"]]
        assert told["answer_status"] == ("valid" if code else "blank")
        assert told["score"] == whole[0].score(code)
    [index] = rows(
        warehouse,
        f"from indexes.idx_scores where cycle_id = '{CYCLE}' and weighting_mode = 'none' "
        "and domain_type = 'national' and component_type = 'index'",
    )
    assert index["answer_count"] == sum(
        question.score(person[question.name]) is not None
        for question in asked(CYCLE)
        for person in answers(CYCLE)
    )


def test_an_instrument_that_asks_for_no_overall_answer_has_no_drivers(warehouse):
    cycles = rows(warehouse, "select distinct cycle_id from indexes.idx_drivers")
    assert cycles == [{"cycle_id": CYCLE}]


# --- 2. Kish ------------------------------------------------------------------------------------


def raked_weights(warehouse: duckdb.DuckDBPyConnection, cycle: str) -> dict[tuple[str, ...], float]:
    """By unit, category and gender: a cell tells region and level, the same for all in a unit."""
    found = rows(
        warehouse,
        f"""
        select units.unit_id, cells.recipient_category_id, cells.gender, weights.weight
        from people.weights_cells as cells
        inner join people.weights_by_cell as weights using (cycle_id, weight_cell_number)
        inner join design.design_units as units
            on units.cycle_id = cells.cycle_id
            and units.unit_level_id = cells.unit_level_id
            and units.region_id is not distinct from cells.region_id
        where cells.cycle_id = '{cycle}' and weights.weighting_mode = 'rake'
        """,
    )
    keys = ("unit_id", "recipient_category_id", "gender")
    return {tuple(row[key] for key in keys): row["weight"] for row in found}


def weights_of(warehouse: duckdb.DuckDBPyConnection, cycle: str) -> np.ndarray:
    by_cell = raked_weights(warehouse, cycle)
    keys = ("unit", "category", "gender")
    return np.array([by_cell[tuple(person[key] for key in keys)] for person in answers(cycle)])


def test_the_design_effect_is_kishs_over_those_who_rated(warehouse):
    weights = weights_of(warehouse, CYCLE)
    means = item_means([question for question in asked(CYCLE) if question.service == "s2"])
    weights = weights[~np.isnan(means).all(axis=1)]
    [row] = rows(
        warehouse,
        f"from indexes.idx_scores where cycle_id = '{CYCLE}' and weighting_mode = 'rake' "
        "and domain_type = 'national' and component_type = 'service' and service_id = 's2'",
    )
    effective = weights.sum() ** 2 / (weights**2).sum()
    assert np.ptp(weights) > 1
    assert row["respondent_count"] == len(weights)
    assert row["effective_respondent_count"] == pytest.approx(effective, rel=1e-9)
    assert row["design_effect"] == pytest.approx(len(weights) / effective, rel=1e-9)


def test_an_unweighted_error_is_linearised_over_strata_with_finite_populations(warehouse):
    people = answers(CYCLE)
    influence = np.zeros(len(people))
    weight = {"a": 1 / 6, "b": 2 / 6, "c": 1 / 12, "anew": 1 / 12, "d": 2 / 6}
    for item, share in weight.items():
        sums, counts = np.zeros(len(people)), np.zeros(len(people))
        for question in asked(CYCLE):
            if question.item == item:
                scores = [question.score(person[question.name]) for person in people]
                sums += [score or 0 for score in scores]
                counts += [score is not None for score in scores]
        influence += share * (sums - sums.sum() / counts.sum() * counts) / counts.sum()
    strata = np.array([f"{UNITS[person['unit']]}|{person['category']}" for person in people])
    variance, df = 0.0, len(people)
    for stratum in np.unique(strata):
        of = influence[strata == stratum]
        in_frame = sum(
            count
            for (unit, category, _), count in staff().items()
            if f"{UNITS[unit]}|{category}" == stratum
        )
        spread = ((of - of.mean()) ** 2).sum()
        variance += (1 - len(of) / in_frame) * len(of) / (len(of) - 1) * spread
        df -= 1
    df -= sum(
        all(question.score(person[question.name]) is None for question in asked(CYCLE))
        for person in people
    )
    [row] = rows(
        warehouse,
        f"from indexes.idx_scores where cycle_id = '{CYCLE}' and weighting_mode = 'none' "
        "and domain_type = 'national' and component_type = 'index'",
    )
    assert row["se"] == pytest.approx(np.sqrt(variance), rel=1e-9)
    assert row["df"] == df


# --- 6. Changes of raked cycles whose instruments differ ----------------------------------------


def national_index(weights: np.ndarray, cycle: str) -> np.ndarray:
    """The index over the shared items, of weights persons x replicates."""
    sums, counts = dict.fromkeys(SHARED_ITEMS, 0.0), dict.fromkeys(SHARED_ITEMS, 0.0)
    for question in asked(cycle):
        if question.item in SHARED_ITEMS:
            scores = [question.score(person[question.name]) for person in answers(cycle)]
            rated = np.array([score is not None for score in scores], dtype=float)
            values = np.array([score or 0.0 for score in scores])
            sums[question.item] += values @ weights
            counts[question.item] += rated @ weights
    ratios = {item: sums[item] / counts[item] for item in SHARED_ITEMS}
    # Each service has two perspectives of one shared item each: a, b and c, d.
    return (ratios["a"] + ratios["c"] + 2 * (ratios["b"] + ratios["d"])) / 6


def replicates_of(warehouse: duckdb.DuckDBPyConnection, cycle: str) -> np.ndarray:
    """Weights, persons in the order of `answers` x replicates: drawn and raked by the functions
    that test_raking.py proves, on frames read here."""
    cells = warehouse.execute(
        "from people.weights_cells where cycle_id = ? order by stratum_number, weight_cell_number",
        [cycle],
    ).df()
    margins = warehouse.execute("from people.weights_rake_margins where cycle_id = ?", [cycle]).df()
    [settings] = (
        warehouse.execute("from design.design_settings where cycle_id = ?", [cycle])
        .df()
        .to_dict("records")
    )
    drawn = times_drawn(
        cells.drop_duplicates("stratum_number")["stratum_respondent_count"].to_list(),
        PARAMETERS["bootstrap_replicates"],
        seed=int(settings["random_seed"]),
    )
    rules = Rules(
        max_rounds=int(settings["rake_max_rounds"]),
        tolerance=settings["rake_tolerance"],
        trim_low=settings["rake_trim_low"],
        trim_high=settings["rake_trim_high"],
    )
    of_cells = replicate_weights(cells, margins, drawn, rules)
    in_order = warehouse.execute(
        "select response_id from marts.fct_responses where cycle_id = ? and is_accepted "
        "order by stratum_number, weight_cell_number, response_key",
        [cycle],
    ).fetchall()
    of_people = np.repeat(of_cells, cells["respondent_count"], axis=0) * drawn
    place = {name: number for number, (name,) in enumerate(in_order)}
    return of_people[[place[person["id"]] for person in answers(cycle)]]


def test_a_raked_change_between_unlike_instruments_has_its_delta_and_its_error(warehouse):
    [change] = rows(
        warehouse,
        "from indexes.idx_changes where weighting_mode = 'rake' "
        "and domain_type = 'national' and component_type = 'index'",
    )
    early, late = (
        national_index(weights_of(warehouse, cycle), cycle) for cycle in ("early", "late")
    )
    assert change["score_previous"] == pytest.approx(early, abs=1e-9)
    assert change["score"] == pytest.approx(late, abs=1e-9)
    assert change["delta"] == pytest.approx(late - early, abs=1e-9)
    variances = [
        national_index(replicates_of(warehouse, cycle), cycle).var(ddof=1)
        for cycle in ("early", "late")
    ]
    assert change["se"] == pytest.approx(np.sqrt(sum(variances)), rel=1e-5)
    assert change["shared_item_share"] == 0.8


def test_a_raked_mode_has_a_change_wherever_the_unweighted_one_has(warehouse):
    for table in ("figures.comparison_changes", "indexes.idx_changes"):
        by_mode = f"select weighting_mode, count(*) from {table} group by all"
        counts = dict(warehouse.execute(by_mode).fetchall())
        assert counts["rake"] == counts["none"] > 50
    assert warehouse.execute(
        "select count(*) from figures.comparison_changes as raked "
        "inner join figures.comparison_changes as plain "
        "using (domain_type, domain_id, component_type) "
        "where raked.weighting_mode = 'rake' and plain.weighting_mode = 'none' "
        "and raked.service_id is not distinct from plain.service_id "
        "and raked.perspective_id is not distinct from plain.perspective_id "
        "and raked.item_id is not distinct from plain.item_id "
        "and (raked.delta is null) <> (plain.delta is null)"
    ).fetchone() == (0,)


# --- 3 and 4. Middles and certainty -------------------------------------------------------------


def test_the_median_of_units_is_over_the_shown_ones_inside_and_published(data, warehouse):
    with duckdb.connect(str(data / "published" / "ilk.duckdb"), read_only=True) as publication:
        published = rows(
            publication,
            "select cycle_id, weighting_mode, domain_type, score, is_suppressed from idx_scores "
            "where domain_type in ('provider_unit', 'unit_median') and component_type = 'index'",
        )
    units = [row for row in published if row["domain_type"] == "provider_unit"]
    assert any(row["is_suppressed"] for row in units)
    of_shown: dict[tuple[str, str], list[float]] = {}
    for row in units:
        if not row["is_suppressed"] and row["score"] is not None:
            of_shown.setdefault((row["cycle_id"], row["weighting_mode"]), []).append(row["score"])
    expected = {key: float(np.median(scores)) for key, scores in of_shown.items()}
    assert {mode for _, mode in expected} >= {"rake"}
    inside = rows(
        warehouse,
        "select cycle_id, weighting_mode, score from indexes.idx_scores "
        "where domain_type = 'unit_median'",
    )
    for found in (inside, [row for row in published if row["domain_type"] == "unit_median"]):
        medians = {(row["cycle_id"], row["weighting_mode"]): row["score"] for row in found}
        assert medians == pytest.approx(expected, abs=1e-12)


def test_units_that_are_hidden_are_compared_with_none(warehouse):
    hidden, compared = (
        {row["domain_id"] for row in rows(warehouse, query)}
        for query in (
            "select domain_id from figures.disclosure_hidden_cells "
            f"where cycle_id = '{CYCLE}' and domain_type = 'provider_unit' "
            "and component_type = 'index'",
            "select domain_id from figures.shown_unit_scores "
            f"where cycle_id = '{CYCLE}' and component_type = 'index'",
        )
    )
    assert len(hidden) > 1
    assert compared == set(UNITS) - hidden


def test_an_interval_of_width_0_is_no_certainty(warehouse):
    certain = warehouse.execute(
        "select distinct is_band_certain from indexes.idx_scores "
        f"where cycle_id = '{CYCLE}' and domain_id = 'w2' and service_id = 's1' "
        "and ci_low = 4 and ci_high = 4"
    ).fetchall()
    assert certain == [(None,)]
    assert warehouse.execute(
        "select count(*) from indexes.idx_scores where ci_low < ci_high and is_band_certain is null"
    ).fetchone() == (0,)
