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

from orchestration.scoring.robustness import drawn_scores
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
    settings: pd.Series[Any] = dbt.ref("int_cycle_settings").filter(of_cycle).df().iloc[0]
    components: pd.DataFrame = (
        dbt.ref("int_components").filter(of_cycle).order("component_number").df()
    )
    edges = dbt.ref("int_component_edges").filter(of_cycle)
    domains: pd.DataFrame = dbt.ref("int_domains").filter(of_cycle).order("domain_id").df()
    is_index = f"{of_cycle} and component_type = 'index'"
    shown: pd.DataFrame = dbt.ref("int_shown_unit_scores").filter(is_index).df()
    # What isn't shown takes no part: draws over it would tell on it.
    scores: pd.DataFrame = (
        dbt.ref("int_shown_scores").filter(f"{of_cycle} and score is not null").df()
    )
    type_of = dict(zip(components["component_number"], components["component_type"], strict=True))
    units = domains.merge(shown[["domain_type", "domain_id"]].drop_duplicates())
    if units.empty:
        return SCHEMA.empty_table()
    keys = ["service_id", "perspective_id", "item_id"]
    item_scores = (
        scores[scores["component_type"].eq("item")]
        .merge(units[["domain_type", "domain_id", "domain_number"]])
        .merge(components[["component_number", *keys]], on=keys)
    )
    drawn = drawn_scores(
        {
            str(mode): of_mode.pivot(
                index="component_number", columns="domain_number", values="score"
            )
            .reindex(index=components["component_number"], columns=units["domain_number"])
            .to_numpy(dtype=np.float64)
            for mode, of_mode in item_scores.groupby("weighting_mode")
        },
        parents_of(
            edge
            for edge in edges.project("storey, parent_number, child_number, weight").fetchall()
            if type_of[edge[1]] != "perspective"
        ),
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
