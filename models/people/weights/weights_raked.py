"""The weight of each weight cell of a cycle whose method rakes.

Belongs here: frames out of the warehouse and weights into it. Doesn't: the fit, which is
orchestration/scoring/raking.py.
"""

import os
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from orchestration.scoring.raking import Rules, margins_of, raked

SCHEMA = pa.schema(
    [("cycle_id", pa.string()), ("weight_cell_number", pa.int32()), ("weight", pa.float64())]
)


def model(dbt: Any, session: Any) -> pa.Table:  # noqa: ANN401  # dbt-duckdb ships no types
    """Return one row per weight cell of this cycle; none where its method does not rake."""
    cycle_id = os.environ["ILK_CYCLE_ID"]
    of_cycle = f"cycle_id = '{cycle_id}'"
    settings = dbt.ref("design_settings").filter(of_cycle)
    weight_cells = dbt.ref("weights_cells").filter(of_cycle)
    totals = dbt.ref("weights_rake_margins").filter(of_cycle)
    if settings.project("weighting_mode").fetchall() != [("rake",)]:
        return SCHEMA.empty_table()
    rules = Rules.of(settings.df().iloc[0])
    cells: pd.DataFrame = weight_cells.order("weight_cell_number").df()
    staff: pd.DataFrame = totals.df()
    weights = cells["stratum_weight"].to_numpy(dtype=np.float64).copy()
    for role_id, rows in cells.groupby("role_id").indices.items():
        margins = margins_of(cells.iloc[rows], staff[staff["role_id"] == role_id])
        counts = cells["respondent_count"].to_numpy(dtype=np.float64)[rows]
        if margins:
            whose = f"{cycle_id}, role {role_id}"
            weights[rows] = raked(weights[rows], counts, margins, rules, whose=whose)
    weighted = cells[["cycle_id", "weight_cell_number"]].assign(weight=weights)
    return pa.Table.from_pandas(weighted, schema=SCHEMA, preserve_index=False)
