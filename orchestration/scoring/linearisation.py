"""The sampling variance of scores by Taylor linearisation, from second moments (method.md 5 and 8).

Belongs here: the covariance of a domain's weighted totals, the gradients of scores and of coverage
with respect to them, the variances. Doesn't: how a tree is rolled up (score_tree.py), the warehouse
(scores_linearised_variances.py, comparison_linearised_variances.py).

A score is a smooth function of weighted totals: per item the sum of the scores and the number of
ratings. With S their covariance matrix and g the score's gradient the variance is g' S g (Woodruff
1971, JASA 66, 411-414; Sarndal, Swensson & Wretman 1992, 5.5), the same as the sum over strata of
squared deviations of g' u over respondents (what R's survey::svycontrast on svytotal computes). S
takes one pass over the ratings, whatever the number of scores. Ratings are whole numbers, so that
sums of their products are exact, in any order; the rest runs on one thread, in one order.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from orchestration.scoring.score_tree import Floats, Parent, parents_of

Integers = NDArray[np.int64]

# Respondents, and places (a mode and a domain), at a time: what bounds the memory.
RESPONDENTS, PLACES = 65_536, 256
# Whole numbers up to here are exact in single precision, which takes half the time of double.
EXACT_IN_SINGLE = 2**24
# A variance below this share of what its terms could add up to is rounding: influences are equal.
ROUNDING = 1e-12
RATIOS = ("availability", "accessibility", "share_rated", "available", "answered", "score")


@dataclass(frozen=True)
class Total:
    """A weighted total of a domain, as what one respondent adds to it.

    `columns`: by rank of the provider's level, the columns of ratings_of_cycle; a domain counts the
    levels that it knows. `is_number`: how many of them are not 0, instead of their sum.
    """

    columns: Mapping[int, tuple[str, ...]]
    is_number: bool = False

    def of(
        self, ratings: Mapping[str, NDArray[np.int16]], ranks: Iterable[int]
    ) -> NDArray[np.int16] | None:
        """Return what each respondent adds; None where `ratings` has none of the columns."""
        added: NDArray[np.int16] | None = None
        for rank in ranks:
            for column in self.columns.get(rank, ()):
                if column in ratings:
                    values = ratings[column]
                    values = (values > 0).astype(np.int16) if self.is_number else values
                    added = values if added is None else added + values
        return added

    def largest(self, ratings: Mapping[str, NDArray[np.int16]]) -> int:
        """Return what nobody can add more than."""
        columns = {name for of in self.columns.values() for name in of} & ratings.keys()
        return sum(int(ratings[name].max(initial=0)) for name in columns)


def totals_of(questions: pd.DataFrame, components: pd.DataFrame) -> list[Total]:
    """Return the totals that scores and coverage depend on, with columns of ratings_of_cycle.

    All items' sums in steps, their numbers of ratings, then all services' numbers of questions not
    used, and not available. `questions`: stg_seeds__questions; an item that none is about has empty
    totals. `components`: design_components.
    """
    ratings = [
        {
            int(rank): tuple(f"rating_{number}" for number in asked["question_number"])
            for rank, asked in questions[questions["item_id"] == item_id].groupby(
                "provider_level_rank"
            )
        }
        for item_id in of_type(components, "item")["item_id"]
    ]
    others = [
        {
            int(rank): (f"{status}_count_{service.component_number}_{rank}",)
            for rank in questions.loc[
                questions["service_id"] == service.service_id, "provider_level_rank"
            ].unique()
        }
        for status in ("not_used", "not_available")
        for service in of_type(components, "service").itertuples()
    ]
    return [
        *(Total(columns) for columns in ratings),
        *(Total(columns, is_number=True) for columns in ratings),
        *(Total(columns) for columns in others),
    ]


def of_type(components: pd.DataFrame, component_type: str) -> pd.DataFrame:
    """Return the components of a type (design_components), by number."""
    of = components[components["component_type"] == component_type]
    return of.sort_values("component_number")


def counted_under(components: pd.DataFrame, component_number: int) -> dict[str, Floats]:
    """Return by kind of answer 1 for the totals that count such answers under the component.

    The totals are those of totals_of, by place; the component is the index or a service.
    """
    of_component = components["component_number"] == component_number
    # Nothing, or what pandas makes of it, where the component holds all services.
    (service_id,) = components.loc[of_component, "service_id"].replace({np.nan: None})
    items, services = (
        np.array(
            [float(service_id in (None, of)) for of in of_type(components, kind)["service_id"]]
        )
        for kind in ("item", "service")
    )
    no_items, no_services = np.zeros_like(items), np.zeros_like(services)
    return {
        "rated": np.concatenate([no_items, items, no_services, no_services]),
        "not_used": np.concatenate([no_items, no_items, services, no_services]),
        "not_available": np.concatenate([no_items, no_items, no_services, services]),
    }


@dataclass(frozen=True)
class Speakers:
    """Who speaks for which domains with the ratings about providers of the levels `ranks`.

    `group_of`: by respondent, -1 for none. `domains`: by group, the places of its domains.
    """

    ranks: tuple[int, ...]
    group_of: Integers
    domains: Sequence[Integers]


def speakers_of(ratings: pa.Table, routes: pd.DataFrame, domains: Integers) -> list[Speakers]:
    """Return who speaks for which of `domains` (ascending), by `routes` (sums_domain_routes)."""
    levels = [name for name in map(str, routes.columns) if name.startswith("is_level_")]
    place_of = {number: place for place, number in enumerate(domains.tolist())}
    by_ranks: dict[tuple[str, tuple[int, ...]], dict[tuple[str, str], list[int]]] = {}
    names = ["attribute_name", "attribute_value", "role_id", "domain_number", *levels]
    for attribute, value, role, domain, *is_heard in routes[names].itertuples(index=False):
        ranks = tuple(
            int(level.removeprefix("is_level_"))
            for level, heard in zip(levels, is_heard, strict=True)
            if heard is True
        )
        by_key = by_ranks.setdefault((attribute, ranks), {})
        by_key.setdefault((value, role), []).append(place_of[domain])
    # Texts as numbers, each attribute once, however many sets of levels it speaks about.
    numbered = {
        attribute: ratings[attribute].combine_chunks().dictionary_encode()
        for attribute in {"role_id", *(attribute for attribute, _ in by_ranks)}
    }
    roles = numbered["role_id"]
    role_at = {role: place for place, role in enumerate(roles.dictionary.to_pylist())}
    found = []
    for (attribute, ranks), by_key in by_ranks.items():
        values = numbered[attribute]
        value_at = {value: place for place, value in enumerate(values.dictionary.to_pylist())}
        groups: dict[tuple[int, ...], int] = {}
        group_of_key = np.full((len(value_at) + 1, len(role_at)), -1)
        for (value, role), places in by_key.items():
            if value in value_at and role in role_at:
                group = groups.setdefault(tuple(sorted(places)), len(groups))
                group_of_key[value_at[value], role_at[role]] = group
        # Who has no value stands in the last row, which speaks for nothing.
        value_of = values.indices.fill_null(len(value_at)).to_numpy()
        found.append(
            Speakers(
                ranks=ranks,
                group_of=group_of_key[value_of, roles.indices.to_numpy()],
                domains=[np.array(places) for places in groups],
            )
        )
    return found


def total_covariances(
    ratings: pa.Table,
    *,
    totals: Sequence[Total],
    speakers: Sequence[Speakers],
    domain_count: int,
    stratum_factors: Mapping[int, Floats],
) -> Floats:
    """Return the covariance of each domain's weighted totals, modes x domains x totals x totals.

    `ratings`: ratings_of_cycle, ordered by stratum_number. `stratum_factors`: by stratum and mode,
    what the sum of squared deviations from the stratum's mean is multiplied with, (1 - n/N) n / (n
    - 1) w^2 (method.md 5).
    """
    wanted = {name for total in totals for of in total.columns.values() for name in of}
    names = sorted(wanted & set(ratings.column_names))  # a comparison counts ratings alone
    columns = {name: ratings[name].to_numpy() for name in names}
    stratum_of = ratings["stratum_number"].to_numpy()
    starts = np.flatnonzero(np.diff(stratum_of, prepend=stratum_of[:1] - 1))
    ends = np.append(starts[1:], len(stratum_of))
    modes = len(next(iter(stratum_factors.values()), ()))
    result = np.zeros((modes, domain_count, len(totals), len(totals)))
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
        factors = stratum_factors[int(stratum_of[start])][:, np.newaxis, np.newaxis]
        for domain, moment in moments.items():
            sums = moment[-1, :-1]
            deviations = moment[:-1, :-1] - np.outer(sums, sums) / (end - start)
            result[:, domain] += factors * deviations
    return result


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
        for group, members in _members(speaking.group_of[people]):
            of_group = values if members is None else values[:, members]
            products = of_group @ of_group.T
            for domain in speaking.domains[group].tolist():
                if domain not in moments:
                    moments[domain] = np.zeros((len(totals) + 1, len(totals) + 1))
                moments[domain][used] += products


def _members(group_of: Integers) -> Iterator[tuple[int, Integers | None]]:
    """Yield each group with its members; None where all are."""
    order = np.argsort(group_of, kind="stable")
    ordered = group_of[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=ordered[:1] - 1))
    for start, end in zip(starts, np.append(starts[1:], len(ordered)), strict=True):
        group = int(ordered[start])
        if group >= 0:
            yield group, None if end - start == len(ordered) else order[start:end]


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

    def _by_place(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return rows of weighting_mode and domain_number by place, NaN where there is none."""
        places = pd.MultiIndex.from_arrays([self.modes, self.domains])
        return rows.set_index(["weighting_mode", "domain_number"]).reindex(places)

    def _score_gradients(self, scores: Floats, rating_totals: Floats) -> Floats:
        """Return the gradient of every score, components x totals x places; NaN without a score."""
        items = of_type(self.components, "item")["component_number"].to_numpy() - 1
        has_score = ~np.isnan(scores)
        by_ratio = np.zeros((len(scores), len(items), scores.shape[1]))
        by_ratio[items, np.arange(len(items))] = 1
        for parent in self.parents:
            weights = parent.weights[:, np.newaxis] * has_score[list(parent.children)]
            shares = weights / np.maximum(weights.sum(axis=0), np.finfo(np.float64).tiny)
            for child, share in zip(parent.children, shares, strict=True):
                by_ratio[parent.place] += share * by_ratio[child]
        is_rated = has_score[items]
        per_rating = np.where(is_rated, 1 / np.where(is_rated, rating_totals, 1), 0)
        ratios = np.where(is_rated, scores[items], 0)
        gradients = np.zeros((len(scores), self.covariances.shape[1], scores.shape[1]))
        gradients[:, : len(items)] = by_ratio * per_rating / self.steps_per_point
        gradients[:, len(items) : 2 * len(items)] = -by_ratio * per_rating * ratios
        return np.where(has_score[:, np.newaxis], gradients, np.nan)


def linearise(
    ratings: pa.Table,
    *,
    questions: pd.DataFrame,
    components: pd.DataFrame,
    edges: Iterable[tuple[int, int, int, float]],
    scores: pd.DataFrame,
    routes: pd.DataFrame,
    strata: pd.DataFrame,
) -> Linearised:
    """Return the scores of one cycle on one tree with the covariances behind them.

    `ratings`: ratings_of_cycle, ordered by stratum_number. `questions`: as for totals_of.
    `components`: design_components. `edges`: storey, parent, child, weight of design_edges.
    `scores`: as scores_of_components. `routes`: sums_domain_routes. `strata`: weights_by_stratum,
    whose modes are the ones linearised.
    """
    modes = sorted(strata["weighting_mode"].unique())
    domains = np.sort(routes["domain_number"].unique())
    size = strata["stratum_respondent_count"]
    correction = (1 - strata["sampling_fraction"]) * size / (size - 1).clip(lower=1)
    # A stratum with a lone respondent adds nothing: whether that holds is for readers to judge.
    factor = (correction * strata["weight"] ** 2).where(size > 1, 0.0)
    factors = strata.assign(factor=factor).pivot_table(
        index="stratum_number", columns="weighting_mode", values="factor"
    )[modes]
    # Small matrices: BLAS's threads would wait for each other longer than they work.
    with threadpool_limits(limits=1, user_api="blas"):
        covariances = total_covariances(
            ratings,
            totals=totals_of(questions, components),
            speakers=speakers_of(ratings, routes, domains),
            domain_count=len(domains),
            stratum_factors=dict(zip(factors.index.to_list(), factors.to_numpy(), strict=True)),
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
        parents=parents_of(edges),
        scores=grids["score"],
        rating_totals=grids["weighted_rating_count"][
            of_type(components, "item")["component_number"].to_numpy() - 1
        ],
        covariances=covariances.reshape(-1, *covariances.shape[2:]),
        steps_per_point=int(ratings["steps_per_point"][0].as_py()),
    )


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
