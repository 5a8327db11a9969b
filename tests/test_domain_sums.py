"""Sums over persons by domain and component: against each person counted one by one.

Belongs here: orchestration/scoring/domain_sums.py over small tables. Doesn't: the sample's figures
(test_reference.py), a whole cycle over a small index (test_formulas.py).
"""

from collections import Counter

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.scoring import domain_sums
from orchestration.scoring.domain_sums import KEYS, MEASURES, component_sums

# Service a with two items, of two levels and one; service b with one. A perspective across.
COMPONENTS = pd.DataFrame(
    [
        (1, "index", None, None, None),
        (2, "service", "a", None, None),
        (3, "service", "b", None, None),
        (4, "perspective", None, "x", None),
        (5, "item", "a", "x", "one"),
        (6, "item", "a", "y", "two"),
        (7, "item", "b", "x", "three"),
    ],
    columns=["component_number", "component_type", "service_id", "perspective_id", "item_id"],
)
QUESTIONS = pd.DataFrame(
    [
        (1, 1, "a", "x", "one"),
        (2, 2, "a", "x", "one"),
        (3, 2, "a", "y", "two"),
        (4, 2, "b", "x", "three"),
    ],
    columns=["question_number", "provider_level_rank", "service_id", "perspective_id", "item_id"],
)
# All speak for domain 1 about both levels, of their units for 2 about level 2 and for 5 about 1 ...
ROUTES = pd.DataFrame(
    [
        ("role_id", "penerima", 1, True, True),
        ("unit_id", "u", 2, False, True),
        ("unit_id", "v", 2, False, True),
        ("unit_id", "v", 5, True, False),
        ("gender", "P", 7, True, True),
    ],
    columns=["attribute_name", "attribute_value", "domain_number", "is_level_1", "is_level_2"],
).assign(role_id="penerima")
ANSWERS = ["not_used_count_2_1", "not_available_count_2_2", "not_used_count_3_2"]
PERSON = st.tuples(
    st.integers(1, 3),  # weight cell
    st.sampled_from("uvw"),
    st.sampled_from(["penerima", "pemberi"]),
    st.sampled_from(["P", None]),
    *[st.integers(0, 4)] * 4,  # ratings in steps
    *[st.integers(0, 1)] * 3,
)


def table(people: list[tuple[object, ...]]) -> pa.Table:
    names = ["weight_cell_number", "unit_id", "role_id", "gender"]
    names += [*(f"rating_{number}" for number in range(1, 5)), *ANSWERS]
    kinds = [pa.int32(), *[pa.string()] * 3, *[pa.int16()] * 7]
    columns = [
        pa.array(of, kind) for of, kind in zip(zip(*people, strict=True), kinds, strict=True)
    ]
    # Cells 1 and 2 lie in one stratum.
    strata = pa.array([(int(str(person[0])) + 1) // 2 for person in people], pa.int32())
    return pa.table([*columns, strata], names=[*names, "stratum_number"])


def summed(people: list[tuple[object, ...]]) -> dict[tuple[int, ...], dict[str, int | None]]:
    found = component_sums(
        table(people), questions=QUESTIONS, components=COMPONENTS, routes=ROUTES
    ).to_pylist()
    rows = {
        tuple(row[key] for key in KEYS): {name: row[name] for name in MEASURES} for row in found
    }
    assert len(rows) == len(found)
    return rows


def counted(people: list[tuple[object, ...]]) -> dict[tuple[int, ...], dict[str, int | None]]:
    """The same, person by person."""
    found: dict[tuple[int, ...], Counter[str]] = {}
    for cell, unit, role, gender, *answers in people:
        for route in ROUTES.itertuples():
            value = {"role_id": role, "unit_id": unit, "gender": gender}[route.attribute_name]
            if value != route.attribute_value or role != route.role_id:
                continue
            heard = {1: route.is_level_1, 2: route.is_level_2}
            for of in COMPONENTS.itertuples():
                ratings = [
                    rating
                    for asked, rating in zip(QUESTIONS.itertuples(), answers, strict=False)
                    if rating
                    and heard[asked.provider_level_rank]
                    and all(
                        getattr(of, key) in (None, getattr(asked, key)) or pd.isna(getattr(of, key))
                        for key in ("service_id", "perspective_id", "item_id")
                    )
                ]
                others = Counter(
                    {
                        kind: sum(
                            count
                            for name, count in zip(ANSWERS, answers[4:], strict=True)
                            if name.startswith(kind)
                            and heard[int(name[-1])]
                            and of.component_number in (1, int(name[-3]))
                        )
                        for kind in ("not_used_count", "not_available_count")
                    }
                )
                key = (route.domain_number, (cell + 1) // 2, cell, of.component_number)
                sums = found.setdefault(key, Counter())
                sums["respondent_count"] += bool(ratings)
                sums["rating_count"] += len(ratings)
                if of.component_type == "item":
                    sums["step_sum"] += sum(ratings)
                if of.component_type in ("index", "service"):
                    sums.update(others)
                    sums["accessing_count"] += bool(ratings or others["not_used_count"])
                    sums["answering_count"] += bool(ratings or sum(others.values()))
    kinds = dict(zip(COMPONENTS["component_number"], COMPONENTS["component_type"], strict=True))

    def is_measured(name: str, kind: str) -> bool:
        if name == "step_sum":
            return kind == "item"
        return name in ("respondent_count", "rating_count") or kind in ("index", "service")

    return {
        key: {name: sums[name] if is_measured(name, kinds[key[3]]) else None for name in MEASURES}
        for key, sums in found.items()
        if sums["respondent_count"] or sums["answering_count"]
    }


@settings(max_examples=60, deadline=None)
@given(st.lists(PERSON, min_size=1, max_size=20))
def test_sums_are_those_of_each_person_counted(people):
    assert summed(people) == counted(people)


@settings(max_examples=20, deadline=None)
@given(st.lists(PERSON, min_size=2, max_size=20), st.integers(1, 19))
def test_sums_of_two_parts_of_the_people_add_up_to_those_of_all(people, cut):
    first, second = summed(people[:cut]), summed(people[cut:]) if people[cut:] else {}
    added = {
        key: {
            name: None
            if of.get(name) is None
            else sum((part.get(key, {}).get(name) or 0) for part in (first, second))
            for name in MEASURES
        }
        for key, of in {**first, **second}.items()
    }
    assert summed(people) == added


def test_people_are_added_up_in_blocks_that_are_exact(monkeypatch: pytest.MonkeyPatch):
    people = [(1, "u", "penerima", "P", 4, 4, 4, 4, 1, 1, 1)] * 50
    at_once = summed(people)
    monkeypatch.setattr(domain_sums, "EXACT_IN_SINGLE", 60)  # three people
    assert summed(people) == at_once
    assert at_once[1, 1, 1, 6]["step_sum"] == 200
