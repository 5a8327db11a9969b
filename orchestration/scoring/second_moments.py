"""Second moments: sums of products of what respondents add to a domain's totals, by stratum.

Belongs here: adding them up over persons, and the covariances of weighted totals that follow.
Doesn't: scores and their gradients (linearisation.py), the warehouse (models/sums).

Ratings are whole numbers, so that sums of their products are exact, in any order: those of two
parts of the people add up to those of all. With strata's sizes and weights they are all that the
sampling variance of any score needs of people, whatever their number.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from orchestration.scoring.score_tree import Floats
from orchestration.scoring.totals import Integers, Speakers, Total, asked_in, speakers_of, totals_of

SCHEMA = pa.schema(
    [
        ("cycle_id", pa.string()),
        ("domain_number", pa.int32()),
        ("stratum_number", pa.int32()),
        ("total_numbers", pa.list_(pa.int16())),
        ("sums", pa.list_(pa.int64())),
        ("products", pa.list_(pa.int64())),
        ("steps_per_point", pa.int32()),
    ]
)
RESPONDENTS = 65_536  # at a time: what bounds the memory
# Whole numbers up to here are exact in single precision, which takes half the time of double.
EXACT_IN_SINGLE = 2**24


def second_moments(
    ratings: pa.Table,
    *,
    cycle_id: str,
    settings: pd.DataFrame,
    questions: pd.DataFrame,
    components: pd.DataFrame,
    routes: pd.DataFrame,
) -> pa.Table:
    """Return SCHEMA, a row per domain and stratum in which somebody adds to one of its totals.

    `ratings`: ratings_of_cycle, ordered by stratum_number. `settings`: design_settings.
    `questions`: as for totals_of. `components`: design_components. `routes`: sums_domain_routes.
    `total_numbers` are places in totals_of; `products` the upper triangle of their matrix, row by
    row.
    """
    if not ratings.num_rows:
        return SCHEMA.empty_table()
    domains = np.sort(routes["domain_number"].unique())
    totals = totals_of(asked_in(cycle_id, questions, settings), components)
    rows: dict[str, list[Any]] = {name: [] for name in SCHEMA.names[1:6]}
    # Small matrices: BLAS's threads would wait for each other longer than they work.
    with threadpool_limits(limits=1, user_api="blas"):
        for stratum, moments in _by_stratum(ratings, totals, speakers_of(ratings, routes, domains)):
            for domain, moment in sorted(moments.items()):
                used = np.flatnonzero(moment.diagonal()[:-1])
                if len(used):
                    one, other = _pairs(len(used))
                    rows["domain_number"].append(domains[domain])
                    rows["stratum_number"].append(stratum)
                    rows["total_numbers"].append(used)
                    rows["sums"].append(moment[-1, used])
                    rows["products"].append(moment[used[one], used[other]])
    steps = ratings["steps_per_point"][0].as_py()
    count = len(rows["domain_number"])
    return pa.table(
        [
            pa.repeat(cycle_id, count),
            pa.array(rows["domain_number"], pa.int32()),
            pa.array(rows["stratum_number"], pa.int32()),
            *(
                lists_of(rows[name], SCHEMA.field(name).type.value_type)
                for name in SCHEMA.names[3:6]
            ),
            pa.repeat(pa.scalar(steps, pa.int32()), count),
        ],
        schema=SCHEMA,
    )


def total_covariances(
    moments: pa.Table,
    *,
    domains: Integers,
    place_of_total: Integers,
    total_count: int,
    sizes: Mapping[int, int],
    factors: Mapping[int, Floats],
) -> Floats:
    """Return the covariance of each domain's weighted totals, modes x domains x totals x totals.

    `moments`: second_moments. `domains`: in ascending order. `place_of_total`: where each total
    stands in the result, -1 for nowhere. `sizes`: respondents by stratum. `factors`: by stratum
    and mode, what the sum of squared deviations from the stratum's mean is multiplied with, (1 -
    n/N) n / (n - 1) w^2 (method.md 5).
    """
    modes = len(next(iter(factors.values()), ()))
    result = np.zeros((modes, len(domains), total_count, total_count))
    by_pair = result.reshape(modes, len(domains), total_count**2)
    domain_at = np.searchsorted(domains, moments["domain_number"].to_numpy())
    strata = moments["stratum_number"].to_numpy().tolist()
    numbers, sums, products = (
        arrays_of(moments[name]) for name in ("total_numbers", "sums", "products")
    )

    @cache
    def places_of_pairs(packed: bytes) -> tuple[Integers, Integers]:
        """Return which pairs of these totals have a place in the result, and where."""
        places = place_of_total[np.frombuffer(packed, dtype=np.int16)]
        one, other = _pairs(len(places))
        kept = np.flatnonzero((places[one] >= 0) & (places[other] >= 0))
        return kept, (places[one] * total_count + places[other])[kept]

    # A domain's strata in their order: the same bits on every run.
    for row in np.lexsort((strata, domain_at)).tolist():
        one, other = _pairs(len(sums[row]))
        deviations = products[row] - sums[row][one] * sums[row][other] / sizes[strata[row]]
        kept, at = places_of_pairs(numbers[row].tobytes())
        for mode, factor in enumerate(factors[strata[row]].tolist()):
            by_pair[mode, domain_at[row]][at] += factor * deviations[kept]
    # The other triangle; on the diagonal are twice the variances then.
    result += result.swapaxes(2, 3)
    diagonal = np.arange(total_count)
    result[:, :, diagonal, diagonal] /= 2
    return result


@cache
def _pairs(count: int) -> tuple[Integers, Integers]:
    """Return the rows and columns of a matrix's upper triangle, row by row."""
    return np.triu_indices(count)


def _by_stratum(
    ratings: pa.Table, totals: Sequence[Total], speakers: Sequence[Speakers]
) -> Iterator[tuple[int, dict[int, Floats]]]:
    """Yield each stratum with its moments by the place of a domain, totals x totals.

    The last row and column belong to the constant 1: sums and the number of respondents.
    """
    wanted = {name for total in totals for of in total.columns.values() for name in of}
    names = sorted(wanted & set(ratings.column_names))
    columns = {name: ratings[name].to_numpy() for name in names}
    stratum_of = ratings["stratum_number"].to_numpy()
    starts = np.flatnonzero(np.diff(stratum_of, prepend=stratum_of[:1] - 1))
    ends = np.append(starts[1:], len(stratum_of))
    # Most strata are of one category, which is asked half of the questions.
    is_used = {name: np.maximum.reduceat(column, starts) > 0 for name, column in columns.items()}
    largest = max((total.largest(columns) for total in totals), default=0)
    in_single = EXACT_IN_SINGLE // max(largest, 1) ** 2  # respondents whose products add up exactly
    precision: type[np.floating[Any]] = np.float32 if in_single > 1000 else np.float64
    at_once = in_single if precision is np.float32 else RESPONDENTS
    for place, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
        used = [name for name in names if is_used[name][place]]
        moments: dict[int, Floats] = {}
        for first in range(start, end, at_once):
            here = slice(first, min(first + at_once, end))
            of_these = {name: columns[name][here] for name in used}
            _add_moments(moments, of_these, totals, speakers, here, precision)
        yield int(stratum_of[start]), moments


def _add_moments(
    moments: dict[int, Floats],
    columns: Mapping[str, NDArray[np.int16]],
    totals: Sequence[Total],
    speakers: Sequence[Speakers],
    people: slice,
    precision: type[np.floating[Any]],
) -> None:
    """Add to each domain's moments the products of what these people add to its totals.

    The last row and column belong to the constant 1: sums and the number of respondents.
    """
    by_ranks: dict[tuple[int, ...], tuple[NDArray[np.floating[Any]], tuple[Integers, ...]]] = {}
    for speaking in speakers:
        if speaking.ranks not in by_ranks:
            added = {place: total.of(columns, speaking.ranks) for place, total in enumerate(totals)}
            rows = {place: values for place, values in added.items() if values is not None}
            rows[len(totals)] = np.ones(people.stop - people.start, dtype=np.int16)
            values = np.array(list(rows.values()), dtype=precision)
            by_ranks[speaking.ranks] = values, np.ix_(list(rows), list(rows))
        values, used = by_ranks[speaking.ranks]
        for group, members in members_of(speaking.group_of[people]):
            of_group = values if members is None else values[:, members]
            products = of_group @ of_group.T
            for domain in speaking.domains[group].tolist():
                if domain not in moments:
                    moments[domain] = np.zeros((len(totals) + 1, len(totals) + 1))
                moments[domain][used] += products


def members_of(group_of: Integers) -> Iterator[tuple[int, Integers | None]]:
    """Yield each group with its members; None where all are."""
    order = np.argsort(group_of, kind="stable")
    ordered = group_of[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=ordered[:1] - 1))
    for start, end in zip(starts, np.append(starts[1:], len(ordered)), strict=True):
        group = int(ordered[start])
        if group >= 0:
            yield group, None if end - start == len(ordered) else order[start:end]


def lists_of(arrays: Sequence[NDArray[Any]], kind: pa.DataType) -> pa.Array:
    """Return a list of each array's numbers."""
    ends = np.cumsum([0, *(len(of) for of in arrays)], dtype=np.int32)
    values = np.concatenate([np.zeros(0), *arrays]).astype(kind.to_pandas_dtype())
    return pa.ListArray.from_arrays(ends, pa.array(values, kind))


def arrays_of(lists: pa.ChunkedArray) -> list[NDArray[Any]]:
    """Return the same back."""
    whole = lists.combine_chunks()
    return np.split(whole.flatten().to_numpy(), whole.offsets.to_numpy()[1:-1])
