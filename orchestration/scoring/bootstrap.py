"""The sampling variance of raked figures: bootstrap replicates, each raked anew (method.md 9).

Belongs here: the draws, the totals and figures that they give, their variance. Doesn't: the fit
of a rake and the tree (the modules beside), the warehouse (models/sums).

Rao & Wu (1988, JASA 83, 231-241) with n - 1 draws: in a stratum of n respondents a replicate draws
n - 1 with replacement, and weighs each n / (n - 1) x base weight x times drawn. There is no finite
population correction: where many of the staff answered, the error comes out too large on
average.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from orchestration.scoring.linearisation import COMPARED_VARIANCES, VARIANCES
from orchestration.scoring.raking import Rules, margins_of, raked_replicates
from orchestration.scoring.score_tree import Floats, Parent, edges_of, parents_of, roll_up
from orchestration.scoring.totals import Integers, Total, counted_under, of_type, totals_of

Counts = NDArray[np.uint8]

# Weights of replicates are multiples of this: sums of weight x score are then exact, and the same
# in whatever order a library adds them up.
GRAIN = 2.0**-24
COVERAGE = ("availability", "accessibility", "effective_coverage")
# Respondents, and domains, at a time: what bounds the memory.
RESPONDENTS, DOMAINS = 20_000, 500


@dataclass(frozen=True)
class Group:
    """Respondents who speak for the same domains.

    `members`: rows of the sums. `routes`: a domain and a level, the ratings of whose providers
    count in it; domains and levels by their place.
    """

    members: Integers
    routes: Sequence[tuple[int, int]]


def bootstrap_variances(
    people: pd.DataFrame,
    *,
    cycle_id: str,
    settings: pd.DataFrame,
    cells: pd.DataFrame,
    margins: pd.DataFrame,
    questions: pd.DataFrame,
    components: pd.DataFrame,
    edges: pd.DataFrame,
    routes: pd.DataFrame,
) -> pa.Table:
    """Return VARIANCES of a cycle whose method rakes; none where nobody is there.

    As for bootstrapped; `settings`: design_settings.
    """
    if people.empty:
        return VARIANCES.empty_table()
    of_cycle = settings[settings["cycle_id"] == cycle_id].iloc[0]
    found = bootstrapped(
        people,
        cells=cells,
        margins=margins,
        questions=questions[questions["instrument_id"] == of_cycle["instrument_id"]],
        components=components,
        edges=edges,
        routes=routes,
        settings=of_cycle,
        min_weight_share=float(of_cycle["min_weight_share"]),
        has_coverage=True,
    ).assign(cycle_id=cycle_id, weighting_mode="rake")
    return pa.Table.from_pandas(found, schema=VARIANCES, preserve_index=False)


def compared_bootstrap_variances(
    people: Mapping[str, pd.DataFrame],
    *,
    cycle_id: str,
    settings: pd.DataFrame,
    cells: pd.DataFrame,
    margins: pd.DataFrame,
    questions: pd.DataFrame,
    components: pd.DataFrame,
    shared: pd.DataFrame,
    edges: pd.DataFrame,
    routes: pd.DataFrame,
) -> pa.Table:
    """Return COMPARED_VARIANCES of the sides of a comparison that rake, on the tree both share.

    As for bootstrapped, of all cycles; `people`: by the cycle of a side. `components`: of this
    cycle, `shared`: design_shared_components.
    """
    of = {str(row["cycle_id"]): row for _, row in settings.iterrows()}
    found = [COMPARED_VARIANCES.empty_table()]
    for side, of_side in sorted(people.items()):
        if of_side.empty:
            continue
        is_asked = questions["instrument_id"] == of[side]["instrument_id"]
        compared = bootstrapped(
            of_side,
            cells=cells[cells["cycle_id"] == side],
            margins=margins[margins["cycle_id"] == side],
            questions=questions[is_asked & questions["item_id"].isin(shared["item_id"].dropna())],
            components=components,
            edges=edges,
            routes=routes[routes["cycle_id"] == side],
            settings=of[side],
            min_weight_share=float(of[cycle_id]["min_weight_share"]),
            has_coverage=False,
        ).assign(cycle_id=cycle_id, compared_cycle_id=side, weighting_mode="rake")
        found.append(
            pa.Table.from_pandas(compared, schema=COMPARED_VARIANCES, preserve_index=False)
        )
    return pa.concat_tables(found)


def bootstrapped(
    people: pd.DataFrame,
    *,
    cells: pd.DataFrame,
    margins: pd.DataFrame,
    questions: pd.DataFrame,
    components: pd.DataFrame,
    edges: pd.DataFrame,
    routes: pd.DataFrame,
    settings: "pd.Series[Any]",
    min_weight_share: float,
    has_coverage: bool,
) -> pd.DataFrame:
    """Return domain_number, component_number, figure, variance of one raked cycle on one tree.

    `people`: ratings_of_cycle, ordered by stratum_number, weight_cell_number, response_key: the
    draws follow this order of persons, and a cell lies within one stratum. `cells`: weights_cells,
    ordered by stratum_number, weight_cell_number. `margins`: weights_rake_margins. `questions`: as
    for totals_of. `components`: design_components. `edges`: as design_edges, of the
    tree. `routes`: sums_domain_routes. `settings`: a row of design_settings, of the cycle that
    raked. `has_coverage`: whether there are figures of COVERAGE beside `score`.
    """
    levels = sorted(name for name in map(str, routes.columns) if name.startswith("is_level_"))
    covered = components["component_type"].isin(["index", "service"]) & has_coverage
    drawn = times_drawn(
        cells.drop_duplicates("stratum_number")["stratum_respondent_count"].to_list(),
        int(settings["bootstrap_replicates"]),
        seed=int(settings["random_seed"]),
    )
    domains = np.sort(routes["domain_number"].unique())
    ranks = [int(name.removeprefix("is_level_")) for name in levels]
    found = variances(
        weights=replicate_weights(cells, margins, drawn, Rules.of(settings)),
        cell_of=np.repeat(np.arange(len(cells)), cells["respondent_count"]),
        drawn=drawn,
        sums=sums_of(people, totals_of(questions, components), ranks),
        items=of_type(components, "item")["component_number"].to_numpy() - 1,
        coverage={
            number - 1: counted_under(components, number)
            for number in components.loc[covered, "component_number"]
        },
        groups=groups_of(people, routes, domains, levels),
        domain_count=len(domains),
        parents=parents_of(edges_of(edges)),
        component_count=len(components),
        min_weight_share=min_weight_share,
        steps_per_point=float(people["steps_per_point"].max()),
    )
    rows = []
    for figure, of_figure in found.items():
        component, domain = np.nonzero(~np.isnan(of_figure))
        of = {
            "domain_number": domains[domain],
            "component_number": component + 1,
            "variance": of_figure[component, domain],
        }
        rows.append(pd.DataFrame(of).assign(figure=figure))
    return pd.concat(rows)


def times_drawn(stratum_sizes: Sequence[int], replicates: int, *, seed: int) -> Counts:
    """Return how often each respondent is drawn: respondents, stratum by stratum, x replicates.

    The one of a stratum of one is in every replicate.
    """
    random = np.random.default_rng(seed)
    drawn = np.ones((sum(stratum_sizes), replicates), dtype=np.uint8)
    start = 0
    for size in stratum_sizes:
        for replicate in range(replicates if size > 1 else 0):
            numbers = np.floor(random.random(size - 1) * size).astype(np.int64)
            drawn[start : start + size, replicate] = np.bincount(numbers, minlength=size)
        start += size
    return drawn


def replicate_weights(
    cells: pd.DataFrame, totals: pd.DataFrame, drawn: Counts, rules: Rules
) -> Floats:
    """Return the raked weight of a person drawn once, cells x replicates.

    `cells`: weights_cells in the order of `drawn`'s respondents. `totals`: weights_rake_margins.
    """
    sizes = cells["stratum_respondent_count"].to_numpy(dtype=np.float64)
    base = cells["stratum_weight"].to_numpy() * sizes / np.maximum(sizes - 1, 1)
    weights = np.repeat(base[:, np.newaxis], drawn.shape[1], axis=1)
    counts = cells["respondent_count"].to_numpy()
    starts = np.cumsum(counts) - counts
    drawn_of_cell = np.add.reduceat(drawn, starts, axis=0, dtype=np.float64)
    for role_id, rows in cells.groupby("role_id").indices.items():
        margins = margins_of(cells.iloc[rows], totals[totals["role_id"] == role_id])
        if margins:
            weights[rows] = raked_replicates(weights[rows], drawn_of_cell[rows], margins, rules)
    return weights


def groups_of(
    people: pd.DataFrame, routes: pd.DataFrame, domains: Integers, levels: Sequence[str]
) -> list[Group]:
    """Return who speaks for which domains, by `routes` (sums_domain_routes).

    `domains`: the domain numbers in ascending order. `levels`: the columns is_level_<rank>.
    """
    by_level = routes.melt(
        id_vars=["attribute_name", "attribute_value", "role_id", "domain_number"],
        value_vars=levels,
        var_name="level",
    )
    by_level = by_level[by_level["value"]]
    by_level["domain"] = np.searchsorted(domains, by_level["domain_number"])
    by_level["level"] = by_level["level"].map(levels.index)
    groups = []
    for attribute, of_attribute in by_level.groupby("attribute_name"):
        members = people.assign(value=people[attribute]).groupby(["value", "role_id"]).indices
        for key, of_group in of_attribute.groupby(["attribute_value", "role_id"]):
            if key in members:
                places = zip(of_group["domain"], of_group["level"], strict=True)
                groups.append(Group(members=np.asarray(members[key]), routes=list(places)))
    return groups


def sums_of(
    people: pd.DataFrame, totals: Sequence[Total], ranks: Sequence[int]
) -> NDArray[np.float32]:
    """Return what each of `people` (ratings_of_cycle) adds to the totals by providers' rank.

    Shape: people x ranks x totals.
    """
    counted = {name for total in totals for of in total.columns.values() for name in of}
    columns = {name: people[name].to_numpy() for name in counted & set(people)}
    sums = np.zeros((len(people), len(ranks), len(totals)), dtype=np.float32)
    for place, total in enumerate(totals):
        for level, rank in enumerate(ranks):
            added = total.of(columns, [rank])
            if added is not None:
                sums[:, level, place] = added
    return sums


def variances(
    *,
    weights: Floats,
    cell_of: Integers,
    drawn: Counts,
    sums: NDArray[np.float32],
    items: Integers,
    coverage: Mapping[int, Mapping[str, Floats]],
    groups: Sequence[Group],
    domain_count: int,
    parents: Sequence[Parent],
    component_count: int,
    min_weight_share: float,
    steps_per_point: float,
) -> dict[str, Floats]:
    """Return by figure the variance of every component in every domain, components x domains.

    The figures are `score`, `availability`, `accessibility` and `effective_coverage` (method.md 8).
    `weights`: of a person drawn once, cells x replicates. `cell_of`, `drawn`: by respondent.
    `sums`: sums_of the totals of totals_of (totals.py): score sums in steps, rating counts,
    other answers. `items`: where the items are among the components.
    `coverage`: by place of a component that has it, counted_under (linearisation.py). NaN where
    fewer than two replicates have the figure.
    """
    replicates = drawn.shape[1]
    shape = sums.shape[1:]
    totals = np.zeros((domain_count, shape[1], replicates))
    weights = np.round(weights / GRAIN) * GRAIN
    for group in groups:
        weighted = np.zeros((np.prod(shape), replicates))
        for rows in _in_parts(group.members):
            of_rows = sums[rows].reshape(len(rows), -1).T.astype(np.float64)
            weighted += of_rows @ (weights[cell_of[rows]] * drawn[rows])
        by_level = weighted.reshape(*shape, replicates)
        for domain, level in group.routes:
            totals[domain] += by_level[level]
    figures = ("score", *COVERAGE) if coverage else ("score",)
    result = {figure: np.full((component_count, domain_count), np.nan) for figure in figures}
    for start in range(0, domain_count, DOMAINS):
        here = slice(start, start + DOMAINS)
        by_total = totals[here].transpose(1, 0, 2)
        scores = np.full((component_count, *by_total.shape[1:]), np.nan)
        score_sums, rating_counts = by_total[: len(items)], by_total[len(items) : 2 * len(items)]
        scores[items] = _ratio(score_sums / steps_per_point, rating_counts)
        roll_up(scores, parents, min_weight_share=min_weight_share)
        result["score"][:, here] = _variance(scores)
        for place, counted in coverage.items():
            for figure, values in _coverage(by_total, counted, scores[place]).items():
                result[figure][place, here] = _variance(values)
    return result


def _coverage(totals: Floats, counted: Mapping[str, Floats], score: Floats) -> dict[str, Floats]:
    """Return the figures of COVERAGE, of totals with any axes after the first."""
    of_kind = {kind: np.tensordot(of, totals, axes=1) for kind, of in counted.items()}
    available = of_kind["rated"] + of_kind["not_used"]
    answered = available + of_kind["not_available"]
    return {
        "availability": _ratio(available, answered),
        "accessibility": _ratio(of_kind["rated"], available),
        "effective_coverage": _ratio(of_kind["rated"], answered) * (score - 1) / 3,
    }


def _ratio(part: Floats, whole: Floats) -> Floats:
    """Return part / whole, NaN where the whole is nothing."""
    ratio: Floats = np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0)
    return ratio


def _in_parts(members: Integers) -> Iterator[Integers]:
    for start in range(0, len(members), RESPONDENTS):
        yield members[start : start + RESPONDENTS]


def _variance(scores: Floats) -> Floats:
    """Return the variance over the last axis, around its mean, of those that have a value."""
    has_value = ~np.isnan(scores)
    count = has_value.sum(axis=-1)
    mean = np.where(has_value, scores, 0.0).sum(axis=-1) / np.maximum(count, 1)
    squares = np.where(has_value, scores - mean[..., np.newaxis], 0.0) ** 2
    return np.where(count > 1, squares.sum(axis=-1) / np.maximum(count - 1, 1), np.nan)
