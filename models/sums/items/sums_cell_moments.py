"""The items of each perspective of a service, and all the others, over who rated them.

Belongs here: tables out of the warehouse and figures into it. Doesn't: the covariances, which are
orchestration/scoring/item_covariances.py.
"""

from typing import Any

import pyarrow as pa

from orchestration.model_inputs import cycle_id, rows
from orchestration.scoring.item_covariances import cell_moments


def model(dbt: Any, session: Any) -> pa.Table:  # noqa: ANN401  # dbt-duckdb ships no types
    """Return one row per perspective of a service of this cycle."""
    items = rows(
        dbt.ref("design_components"),
        order="component_number",
        cycle_id=cycle_id(),
        component_type="item",
    )
    return cell_moments(rows(dbt.ref("sums_item_pairs"), cycle_id=cycle_id()), items=items)
