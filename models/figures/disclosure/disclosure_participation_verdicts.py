"""Which counts of those who answered no table may show, taken once for all that read it.

Belongs here: frames out of the warehouse and flags into it. Doesn't: the rule, which is
orchestration/publishing/participation.py.
"""

import os
from typing import Any

import pandas as pd
import pyarrow as pa

from orchestration.publishing.participation import participation_verdicts

# Written out, because the columns of a frame without rows have no types.
SCHEMA = pa.schema(
    [
        (column, pa.string())
        for column in ("cycle_id", "role_id", "unit_id", "recipient_category_id", "stratum_id")
    ]
    + [
        ("is_hidden", pa.bool_()),
        ("unit_group", pa.string()),
        ("is_stratum_hidden", pa.bool_()),
    ]
)


def model(dbt: Any, session: Any) -> pa.Table:  # noqa: ANN401  # dbt-duckdb ships no types
    """Return this cycle's rows of participation_by_category, with what is hidden of each."""
    cycle_id = os.environ["ILK_CYCLE_ID"]
    of_cycle = f"cycle_id = '{cycle_id}'"
    rows: pd.DataFrame = dbt.ref("participation_by_category").filter(of_cycle).df()
    units: pd.DataFrame = dbt.ref("design_units").filter(of_cycle).df()
    strata: pd.DataFrame = dbt.ref("weights_strata").filter(of_cycle).df()
    cycles: pd.DataFrame = dbt.ref("design_settings").filter(of_cycle).df()
    rows = rows.merge(units[["unit_id", "region_id", "unit_level_id"]], on="unit_id")
    rows["place"] = rows["region_id"].fillna("") + "|" + rows["unit_level_id"]
    rows["base_stratum_id"] = rows["place"] + "|" + rows["recipient_category_id"]
    keys = ["role_id", "base_stratum_id"]
    rows = rows.merge(strata[[*keys, "stratum_id"]], on=keys)
    # Without a frame, at least those who answered could have.
    rows["size"] = rows[["staff_count", "respondent_count"]].max(axis=1)
    judged = [
        participation_verdicts(of_role, min_cell_n=int(cycles["min_cell_n"].iloc[0]))
        for _, of_role in rows.groupby("role_id")
    ]
    frame = pd.concat([pd.DataFrame(columns=SCHEMA.names), *judged], ignore_index=True)
    return pa.Table.from_pandas(frame, schema=SCHEMA, preserve_index=False)
