"""Variances by linearisation: against numbers worked out by hand, and the sum over respondents.

Belongs here: moments, gradients, variances over arrays. Doesn't: the sample's figures against R
(test_reference.py, test_coverage_reference.py).
"""

from collections import Counter
from itertools import combinations_with_replacement

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.scoring.linearisation import Linearised, linearise, variances
from orchestration.scoring.second_moments import second_moments

# One service of one perspective with two items, of two questions and one.
COMPONENTS = pd.DataFrame(
    [
        (1, "index", None, None),
        (2, "service", "sdm", None),
        (3, "service_perspective", "sdm", None),
        (4, "item", "sdm", "a"),
        (5, "item", "sdm", "b"),
    ],
    columns=["component_number", "component_type", "service_id", "item_id"],
)
EDGES = pd.DataFrame(
    [(1, 3, 4, 1.0), (1, 3, 5, 1.0), (2, 2, 3, 1.0), (3, 1, 2, 1.0)],
    columns=["storey", "parent_number", "child_number", "weight"],
)
QUESTIONS = pd.DataFrame(
    [(1, "a", "sdm", 1), (2, "a", "sdm", 2), (3, "b", "sdm", 2)],
    columns=["question_number", "item_id", "service_id", "provider_level_rank"],
)
# Everybody speaks for domain 1 with what they say of both levels, unit u alone for 2 with level 2.
ROUTES = pd.DataFrame(
    [("role_id", "penerima", 1, True, True), ("unit_id", "u", 2, False, True)],
    columns=["attribute_name", "attribute_value", "domain_number", "is_level_1", "is_level_2"],
).assign(role_id="penerima")


def linearised(people: list[tuple[int, str, int, int, int]], staff: dict[int, int]) -> Linearised:
    """Score people: stratum, unit, ratings of the three questions, 0: none. Weights are N / n."""
    columns = ["stratum_number", "unit_id", "rating_1", "rating_2", "rating_3"]
    frame = pd.DataFrame(sorted(people), columns=columns)
    sizes = frame.groupby("stratum_number").size()
    strata = pd.DataFrame(
        {
            "stratum_number": sizes.index,
            "weighting_mode": "poststrat",
            "stratum_respondent_count": sizes.to_numpy(),
            "sampling_fraction": [sizes[stratum] / staff[stratum] for stratum in sizes.index],
            "weight": [staff[stratum] / sizes[stratum] for stratum in sizes.index],
        }
    )
    weight = frame["stratum_number"].map(strata.set_index("stratum_number")["weight"])
    is_of = {1: pd.Series(data=True, index=frame.index), 2: frame["unit_id"] == "u"}
    asked = {
        1: {"a": ["rating_1", "rating_2"], "b": ["rating_3"]},
        2: {"a": ["rating_2"], "b": ["rating_3"]},
    }
    scores = []
    for domain in (1, 2):
        ratios = {}
        for number, item in ((4, "a"), (5, "b")):
            rated = frame.loc[is_of[domain], asked[domain][item]]
            weighted = rated.mul(weight[is_of[domain]], axis=0).to_numpy().sum()
            total = (rated > 0).mul(weight[is_of[domain]], axis=0).to_numpy().sum()
            if total:
                ratios[item] = weighted / total
                scores.append((number, domain, ratios[item], total))
        if ratios:
            mean = np.mean(list(ratios.values()))
            scores.extend((number, domain, mean, np.nan) for number in (1, 2, 3))
    answers = {
        f"{kind}_count_2_{rank}": np.zeros(len(frame), np.int16)
        for kind in ("not_used", "not_available")
        for rank in (1, 2)
    }
    ratings = frame.astype({name: np.int16 for name in columns[2:]}).assign(
        role_id="penerima", steps_per_point=1, **answers
    )
    return linearise(
        moments_of(ratings),
        components=COMPONENTS,
        edges=EDGES,
        scores=pd.DataFrame(
            scores, columns=["component_number", "domain_number", "score", "weighted_rating_count"]
        ).assign(weighting_mode="poststrat"),
        strata=strata,
    )


def moments_of(ratings: pd.DataFrame) -> pa.Table:
    return second_moments(
        pa.Table.from_pandas(ratings, preserve_index=False),
        cycle_id="c1",
        settings=pd.DataFrame({"cycle_id": ["c1"], "instrument_id": ["i"]}),
        questions=QUESTIONS.assign(instrument_id="i"),
        components=COMPONENTS,
        routes=ROUTES,
    )


def variance(of: Linearised, *, domain: int, component: int) -> float:
    found = of.variances().set_index(["domain_number", "component_number"])["variance"]
    return float(found[domain, component])


def test_the_variance_of_one_item_is_the_one_worked_out_by_hand():
    # Three of six staff, weight 2. Two rate b: 2 and 4; R = 3, X = 2 + 2 = 4. z = -1/4, 1/4 and,
    # for who rated nothing, 0. w z = -1/2, 1/2, 0, mean 0: (1 - 3/6) x 3/2 x (1/4 + 1/4) = 3/8.
    people = [(1, "u", 0, 0, 2), (1, "u", 0, 0, 4), (1, "u", 0, 0, 0)]
    assert variance(linearised(people, {1: 6}), domain=1, component=5) == pytest.approx(3 / 8)


def test_who_speaks_for_no_part_of_a_domain_counts_in_its_strata():
    # The same, but the one who rated 4 is of another unit: domain 2 has R = 2, X = 2, all z are 0.
    people = [(1, "u", 0, 0, 2), (1, "v", 0, 0, 4), (1, "u", 0, 0, 0)]
    assert variance(linearised(people, {1: 6}), domain=2, component=5) == 0


def test_a_census_has_no_sampling_variance():
    people = [(1, "u", 1, 2, 2), (1, "u", 4, 0, 4), (1, "u", 3, 1, 0)]
    assert variance(linearised(people, {1: 3}), domain=1, component=1) == 0


def test_what_is_left_of_terms_that_cancel_is_rounding_and_no_variance():
    # Two totals of variance 1 that go together but for 1e-14: of what their difference could vary
    # by, (1 + 1)^2, that is 2.5e-15. But for 1e-10 it is 2.5e-11, and stays.
    for apart, kept in ((1e-14, 0.0), (1e-10, 1e-10)):
        covariances = np.array([[[1, 1], [1, 1 + apart]]])
        found = variances(np.array([[[1.0], [-1.0]]]), covariances)
        assert found[0, 0] == pytest.approx(kept, rel=1e-4, abs=0)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 3), st.sampled_from("uv"), *[st.integers(0, 4) for _ in range(3)]),
        min_size=4,
        max_size=30,
    )
)
def test_second_moments_give_the_sum_over_respondents(people):
    staff = dict.fromkeys((1, 2, 3), 100)
    found = linearised(people, staff)
    for domain, is_of, first in ((1, "uv", 2), (2, "u", 3)):
        if domain not in found.domains:
            continue
        of_domain = (found.domains == domain).argmax()
        theta = found.scores[0, of_domain]
        if np.isnan(theta):
            continue
        rated = found.rating_totals[:, of_domain] > 0
        expected = 0.0
        for stratum in {person[0] for person in people}:
            members = [person for person in people if person[0] == stratum]
            influences = []
            for person in members:
                answers = [[*person[first:4]], [person[4]]] if person[1] in is_of else [[], []]
                influences.append(
                    sum(
                        sum(code - found.scores[3 + item, of_domain] for code in codes if code)
                        / found.rating_totals[item, of_domain]
                        / rated.sum()
                        for item, codes in enumerate(answers)
                        if rated[item]
                    )
                )
            size = len(members)
            if size > 1:
                spread = float(np.sum((np.array(influences) - np.mean(influences)) ** 2))
                weight = staff[stratum] / size
                expected += (1 - size / staff[stratum]) * size / (size - 1) * weight**2 * spread
        assert variance(found, domain=domain, component=1) == pytest.approx(expected, abs=1e-12)


def test_the_moments_of_two_parts_of_the_people_add_up_to_those_of_all():
    ratings = pd.DataFrame(
        [(1, "u", 2, 0, 3), (1, "v", 4, 1, 0), (2, "u", 0, 3, 3), (2, "u", 1, 1, 2)],
        columns=["stratum_number", "unit_id", "rating_1", "rating_2", "rating_3"],
    ).assign(role_id="penerima", steps_per_point=1)

    def by_pair(people: pd.DataFrame) -> Counter[tuple[int, ...]]:
        found: Counter[tuple[int, ...]] = Counter()
        for row in moments_of(people).to_pylist():
            numbers = row["total_numbers"]
            pairs = list(combinations_with_replacement(numbers, 2))
            of = (row["domain_number"], row["stratum_number"])
            for pair, product in zip(pairs, row["products"], strict=True):
                found[*of, *pair] += product
            for number, added in zip(numbers, row["sums"], strict=True):
                found[*of, number] += added
        return found

    whole = by_pair(ratings)
    assert by_pair(ratings[:3]) + by_pair(ratings[3:]) == +whole
    # Of unit u, level 2, stratum 2: b was rated 3 and 2, a 3 and 1.
    assert whole[2, 2, 1, 1] == 3 * 3 + 2 * 2
    assert whole[2, 2, 0, 1] == 3 * 3 + 1 * 2
    assert whole[2, 2, 1] == 3 + 2
