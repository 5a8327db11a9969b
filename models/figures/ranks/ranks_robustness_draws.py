"""The units' scores under drawn weights, means and weighting modes.

Belongs here: frames out of the warehouse and scores into it. Doesn't: the draws, which are
orchestration/scoring/robustness.py.
"""

import os
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from orchestration.scoring.robustness import agree_with_shown, drawn_scores
from orchestration.scoring.score_tree import parents_of

# Whose name a component's weight has among its siblings on the way to the index.
NAMED_BY = {"item": "item_id", "service_perspective": "perspective_id", "service": "service_id"}
SCHEMA = pa.schema(
    [
        ("cycle_id", pa.string()),
        ("draw_number", pa.int32()),
        ("domain_number", pa.int32()),
        ("score", pa.float64()),
    ]
)


def model(dbt: Any, session: Any) -> pa.Table:  # noqa: ANN401  # dbt-duckdb ships no types
    """Return one row per draw and shown provider unit of this cycle that has a score."""
    cycle_id = os.environ["ILK_CYCLE_ID"]
    of_cycle = f"cycle_id = '{cycle_id}'"
    settings: pd.Series[Any] = dbt.ref("design_settings").filter(of_cycle).df().iloc[0]
    components: pd.DataFrame = (
        dbt.ref("design_components").filter(of_cycle).order("component_number").df()
    )
    edges = dbt.ref("design_edges").filter(of_cycle)
    domains: pd.DataFrame = dbt.ref("sums_domains").filter(of_cycle).order("domain_id").df()
    is_index = f"{of_cycle} and component_type = 'index'"
    shown: pd.DataFrame = dbt.ref("shown_unit_scores").filter(is_index).df()
    units = domains.merge(
        shown.loc[
            shown["weighting_mode"] == settings["weighting_mode"], ["domain_type", "domain_id"]
        ]
    )
    if units.empty:
        return SCHEMA.empty_table()
    # Ranks need all units: a mode in which some aren't shown is not drawn.
    unit_counts = shown.groupby("weighting_mode").size()
    modes = sorted(unit_counts[unit_counts == len(units)].index)
    # What isn't shown takes no part: draws over it would tell on it.
    keys = ["service_id", "perspective_id", "item_id"]
    scores: pd.DataFrame = (
        dbt.ref("shown_scores")
        .filter(f"{of_cycle} and domain_type = 'provider_unit'")
        .df()
        .merge(units[["domain_type", "domain_id", "domain_number"]])
        .merge(components[["component_number", *keys]], on=keys)
    )
    across = set(components.loc[components["component_type"] == "perspective", "component_number"])
    edge_rows = edges.project("storey, parent_number, child_number, weight").fetchall()
    parents = parents_of(edge for edge in edge_rows if edge[1] not in across)

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
        draws=int(settings["robustness_draws"]),
        noise=float(settings["robustness_weight_noise"]),
        seed=int(settings["random_seed"]),
        min_weight_share=float(settings["min_weight_share"]),
    )
    draw, unit = np.nonzero(~np.isnan(drawn))
    rows = {
        "cycle_id": np.full(len(draw), cycle_id, dtype=object),
        "draw_number": draw + 1,
        "domain_number": units["domain_number"].to_numpy()[unit],
        "score": drawn[draw, unit],
    }
    return pa.Table.from_pandas(pd.DataFrame(rows), schema=SCHEMA, preserve_index=False)


def _weight_of(component: Mapping[Hashable, Any]) -> str:
    """Return the name of a component's weight; none has the index, nor perspectives across."""
    kind = component["component_type"]
    return f"{kind} {component[NAMED_BY[kind]]}" if kind in NAMED_BY else ""
