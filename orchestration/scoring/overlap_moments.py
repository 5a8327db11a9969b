"""Sums of products of what people who answered two cycles add to a domain's totals in either.

Belongs here: adding them up over persons. Doesn't: the covariances of scores that follow
(overlap_covariances.py), the warehouse (models/sums).

Persons are met by the strata that they were in, before and now: a *pair*. As second moments are,
the sums are whole numbers: those of two parts of the people add up to those of all.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from orchestration.scoring.score_tree import Bools, Floats
from orchestration.scoring.second_moments import lists_of, members_of
from orchestration.scoring.totals import (
    Integers,
    Speakers,
    Total,
    asked_in,
    of_type,
    speakers_of,
    totals_of,
)

MOMENTS = pa.schema(
    [
        ("cycle_id", pa.string()),
        ("domain_number", pa.int32()),
        ("previous_stratum_number", pa.int32()),
        ("stratum_number", pa.int32()),
        ("previous_total_numbers", pa.list_(pa.int16())),
        ("total_numbers", pa.list_(pa.int16())),
        ("previous_sums", pa.list_(pa.int64())),
        ("sums", pa.list_(pa.int64())),
        ("products", pa.list_(pa.int64())),
        ("component_numbers", pa.list_(pa.int32())),
        ("overlap_counts", pa.list_(pa.int64())),
        ("previous_steps_per_point", pa.int32()),
        ("steps_per_point", pa.int32()),
    ]
)
LISTS = MOMENTS.names[4:11]
PERSONS = 16_384  # at a time: what bounds the memory
KEYS = ("service_id", "perspective_id", "item_id")


def overlap_moments(
    persons: pa.Table,
    *,
    previous_ratings: pa.Table,
    ratings: pa.Table,
    cycle_id: str,
    settings: pd.DataFrame,
    questions: pd.DataFrame,
    components: pd.DataFrame,
    shared: pd.DataFrame,
    domains: pd.DataFrame,
    routes: pd.DataFrame,
) -> pa.Table:
    """Return MOMENTS, a row per domain of both cycles and pair of strata of who is in both.

    `persons`: ratings_in_both_cycles. `previous_ratings` and `ratings`: ratings_of_previous_cycle
    and ratings_of_cycle. `settings`: design_settings. `questions`: as for totals_of. `components`:
    this cycle's design_components, whose items both sides' totals are of; answers that are no
    rating have no part. `shared`: its design_shared_components. `domains`: sums_domains, and
    `routes`: sums_domain_routes, of all cycles.
    """
    if not persons.num_rows:
        return MOMENTS.empty_table()
    shared = shared.sort_values("component_number")  # rows come in any order
    previous_id = previous_ratings["cycle_id"][0].as_py()
    asked = questions[questions["item_id"].isin(set(shared["item_id"].dropna()))]
    common = common_domains(domains, cycle_id=cycle_id, previous_id=previous_id)
    order = np.lexsort(
        [persons[name].to_numpy() for name in ("stratum_number", "previous_stratum_number")]
    )
    persons = persons.take(order)
    sides = [
        _Side.of(
            _rows_of(of_cycle, persons[key]),
            asked=asked_in(side, asked, settings),
            components=components,
            shared=shared,
            routes=routes[
                (routes["cycle_id"] == side) & routes["domain_number"].isin(common[number])
            ],
            domains=common[number].to_numpy(),
        )
        for side, of_cycle, key, number in (
            (previous_id, previous_ratings, "previous_response_key", "previous_domain_number"),
            (cycle_id, ratings, "response_key", "domain_number"),
        )
    ]
    found: dict[str, list[Any]] = {name: [] for name in MOMENTS.names[1:11]}
    numbers = shared["component_number"].to_numpy()
    with threadpool_limits(limits=1, user_api="blas"):
        for pair, moments in _by_pair(persons, sides):
            for place, moment in sorted(moments.items()):
                before, now = np.flatnonzero(moment.sums[0]), np.flatnonzero(moment.sums[1])
                counted = np.flatnonzero(moment.counts)
                found["domain_number"].append(common["domain_number"].iloc[place])
                found["previous_stratum_number"].append(pair[0])
                found["stratum_number"].append(pair[1])
                found["previous_total_numbers"].append(before)
                found["total_numbers"].append(now)
                found["previous_sums"].append(moment.sums[0][before])
                found["sums"].append(moment.sums[1][now])
                found["products"].append(moment.products[np.ix_(before, now)].ravel())
                found["component_numbers"].append(numbers[counted])
                found["overlap_counts"].append(moment.counts[counted])
    count = len(found["domain_number"])
    steps = [pa.scalar(of["steps_per_point"][0].as_py(), pa.int32())
             for of in (previous_ratings, ratings)]  # fmt: skip
    return pa.table(
        [
            pa.repeat(cycle_id, count),
            *(pa.array(found[name], pa.int32()) for name in MOMENTS.names[1:4]),
            *(lists_of(found[name], MOMENTS.field(name).type.value_type) for name in LISTS),
            *(pa.repeat(of_side, count) for of_side in steps),
        ],
        schema=MOMENTS,
    )


def common_domains(domains: pd.DataFrame, *, cycle_id: str, previous_id: str) -> pd.DataFrame:
    """Return domain_number and previous_domain_number of what both cycles have, in this order."""
    of = {
        side: domains.loc[
            domains["cycle_id"] == side, ["domain_type", "domain_id", "domain_number"]
        ]
        for side in (cycle_id, previous_id)
    }
    before = of[previous_id].rename(columns={"domain_number": "previous_domain_number"})
    both = of[cycle_id].merge(before, on=["domain_type", "domain_id"])
    # Numbers go by type and id: ascending in one cycle, they are in the other.
    both = both.sort_values("domain_number", ignore_index=True)
    return both[["domain_number", "previous_domain_number"]]


@dataclass(frozen=True)
class _Side:
    """What each person in both cycles adds to totals in one of them, rows as in `persons`.

    `under`: shared components x items. `item_count`: of this cycle's tree.
    """

    columns: dict[str, NDArray[np.int16]]
    totals: Sequence[Total]
    speakers: Sequence[Speakers]
    under: Floats

    @classmethod
    def of(
        cls,
        ratings: pa.Table,
        *,
        asked: pd.DataFrame,
        components: pd.DataFrame,
        shared: pd.DataFrame,
        routes: pd.DataFrame,
        domains: Integers,
    ) -> "_Side":
        items = of_type(components, "item")
        totals = totals_of(asked, components)[: 2 * len(items)]
        wanted = {name for total in totals for of in total.columns.values() for name in of}
        under = np.ones((len(shared), len(items)))
        for key in KEYS:
            of_shared = shared[key].to_numpy(dtype=object)[:, np.newaxis]
            is_alike = of_shared == items[key].to_numpy(dtype=object)
            under *= is_alike | shared[key].isna().to_numpy()[:, np.newaxis]
        return cls(
            columns={
                name: ratings[name].to_numpy() for name in sorted(wanted & {*ratings.column_names})
            },
            totals=totals,
            speakers=speakers_of(ratings, routes, domains),
            under=under,
        )

    def spoken(self, people: slice) -> dict[int, list[tuple[Integers, Floats, Bools]]]:
        """Return by domain who of these `people` speak for it, what they add, and rate at all.

        A list, since people of some units may speak about other levels: nobody is in two of it.
        """
        columns = {name: of[people] for name, of in self.columns.items()}
        everybody = np.arange(people.stop - people.start)
        by_ranks: dict[tuple[int, ...], tuple[Floats, Bools]] = {}
        found: dict[int, list[tuple[Integers, Floats, Bools]]] = {}
        for speaking in self.speakers:
            if speaking.ranks not in by_ranks:
                values = np.zeros((len(self.totals), len(everybody)))
                for place, total in enumerate(self.totals):
                    added = total.of(columns, speaking.ranks)
                    if added is not None:
                        values[place] = added
                numbers = values[len(self.totals) // 2 :]
                by_ranks[speaking.ranks] = values, self.under @ numbers > 0
            values, rates = by_ranks[speaking.ranks]
            for group, members in members_of(speaking.group_of[people]):
                who = everybody if members is None else members
                for domain in speaking.domains[group].tolist():
                    found.setdefault(domain, []).append((who, values[:, who], rates[:, who]))
        return found


@dataclass
class _Moment:
    """Sums of both sides, their products, and who rates something under a component in both."""

    totals: int
    components: int
    sums: Floats = field(init=False)
    products: Floats = field(init=False)
    counts: Integers = field(init=False)

    def __post_init__(self) -> None:
        self.sums = np.zeros((2, self.totals))
        self.products = np.zeros((self.totals, self.totals))
        self.counts = np.zeros(self.components, dtype=np.int64)


def _by_pair(
    persons: pa.Table, sides: Sequence[_Side]
) -> Iterator[tuple[tuple[int, int], dict[int, _Moment]]]:
    """Yield each pair of strata with its moments by the place of a domain."""
    strata = np.stack(
        [persons[name].to_numpy() for name in ("previous_stratum_number", "stratum_number")]
    )
    is_first = np.append(True, (np.diff(strata) != 0).any(axis=0))
    starts = np.flatnonzero(is_first).tolist()
    sizes = len(sides[0].totals), len(sides[0].under)
    for start, end in zip(starts, [*starts[1:], persons.num_rows], strict=True):
        moments: dict[int, _Moment] = {}
        for first in range(start, end, PERSONS):
            before, now = (side.spoken(slice(first, min(first + PERSONS, end))) for side in sides)
            for domain in before.keys() | now.keys():
                moment = moments.setdefault(domain, _Moment(*sizes))
                for place, side in enumerate((before, now)):
                    for _, values, _ in side.get(domain, ()):
                        moment.sums[place] += values.sum(axis=1)
                for one, values, rates in before.get(domain, ()):
                    for other, values_now, rates_now in now.get(domain, ()):
                        _, at, at_now = np.intersect1d(
                            one, other, assume_unique=True, return_indices=True
                        )
                        moment.products += values[:, at] @ values_now[:, at_now].T
                        moment.counts += (rates[:, at] & rates_now[:, at_now]).sum(axis=1)
        yield (
            (int(strata[0, start]), int(strata[1, start])),
            {domain: moment for domain, moment in moments.items() if moment.sums.any()},
        )


def _rows_of(ratings: pa.Table, keys: pa.ChunkedArray) -> pa.Table:
    """Return the rows of these responses, in their order."""
    all_keys = ratings["response_key"].to_numpy()
    order = np.argsort(all_keys)
    return ratings.take(order[np.searchsorted(all_keys, keys.to_numpy(), sorter=order)])
