"""The items of each set over the respondents who answered all of it, any of it, or any two items.

Belongs here: tables out of the warehouse and figures into it. Doesn't: the covariances, which are
orchestration/scoring/item_covariances.py.
"""

from typing import Any

import pyarrow as pa

from orchestration.model_inputs import cycle_id, rows
from orchestration.scoring.item_covariances import set_moments


def model(dbt: Any, session: Any) -> pa.Table:  # noqa: ANN401  # dbt-duckdb ships no types
    """Return one row per set and item of this cycle."""
    of_cycle = {"cycle_id": cycle_id()}
    item_sets = rows(dbt.ref("design_item_sets"), **of_cycle)
    return set_moments(rows(dbt.ref("sums_item_pairs"), **of_cycle), item_sets=item_sets)
