"""The covariance of two cycles' scores, against the sum over the people who answered both.

Belongs here: overlap moments and covariances over arrays. Doesn't: what a change's test makes of
them (test_changes.py), R's figures (test_reference.py).
"""

from collections import Counter
from collections.abc import Mapping
from itertools import chain, product

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from orchestration.scoring.linearisation import linearise
from orchestration.scoring.overlap_covariances import overlap_covariances
from orchestration.scoring.overlap_moments import overlap_moments
from orchestration.scoring.second_moments import second_moments

CYCLES = ("before", "now")
# One service of one perspective; item b is asked in both cycles, a by two questions, c new.
COMPONENTS = pd.DataFrame(
    [
        (1, "index", None, None, None),
        (2, "service", "sdm", None, None),
        (3, "service_perspective", "sdm", "p", None),
        (4, "item", "sdm", "p", "a"),
        (5, "item", "sdm", "p", "b"),
        (6, "item", "sdm", "p", "c"),
    ],
    columns=["component_number", "component_type", "service_id", "perspective_id", "item_id"],
)
SHARED = COMPONENTS[COMPONENTS["item_id"] != "c"]
EDGES = pd.DataFrame(
    [(1, 3, 4, 1.0), (1, 3, 5, 2.0), (2, 2, 3, 1.0), (3, 1, 2, 1.0)],
    columns=["storey", "parent_number", "child_number", "weight"],
)
QUESTIONS = pd.DataFrame(
    [
        *(("before", 1, "a", 1), ("before", 2, "a", 2), ("before", 3, "b", 2)),
        *(("now", 4, "a", 1), ("now", 5, "a", 2), ("now", 6, "b", 2), ("now", 7, "c", 2)),
    ],
    columns=["instrument_id", "question_number", "item_id", "provider_level_rank"],
).assign(service_id="sdm", perspective_id="p")
# Everybody speaks for domain 1 (2 before), unit u alone for 2 (3 before) with level 2.
DOMAINS = pd.DataFrame(
    [
        *(("now", 1, "national"), ("now", 2, "u"), ("before", 1, "closed")),
        *(("before", 2, "national"), ("before", 3, "u")),
    ],
    columns=["cycle_id", "domain_number", "domain_id"],
).assign(domain_type="t")
ROUTES = pd.DataFrame(
    [
        ("now", "role_id", "penerima", 1, True, True),
        ("now", "unit_id", "u", 2, False, True),
        ("before", "role_id", "penerima", 2, True, True),
        ("before", "unit_id", "u", 3, False, True),
        ("before", "unit_id", "v", 1, True, True),
    ],
    columns=[
        *("cycle_id", "attribute_name", "attribute_value", "domain_number"),
        *("is_level_1", "is_level_2"),
    ],
).assign(role_id="penerima")
ASKED = {"before": {"a": [1, 2], "b": [3]}, "now": {"a": [4, 5], "b": [6], "c": [7]}}
LEVEL_2 = {"before": {"a": [2], "b": [3]}, "now": {"a": [5], "b": [6], "c": [7]}}
SETTINGS = pd.DataFrame({"cycle_id": CYCLES, "instrument_id": CYCLES})


def responses(seed: int, *, moving: float = 0.1) -> dict[str, pd.DataFrame]:
    """Persons of three strata, a third of the staff in each cycle, and half of those in both."""
    chance = np.random.default_rng(seed)
    staff = 90
    home = np.repeat([1, 2, 3], staff // 3)
    unit = np.where(chance.random(staff) < 0.5, "u", "v")
    lenient = chance.normal(size=staff)
    found = {}
    answered = chance.random(staff) < 0.4
    for cycle in CYCLES:
        where = np.where(chance.random(staff) < moving, chance.integers(1, 4, staff), home)
        frame = pd.DataFrame({"stratum_number": where, "unit_id": unit, "person": range(staff)})
        for number in chain(*ASKED[cycle].values()):
            rating = np.clip(np.rint(2.7 + lenient + 0.5 * chance.normal(size=staff)), 1, 4)
            frame[f"rating_{number}"] = np.where(chance.random(staff) < 0.15, 0, rating)
        found[cycle] = frame[answered].reset_index(drop=True)
        answered = np.where(chance.random(staff) < 0.6, answered, chance.random(staff) < 0.4)
    return found


def ratings_of(frame: pd.DataFrame, cycle: str) -> pa.Table:
    """Return ratings_of_cycle of these people."""
    return pa.Table.from_pandas(
        frame.astype({name: np.int16 for name in frame if str(name).startswith("rating")})
        .assign(cycle_id=cycle, role_id="penerima", steps_per_point=1)
        .rename(columns={"person": "response_key"})
        .sort_values("stratum_number", kind="stable"),
        preserve_index=False,
    )


def met(people: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return ratings_in_both_cycles of these people."""
    both = people["before"].merge(people["now"], on="person", suffixes=("_before", ""))
    return both.rename(columns={"stratum_number_before": "previous_stratum_number"})


def moments_of(people: Mapping[str, pd.DataFrame]) -> pa.Table:
    pairs = met(people)
    return overlap_moments(
        pa.table(
            {
                "previous_response_key": pairs["person"].to_numpy(),
                "response_key": pairs["person"].to_numpy(),
                "previous_stratum_number": pairs["previous_stratum_number"].to_numpy(),
                "stratum_number": pairs["stratum_number"].to_numpy(),
            }
        ),
        previous_ratings=ratings_of(people["before"], "before"),
        ratings=ratings_of(people["now"], "now"),
        cycle_id="now",
        settings=SETTINGS,
        questions=QUESTIONS,
        components=COMPONENTS,
        shared=SHARED,
        domains=DOMAINS,
        routes=ROUTES,
    )


def covariances(
    people: Mapping[str, pd.DataFrame], staff: Mapping[str, Mapping[int, int]]
) -> tuple[pd.DataFrame, dict[str, pd.DataFrame], pd.DataFrame]:
    """Return overlap_covariances, the influence of each person by cycle, and both variances."""
    strata, scores, influences, moments = [], [], {}, {}
    for cycle, frame in people.items():
        sizes = frame.groupby("stratum_number").size()
        of_cycle = pd.DataFrame(
            {
                "cycle_id": cycle,
                "weighting_mode": "poststrat",
                "stratum_number": sizes.index,
                "stratum_respondent_count": sizes.to_numpy(),
                "stratum_staff_count": [staff[cycle][name] for name in sizes.index],
                "sampling_fraction": [size / staff[cycle][name] for name, size in sizes.items()],
                "weight": [staff[cycle][name] / size for name, size in sizes.items()],
            }
        )
        strata.append(of_cycle)
        weight = frame["stratum_number"].map(of_cycle.set_index("stratum_number")["weight"])
        influences[cycle] = frame[["person", "stratum_number"]].assign(weight=weight)
        for domain, asked in (("national", ASKED[cycle]), ("u", LEVEL_2[cycle])):
            inside = frame["unit_id"].eq("u") | (domain == "national")
            [number] = DOMAINS.loc[
                (DOMAINS["cycle_id"] == cycle) & (DOMAINS["domain_id"] == domain), "domain_number"
            ]
            theta, influence = 0.0, np.zeros(len(frame))
            for component, item, share in ((4, "a", 1 / 3), (5, "b", 2 / 3)):
                rated = frame[[f"rating_{of}" for of in asked[item]]].mul(inside, axis=0)
                total = float(weight @ (rated > 0).sum(axis=1))
                ratio = float(weight @ rated.sum(axis=1)) / total
                of_item = (rated.sum(axis=1) - ratio * (rated > 0).sum(axis=1)) / total
                influences[cycle][f"{domain}_{component}"] = of_item
                scores.append((cycle, component, number, ratio, total))
                theta, influence = theta + share * ratio, influence + share * of_item
            influences[cycle][f"{domain}_1"] = influence
            scores.extend((cycle, component, number, theta, np.nan) for component in (1, 2, 3))
        moments[cycle] = second_moments(
            ratings_of(frame, cycle),
            cycle_id=cycle,
            settings=SETTINGS,
            questions=QUESTIONS,
            components=COMPONENTS,
            routes=ROUTES[ROUTES["cycle_id"] == cycle],
        )
    keys = ["previous_stratum_number", "stratum_number"]
    pairs = met(people)
    scored = pd.DataFrame(
        scores,
        columns=[
            *("compared_cycle_id", "component_number", "domain_number"),
            *("score", "weighted_rating_count"),
        ],
    ).assign(weighting_mode="poststrat")
    all_components = pd.concat(COMPONENTS.assign(cycle_id=cycle) for cycle in CYCLES)
    overlap = moments_of(people)
    found = overlap_covariances(
        overlap,
        cycle_id="now",
        pairs=pairs.groupby(keys).size().rename("overlap_count").reset_index(),
        moments=moments,
        components=all_components,
        edges=EDGES,
        scores=scored,
        strata=pd.concat(strata),
        domains=DOMAINS,
    ).to_pandas()
    variances = pd.concat(
        linearise(
            moments[cycle],
            components=COMPONENTS,
            edges=EDGES,
            scores=scored[scored["compared_cycle_id"] == cycle],
            strata=of_cycle,
        )
        .variances()
        .assign(cycle_id=cycle)
        for cycle, of_cycle in zip(people, strata, strict=True)
    )
    return found.set_index(["domain_number", "component_number"]), influences, variances


def person_by_person(
    influences: Mapping[str, pd.DataFrame], staff: Mapping[int, int], name: str
) -> float:
    """Add up what the people in both cycles say: residuals from their strata, multiplied."""
    residuals = {}
    for cycle, frame in influences.items():
        of_strata = frame.groupby("stratum_number")
        residuals[cycle] = frame.assign(
            residual=frame["weight"] * (frame[name] - of_strata[name].transform("mean")),
            size=of_strata[name].transform("size"),
        )[["person", "stratum_number", "residual", "size", "weight"]]
    both = residuals["before"].merge(residuals["now"], on="person", suffixes=("_1", "_2"))
    total = 0.0
    for now, of_stratum in both.groupby("stratum_number_2"):
        for _, pair in of_stratum.groupby("stratum_number_1"):
            size_1, size_2 = pair["size_1"].iloc[0], pair["size_2"].iloc[0]
            # Chance alone would let so many of these meet again.
            chance = staff[int(now)] / (
                (pair["weight_1"] * pair["weight_2"]).iloc[0] * len(of_stratum)
            )
            lost = 1 - 1 / size_1 - 1 / size_2 + len(pair) / (size_1 * size_2)
            total += (1 - chance) / lost * float(pair["residual_1"] @ pair["residual_2"])
    return total


STAFF = {cycle: {1: 40, 2: 50, 3: 45} for cycle in CYCLES}


@pytest.mark.parametrize("seed", range(3))
def test_the_covariance_is_the_sum_over_who_answered_both(seed: int) -> None:
    people = responses(seed)
    assert (people["before"]["stratum_number"].value_counts() > 1).all()
    found, influences, _ = covariances(people, STAFF)
    both = people["before"].merge(people["now"], on="person")
    assert found.loc[(1, 1), "overlap_count"] <= len(both)
    for number, domain in ((1, "national"), (2, "u")):
        for component in (1, 4, 5):
            expected = person_by_person(influences, STAFF["now"], f"{domain}_{component}")
            assert found.loc[(number, component), "covariance"] == pytest.approx(
                expected, rel=1e-9, abs=1e-15
            )
    assert set(found.index.get_level_values(0)) == {1, 2}
    assert 6 not in found.index.get_level_values(1)


def test_where_all_answer_both_the_change_has_the_variance_of_their_differences() -> None:
    # Everybody answers both in the same stratum, out of so many that the fraction is nought.
    people = responses(4, moving=0.0)
    people["before"]["home"] = people["before"]["stratum_number"]
    now = people["now"].merge(people["before"][["person"]], on="person")
    before = people["before"].drop(columns="home").merge(now[["person"]], on="person")
    staff = {cycle: dict.fromkeys((1, 2, 3), 10**12) for cycle in CYCLES}
    found, influences, variances = covariances({"before": before, "now": now}, staff)
    of = variances[variances["component_number"] == 1].set_index(["cycle_id", "domain_number"])
    change = (
        of.loc[("before", 2), "variance"]
        + of.loc[("now", 1), "variance"]
        - 2 * found.loc[(1, 1), "covariance"]
    )
    difference = influences["now"].merge(influences["before"], on="person", suffixes=("", "_0"))
    difference["d"] = difference["weight"] * (difference["national_1"] - difference["national_1_0"])
    groups = difference.groupby("stratum_number")["d"]
    expected = sum(len(group) * group.var(ddof=1) for _, group in groups)
    assert change == pytest.approx(expected, rel=1e-6)


def entries(moments: pa.Table) -> Counter[tuple[object, ...]]:
    """Return every sum, product and count of a table of moments under its place."""
    found: Counter[tuple[object, ...]] = Counter()
    for row in moments.to_pylist():
        key = (row["domain_number"], row["previous_stratum_number"], row["stratum_number"])
        before, now = row["previous_total_numbers"], row["total_numbers"]
        for at, value in zip(product(before, now), row["products"], strict=True):
            found[*key, "product", *at] += value
        for kind, places, name in (
            ("before", before, "previous_sums"),
            ("now", now, "sums"),
            ("persons", row["component_numbers"], "overlap_counts"),
        ):
            for place, value in zip(places, row[name], strict=True):
                found[*key, kind, place] += value
    return found


def test_the_moments_of_two_parts_of_the_people_add_up_to_those_of_all() -> None:
    people = responses(5)
    one, other = (
        entries(moments_of({name: of[of["person"] % 2 == part] for name, of in people.items()}))
        for part in (0, 1)
    )
    whole = entries(moments_of(people))
    assert len(whole) > 400
    assert +(one + other) == +whole


def test_without_anybody_in_both_there_are_no_moments_and_no_covariances() -> None:
    people = responses(6)
    people["before"]["person"] += 1000
    found, *_ = covariances(people, STAFF)
    assert moments_of(people).num_rows == len(found) == 0
