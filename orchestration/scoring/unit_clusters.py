"""How much more units vary than their people: the design effect of the respondents' units.

Belongs here: adding up what each unit's respondents add to a domain's totals, and the variance with
units in place of persons as primary units. Doesn't: gradients and persons' variances
(linearisation.py), the warehouse (models/sums, models/figures).

The respondents of a unit share a head, a building, a reminder. Taken as one draw each, the units of
a stratum give the variance of Hansen, Hurwitz & Madow's ultimate clusters (Sarndal, Swensson &
Wretman 1992, 4.6; what R's svydesign(ids = ~unit) computes); over that of persons it is the design
effect of units (method.md 5). Both without finite population correction: the number of units in the
frame, of which nearly all answer, says nothing of how alike their people are.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from threadpoolctl import threadpool_limits

from orchestration.scoring.linearisation import linearise
from orchestration.scoring.score_tree import Floats
from orchestration.scoring.second_moments import lists_of
from orchestration.scoring.totals import Integers, asked_in, of_type, speakers_of, totals_of

# Domains of many units, and of whole units' respondents.
DOMAIN_TYPES = ("national", "provider_level", "provider_region")
UNIT_TOTALS = pa.schema(
    [
        ("cycle_id", pa.string()),
        ("domain_number", pa.int32()),
        ("unit_id", pa.string()),
        ("stratum_number", pa.int32()),
        ("total_numbers", pa.list_(pa.int16())),
        ("sums", pa.list_(pa.int64())),
    ]
)
DESIGN_EFFECTS = pa.schema(
    [
        ("cycle_id", pa.string()),
        ("weighting_mode", pa.string()),
        ("domain_number", pa.int32()),
        ("component_number", pa.int32()),
        ("unit_count", pa.int64()),
        ("unit_design_effect", pa.float64()),
    ]
)


def unit_totals(
    ratings: pa.Table,
    *,
    cycle_id: str,
    settings: pd.DataFrame,
    questions: pd.DataFrame,
    components: pd.DataFrame,
    routes: pd.DataFrame,
) -> pa.Table:
    """Return UNIT_TOTALS: what a unit's respondents in a stratum add to the totals of a domain.

    A row for each unit and stratum whose respondents speak for a domain of DOMAIN_TYPES, also where
    they rated nothing. Whole numbers: those of two parts of the people add up to those of all.
    `ratings`: ratings_of_cycle. The others as for second_moments; `total_numbers` are places in
    totals_of, of which only ratings are kept.
    """
    routes = routes[routes["domain_type"].isin(DOMAIN_TYPES)]
    if not ratings.num_rows or routes.empty:
        return UNIT_TOTALS.empty_table()
    domains = np.sort(routes["domain_number"].unique())
    item_count = len(of_type(components, "item"))
    totals = totals_of(asked_in(cycle_id, questions, settings), components)[: 2 * item_count]
    columns = {name: ratings[name].to_numpy() for name in ratings.column_names if "rating_" in name}
    units = ratings["unit_id"].combine_chunks().dictionary_encode()
    names = units.dictionary.to_pylist()
    strata = ratings["stratum_number"].to_numpy().astype(np.int64)
    cells, first, cell_of = np.unique(
        strata * len(names) + units.indices.to_numpy(), return_index=True, return_inverse=True
    )
    rows: dict[str, list[Any]] = {name: [] for name in UNIT_TOTALS.names[1:]}
    by_ranks: dict[tuple[int, ...], Integers] = {}
    for speaking in speakers_of(ratings, routes, domains):
        if speaking.ranks not in by_ranks:
            added = [total.of(columns, speaking.ranks) for total in totals]
            by_ranks[speaking.ranks] = np.array(
                [
                    np.zeros(len(cells))
                    if values is None
                    else np.bincount(cell_of, values, len(cells))
                    for values in added
                ]
            ).T.astype(np.int64)
        # Who is of one unit and stratum is of one role too, and so speaks for the same domains.
        for cell, group in enumerate(speaking.group_of[first].tolist()):
            if group < 0:
                continue
            of_cell = by_ranks[speaking.ranks][cell]
            used = np.flatnonzero(of_cell)
            stratum, unit = divmod(int(cells[cell]), len(names))
            for domain in speaking.domains[group].tolist():
                rows["domain_number"].append(domains[domain])
                rows["unit_id"].append(names[unit])
                rows["stratum_number"].append(stratum)
                rows["total_numbers"].append(used)
                rows["sums"].append(of_cell[used])
    return pa.table(
        [
            pa.repeat(cycle_id, len(rows["unit_id"])),
            *(
                lists_of(rows[field.name], field.type.value_type)
                if pa.types.is_list(field.type)
                else pa.array(rows[field.name], field.type)
                for field in list(UNIT_TOTALS)[1:]
            ),
        ],
        schema=UNIT_TOTALS,
    )


def unit_design_effects(
    totals: pa.Table,
    moments: pa.Table,
    *,
    cycle_id: str,
    components: pd.DataFrame,
    edges: pd.DataFrame,
    scores: pd.DataFrame,
    strata: pd.DataFrame,
    units: pd.DataFrame,
) -> pa.Table:
    """Return DESIGN_EFFECTS of one cycle, of its modes that are linearised.

    `totals`: unit_totals. `units`: design_units. The others as for linearise. `unit_count`: whose
    respondents rated anything of the domain. None where that is one, or persons have no variance.
    """
    domains = np.unique(totals["domain_number"].to_numpy())
    of_these = moments.filter(pc.is_in(moments["domain_number"], pa.array(domains, pa.int32())))
    if not of_these.num_rows:
        return DESIGN_EFFECTS.empty_table()
    persons = linearise(
        of_these,
        components=components,
        edges=edges,
        scores=scores[scores["domain_number"].isin(domains)],
        strata=strata.assign(sampling_fraction=0.0),
    )
    modes = sorted(strata["weighting_mode"].unique())
    weighted, counts = _weighted(totals, strata, modes, persons.covariances.shape[1])
    clusters = _clusters(totals, units)
    covariances = np.zeros_like(persons.covariances)
    # Small matrices: BLAS's threads would wait for each other longer than they work.
    with threadpool_limits(limits=1, user_api="blas"):
        for place, (mode, domain) in enumerate(zip(persons.modes, persons.domains, strict=True)):
            of_domain = weighted.get((modes.index(mode), int(domain)), {})
            covariances[place] = _covariance(of_domain, clusters, len(covariances[0]))
    keys = ["weighting_mode", "domain_number", "component_number"]
    both = persons.variances().merge(
        replace(persons, covariances=covariances).variances(), on=keys, suffixes=("", "_of_units")
    )
    both["unit_count"] = both["domain_number"].map(counts)
    both = both[(both["variance"] > 0) & (both["unit_count"] > 1)]
    found = both[[*keys, "unit_count"]].assign(
        cycle_id=cycle_id,
        unit_design_effect=both["variance_of_units"] / both["variance"],
    )
    return pa.Table.from_pandas(found, schema=DESIGN_EFFECTS, preserve_index=False)


def _weighted(
    totals: pa.Table, strata: pd.DataFrame, modes: list[str], total_count: int
) -> tuple[dict[tuple[int, int], dict[str, Floats]], dict[int, int]]:
    """Return the weighted totals by mode, domain and unit, and the units with any by domain."""
    weights = strata.pivot_table(index="stratum_number", columns="weighting_mode", values="weight")
    weight_of = dict(zip(weights.index.to_list(), weights[modes].to_numpy(), strict=True))
    found: dict[tuple[int, int], dict[str, Floats]] = {}
    raters: dict[int, set[str]] = {}
    for domain, unit, stratum, numbers, sums in zip(
        *(totals[name].to_pylist() for name in UNIT_TOTALS.names[1:]), strict=True
    ):
        if numbers:
            raters.setdefault(domain, set()).add(unit)
        for mode, weight in enumerate(weight_of[stratum].tolist()):
            by_unit = found.setdefault((mode, domain), {})
            of_unit = by_unit.setdefault(unit, np.zeros(total_count))
            of_unit[numbers] += weight * np.array(sums, dtype=np.float64)
    return found, {domain: len(of) for domain, of in raters.items()}


def _clusters(totals: pa.Table, units: pd.DataFrame) -> dict[str, list[str]]:
    """Return the units that answered, by the region x level, or level, that they are drawn from.

    Where one unit of a region x level answered, it is drawn with the others such of its level.
    """
    answered = units[units["unit_id"].isin(set(totals["unit_id"].to_pylist()))]
    place = answered["region_id"].fillna("") + "|" + answered["unit_level_id"]
    is_alone = place.groupby(place).transform("size") == 1
    drawn_from = place.where(~is_alone, answered["unit_level_id"])
    return {str(of): sorted(found) for of, found in answered.groupby(drawn_from)["unit_id"]}


def _covariance(
    by_unit: dict[str, Floats], clusters: dict[str, list[str]], total_count: int
) -> Floats:
    """Return the covariance of the totals with whole units as draws; 0 for who is elsewhere."""
    result = np.zeros((total_count, total_count))
    for _, unit_ids in sorted(clusters.items()):
        # A domain has few of the units: of the others no rows are made.
        here = [by_unit[unit_id] for unit_id in unit_ids if unit_id in by_unit]
        if here and len(unit_ids) > 1:
            drawn, mean = len(unit_ids), np.sum(here, axis=0) / len(unit_ids)
            of = np.array(here) - mean
            squares = of.T @ of + (drawn - len(here)) * np.outer(mean, mean)
            result += drawn / (drawn - 1) * squares
    return result
