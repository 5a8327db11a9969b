"""What may be shown of each cell of a cycle: hidden or not, why, and how precisely.

Belongs here: the steps of the rule in their order. Doesn't: each of them (hiding.py, bounds.py).
"""

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd
import pyarrow as pa
from threadpoolctl import threadpool_limits

from orchestration.publishing.disclosure.bounds import EXACT, other_steps, steps
from orchestration.publishing.disclosure.cells import (
    CELL,
    COMPONENT,
    NEVER_HIDDEN,
    DisclosureError,
    Domain,
    divisions,
    places_on,
    with_unlisted,
)
from orchestration.publishing.disclosure.equations import equations_of
from orchestration.publishing.disclosure.hiding import Hiding
from orchestration.publishing.disclosure.shares import bounds_of, sums_of

VERDICT = ["is_hidden", "reason", "is_exposed", "score_step", "other_step"]

EXACT_DOMAINS = ("national", "provider_level")
# All kinds of people stand in these and in demographic groups; no other figure divides them again.
BLENDS = (*NEVER_HIDDEN, "recipient_category")
# Written out, because the columns of a frame without rows have no types.
CELL_VERDICTS = pa.schema(
    [(column, pa.string()) for column in (*CELL, "component_type")]
    + [("is_hidden", pa.bool_()), ("reason", pa.string()), ("is_exposed", pa.bool_())]
    + [("score_step", pa.float64()), ("other_step", pa.float64())]
)


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
            places_on(units, on=pd.Timestamp(str(cycle.opens_on))),
            edges[edges["cycle_id"] == cycle.cycle_id],
            classes[classes["cycle_id"] == cycle.cycle_id],
            demographics,
            min_cell_n=int(float(str(cycle.min_cell_n))),
            least_width=float(str(cycle.disclosure_interval)),
        )
        for cycle in cycles[cycles["cycle_id"].isin(cycle_ids)].itertuples()
    ]
    return pd.concat([pd.DataFrame(columns=[*CELL, *VERDICT]), *judged], ignore_index=True)


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
    cells = with_unlisted(cells, demographics)
    over_domains, over_components = divisions(cells, places, demographics)
    equations = equations_of(cells, over_domains, over_components)
    is_small = (cells["respondent_count"] < min_cell_n).to_numpy()
    is_unlisted = cells["is_unlisted"].to_numpy(dtype=bool)
    is_always_shown = cells["domain_type"].isin(NEVER_HIDDEN).to_numpy() & ~is_small
    can_hide = ~is_always_shown & ~is_unlisted
    may_be_exact = cells["domain_type"].isin(EXACT_DOMAINS).to_numpy()
    hiding = Hiding(equations, is_small=is_small, can_hide=can_hide, is_unlisted=is_unlisted)
    own_step = steps(cells, may_be_exact=may_be_exact)
    sums, held, name = sums_of(cells, over_domains, over_components, edges, classes)
    bounds = bounds_of(
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
