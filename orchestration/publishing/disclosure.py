"""Which cells of a cycle must be hidden, so that no published figure tells on a person.

Belongs here: the rule (method.md, "Disclosure") as a pure function, frames in and flags out.
Doesn't: how precisely the others may be shown (bounds.py), reading the warehouse
(disclosure_cell_verdicts), blanking the figures (shown_figures.py).

A cell is a domain (a unit, a region, ...) and a component (a service, an item, ...) of a cycle; the
weighting modes share it, since the same people stand behind both. A cell with fewer respondents
than `min_cell_n` is hidden. Answers add up, though: a level is the sum of its units, a service the
sum of its perspectives. So each published sum is a linear equation whose unknowns are the hidden
cells, and a hidden cell is exposed where all equations together have one solution for it. Further
cells are hidden, the smallest first, until none is exposed. Then those whose score would confine
few persons (bounds.py); where a cell is the only part of another, both are one there.
"""

import heapq
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from orchestration.publishing.bounds import EXACT, LADDER, Bounds, Sums, other_steps, steps

COMPONENT = ["service_id", "perspective_id", "item_id"]
DOMAIN = ["domain_type", "domain_id"]
CELL = ["cycle_id", *DOMAIN, *COMPONENT]
VERDICT = ["is_hidden", "reason", "is_exposed", "score_step", "other_step"]

NEVER_HIDDEN = ("national",)
EXACT_DOMAINS = ("national", "provider_level")
# All kinds of people stand in these and in demographic groups; no other figure divides them again.
BLENDS = (*NEVER_HIDDEN, "recipient_category")
NATION = ("national", "national")

# A null vector's entry at a cell that the sums determine is zero up to rounding (about 1e-12 here),
# elsewhere it is of the order of 1e-2. Too large a bound hides too much, never too little.
ZERO = 1e-7
NULL_VECTORS = 2
RESIDUAL = 1e-11
ROUGHLY = 0.02
# Written out, because the columns of a frame without rows have no types.
CELL_VERDICTS = pa.schema(
    [(column, pa.string()) for column in (*CELL, "component_type")]
    + [("is_hidden", pa.bool_()), ("reason", pa.string()), ("is_exposed", pa.bool_())]
    + [("score_step", pa.float64()), ("other_step", pa.float64())]
)
# Of those in no published domain: as many as need no protection, since they are cells of their own.
MANY = 1_000_000
MAX_ROUNDS = 20_000

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Domain = tuple[str, str]
Component = tuple[str, str, str]


class DisclosureError(Exception):
    """The scores can't be judged, so nothing may be published."""


def cell_verdicts(
    cells: pd.DataFrame,
    *,
    units: pd.DataFrame,
    settings: pd.DataFrame,
    components: pd.DataFrame,
    edges: pd.DataFrame,
    classes: pd.DataFrame,
    demographics: pd.DataFrame,
) -> pa.Table:
    """Return CELL_VERDICTS: what may be shown of each cell of a cycle (no component is NULL).

    `cells`: disclosure_cells. `units`: stg_seeds__units. `settings`: design_settings.
    `components`, `edges`: design_components, design_edges. `classes`: disclosure_class_cells.
    `demographics`: the seed, whose ids are domain types.
    """
    names = components[["component_number", *COMPONENT]].fillna("")
    for side, number in (("whole", "parent_number"), ("part", "child_number")):
        side_names = names.rename(columns={key: f"{side}_{key}" for key in COMPONENT})
        edges = edges.merge(side_names, left_on=number, right_on="component_number")
        edges = edges.drop(columns="component_number")
    # Shards of a cycle bring the same rows in another order, and bounds are sums of doubles.
    classes = classes.sort_values(list(classes.columns), ignore_index=True)
    classes = classes.assign(**{key: classes[key].fillna("") for key in COMPONENT})
    verdicts = judge_cells(
        cells, units, settings, edges, classes, demographics["demographic_id"].tolist()
    )
    cells = cells.assign(**{key: cells[key].fillna("") for key in COMPONENT})
    keyed = verdicts.merge(cells[[*CELL, "component_type"]], on=CELL)
    keyed[COMPONENT] = keyed[COMPONENT].replace("", None)
    keyed["reason"] = keyed["reason"].where(keyed["is_hidden"].astype(bool), None)
    return pa.Table.from_pandas(keyed, schema=CELL_VERDICTS, preserve_index=False)


# Vectors of some 10,000 numbers: two of BLAS's threads wait for each other longer than they work.
@threadpool_limits.wrap(limits=1, user_api="blas")  # type: ignore[untyped-decorator]
def judge_cells(
    cells: pd.DataFrame,
    units: pd.DataFrame,
    cycles: pd.DataFrame,
    edges: pd.DataFrame,
    classes: pd.DataFrame,
    demographics: Collection[str],
) -> pd.DataFrame:
    """Return one row per cell: CELL, is_hidden, reason, is_exposed, score_step, other_step.

    `cells`: disclosure_cells. `units`: unit_id, unit_level_id, region_id, valid_from, valid_to, one
    row a version. `cycles`: cycle_id, opens_on, min_cell_n, disclosure_interval. `edges`: cycle_id,
    whole_<key> and part_<key> for each key of COMPONENT, weight: the tree of the score. `classes`:
    disclosure_class_cells, which classes of weight the cells are made of (no component is NULL).
    `demographics`: the domain types that are demographics.

    No service, perspective or item is ''. `reason` of a hidden cell is `small` (too few
    respondents), `bounds` (its score would confine a small group) or `complement` (hidden to
    protect another). `is_exposed` marks what no choice can protect, since it follows from cells
    that are never hidden: the only unit of its level. `score_step` is 0 for an exact score,
    `other_step` the same in other weighting modes than the method's own, NaN where these are hidden
    or the cell is. Raises
    DisclosureError for a domain that isn't known to the rule.
    """
    cycle_ids = cells["cycle_id"].unique()
    unknown = set(cycle_ids) - set(cycles["cycle_id"])
    if unknown:
        raise DisclosureError(
            f"disclosure_cells has cycles that dim_cycles lacks: {', '.join(sorted(unknown))}; "
            "build both"
        )
    counts = cells[["respondent_count", "answer_count"]]
    if counts.isna().to_numpy().any():
        raise DisclosureError(
            "disclosure_cells has rows without respondent_count or answer_count, which can't be "
            "judged: "
            "correct models/figures/disclosure/disclosure_cells.sql"
        )
    judged = [
        _judge_cycle(
            cells[cells["cycle_id"] == cycle.cycle_id],
            _places(units, on=pd.Timestamp(str(cycle.opens_on))),
            edges[edges["cycle_id"] == cycle.cycle_id],
            classes[classes["cycle_id"] == cycle.cycle_id],
            demographics,
            min_cell_n=int(float(str(cycle.min_cell_n))),
            least_width=float(str(cycle.disclosure_interval)),
        )
        for cycle in cycles[cycles["cycle_id"].isin(cycle_ids)].itertuples()
    ]
    return pd.concat([pd.DataFrame(columns=[*CELL, *VERDICT]), *judged], ignore_index=True)


def _places(units: pd.DataFrame, *, on: pd.Timestamp) -> dict[str, Domain]:
    """Region ('' for none) and level of each unit as they stood on the day the cycle opened."""
    valid_from = pd.to_datetime(units["valid_from"])
    valid_to = pd.to_datetime(units["valid_to"])
    stood = units[(valid_from.isna() | (valid_from <= on)) & (valid_to.isna() | (valid_to >= on))]
    return {
        str(unit.unit_id): (str(unit.region_id), str(unit.unit_level_id))
        for unit in stood.fillna({"region_id": ""}).itertuples()
    }


def wholes_of_domain(
    domain: Domain, places: Mapping[str, Domain], demographics: Collection[str]
) -> list[Domain]:
    """Return the published domains that this one is a part of, where the parts make up the whole.

    Directions are parts of a level and of the nation, units of their level and of their
    region x level, another role's ratings of a level of that role's. A role is part of nothing: the
    other domains count recipients only.
    """
    kind, identifier = domain
    match kind:
        case "provider_unit":
            if identifier not in places:
                raise DisclosureError(
                    f"unit '{identifier}' has scores, but no version of it in dim_units was valid "
                    "when the cycle opened: correct valid_from and valid_to in seeds/units.csv"
                )
            region, level = places[identifier]
            return [("provider_level", level), ("provider_region_level", f"{region}|{level}")]
        case "provider_region_level":
            region, level = identifier.rsplit("|", 1)
            return [("provider_region", region), ("provider_level", level)]
        case "direction":
            return [("provider_level", identifier.rsplit(">", 1)[1]), NATION]
        case "provider_level" | "provider_region" | "recipient_category":
            return [NATION]
        case _ if kind in demographics:
            return [NATION]
        case "role_provider_level":
            return [("role", identifier.rsplit("|", 1)[0])]
        case "national" | "role":
            return []
    raise DisclosureError(
        f"idx_scores has the domain type '{kind}', and disclosure control doesn't know what it is "
        "a part of: name it in seeds/demographics.csv, or say so in wholes_of_domain "
        "(orchestration/publishing/disclosure.py)"
    )


def wholes_of_component(component: Component) -> list[Component]:
    """Return the components that this one is a part of; '' stands for no service, and so on."""
    service, perspective, item = component
    if item:
        return [(service, perspective, "")]
    if service and perspective:
        return [(service, "", ""), ("", perspective, "")]
    return [("", "", "")] if service or perspective else []


def _judge_cycle(
    cells: pd.DataFrame,
    places: Mapping[str, Domain],
    edges: pd.DataFrame,
    classes: pd.DataFrame,
    demographics: Collection[str],
    *,
    min_cell_n: int,
    least_width: float,
) -> pd.DataFrame:
    cells = _with_unlisted(cells, demographics)
    over_domains, over_components = _divisions(cells, places, demographics)
    equations = _equations(cells, over_domains, over_components)
    is_small = (cells["respondent_count"] < min_cell_n).to_numpy()
    is_unlisted = cells["is_unlisted"].to_numpy(dtype=bool)
    is_always_shown = cells["domain_type"].isin(NEVER_HIDDEN).to_numpy() & ~is_small
    can_hide = ~is_always_shown & ~is_unlisted
    may_be_exact = cells["domain_type"].isin(EXACT_DOMAINS).to_numpy()
    hiding = _Hiding(equations, is_small=is_small, can_hide=can_hide, is_unlisted=is_unlisted)
    own_step = steps(cells, may_be_exact=may_be_exact)
    sums, held, name = _sums(cells, over_domains, over_components, edges, classes)
    bounds = _bounds(
        cells.assign(is_small=is_small, can_hide=can_hide, step=own_step),
        held.assign(is_small=held["respondent_count"] < min_cell_n),
        sums,
        name,
        least_width=least_width,
        least_count=min_cell_n,
    )
    hiding.complete()
    # What is hidden for its bounds leaves the sums with more unknowns, never with fewer. It is of
    # many and needs no cover: what the sums tell of it is followed through to the small ones.
    name = name[: len(cells)]
    is_shown = np.bincount(name, ~hiding.is_hidden & ~is_unlisted, len(bounds.score)) > 0
    while len(more := bounds.to_hide(~is_shown)):
        is_shown[more] = False
    is_hidden = hiding.is_hidden | ~is_shown[name]
    is_confining = is_hidden & ~hiding.is_hidden
    step = np.maximum(own_step, bounds.step[name])
    judged = cells.assign(
        is_hidden=is_hidden,
        reason=np.select([is_small, is_confining], ["small", "bounds"], "complement"),
        is_exposed=hiding.is_exposed,
        score_step=np.where(is_hidden, EXACT, step),
        other_step=np.where(
            is_hidden,
            np.nan,
            other_steps(
                cells,
                step,
                is_blend=cells["domain_type"].isin([*BLENDS, *demographics]).to_numpy(),
            ),
        ),
    )
    return judged.loc[~is_unlisted, [*CELL, *VERDICT]]


def _bounds(
    cells: pd.DataFrame,
    held: pd.DataFrame,
    sums: Sums,
    name: Integers,
    *,
    least_width: float,
    least_count: int,
) -> Bounds:
    """What the sums tell of cells and of the classes of weight held in them, one entry a name.

    Of cells that are the same the first speaks for all: they are shown to one step, an exact one's
    where it is, and hidden together, if each can be.
    """
    columns = ["score", "respondent_count", "person_share", "small_class_share"]
    columns += ["small_class_count", "is_small"]
    of_classes = held.assign(
        score=np.nan,
        respondent_count=held["rating_count"],
        small_class_count=held["rating_count"],
        person_share=0.0,
        small_class_share=0.0,
    )
    count = int(name.max(initial=-1)) + 1
    named = pd.concat([cells[columns], of_classes[columns]], ignore_index=True)
    named = named.iloc[np.unique(name, return_index=True)[1]].fillna(
        {"person_share": 0.0, "small_class_share": 0.0, "small_class_count": 0}
    )
    of_cells = name[: len(cells)]
    is_cell = np.bincount(of_cells, minlength=count) > 0
    step = np.where(is_cell, LADDER[-1], EXACT)
    np.minimum.at(step, of_cells, cells["step"].to_numpy(dtype=np.float64))
    return Bounds(
        score=named["score"].to_numpy(dtype=np.float64),
        respondent_count=named["respondent_count"].to_numpy(dtype=np.int64),
        person_share=named["person_share"].to_numpy(dtype=np.float64),
        class_share=named["small_class_share"].to_numpy(dtype=np.float64),
        class_count=named["small_class_count"].to_numpy(dtype=np.int64),
        is_small=named["is_small"].to_numpy(dtype=bool),
        can_hide=is_cell & (np.bincount(of_cells, ~cells["can_hide"], count) == 0),
        step=step,
        sums=sums,
        least_width=least_width,
        least_count=least_count,
    )


def _with_unlisted(cells: pd.DataFrame, demographics: Collection[str]) -> pd.DataFrame:
    """The cells and the unlisted rests, the smallest first: the order in which cells are hidden."""
    keyed = cells.assign(has_score=cells["score"].notna(), is_unlisted=False)
    keyed[COMPONENT] = keyed[COMPONENT].fillna("").astype(object)
    rests = _unlisted(keyed, demographics)
    keyed = pd.concat([keyed, rests], ignore_index=True) if len(rests) else keyed
    return keyed.sort_values(["respondent_count", *CELL], ignore_index=True)


def _unlisted(cells: pd.DataFrame, demographics: Collection[str]) -> pd.DataFrame:
    """Those who left a demographic question blank, and the units without a region.

    They have no published row, but are the rest of every sum. Where they are few, the listed
    groups must not tell on them either.
    """
    levels = cells.loc[cells["domain_type"] == "provider_level", "domain_id"].unique()
    divisions = [(kind, NATION, "") for kind in (*demographics, "provider_region")] + [
        ("provider_region_level", ("provider_level", str(level)), f"|{level}") for level in levels
    ]
    counts = ["respondent_count", "answer_count"]
    columns = [*CELL, *counts, "has_score", "is_unlisted"]
    by_type = {kind: of_kind for kind, of_kind in cells.groupby("domain_type")}
    rests = [pd.DataFrame(columns=columns)]
    for kind, (whole_type, whole_id), rest_id in divisions:
        if kind not in by_type:
            continue
        wholes, parts = by_type[whole_type], by_type[kind]
        whole = wholes[wholes["domain_id"] == whole_id].set_index(COMPONENT)[counts]
        listed = parts[parts["domain_id"].str.endswith(rest_id)].groupby(COMPONENT)[counts].sum()
        rest = whole.sub(listed, fill_value=0)
        rest = rest[rest["answer_count"] > 0].reset_index()
        rests.append(rest.assign(domain_type=kind, domain_id=rest_id))
    return pd.concat(rests).assign(
        cycle_id=cells["cycle_id"].min(), has_score=False, is_unlisted=True
    )[columns]


# What an equation adds up: answers over the parts of a domain, answers over the parts of a
# component, or the scores of the parts of a component. In this order complements are chosen.
OVER_DOMAINS, OVER_COMPONENTS, MEANS = 0, 1, 2


@dataclass(frozen=True)
class _Equations:
    """Published sums, one entry per cell in one: the parts, the smallest first, then the whole.

    Equation e has the entries starts[e] to starts[e] + size[e]. The sum of a cell's answers and the
    mean of its scores are two unknowns: `variable` is the cell for the one, cell + cell_count for
    the other. All means count with weight 1: scaling a score by its own weight gives that, and
    what is determined stays the same.
    """

    cell_count: int
    kind: Integers
    starts: Integers
    size: Integers
    cell: Integers
    variable: Integers
    sign: Floats


def _divisions(
    cells: pd.DataFrame, places: Mapping[str, Domain], demographics: Collection[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every division of a published whole: over domains per component, and the other way round."""
    keyed = cells[[*DOMAIN, *COMPONENT]].assign(cell=np.arange(len(cells)))
    return (
        _parts(
            keyed, DOMAIN, lambda key: wholes_of_domain(key, places, demographics), _domain_type
        ),
        _parts(keyed, COMPONENT, wholes_of_component, _component_type),
    )


def _sums(
    cells: pd.DataFrame,
    over_domains: pd.DataFrame,
    over_components: pd.DataFrame,
    edges: pd.DataFrame,
    classes: pd.DataFrame,
) -> tuple[Sums, pd.DataFrame, Integers]:
    """What adds up to what, by cells and by the classes of weight in them.

    With it these classes, and under which name the sums know each cell and, after these, each
    class.
    """
    means = _means(cells, over_components, edges)
    held, of_classes = _of_classes(cells, over_domains, means, classes)
    of_cells = [_over_domains(cells, over_domains), means]
    parts = pd.concat(
        [
            *of_cells,
            *(
                of_class[of_class.columns.intersection(["cell", "share", "division"])].assign(
                    whole=of_class["whole_number"]
                )
                for of_class in of_classes
            ),
        ],
        keys=range(len(of_cells) + len(of_classes)),
        names=["kind", None],
    ).reset_index("kind")
    by_sum = parts.fillna({"division": "", "tolerance": 0.0}).groupby(["kind", "whole", "division"])
    equation = np.asarray(by_sum.ngroup(), dtype=np.int64)
    wholes = np.zeros(equation.max(initial=-1) + 1, dtype=np.int64)
    wholes[equation] = parts["whole"]
    tolerance = np.zeros(len(wholes))
    tolerance[equation] = parts["tolerance"].fillna(0.0)
    is_division = np.zeros(len(wholes), dtype=bool)
    is_division[equation] = parts["kind"] == 0
    share = parts["share"].to_numpy(dtype=np.float64)
    sums = Sums(
        equation=equation,
        part=parts["cell"].to_numpy(dtype=np.int64),
        share=share / np.bincount(equation, share, len(wholes))[equation],
        whole=wholes,
        tolerance=tolerance,
        is_division=is_division,
    )
    sums, name = _without_equals(sums, cells, held_count=len(held))
    return sums, held, name


def _without_equals(sums: Sums, cells: pd.DataFrame, *, held_count: int) -> tuple[Sums, Integers]:
    """The same with one name for what is the same.

    A cell's only class is the cell, and a cell the only part of another with as many answers: the
    one unit of a region x level, a region that has all units of a level.
    """
    answers = cells["answer_count"].where(cells["score"].notna()).to_numpy(dtype=np.float64)
    answers = np.append(answers, np.zeros(held_count))
    whole = sums.whole[sums.equation]
    is_equality = (np.bincount(sums.equation, minlength=len(sums.whole)) == 1)[sums.equation]
    is_equality &= (sums.part >= len(cells)) | (answers[sums.part] == answers[whole])
    one, other = sums.part[is_equality], whole[is_equality]
    name = np.arange(len(answers))
    while (name[one] != name[other]).any():
        np.minimum.at(name, one, name[other])
        np.minimum.at(name, other, name[one])
    name = np.unique(name, return_inverse=True)[1]
    entry = np.flatnonzero(~is_equality)
    is_left: Bools = np.zeros(len(sums.whole), dtype=bool)
    is_left[sums.equation[entry]] = True
    number_of_sum: Integers = np.cumsum(is_left).astype(np.int64) - 1
    return Sums(
        equation=number_of_sum[sums.equation[entry]],
        part=name[sums.part[entry]],
        share=sums.share[entry],
        whole=name[sums.whole[is_left]],
        tolerance=sums.tolerance[is_left],
        is_division=sums.is_division[is_left],
    ), name


def _over_domains(cells: pd.DataFrame, over_domains: pd.DataFrame) -> pd.DataFrame:
    """The divisions of domains, with each part's share of the whole's weight."""
    weight = cells["weight_sum"].to_numpy(dtype=np.float64)
    answers = cells["answer_count"].to_numpy(dtype=np.float64)
    score = cells["score"].to_numpy(dtype=np.float64)
    part, whole = (over_domains[key].to_numpy(dtype=np.int64) for key in ("cell", "whole"))
    # Nobody knows what the unlisted weigh: as much as the whole's others.
    share = np.where(
        np.isnan(weight[part]), answers[part] / answers[whole], weight[part] / weight[whole]
    )
    # Above items a score is no mean of the parts' scores, but nearly so.
    is_rough = (cells["item_id"] == "").to_numpy()[whole]
    parts = over_domains.assign(share=share, tolerance=np.where(is_rough, ROUGHLY, 0.0))
    kept: pd.DataFrame = parts[~np.isnan(score[whole]) & (share > 0)]
    return kept


def _means(cells: pd.DataFrame, over_components: pd.DataFrame, edges: pd.DataFrame) -> pd.DataFrame:
    """The components of the score's tree, with each part's share in the mean."""
    score = cells["score"].to_numpy(dtype=np.float64)
    named = over_components.assign(
        **{f"part_{key}": cells[key].to_numpy()[over_components["cell"]] for key in COMPONENT},
        **{f"whole_{key}": cells[key].to_numpy()[over_components["whole"]] for key in COMPONENT},
    )
    keys = [f"{side}_{key}" for side in ("part", "whole") for key in COMPONENT]
    named = named.merge(edges[[*keys, "weight"]], on=keys)
    # A mean leaves out the children without a score.
    named = named[~np.isnan(score[named["cell"]]) & ~np.isnan(score[named["whole"]])]
    total = named.groupby("whole")["weight"].transform("sum")
    means: pd.DataFrame = named.assign(share=named["weight"] / total)
    return means[["cell", "whole", "share"]]


def _of_classes(
    cells: pd.DataFrame, over_domains: pd.DataFrame, means: pd.DataFrame, classes: pd.DataFrame
) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """The classes of weight in the cells, numbered on from these, and what they add up to.

    Of a cell that is a mean of components a class has the mean of what it says of these, each as
    heavy as it is there: so the classes' means add up to the cell's score. Of an item, what a class
    says in a domain's parts adds up to what it says in the domain.
    """
    of_class = ["cell", "weight_cell_number"]
    numbered = cells[[*DOMAIN, *COMPONENT]].assign(cell=np.arange(len(cells)))
    held = classes.merge(numbered[cells["score"].notna()], on=[*DOMAIN, *COMPONENT])
    persons = held[[*of_class, "respondent_count"]]
    items = held.loc[held["item_id"] != "", [*of_class, "rating_count", "weight_sum"]]
    items = items.assign(
        share=items["weight_sum"] / items.groupby("cell")["weight_sum"].transform("sum")
    )
    storeys, of_components = [_numbered(items, first=len(cells))], []
    while len(storeys[-1]):
        below = storeys[-1].rename(columns={"cell": "part", "number": "cell"})
        parts = means.rename(columns={"cell": "part", "share": "of_mean"}).merge(below, on="part")
        parts["share"] *= parts["of_mean"]
        by_class = parts.groupby(["whole", "weight_cell_number"], as_index=False)
        above = by_class[["rating_count", "share"]].sum().rename(columns={"whole": "cell"})
        of_components.append(parts)
        storeys.append(_numbered(above, first=int(storeys[-1]["number"].max()) + 1))
    held = pd.concat(storeys).merge(persons, on=of_class, how="left")
    wholes = held[[*of_class, "number", "rating_count"]].rename(
        columns={"cell": "whole", "number": "whole_number", "rating_count": "whole_count"}
    )
    of_components = [
        parts.merge(wholes, on=["whole", "weight_cell_number"]) for parts in of_components
    ]
    of_domains, rests = _class_domains(
        held[held["cell"].isin(items["cell"])], over_domains, wholes, first=len(cells) + len(held)
    )
    return pd.concat([held, rests]), [
        held.assign(whole_number=held["cell"], cell=held["number"]),
        *of_components,
        of_domains,
    ]


def _numbered(held: pd.DataFrame, *, first: int) -> pd.DataFrame:
    return held.reset_index(drop=True).assign(number=first + np.arange(len(held)))


def _class_domains(
    items: pd.DataFrame, over_domains: pd.DataFrame, wholes: pd.DataFrame, *, first: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The parts of what a class says of an item in a domain, and the rests in no published part."""
    parts = over_domains.merge(items, on="cell").merge(wholes, on=["whole", "weight_cell_number"])
    parts["share"] = parts["rating_count"] / parts["whole_count"]
    listed = parts.groupby(["whole_number", "division"], as_index=False)["share"].sum()
    rests = listed.assign(share=1 - listed["share"])
    rests = _numbered(rests[rests["share"] > ZERO], first=first)
    rests = rests.assign(rating_count=MANY, respondent_count=MANY)
    parts = pd.concat([parts, rests])
    return parts.assign(cell=parts["number"]), rests


def _equations(
    cells: pd.DataFrame, over_domains: pd.DataFrame, over_components: pd.DataFrame
) -> _Equations:
    # A mean leaves out the children without a score, and weight_share tells so.
    has_score = cells["has_score"].to_numpy(dtype=bool)
    means = over_components[
        has_score[over_components["cell"]] & has_score[over_components["whole"]]
    ]
    parts = pd.concat(
        [
            over_domains.assign(kind=OVER_DOMAINS),
            over_components.assign(kind=OVER_COMPONENTS),
            means.assign(kind=MEANS),
        ],
        ignore_index=True,
    )
    equation = ["kind", "whole", "division"]
    wholes = parts[equation].drop_duplicates()
    entries = pd.concat([parts.assign(sign=1.0), wholes.assign(cell=wholes["whole"], sign=-1.0)])
    entries["equation"] = entries.groupby(equation).ngroup()
    entries = entries.sort_values(["equation", "sign", "cell"], ascending=[True, False, True])
    cell = entries["cell"].to_numpy(dtype=np.int64)
    kind = entries["kind"].to_numpy(dtype=np.int64)
    starts = np.flatnonzero(np.diff(entries["equation"].to_numpy(dtype=np.int64), prepend=-1))
    return _Equations(
        cell_count=len(cells),
        kind=kind[starts],
        starts=starts,
        size=np.diff(starts, append=len(cell)),
        cell=cell,
        variable=cell + np.where(kind == MEANS, len(cells), 0),
        sign=entries["sign"].to_numpy(dtype=np.float64),
    )


def _domain_type(domain: tuple[str, ...]) -> str:
    return domain[0]


def _component_type(component: tuple[str, ...]) -> str:
    names = ("service", "perspective", "item")
    return "_".join(name for name, part in zip(names, component, strict=True) if part)


def _parts(
    keyed: pd.DataFrame,
    keys: list[str],
    wholes_of: Callable[..., Sequence[tuple[str, ...]]],
    type_of: Callable[[tuple[str, ...]], str],
) -> pd.DataFrame:
    """One row per cell and published cell that holds it along `keys`: cell, whole, division."""
    whole_keys = [f"whole_{key}" for key in keys]
    edges = [
        (*part, type_of(part), *whole)
        for part in keyed[keys].drop_duplicates().itertuples(index=False, name=None)
        for whole in wholes_of(part)
    ]
    others = [column for column in (*DOMAIN, *COMPONENT) if column not in keys]
    wholes = keyed.rename(columns={**dict(zip(keys, whole_keys, strict=True)), "cell": "whole"})
    return keyed.merge(
        pd.DataFrame(edges, columns=[*keys, "division", *whole_keys], dtype=object), on=keys
    ).merge(wholes, on=[*whole_keys, *others])[["cell", "whole", "division"]]


class _Hiding:
    """Hides cells until the equations determine none of them.

    A reader doesn't know the hidden cells, nor the unlisted ones. Cells that follow from the never
    hidden ones alone are given: known whatever else is hidden, so they protect nothing.
    """

    def __init__(
        self, equations: _Equations, *, is_small: Bools, can_hide: Bools, is_unlisted: Bools
    ) -> None:
        self.is_hidden = is_small & can_hide
        self._equations = equations
        self._may_be_unknown = self._without_given(can_hide | is_unlisted)
        self._can_hide = can_hide & self._may_be_unknown
        self._is_unknown = (self.is_hidden | is_unlisted) & self._may_be_unknown
        self._must_protect = is_small & self._is_unknown
        entry_equation = np.repeat(np.arange(len(equations.starts)), equations.size)
        self._entry_equation = entry_equation
        by_cell = np.argsort(equations.cell, kind="stable")
        bounds = np.searchsorted(equations.cell[by_cell], np.arange(equations.cell_count + 1))
        self._cell_equations = entry_equation[by_cell]
        self._cell_bounds = bounds
        self._unknown_count = self._count(self._is_unknown)
        self._queue = [
            self._urgency(int(equation)) for equation in np.flatnonzero(self._unknown_count == 1)
        ]
        heapq.heapify(self._queue)

    @property
    def is_exposed(self) -> Bools:
        """The hidden cells that nothing can protect."""
        return self.is_hidden & ~self._may_be_unknown

    def complete(self) -> None:
        """Hide complements until nothing hidden can be found."""
        while True:
            while self._queue:
                self._settle_single_unknown(heapq.heappop(self._queue)[-1])
            if not self._settle_together():
                return

    def _without_given(self, free: Bools) -> Bools:
        """Drop the cells that are alone in an equation whose other cells can't be hidden."""
        free = free.copy()
        while True:
            is_free = free[self._equations.cell]
            lone = np.repeat(self._count(free) == 1, self._equations.size) & is_free
            if not lone.any():
                return free
            free[self._equations.cell[lone]] = False

    def _count(self, cells: Bools) -> Integers:
        entries = cells[self._equations.cell].astype(np.int64)
        return np.add.reduceat(entries, self._equations.starts) if len(entries) else entries

    def _urgency(self, equation: int) -> tuple[int, int, int]:
        """Narrow divisions first: what is hidden in a region x level protects in the level too."""
        return int(self._equations.kind[equation]), int(self._equations.size[equation]), equation

    def _equations_of(self, cell: int) -> list[int]:
        start, end = self._cell_bounds[cell : cell + 2]
        return [int(equation) for equation in self._cell_equations[start:end]]

    def _cells_of(self, equation: int) -> Integers:
        start = self._equations.starts[equation]
        return self._equations.cell[start : start + self._equations.size[equation]]

    def _settle_single_unknown(self, equation: int) -> None:
        if self._unknown_count[equation] != 1:
            return
        cells = self._cells_of(equation)
        unknown = cells[self._is_unknown[cells]][0]
        if not (self.is_hidden[unknown] or self._must_protect[unknown]):
            return
        complements = cells[self._can_hide[cells] & ~self.is_hidden[cells]]
        if len(complements):
            self._hide(complements[0])
        else:
            self._give(int(unknown))  # another one that was given left it alone

    def _hide(self, cell: int) -> None:
        self.is_hidden[cell] = True
        self._is_unknown[cell] = True
        self._recount(cell, by=1)

    def _give(self, cell: int) -> None:
        self._may_be_unknown[cell] = self._can_hide[cell] = self._is_unknown[cell] = False
        self._recount(cell, by=-1)

    def _recount(self, cell: int, *, by: int) -> None:
        for equation in self._equations_of(cell):
            self._unknown_count[equation] += by
            if self._unknown_count[equation] == 1:
                heapq.heappush(self._queue, self._urgency(equation))

    def _settle_together(self) -> bool:
        """Protect what all equations together determine; False where that is nothing.

        An exposed cell is a weighted sum of equations, in which only cells that are shown remain.
        Hiding one of those breaks that sum; hiding any other cell of the same equations would not.
        """
        kept = self._is_unknown[self._equations.cell]
        variables, columns = np.unique(self._equations.variable[kept], return_inverse=True)
        equations, rows = np.unique(self._entry_equation[kept], return_inverse=True)
        sums = _Sums(rows=rows, columns=columns, signs=self._equations.sign[kept])
        unknown = variables % self._equations.cell_count
        protected = self.is_hidden[unknown] | self._must_protect[unknown]
        exposed = np.flatnonzero(sums.determined() & protected)
        hidden_now: list[int] = []
        for column in exposed[np.argsort(unknown[exposed], kind="stable")]:
            weights = np.zeros(len(self._equations.starts))
            weights[equations] = sums.weights_that_give(int(column))
            shown = self._shown_in(weights)
            if shown[hidden_now].any():
                continue
            candidates = np.flatnonzero(shown & self._can_hide & ~self.is_hidden)
            if len(candidates):
                hidden_now.append(int(candidates[0]))
                self._hide(hidden_now[-1])
            elif self._is_unknown[unknown[column]]:
                self._give(int(unknown[column]))
        return len(exposed) > 0

    def _shown_in(self, weights: Floats) -> Bools:
        """The cells that don't cancel out in the weighted sum of the equations."""
        variables = 2 * self._equations.cell_count
        share = np.bincount(
            self._equations.variable,
            weights=self._equations.sign * weights[self._entry_equation],
            minlength=variables,
        )
        is_left = np.abs(share) > ZERO
        return is_left[: self._equations.cell_count] | is_left[self._equations.cell_count :]


@dataclass(frozen=True)
class _Sums:
    """The sparse matrix A of the equations with unknowns (rows) in the unknowns (columns)."""

    rows: Integers
    columns: Integers
    signs: Floats

    def determined(self) -> Bools:
        """Whether the equations have one solution for a column.

        That is so where every null vector of A is zero. A random one is zero nowhere else.
        """
        width = int(self.columns.max(initial=-1)) + 1
        random = np.random.default_rng(seed=width)
        determined = np.ones(width, dtype=bool)
        for _ in range(NULL_VECTORS if width else 0):
            null_vector, _ = self._project(random.standard_normal(width))
            determined &= np.abs(null_vector) < ZERO
        return determined

    def weights_that_give(self, column: int) -> Floats:
        """Return the weights of the equations that add up to this (determined) column alone."""
        unit = np.zeros(int(self.columns.max()) + 1)
        unit[column] = 1.0
        return self._project(unit)[1]

    @cached_property
    def _matrices(self) -> tuple[csr_array, csr_array, Floats]:
        """A by rows, A' by rows, and what A's rows are scaled by, so that their length is 1.

        Without it the widest sums slow the convergence.
        """
        scale = 1 / np.sqrt(np.bincount(self.rows))
        shape = (len(scale), int(self.columns.max()) + 1)
        entries = self.signs * scale[self.rows]
        matrix = csr_array((entries, (self.rows, self.columns)), shape=shape)
        return matrix, csr_array(matrix.T), scale

    def _project(self, start: Floats) -> tuple[Floats, Floats]:
        """Project on the null space: start - A'y with AA'y = A start; return it and y.

        Conjugate gradients, since there are tens of thousands of unknowns in a few equations each.
        """
        matrix, transposed, scale = self._matrices
        projected, weights = start.copy(), np.zeros(len(scale))
        residual = matrix @ projected
        direction, square = residual.copy(), residual @ residual
        for _ in range(MAX_ROUNDS):
            if square <= RESIDUAL**2:
                return projected, weights * scale
            back = transposed @ direction
            step = square / (back @ back)
            weights += step * direction
            projected -= step * back
            residual -= step * (matrix @ back)
            square, previous = residual @ residual, square
            direction = residual + (square / previous) * direction
        raise DisclosureError(
            f"what {len(start)} hidden figures add up to was not solved in {MAX_ROUNDS} rounds, so "
            "nothing is published: raise MAX_ROUNDS (orchestration/publishing/disclosure.py)"
        )
