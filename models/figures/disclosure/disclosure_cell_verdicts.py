"""What may be shown of each cell: disclosure control's verdict, taken once for all that read it.

Belongs here: frames out of the warehouse and flags into it. Doesn't: the rule, which is
orchestration/publishing/disclosure.py.
"""

import os
from typing import Any

import pandas as pd
import pyarrow as pa

from orchestration.publishing.disclosure import CELL, COMPONENT, judge_cells

# Written out, because the columns of a frame without rows have no types.
SCHEMA = pa.schema(
    [(column, pa.string()) for column in (*CELL, "component_type")]
    + [("is_hidden", pa.bool_()), ("reason", pa.string()), ("is_exposed", pa.bool_())]
    + [("score_step", pa.float64()), ("other_step", pa.float64())]
)


def model(dbt: Any, session: Any) -> pa.Table:  # noqa: ANN401  # dbt-duckdb ships no types
    """Return one row per cell of this cycle, keyed as idx_scores (no component is NULL)."""
    of_cycle = f"cycle_id = '{os.environ['ILK_CYCLE_ID']}'"
    cells: pd.DataFrame = dbt.ref("disclosure_cells").filter(of_cycle).df()
    cycles: pd.DataFrame = dbt.ref("design_settings").filter(of_cycle).df()
    units: pd.DataFrame = dbt.ref("stg_seeds__units").df()
    components: pd.DataFrame = dbt.ref("design_components").filter(of_cycle).df()
    edges: pd.DataFrame = dbt.ref("design_edges").filter(of_cycle).df()
    classes: pd.DataFrame = dbt.ref("disclosure_class_cells").filter(of_cycle).df()
    classes[COMPONENT] = classes[COMPONENT].fillna("")
    names = components[["component_number", *COMPONENT]].fillna("")
    for side, number in (("whole", "parent_number"), ("part", "child_number")):
        side_names = names.rename(columns={key: f"{side}_{key}" for key in COMPONENT})
        edges = edges.merge(side_names, left_on=number, right_on="component_number")
        edges = edges.drop(columns="component_number")
    verdicts = judge_cells(cells, units, cycles, edges, classes)
    cells[COMPONENT] = cells[COMPONENT].fillna("")
    keyed = verdicts.merge(cells[[*CELL, "component_type"]], on=CELL)
    keyed[COMPONENT] = keyed[COMPONENT].replace("", None)
    keyed["reason"] = keyed["reason"].where(keyed["is_hidden"].astype(bool), None)
    return pa.Table.from_pandas(keyed, schema=SCHEMA, preserve_index=False)
