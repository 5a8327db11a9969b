"""Every two items of each set: how many rated both, the sums of their ratings and of the products.

Belongs here: tables out of the warehouse and sums into it. Doesn't: adding up, which is
orchestration/scoring/item_covariances.py.
"""

from typing import Any

import pyarrow as pa

from orchestration.model_inputs import batches, cycle_id, rows
from orchestration.scoring.item_covariances import PERSONS, item_pairs


def model(dbt: Any, session: Any) -> pa.Table:  # noqa: ANN401  # dbt-duckdb ships no types
    """Return one row per set and two of its items, either way round, of this cycle."""
    item_sets = rows(dbt.ref("design_item_sets"), cycle_id=cycle_id())
    return item_pairs(batches(dbt.ref("ratings_by_item"), rows_each=PERSONS), item_sets=item_sets)
