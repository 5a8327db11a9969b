"""The sampling variance of small domains' scores: delete-one jackknife within strata (method.md 5).

Belongs here: which domains are small, their replicates and variances. Doesn't: the linearised
variances of the others (linearisation.py), the tree (score_tree.py), the warehouse (models/sums).

In a stratum of n respondents each is left out in turn, and the others weigh n / (n - 1) times as
much; the score is computed anew, its tree included. The variance is the sum of (1 - f) (n - 1) / n
times the squared deviations from the score of all (Wolter 2007, Introduction to Variance
Estimation, ch. 4; R's survey::as.svrepdesign(type = "JKn", mse = TRUE)). A respondent who has
rated nothing in the domain changes the weight of those who have: all such of a stratum are one
replicate, counted as often.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from orchestration.scoring.linearisation import VARIANCES
from orchestration.scoring.score_tree import Floats, Parent, edges_of, parents_of, roll_up
from orchestration.scoring.totals import (
    Integers,
    Speakers,
    Total,
    asked_in,
    of_type,
    speakers_of,
    totals_of,
)

RATERS = 8_192  # of small domains, at a time: what bounds the memory
# Scores that differ by less are equal but for rounding.
ROUNDING = 1e-12


@dataclass(frozen=True)
class Raters:
    """Who rated something in a domain, ordered by domain, stratum and person.

    `domain`, `stratum`: the place of each. `steps`, `counts`: what he adds to the items, raters x
    items: the sum of his ratings in steps, and their number.
    """

    domain: Integers
    stratum: Integers
    steps: NDArray[np.int16]
    counts: NDArray[np.int16]

    def parts(self) -> Iterator["Raters"]:
        """Yield the raters of so many whole domains at a time."""
        starts = np.flatnonzero(np.diff(self.domain, prepend=-1))
        first = 0
        for end in [*starts[1:], len(self.domain)]:
            if first < end and (end == len(self.domain) or end - first >= RATERS):
                here = slice(first, int(end))
                yield Raters(
                    self.domain[here], self.stratum[here], self.steps[here], self.counts[here]
                )
                first = int(end)


@dataclass(frozen=True)
class Strata:
    """By place of a stratum: respondents, and in a weighting mode their weight and f."""

    sizes: Floats
    weights: Floats
    fractions: Floats


def jackknife_variances(
    ratings: pa.Table,
    *,
    cycle_id: str,
    settings: pd.DataFrame,
    questions: pd.DataFrame,
    components: pd.DataFrame,
    edges: pd.DataFrame,
    routes: pd.DataFrame,
    strata: pd.DataFrame,
) -> pa.Table:
    """Return VARIANCES of the scores of a cycle's domains with fewer raters than jackknife_below_n.

    `ratings`: ratings_of_cycle, ordered by stratum_number and response_key: sums of squares follow
    this order. Those of everybody who speaks for a domain of the routes are enough. `settings`:
    design_settings. `questions`: as for totals_of. `components`: design_components. `edges`: as
    design_edges. `routes`: sums_domain_routes. `strata`: weights_by_stratum, whose modes they are
    for.
    """
    [of_cycle] = settings[settings["cycle_id"] == cycle_id].to_dict("records")
    below = int(of_cycle["jackknife_below_n"])
    if not ratings.num_rows or below <= 0:
        return VARIANCES.empty_table()
    numbers = np.sort(strata["stratum_number"].unique())
    items = of_type(components, "item")["component_number"].to_numpy() - 1
    totals = totals_of(asked_in(cycle_id, questions, settings), components)[: 2 * len(items)]
    domains = np.sort(routes["domain_number"].unique())
    raters = small_domains_raters(
        ratings,
        totals=totals,
        speakers=speakers_of(ratings, routes, domains),
        domain_count=len(domains),
        stratum_of=np.searchsorted(numbers, ratings["stratum_number"].to_numpy()),
        below=below,
    )
    parents = parents_of(edges_of(edges))
    found = [VARIANCES.empty_table()]
    for mode, of_mode in strata.groupby("weighting_mode"):
        ordered = of_mode.set_index("stratum_number").loc[numbers]
        of_strata = Strata(
            *(
                ordered[name].to_numpy(dtype=np.float64)
                for name in ("stratum_respondent_count", "weight", "sampling_fraction")
            )
        )
        for part in raters.parts():
            places, variances = part_variances(
                part,
                strata=of_strata,
                items=items,
                parents=parents,
                component_count=len(components),
                min_weight_share=float(of_cycle["min_weight_share"]),
                steps_per_point=ratings["steps_per_point"][0].as_py(),
            )
            place, component = np.nonzero(~np.isnan(variances.T))
            rows = {
                "domain_number": domains[places[place]],
                "component_number": component + 1,
                "variance": variances[component, place],
            }
            frame = pd.DataFrame(rows).assign(
                cycle_id=cycle_id, weighting_mode=mode, figure="score"
            )
            found.append(pa.Table.from_pandas(frame, schema=VARIANCES, preserve_index=False))
    return pa.concat_tables(found)


def small_domains_raters(
    ratings: pa.Table,
    *,
    totals: Sequence[Total],
    speakers: Sequence[Speakers],
    domain_count: int,
    stratum_of: Integers,
    below: int,
) -> Raters:
    """Return who rated something in the domains that fewer than `below` persons rated in.

    `totals`: all items' sums in steps, then their numbers of ratings. `stratum_of`: the place of
    each respondent's stratum.
    """
    names = sorted({name for total in totals for of in total.columns.values() for name in of})
    columns = {name: ratings[name].to_numpy() for name in names}
    has_rated: dict[tuple[int, ...], NDArray[np.bool_]] = {}
    counts = np.zeros(domain_count, dtype=np.int64)
    for speaking in speakers:
        if speaking.ranks not in has_rated:
            has_rated[speaking.ranks] = _has_rated(columns, totals, speaking.ranks)
        groups = speaking.group_of[has_rated[speaking.ranks] & (speaking.group_of >= 0)]
        for group, count in enumerate(np.bincount(groups, minlength=len(speaking.domains))):
            counts[speaking.domains[group]] += count
    is_small = (counts > 0) & (counts < below)

    domain: list[Integers] = []
    person: list[Integers] = []
    added: list[NDArray[np.int16]] = []
    for speaking in speakers:
        small = [of[is_small[of]] for of in speaking.domains]
        wanted = np.array([len(of) > 0 for of in small])
        group_of = speaking.group_of
        who = np.flatnonzero((group_of >= 0) & has_rated[speaking.ranks])
        who = who[wanted[group_of[who]]]
        repeats = np.array([len(small[group]) for group in group_of[who]], dtype=np.int64)
        of_who = {name: column[who] for name, column in columns.items()}
        values = np.zeros((len(who), len(totals)), dtype=np.int16)
        for place, total in enumerate(totals):
            of_total = total.of(of_who, speaking.ranks)
            if of_total is not None:
                values[:, place] = of_total
        domain.extend(small[group] for group in group_of[who])
        person.append(np.repeat(who, repeats))
        added.append(np.repeat(values, repeats, axis=0))
    domains = np.concatenate([np.zeros(0, np.int64), *domain])
    people = np.concatenate([np.zeros(0, np.int64), *person])
    order = np.lexsort((people, domains))  # persons are in the order of strata
    sums = np.concatenate([np.zeros((0, len(totals)), np.int16), *added])[order]
    return Raters(
        domain=domains[order],
        stratum=stratum_of[people[order]],
        steps=sums[:, : len(totals) // 2],
        counts=sums[:, len(totals) // 2 :],
    )


def part_variances(
    raters: Raters,
    *,
    strata: Strata,
    items: Integers,
    parents: Sequence[Parent],
    component_count: int,
    min_weight_share: float,
    steps_per_point: float,
) -> tuple[Integers, Floats]:
    """Return the places of the domains and the variances of their scores, components x domains.

    NaN where a component has no score, or none with anybody left out. `items`: where the items are
    among the components.
    """
    # A part is who of a domain is in one stratum.
    is_next = (np.diff(raters.domain, prepend=-1) != 0) | (np.diff(raters.stratum, prepend=-1) != 0)
    part_starts = np.flatnonzero(is_next)
    part_of = np.cumsum(is_next) - 1
    stratum, domain_of_part = raters.stratum[part_starts], raters.domain[part_starts]
    starts = np.flatnonzero(np.diff(domain_of_part, prepend=-1))  # of domains, among the parts
    place_of_part = np.cumsum(np.diff(domain_of_part, prepend=-1) != 0) - 1
    place = place_of_part[part_of]
    rater_starts = part_starts[starts]
    size, weight = strata.sizes[stratum], strata.weights[stratum]
    # Who is alone in a stratum is never left out: then nobody would speak for it.
    growth = np.where(size > 1, weight / np.maximum(size - 1, 1), 0.0)
    share = (1 - strata.fractions[stratum]) * (size - 1) / size
    others = size - np.diff(part_starts, append=len(part_of))

    def replicates(added: NDArray[np.int16]) -> Floats:
        """Return the weighted totals of all, without each rater, and without somebody else."""
        own = added.astype(np.float64)
        parts = np.add.reduceat(own, part_starts, axis=0)
        whole = np.add.reduceat(parts * weight[:, np.newaxis], starts, axis=0)
        of_others = parts * growth[:, np.newaxis]
        without = of_others[part_of] - own * (growth * size)[part_of, np.newaxis]
        return np.vstack([whole, whole[place] + without, whole[place_of_part] + of_others])

    # Whether anybody is left to rate an item is told by whole numbers, which leave no rounding.
    rated = np.add.reduceat(raters.counts.astype(np.int64), rater_starts, axis=0)
    is_rated = np.vstack([rated, rated[place] - raters.counts, rated[place_of_part]]) > 0
    sums, counts = replicates(raters.steps), replicates(raters.counts)
    ratios = np.full(sums.shape, np.nan)
    np.divide(sums / steps_per_point, counts, out=ratios, where=is_rated)
    scores = np.full((component_count, len(sums)), np.nan)
    scores[items] = ratios.T
    roll_up(scores, parents, min_weight_share=min_weight_share)

    all_of, without_one, without_other = np.split(
        scores, [len(starts), len(starts) + len(place)], 1
    )
    found = _squares(without_one, all_of[:, place], share[part_of], rater_starts)
    found += _squares(without_other, all_of[:, place_of_part], share * others, starts)
    has_replicate = np.logical_or.reduceat(~np.isnan(without_one), rater_starts, axis=1)
    variances: Floats = np.where(np.isnan(all_of) | ~has_replicate, np.nan, found)
    return domain_of_part[starts], variances


def _squares(scores: Floats, of_all: Floats, factors: Floats, starts: Integers) -> Floats:
    """Return the sums of factor x squared deviation by domain; a replicate without a score adds 0.

    `scores`, `of_all`: components x replicates.
    """
    deviations = np.nan_to_num(scores - of_all)
    deviations[np.abs(deviations) < ROUNDING] = 0.0
    squares: Floats = np.add.reduceat(deviations**2 * factors, starts, axis=1)
    return squares


def _has_rated(
    columns: Mapping[str, NDArray[np.int16]], totals: Sequence[Total], ranks: Sequence[int]
) -> NDArray[np.bool_]:
    """Return by respondent whether he rated a provider of these levels."""
    heard = {name for total in totals for rank in ranks for name in total.columns.get(rank, ())}
    found = np.zeros(len(next(iter(columns.values()), ())), dtype=np.bool_)
    for name in sorted(heard):
        found |= columns[name] > 0
    return found
