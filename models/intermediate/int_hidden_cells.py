"""The cells that no table may show: disclosure control's verdict, taken once for all that read it.

Belongs here: frames out of the warehouse and flags into it. Doesn't: the rule, which is
orchestration/publishing/disclosure.py.
"""

import os
from typing import Any

import pandas as pd
import pyarrow as pa

from orchestration.publishing.disclosure import CELL, COMPONENT, hidden_cells

# Written out, because the columns of a frame without rows have no types.
SCHEMA = pa.schema(
    [(column, pa.string()) for column in (*CELL, "component_type", "reason")]
    + [("is_exposed", pa.bool_())]
)


def model(dbt: Any, session: Any) -> pa.Table:  # noqa: ANN401  # dbt-duckdb ships no types
    """Return one row per cell of this cycle to hide, keyed as idx_scores (no component is NULL)."""
    of_cycle = f"cycle_id = '{os.environ['ILK_CYCLE_ID']}'"
    cells: pd.DataFrame = dbt.ref("int_cells").filter(of_cycle).df()
    cycles: pd.DataFrame = dbt.ref("dim_cycles").filter(of_cycle).df()
    units: pd.DataFrame = dbt.ref("dim_units").df()
    minimum = dict(zip(cycles["cycle_id"], cycles["min_cell_n"], strict=True))
    hidden = hidden_cells(cells, units, cycles, min_cell_n=minimum)
    cells[COMPONENT] = cells[COMPONENT].fillna("")
    keyed = hidden.merge(cells[[*CELL, "component_type"]], on=CELL)
    keyed[COMPONENT] = keyed[COMPONENT].replace("", None)
    return pa.Table.from_pandas(keyed, schema=SCHEMA, preserve_index=False)
