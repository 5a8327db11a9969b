"""The items of each set over the respondents who answered all of it, any of it, or any two items.

Belongs here: tables out of the warehouse and figures into it. Doesn't: the covariances, which are
orchestration/scoring/item_covariances.py.
"""

from typing import Any

import pyarrow as pa

from orchestration.model_inputs import batches, cycle_id, rows
from orchestration.scoring.item_covariances import PERSONS, set_moments


def model(dbt: Any, session: Any) -> pa.Table:  # noqa: ANN401  # dbt-duckdb ships no types
    """Return one row per set and item of this cycle."""
    item_sets = rows(dbt.ref("design_item_sets"), cycle_id=cycle_id())
    return set_moments(batches(dbt.ref("ratings_by_item"), rows_each=PERSONS), item_sets=item_sets)
