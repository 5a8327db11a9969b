"""The sampling variance of scores by Taylor linearisation, from second moments (method.md 5 and 8).

Belongs here: the gradients of scores and of coverage with respect to a domain's weighted totals,
the variances. Doesn't: the totals' covariances (second_moments.py), how a tree is rolled up
(score_tree.py), the warehouse (models/figures).

A score is a smooth function of weighted totals: per item the sum of the scores and the number of
ratings. With S their covariance matrix and g the score's gradient the variance is g' S g (Woodruff
1971, JASA 66, 411-414; Sarndal, Swensson & Wretman 1992, 5.5), the same as the sum over strata of
squared deviations of g' u over respondents (what R's survey::svycontrast on svytotal computes). S
takes one pass over the ratings, whatever the number of scores. All runs on one thread and in one
order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from orchestration.scoring.score_tree import Floats, Parent, edges_of, parents_of
from orchestration.scoring.second_moments import total_covariances
from orchestration.scoring.totals import Integers, counted_under, of_type

VARIANCES = pa.schema(
    [
        ("cycle_id", pa.string()),
        ("weighting_mode", pa.string()),
        ("domain_number", pa.int32()),
        ("component_number", pa.int32()),
        ("figure", pa.string()),
        ("variance", pa.float64()),
    ]
)
COMPARED_VARIANCES = pa.schema(
    [
        ("cycle_id", pa.string()),
        ("compared_cycle_id", pa.string()),
        *(VARIANCES.field(name) for name in VARIANCES.names if name not in ("cycle_id", "figure")),
    ]
)
PLACES = 256  # a mode and a domain, at a time: what bounds the memory
# A variance below this share of what its terms could add up to is rounding: influences are equal.
ROUNDING = 1e-12
RATIOS = ("availability", "accessibility", "share_rated", "available", "answered", "score")


@dataclass(frozen=True)
class Linearised:
    """The scores of a tree and the covariances of the totals that they are functions of.

    A place is a weighting mode and a domain: `modes` and `domains` by place. `components`:
    design_components, numbered from 1. `scores`: components x places, NaN for none.
    `rating_totals`: items x places, the weighted number of ratings. `covariances`: places x totals
    x totals, the totals of totals_of.
    """

    modes: NDArray[np.object_]
    domains: Integers
    components: pd.DataFrame
    parents: Sequence[Parent]
    scores: Floats
    rating_totals: Floats
    covariances: Floats
    steps_per_point: int

    def variances(self, ratios: pd.DataFrame | None = None) -> pd.DataFrame:
        """Return weighting_mode, domain_number, component_number, figure, variance.

        The figures are `score` and, with `ratios` (scores_coverage_ratios), `availability`,
        `accessibility` and `effective_coverage`.
        """
        coverage = (
            {}
            if ratios is None
            else {
                int(number): self._by_place(ratios[ratios["component_number"] == number])
                for number in sorted(ratios["component_number"].unique())
            }
        )
        found: list[pd.DataFrame] = []
        for start in range(0, len(self.domains), PLACES):
            here = slice(start, start + PLACES)
            gradients = self._score_gradients(self.scores[:, here], self.rating_totals[:, here])
            figures = [("score", number + 1, of) for number, of in enumerate(gradients)]
            for number, by_place in coverage.items():
                of_coverage = coverage_gradients(
                    by_place.iloc[here],
                    gradients[number - 1],
                    **counted_under(self.components, number),
                )
                figures.extend((figure, number, of) for figure, of in of_coverage.items())
            with threadpool_limits(limits=1, user_api="blas"):
                values = variances(np.array([of for *_, of in figures]), self.covariances[here])
            place, row = np.nonzero(~np.isnan(values.T))
            found.append(
                pd.DataFrame(
                    {
                        "weighting_mode": self.modes[here][place],
                        "domain_number": self.domains[here][place],
                        "component_number": np.array([number for _, number, _ in figures])[row],
                        "figure": np.array([figure for figure, *_ in figures], dtype=object)[row],
                        "variance": values[row, place],
                    }
                )
            )
        return pd.concat(found, ignore_index=True)

    def gradients_of(self, component_number: int) -> Floats:
        """Return the gradient of a component's score, totals x places; NaN without a score."""
        found: Floats = self._score_gradients(self.scores, self.rating_totals)[component_number - 1]
        return found

    def _by_place(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return rows of weighting_mode and domain_number by place, NaN where there is none."""
        places = pd.MultiIndex.from_arrays([self.modes, self.domains])
        return rows.set_index(["weighting_mode", "domain_number"]).reindex(places)

    def _score_gradients(self, scores: Floats, rating_totals: Floats) -> Floats:
        """Return the gradient of every score of some places (score_gradients)."""
        return score_gradients(
            scores,
            rating_totals,
            components=self.components,
            parents=self.parents,
            steps_per_point=self.steps_per_point,
            total_count=self.covariances.shape[1],
        )


def linearised_variances(
    moments: pa.Table,
    *,
    cycle_id: str,
    components: pd.DataFrame,
    edges: pd.DataFrame,
    scores: pd.DataFrame,
    ratios: pd.DataFrame,
    strata: pd.DataFrame,
) -> pa.Table:
    """Return VARIANCES of one cycle: as for linearise, with `ratios` (scores_coverage_ratios)."""
    if not moments.num_rows:
        return VARIANCES.empty_table()
    cycle = linearise(moments, components=components, edges=edges, scores=scores, strata=strata)
    found = cycle.variances(ratios).assign(cycle_id=cycle_id)
    return pa.Table.from_pandas(found, schema=VARIANCES, preserve_index=False)


def compared_linearised_variances(
    moments: Mapping[str, pa.Table],
    *,
    cycle_id: str,
    components: pd.DataFrame,
    shared: pd.DataFrame,
    edges: pd.DataFrame,
    scores: pd.DataFrame,
    strata: pd.DataFrame,
) -> pa.Table:
    """Return COMPARED_VARIANCES: of each side of a comparison, on the tree that both share.

    `moments`: by the cycle of a side. `components` and `strata`: of all cycles; the tree has the
    numbers of this one's. `shared`: design_shared_components. `scores`: comparison_scores.
    """
    tree = components[components["cycle_id"] == cycle_id]
    items = of_type(tree, "item")["item_id"].to_list()
    shared_items = set(shared["item_id"].dropna())
    found = [COMPARED_VARIANCES.empty_table()]
    for side, of_side in sorted(moments.items()):
        if not of_side.num_rows:
            continue
        own_components = components[components["cycle_id"] == side]
        own = [
            items.index(item) if item in shared_items else -1
            for item in of_type(own_components, "item")["item_id"]
        ]
        # Sums, then numbers; answers that are no rating make no score.
        numbers = [place + len(items) if place >= 0 else -1 for place in own]
        others = [-1] * (2 * len(of_type(own_components, "service")))
        compared = linearise(
            of_side,
            components=tree,
            edges=edges,
            scores=scores[scores["compared_cycle_id"] == side],
            strata=strata[strata["cycle_id"] == side],
            place_of_total=np.array([*own, *numbers, *others]),
        )
        variances_of_side = compared.variances().assign(cycle_id=cycle_id, compared_cycle_id=side)
        found.append(
            pa.Table.from_pandas(variances_of_side, schema=COMPARED_VARIANCES, preserve_index=False)
        )
    return pa.concat_tables(found)


def linearise(
    moments: pa.Table,
    *,
    components: pd.DataFrame,
    edges: pd.DataFrame,
    scores: pd.DataFrame,
    strata: pd.DataFrame,
    place_of_total: Integers | None = None,
) -> Linearised:
    """Return the scores of one cycle on one tree with the covariances behind them.

    `moments`: second_moments. `components`: design_components. `edges`: as design_edges. `scores`:
    as scores_of_components. `strata`: weights_by_stratum, whose modes are the ones linearised.
    `place_of_total`: where the moments' totals stand among those of `components`, -1 for nowhere.
    """
    modes = sorted(strata["weighting_mode"].unique())
    domains = np.union1d(moments["domain_number"].to_numpy(), scores["domain_number"])
    total_count = 2 * len(of_type(components, "item")) + 2 * len(of_type(components, "service"))
    size = strata["stratum_respondent_count"]
    correction = (1 - strata["sampling_fraction"]) * size / (size - 1).clip(lower=1)
    # A stratum with a lone respondent adds nothing: whether that holds is for readers to judge.
    factor = (correction * strata["weight"] ** 2).where(size > 1, 0.0)
    factors = strata.assign(factor=factor).pivot_table(
        index="stratum_number", columns="weighting_mode", values="factor"
    )[modes]
    covariances = total_covariances(
        moments,
        domains=domains,
        place_of_total=np.arange(total_count) if place_of_total is None else place_of_total,
        total_count=total_count,
        sizes=dict(zip(strata["stratum_number"], size, strict=True)),
        factors=dict(zip(factors.index.to_list(), factors.to_numpy(), strict=True)),
    )
    keys = ["component_number", "weighting_mode", "domain_number"]
    numbers = components["component_number"].sort_values()
    places = pd.MultiIndex.from_product([numbers, modes, domains], names=keys)
    by_place = scores.set_index(keys).reindex(places)
    grids = {
        column: by_place[column].to_numpy(dtype=np.float64).reshape(len(numbers), -1)
        for column in ("score", "weighted_rating_count")
    }
    return Linearised(
        modes=np.repeat(np.array(modes, dtype=object), len(domains)),
        domains=np.tile(domains, len(modes)),
        components=components,
        parents=parents_of(edges_of(edges)),
        scores=grids["score"],
        rating_totals=grids["weighted_rating_count"][
            of_type(components, "item")["component_number"].to_numpy() - 1
        ],
        covariances=covariances.reshape(-1, *covariances.shape[2:]),
        steps_per_point=moments["steps_per_point"][0].as_py() if moments.num_rows else 1,
    )


def score_gradients(
    scores: Floats,
    rating_totals: Floats,
    *,
    components: pd.DataFrame,
    parents: Sequence[Parent],
    steps_per_point: int,
    total_count: int,
) -> Floats:
    """Return the gradient of every score, components x totals x places; NaN without a score.

    `scores`: components x places. `rating_totals`: items x places. The totals begin with those of
    items (totals_of); further ones, up to `total_count`, have no part in a score.
    """
    items = of_type(components, "item")["component_number"].to_numpy() - 1
    has_score = ~np.isnan(scores)
    by_ratio = np.zeros((len(scores), len(items), scores.shape[1]))
    by_ratio[items, np.arange(len(items))] = 1
    for parent in parents:
        weights = parent.weights[:, np.newaxis] * has_score[list(parent.children)]
        shares = weights / np.maximum(weights.sum(axis=0), np.finfo(np.float64).tiny)
        for child, share in zip(parent.children, shares, strict=True):
            by_ratio[parent.place] += share * by_ratio[child]
    is_rated = has_score[items]
    per_rating = np.where(is_rated, 1 / np.where(is_rated, rating_totals, 1), 0)
    ratios = np.where(is_rated, scores[items], 0)
    gradients = np.zeros((len(scores), total_count, scores.shape[1]))
    gradients[:, : len(items)] = by_ratio * per_rating / steps_per_point
    gradients[:, len(items) : 2 * len(items)] = -by_ratio * per_rating * ratios
    return np.where(has_score[:, np.newaxis], gradients, np.nan)


def coverage_gradients(
    ratios: pd.DataFrame,
    score_gradient: Floats,
    *,
    rated: Floats,
    not_used: Floats,
    not_available: Floats,
) -> dict[str, Floats]:
    """Return the gradients of a component's availability, accessibility and effective coverage.

    `ratios`: scores_coverage_ratios, by place. `score_gradient`: totals x places, of the
    component's score. `rated`, `not_used`, `not_available`: by total, 1 where it counts such
    answers under the component. Effective coverage is share_rated (score - 1) / 3.
    """
    by_place = {column: ratios[column].to_numpy(dtype=np.float64) for column in RATIOS}

    def ratio(of: Floats, over: Floats, name: str, total: str) -> Floats:
        total_by_place = np.where(by_place[total] > 0, by_place[total], np.nan)
        gradient: Floats = of[:, np.newaxis] - over[:, np.newaxis] * by_place[name]
        return gradient / total_by_place

    available = rated + not_used
    answered = available + not_available
    share = ratio(rated, answered, "share_rated", "answered")
    return {
        "availability": ratio(available, answered, "availability", "answered"),
        "accessibility": ratio(rated, available, "accessibility", "available"),
        "effective_coverage": (
            share * (by_place["score"] - 1) / 3 + by_place["share_rated"] / 3 * score_gradient
        ),
    }


def variances(gradients: Floats, covariances: Floats) -> Floats:
    """Return g' S g, figures x places.

    `gradients`: figures x totals x places. `covariances`: places x totals x totals.
    """
    by_place = gradients.transpose(2, 0, 1)
    found = ((by_place @ covariances) * by_place).sum(axis=2)
    # No term is larger than the product of two standard deviations.
    deviations = np.sqrt(np.diagonal(covariances, axis1=1, axis2=2))[:, :, np.newaxis]
    possible = (np.abs(by_place) @ deviations)[:, :, 0] ** 2
    result: Floats = np.where(found <= ROUNDING * possible, 0.0, found).T
    return result
