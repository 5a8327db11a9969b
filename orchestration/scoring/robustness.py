"""Scores under other weights, another mean and another weighting mode (method.md 9, Robustness).

Belongs here: what a draw is, and the scores that it gives. Doesn't: ranks and bands, which are
SQL's (models/indexes/idx_robustness.sql).
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from orchestration.scoring.score_tree import (
    Bools,
    Floats,
    Parent,
    edges_of,
    parents_of,
    roll_up,
)

UNIT_DRAWS = pa.schema(
    [
        ("cycle_id", pa.string()),
        ("draw_number", pa.int32()),
        ("domain_number", pa.int32()),
        ("score", pa.float64()),
    ]
)
# Whose name a component's weight has among its siblings on the way to the index.
NAMED_BY = {"item": "item_id", "service_perspective": "perspective_id", "service": "service_id"}
DRAWS = 50  # at a time: what bounds the memory


def unit_draws(
    scores: pd.DataFrame,
    *,
    cycle_id: str,
    settings: pd.DataFrame,
    components: pd.DataFrame,
    edges: pd.DataFrame,
    domains: pd.DataFrame,
    shown: pd.DataFrame,
) -> pa.Table:
    """Return UNIT_DRAWS: a row per draw and shown provider unit of a cycle that has a score.

    `scores`: shown_scores of provider units. `settings`: design_settings. `components` and `edges`:
    design_components, ordered by component_number, and design_edges. `domains`: sums_domains,
    ordered by domain_id. `shown`: shown_unit_scores of the index.
    """
    of_cycle = settings.iloc[0]
    units = domains.merge(
        shown.loc[
            shown["weighting_mode"] == of_cycle["weighting_mode"], ["domain_type", "domain_id"]
        ]
    )
    if units.empty:
        return UNIT_DRAWS.empty_table()
    # Ranks need all units: a mode in which some aren't shown is not drawn.
    unit_counts = shown.groupby("weighting_mode").size()
    modes = sorted(unit_counts[unit_counts == len(units)].index)
    # What isn't shown takes no part: draws over it would tell on it.
    keys = ["service_id", "perspective_id", "item_id"]
    scores = scores.merge(units[["domain_type", "domain_id", "domain_number"]]).merge(
        components[["component_number", *keys]], on=keys
    )
    across = set(components.loc[components["component_type"] == "perspective", "component_number"])
    parents = parents_of(edges_of(edges[~edges["parent_number"].isin(across)]))

    def by_component_and_unit(of_mode: pd.DataFrame, column: str) -> pd.DataFrame:
        return of_mode.pivot(
            index="component_number", columns="domain_number", values=column
        ).reindex(index=components["component_number"], columns=units["domain_number"])

    item_scores = {}
    for mode in modes:
        of_mode = scores[scores["weighting_mode"] == mode]
        values = by_component_and_unit(of_mode, "score").to_numpy(dtype=np.float64, copy=True)
        hidden = by_component_and_unit(of_mode, "is_suppressed").eq(True).to_numpy()
        agree_with_shown(values, hidden, parents)
        values[components["component_type"] != "item"] = np.nan
        item_scores[str(mode)] = values
    drawn = drawn_scores(
        item_scores,
        parents,
        [_weight_of(component) for component in components.to_dict("records")],
        draws=int(of_cycle["robustness_draws"]),
        noise=float(of_cycle["robustness_weight_noise"]),
        seed=int(of_cycle["random_seed"]),
        min_weight_share=float(of_cycle["min_weight_share"]),
    )
    draw, unit = np.nonzero(~np.isnan(drawn))
    rows = {
        "cycle_id": np.full(len(draw), cycle_id, dtype=object),
        "draw_number": draw + 1,
        "domain_number": units["domain_number"].to_numpy()[unit],
        "score": drawn[draw, unit],
    }
    return pa.Table.from_pandas(pd.DataFrame(rows), schema=UNIT_DRAWS, preserve_index=False)


def drawn_scores(
    item_scores: Mapping[str, Floats],
    parents: Sequence[Parent],
    weight_of: Sequence[str],
    *,
    draws: int,
    noise: float,
    seed: int,
    min_weight_share: float,
) -> Floats:
    """Return the score of each unit in each draw, draws x units; NaN where a unit has none.

    A draw takes one of the weighting modes, the arithmetic or the geometric mean on every storey
    above the items, and for each weight a factor from U(1 - noise, 1 + noise).

    `item_scores`: by weighting mode, components x units, NaN but for the items. `parents`: the tree
    of the index, which comes last. `weight_of`: the name of each component's weight; components of
    the same name (a perspective in several services) share it.
    """
    random = np.random.default_rng(seed)
    names, name_of = np.unique(weight_of, return_inverse=True)
    factors = 1 - noise + 2 * noise * random.random((draws, len(names)))
    by_mode = np.stack([item_scores[mode] for mode in sorted(item_scores)])
    mode_of = np.floor(random.random(draws) * len(by_mode)).astype(np.int64)
    is_geometric = random.random(draws) < 0.5
    scores = np.empty((draws, by_mode.shape[2]))
    for start in range(0, draws, DRAWS):
        rows = slice(start, start + DRAWS)
        geometric = is_geometric[rows, np.newaxis]
        values = by_mode[mode_of[rows]].transpose(1, 0, 2)
        # The geometric mean is the arithmetic one of logarithms, on all storeys together.
        values = np.where(geometric, np.log(values), values)
        drawn = factors[rows, name_of].T[..., np.newaxis]
        roll_up(values, parents, min_weight_share=min_weight_share, drawn=drawn)
        index = values[parents[-1].place]
        scores[rows] = np.where(geometric, np.exp(index), index)
    return scores


def agree_with_shown(scores: Floats, is_hidden: Bools, parents: Sequence[Parent]) -> None:
    """Make the means of children their parents' shown scores, from the index downwards.

    Both are components x units, `scores` NaN where hidden or absent. Hidden children of one parent
    all get what its score leaves for them, within 1-4; what rounding still leaves moves all of its
    children alike. So draws move around what is shown, and tell nothing of what isn't.
    """
    for parent in reversed(parents):
        children = list(parent.children)
        weights = parent.weights[:, np.newaxis]
        known = scores[children]
        is_known = ~np.isnan(known)
        is_filled = is_hidden[children] & ~is_known
        weight = (weights * (is_known | is_filled)).sum(axis=0)
        left = weight * scores[parent.place] - (weights * np.where(is_known, known, 0)).sum(axis=0)
        room = (weights * is_filled).sum(axis=0)
        value = np.divide(left, room, out=np.full(room.shape, np.nan), where=room > 0)
        filled = np.where(is_filled, np.clip(value, 1, 4), known)
        total = np.nansum(weights * filled, axis=0)
        mean = np.divide(total, weight, out=np.full(total.shape, np.nan), where=weight > 0)
        moved = scores[parent.place] - mean
        scores[children] = filled + np.where(np.isnan(moved), 0, moved)


def _weight_of(component: Mapping[Hashable, Any]) -> str:
    """Return the name of a component's weight; none has the index, nor perspectives across."""
    kind = component["component_type"]
    return f"{kind} {component[NAMED_BY[kind]]}" if kind in NAMED_BY else ""
