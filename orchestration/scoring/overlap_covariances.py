"""The covariances of the scores of two cycles, from the people who answered in both (method.md 6).

Belongs here: from sums over persons in both cycles to covariances of scores. Doesn't: these sums
(overlap_moments.py), the scores' variances (linearisation.py), tests of changes, the warehouse.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
from threadpoolctl import threadpool_limits

from orchestration.scoring.linearisation import score_gradients
from orchestration.scoring.overlap_moments import LISTS, common_domains
from orchestration.scoring.score_tree import Floats, edges_of, parents_of
from orchestration.scoring.second_moments import arrays_of
from orchestration.scoring.totals import Integers, of_type

COVARIANCES = pa.schema(
    [
        ("cycle_id", pa.string()),
        ("weighting_mode", pa.string()),
        ("domain_number", pa.int32()),
        ("component_number", pa.int32()),
        ("overlap_count", pa.int64()),
        ("covariance", pa.float64()),
    ]
)


def overlap_covariances(
    overlap: pa.Table,
    *,
    cycle_id: str,
    pairs: pd.DataFrame,
    moments: Mapping[str, pa.Table],
    components: pd.DataFrame,
    edges: pd.DataFrame,
    scores: pd.DataFrame,
    strata: pd.DataFrame,
    domains: pd.DataFrame,
) -> pa.Table:
    """Return COVARIANCES of each score with the one before, on the tree that both cycles share.

    `overlap`: overlap_moments. `pairs`: sums_overlap_strata. `moments`: second_moments of both
    cycles, by cycle. `components`: design_components, `strata`: weights_by_stratum, `domains`:
    sums_domains, of all cycles. `edges`: design_shared_edges. `scores`: comparison_scores.

    The covariance of two weighted totals, over pairs of a stratum h before and g now with n12
    persons (Tam 1984; Qualite & Tille 2008; Berger & Priam 2016, residuals of both cycles' strata):
    sum of w1 w2 (1 - f1 f2 N / n12g) / (1 - 1/n1 - 1/n2 + n12/(n1 n2)) sum of (u1 - mean1h) (u2 -
    mean2g)', the means over all of the stratum. N and n12g: staff of g, and who of g is in both.
    """
    if not overlap.num_rows:
        return COVARIANCES.empty_table()
    (previous_id,) = moments.keys() - {cycle_id}
    tree = components[components["cycle_id"] == cycle_id]
    common = common_domains(domains, cycle_id=cycle_id, previous_id=previous_id)
    item_count = len(of_type(tree, "item"))
    factors = _factors(pairs, strata, cycle_id=cycle_id, previous_id=previous_id)
    modes = list(factors.columns)
    covariances, counts = _total_covariances(
        overlap,
        domains=common["domain_number"].to_numpy(),
        factors=factors,
        sizes=dict(
            zip(
                zip(pairs["previous_stratum_number"], pairs["stratum_number"], strict=True),
                pairs["overlap_count"],
                strict=True,
            )
        ),
        means=[
            _stratum_means(
                moments[side],
                strata[strata["cycle_id"] == side],
                places=_places(components, side, tree),
                numbers=common[number].to_numpy(),
                total_count=2 * item_count,
            )
            for side, number in (
                (previous_id, "previous_domain_number"),
                (cycle_id, "domain_number"),
            )
        ],
        total_count=2 * item_count,
        component_count=len(tree),
    )
    parents = parents_of(edges_of(edges))
    steps = ("previous_steps_per_point", "steps_per_point")
    found = []
    for place, mode in enumerate(modes):
        before, now = (
            score_gradients(
                *_grids(scores, side, mode, tree, common[number]),
                components=tree,
                parents=parents,
                steps_per_point=overlap[name][0].as_py(),
                total_count=2 * item_count,
            ).transpose(2, 0, 1)
            for side, number, name in zip(
                (previous_id, cycle_id), ("previous_domain_number", "domain_number"), steps,
                strict=True,
            )
        )  # fmt: skip
        with threadpool_limits(limits=1, user_api="blas"):
            values = ((before @ covariances[place]) * now).sum(axis=2)
        domain, component = np.nonzero((counts > 0) & ~np.isnan(values))
        found.append(
            pd.DataFrame(
                {
                    "cycle_id": cycle_id,
                    "weighting_mode": mode,
                    "domain_number": common["domain_number"].to_numpy()[domain],
                    "component_number": component + 1,
                    "overlap_count": counts[domain, component],
                    "covariance": values[domain, component],
                }
            )
        )
    return pa.Table.from_pandas(pd.concat(found), schema=COVARIANCES, preserve_index=False)


def _factors(
    pairs: pd.DataFrame, strata: pd.DataFrame, *, cycle_id: str, previous_id: str
) -> pd.DataFrame:
    """Return by pair and mode what products of deviations are multiplied with."""
    columns = {
        "stratum_respondent_count": "size",
        "sampling_fraction": "fraction",
        "stratum_staff_count": "staff",
        "weight": "weight",
    }
    keys = ["weighting_mode", "stratum_number"]
    before, now = (
        strata.loc[strata["cycle_id"] == side, [*keys, *columns]].rename(columns=columns)
        for side in (previous_id, cycle_id)
    )
    before = before.rename(columns={"stratum_number": "previous_stratum_number"})
    met = pairs.merge(now, on="stratum_number").merge(
        before, on=["weighting_mode", "previous_stratum_number"], suffixes=("", "_before")
    )
    of_stratum = pairs.groupby("stratum_number")["overlap_count"].sum()
    in_both = met["stratum_number"].map(of_stratum)
    expected = met["fraction_before"] * met["fraction"] * met["staff"] / in_both
    lost = (
        1
        - 1 / met["size_before"]
        - 1 / met["size"]
        + met["overlap_count"] / (met["size_before"] * met["size"])
    )
    # Who is alone in a stratum has no deviation there.
    factor = met["weight_before"] * met["weight"] * (1 - expected) / lost.where(lost > 1e-9)
    index = ["previous_stratum_number", "stratum_number"]
    return (
        met.assign(factor=factor.fillna(0.0))
        .pivot_table(index=index, columns="weighting_mode", values="factor")
        .sort_index(axis=1)
    )


def _total_covariances(
    overlap: pa.Table,
    *,
    domains: Integers,
    factors: pd.DataFrame,
    sizes: dict[tuple[int, int], int],
    means: Sequence[dict[tuple[int, int], Floats]],
    total_count: int,
    component_count: int,
) -> tuple[Floats, Integers]:
    """Return modes x domains x totals before x totals now; and persons, domains x components."""
    result = np.zeros((factors.shape[1], len(domains), total_count, total_count))
    counts = np.zeros((len(domains), component_count), dtype=np.int64)
    places = np.searchsorted(domains, overlap["domain_number"].to_numpy()).tolist()
    pairs = list(
        zip(
            overlap["previous_stratum_number"].to_pylist(),
            overlap["stratum_number"].to_pylist(),
            strict=True,
        )
    )
    of_pair = {pair: row for pair, row in zip(factors.index, factors.to_numpy(), strict=True)}
    before, now, sums_before, sums_now, products, numbers, in_both = (
        arrays_of(overlap[name]) for name in LISTS
    )
    nothing = np.zeros(total_count)
    for row in sorted(range(len(pairs)), key=lambda at: (places[at], pairs[at])):
        place, pair = places[row], pairs[row]
        counts[place, numbers[row] - 1] += in_both[row]
        if pair not in of_pair:
            continue
        whole = np.zeros((2, total_count))
        whole[0, before[row]], whole[1, now[row]] = sums_before[row], sums_now[row]
        mean_before, mean_now = (
            of_side.get((place, stratum), nothing)
            for of_side, stratum in zip(means, pair, strict=True)
        )
        deviations = (
            sizes[pair] * np.outer(mean_before, mean_now)
            - np.outer(mean_before, whole[1])
            - np.outer(whole[0], mean_now)
        )
        deviations[np.ix_(before[row], now[row])] += products[row].reshape(
            len(before[row]), len(now[row])
        )
        for mode, factor in enumerate(of_pair[pair].tolist()):
            result[mode, place] += factor * deviations
    # Nobody of these pairs speaks for the domain, though others of both strata do: each of them
    # deviates by the means.
    met = set(zip(places, pairs, strict=True))
    of_strata: dict[int, set[int]] = {}
    for place, stratum in means[1]:
        of_strata.setdefault(stratum, set()).add(place)
    for pair, factor_of_mode in of_pair.items():
        for place in sorted(of_strata.get(pair[1], ())):
            if (place, pair[0]) in means[0] and (place, pair) not in met:
                deviations = sizes[pair] * np.outer(
                    means[0][place, pair[0]], means[1][place, pair[1]]
                )
                for mode, factor in enumerate(factor_of_mode.tolist()):
                    result[mode, place] += factor * deviations
    return result, counts


def _stratum_means(
    moments: pa.Table,
    strata: pd.DataFrame,
    *,
    places: Integers,
    numbers: Integers,
    total_count: int,
) -> dict[tuple[int, int], Floats]:
    """Return the means of totals over all of a stratum, by the place of a domain and stratum.

    `places`: where the side's totals stand among those of this cycle's tree. `numbers`: the
    domains of both cycles, as this side numbers them.
    """
    sizes = dict(zip(strata["stratum_number"], strata["stratum_respondent_count"], strict=True))
    place_of = {number: place for place, number in enumerate(numbers.tolist())}
    found = {}
    for domain, stratum, of_these, sums in zip(
        moments["domain_number"].to_pylist(),
        moments["stratum_number"].to_pylist(),
        arrays_of(moments["total_numbers"]),
        arrays_of(moments["sums"]),
        strict=True,
    ):
        if domain in place_of:
            at = places[of_these]
            mean = np.zeros(total_count)
            mean[at[at >= 0]] = sums[at >= 0] / sizes[stratum]
            found[place_of[domain], stratum] = mean
    return found


def _places(components: pd.DataFrame, side: str, tree: pd.DataFrame) -> Integers:
    """Return where a cycle's totals stand among the items' of this cycle's tree, -1 for nowhere."""
    own = components[components["cycle_id"] == side]
    items = of_type(tree, "item")["item_id"].to_list()
    at = [items.index(item) if item in items else -1 for item in of_type(own, "item")["item_id"]]
    numbers = [place + len(items) if place >= 0 else -1 for place in at]
    return np.array([*at, *numbers, *[-1] * (2 * len(of_type(own, "service")))])


def _grids(
    scores: pd.DataFrame, side: str, mode: str, tree: pd.DataFrame, domains: pd.Series
) -> tuple[Floats, Floats]:
    """Return a side's scores, components x domains, and its items' weighted numbers of ratings."""
    of_side = scores[(scores["compared_cycle_id"] == side) & (scores["weighting_mode"] == mode)]
    numbers = tree["component_number"].sort_values()
    by_key = of_side.set_index(["component_number", "domain_number"])
    places = pd.MultiIndex.from_product([numbers, domains])
    grids = by_key[["score", "weighted_rating_count"]].reindex(places)
    shape = (len(numbers), len(domains))
    score, ratings = (
        grids[name].to_numpy(dtype=np.float64).reshape(shape) for name in grids.columns
    )
    return score, ratings[of_type(tree, "item")["component_number"].to_numpy() - 1]
