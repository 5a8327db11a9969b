"""The index of those who answered late against that of those who answered early (method.md 9).

Belongs here: who is of the first and of the last third, their sums, the difference with its
variance. Doesn't: scores and variances of whole domains (linearisation.py), what may be shown of it
(models/figures/fieldwork), the warehouse.

Each third of a domain is added up as a domain of its own, with the sums and products of any other.
"""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from orchestration.scoring.domain_sums import component_sums
from orchestration.scoring.linearisation import linearise
from orchestration.scoring.score_tree import Floats, edges_of, parents_of, roll_up
from orchestration.scoring.second_moments import SCHEMA as MOMENTS
from orchestration.scoring.second_moments import second_moments
from orchestration.scoring.totals import asked_in, of_type

EARLY, LATE = "early", "late"
THIRDS = (EARLY, LATE)
DOMAIN_TYPES = ("national", "provider_level", "provider_region")
SUMS = pa.schema([*MOMENTS, ("third", pa.string()), ("respondent_count", pa.int64())])
DIFFERENCES = pa.schema(
    [
        ("cycle_id", pa.string()),
        ("domain_number", pa.int32()),
        ("early_count", pa.int64()),
        ("late_count", pa.int64()),
        ("early_score", pa.float64()),
        ("late_score", pa.float64()),
        ("variance", pa.float64()),
        ("early_weight", pa.float64()),
        ("late_weight", pa.float64()),
        ("largest_weight", pa.float64()),
    ]
)


def thirds_of(submitted: NDArray[np.datetime64], bounds: pd.DataFrame) -> NDArray[np.object_]:
    """Return early or late for each time, None between the bounds and where it is not known."""
    [(early_until, late_since)] = bounds[["early_until", "late_since"]].to_numpy("datetime64[us]")
    found = np.full(len(submitted), None, dtype=object)
    found[submitted <= early_until] = EARLY  # with NaT nothing compares
    found[submitted >= late_since] = LATE
    return found


def sums_of_thirds(
    ratings: pa.Table,
    submissions: pa.Table,
    *,
    role_id: str,
    bounds: pd.DataFrame,
    cycle_id: str,
    settings: pd.DataFrame,
    questions: pd.DataFrame,
    components: pd.DataFrame,
    routes: pd.DataFrame,
) -> pa.Table:
    """Return SUMS: per domain of DOMAIN_TYPES, third and stratum the sums of its respondents.

    `ratings`: ratings_of_cycle, ordered by stratum_number. `submissions`: response_key, role_id and
    submitted_at of the accepted responses. `role_id`: whose thirds they are. `bounds`:
    ratings_third_bounds, NaT for none. `settings`: design_settings. `questions`: as for
    second_moments. `components`: design_components. `routes`: sums_domain_routes.
    """
    divided = _with_thirds(ratings, submissions, role_id, bounds)
    by_third = _routes_by_third(routes[routes["domain_type"].isin(DOMAIN_TYPES)])
    asked = asked_in(cycle_id, questions, settings)
    moments = second_moments(
        divided,
        cycle_id=cycle_id,
        settings=settings,
        questions=questions,
        components=components,
        routes=by_third,
    )
    persons = component_sums(divided, questions=asked, components=components, routes=by_third)
    (index,) = of_type(components, "index")["component_number"]
    keys = ["domain_number", "stratum_number"]
    counts = persons.to_pandas()
    by_key = counts[counts["component_number"] == index].groupby(keys)["respondent_count"].sum()
    places = pd.MultiIndex.from_frame(moments.select(keys).to_pandas())
    number, third = np.divmod(moments["domain_number"].to_numpy(), len(THIRDS))
    return (
        moments.set_column(1, "domain_number", pa.array(number, pa.int32()))
        .append_column("third", pa.array([THIRDS[of] for of in third.tolist()], pa.string()))
        .append_column(
            "respondent_count",
            pa.array(by_key.reindex(places, fill_value=0).to_numpy(), pa.int64()),
        )
        .cast(SUMS)
    )


def late_less_early(
    sums: pa.Table,
    *,
    cycle_id: str,
    settings: pd.DataFrame,
    components: pd.DataFrame,
    edges: pd.DataFrame,
    strata: pd.DataFrame,
) -> pa.Table:
    """Return DIFFERENCES, a row per domain in which both thirds have an index.

    `sums`: sums_of_thirds. `settings`: design_settings of the cycle. `edges`: design_edges.
    `strata`: weights_strata. The variance is that of the late index less the early one, NaN where
    no error is known.
    """
    if not sums.num_rows:
        return DIFFERENCES.empty_table()
    strata = strata[strata["stratum_respondent_count"] > 0].drop_duplicates("stratum_number")
    strata = strata.assign(weighting_mode="own")
    if settings["weighting_mode"].iloc[0] == "none":
        strata["weight"] = 1.0
    thirds = sums["third"].to_numpy(zero_copy_only=False)
    number = len(THIRDS) * sums["domain_number"].to_numpy() + (thirds == LATE)
    moments = sums.select(MOMENTS.names).set_column(
        1, "domain_number", pa.array(number, pa.int32())
    )
    scores = _scores(
        moments,
        components=components,
        edges=edges,
        weights=dict(zip(strata["stratum_number"], strata["weight"], strict=True)),
        min_weight_share=float(settings["min_weight_share"].iloc[0]),
    )
    linearised = linearise(
        moments, components=components, edges=edges, scores=scores, strata=strata
    )
    (index,) = of_type(components, "index")["component_number"]
    gradients = linearised.gradients_of(int(index))
    by_place = pd.DataFrame(
        {
            "score": linearised.scores[index - 1],
            "variance": np.einsum("tp,ptu,up->p", gradients, linearised.covariances, gradients),
        },
        index=linearised.domains,
    )
    rows = _by_stratum(moments, sums, dict(zip(linearised.domains, gradients.T, strict=True)))
    return _differences(rows.merge(strata, on="stratum_number"), by_place, cycle_id)


def _with_thirds(
    ratings: pa.Table, submissions: pa.Table, role_id: str, bounds: pd.DataFrame
) -> pa.Table:
    """Return the ratings with `third`, and `unit_third`, which is of the unit as well."""
    of_role = np.asarray(submissions["role_id"].to_pylist(), dtype=object) == role_id
    keys = submissions["response_key"].to_numpy()[of_role]
    order = np.argsort(keys)
    submitted = submissions["submitted_at"].to_numpy().astype("datetime64[us]")[of_role]
    thirds = thirds_of(submitted, bounds)[order]
    wanted = ratings["response_key"].to_numpy()
    at = np.searchsorted(keys[order], wanted)
    is_there = np.append(keys[order], -1)[at] == wanted
    known = np.empty(len(thirds) + 1, dtype=object)
    known[:-1] = thirds
    found = np.where(is_there, known[at], None)
    units = ratings["unit_id"].to_pylist()
    both = [None if of is None else f"{unit}|{of}" for unit, of in zip(units, found, strict=True)]
    return ratings.append_column("third", pa.array(found, pa.string())).append_column(
        "unit_third", pa.array(both, pa.string())
    )


def _routes_by_third(routes: pd.DataFrame) -> pd.DataFrame:
    """Return the routes of each domain's thirds, which are domains here."""
    of_units = routes["attribute_name"] == "unit_id"
    return pd.concat(
        [
            routes.assign(
                attribute_name=np.where(of_units, "unit_third", "third"),
                attribute_value=np.where(of_units, routes["attribute_value"] + f"|{of}", of),
                domain_number=len(THIRDS) * routes["domain_number"] + place,
            )
            for place, of in enumerate(THIRDS)
        ],
        ignore_index=True,
    )


def _scores(
    moments: pa.Table,
    *,
    components: pd.DataFrame,
    edges: pd.DataFrame,
    weights: dict[int, float],
    min_weight_share: float,
) -> pd.DataFrame:
    """Return the thirds' scores as scores_of_components has them."""
    items = of_type(components, "item")["component_number"].to_numpy()
    domains, place_of = np.unique(moments["domain_number"].to_numpy(), return_inverse=True)
    totals = np.zeros((len(domains), 2 * len(items)))
    for place, stratum, numbers, sums in zip(
        place_of.tolist(),
        moments["stratum_number"].to_pylist(),
        moments["total_numbers"].to_pylist(),
        moments["sums"].to_pylist(),
        strict=True,
    ):
        for number, total in zip(numbers, sums, strict=True):
            if number < totals.shape[1]:  # services' other answers make no score
                totals[place, number] += weights[stratum] * total
    steps, counts = np.split(totals, 2, axis=1)
    ratios = np.divide(steps, counts, out=np.full(steps.shape, np.nan), where=counts > 0)
    values = np.full((len(components), len(domains)), np.nan)
    values[items - 1] = ratios.T / moments["steps_per_point"][0].as_py()
    roll_up(values, parents_of(edges_of(edges)), min_weight_share=min_weight_share)
    rating_totals = np.full_like(values, np.nan)
    rating_totals[items - 1] = counts.T
    component, place = np.nonzero(~np.isnan(values))
    return pd.DataFrame(
        {
            "weighting_mode": "own",
            "domain_number": domains[place],
            "component_number": component + 1,
            "score": values[component, place],
            "weighted_rating_count": rating_totals[component, place],
        }
    )


def _by_stratum(moments: pa.Table, sums: pa.Table, gradients: dict[int, Floats]) -> pd.DataFrame:
    """Return by third of a domain and stratum its persons, and the sum of what each adds."""
    influence = [
        float(gradients[domain][numbers] @ np.array(of, dtype=np.float64))
        for domain, numbers, of in zip(
            moments["domain_number"].to_pylist(),
            moments["total_numbers"].to_pylist(),
            moments["sums"].to_pylist(),
            strict=True,
        )
    ]
    return pd.DataFrame(
        {
            "third_number": moments["domain_number"].to_numpy(),
            "stratum_number": moments["stratum_number"].to_numpy(),
            "persons": sums["respondent_count"].to_numpy(),
            "influence": influence,
        }
    )


def _differences(rows: pd.DataFrame, by_place: pd.DataFrame, cycle_id: str) -> pa.Table:
    """`rows`: of both thirds of each domain, with their strata. `by_place`: by third's number."""
    found: list[dict[str, Any]] = []
    for domain, of_domain in rows.groupby(rows["third_number"] // len(THIRDS)):
        early, late = (len(THIRDS) * int(domain) + place for place in range(len(THIRDS)))
        if not {early, late} <= {*by_place.index} or by_place["score"][[early, late]].isna().any():
            continue
        persons = of_domain.groupby("third_number")["persons"].sum()
        weight = (of_domain["persons"] * of_domain["weight"]).groupby(of_domain["third_number"])
        weights = weight.sum()
        found.append(
            {
                "cycle_id": cycle_id,
                "domain_number": domain,
                "early_count": persons[early],
                "late_count": persons[late],
                "early_score": by_place["score"][early],
                "late_score": by_place["score"][late],
                "variance": max(
                    by_place["variance"][[early, late]].sum()
                    - 2 * _covariance(of_domain, early, late),
                    0.0,
                )
                if _has_error(of_domain)
                else None,
                "early_weight": weights[early],
                "late_weight": weights[late],
                "largest_weight": of_domain.loc[of_domain["persons"] > 0, "weight"].max(),
            }
        )
    return pa.Table.from_pylist(found, schema=DIFFERENCES)


def _has_error(rows: pd.DataFrame) -> bool:
    """Whether there are more persons than strata, and no lone one stands for others."""
    is_lone = (rows["stratum_respondent_count"] == 1) & (rows["stratum_staff_count"] > 1)
    return bool(rows["persons"].sum() > rows["stratum_number"].nunique() and not is_lone.any())


def _covariance(rows: pd.DataFrame, early: int, late: int) -> float:
    """Return that of the two indexes: nobody is of both, but they share strata and their means."""
    influence = rows.pivot_table(
        index="stratum_number", columns="third_number", values="influence", aggfunc="sum"
    ).fillna(0.0)
    strata = rows.drop_duplicates("stratum_number").set_index("stratum_number")
    size = strata["stratum_respondent_count"]
    factor = (1 - strata["sampling_fraction"]) * strata["weight"] ** 2 / (size - 1).clip(lower=1)
    return float(-(factor * influence[early] * influence[late]).sum())
