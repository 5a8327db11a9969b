"""The sampling variances of scores on the tree shared with the previous cycle, if it is another.

Belongs here: tables out of the warehouse and variances into it. Doesn't: gradients and variances,
which are orchestration/scoring/linearisation.py.
"""

from typing import Any

import pyarrow as pa

from orchestration.model_inputs import arrow, cycle_id, rows
from orchestration.scoring.linearisation import compared_linearised_variances


def model(dbt: Any, session: Any) -> pa.Table:  # noqa: ANN401  # dbt-duckdb ships no types
    """Return one row per recomputed side, weighting mode, domain and shared component."""
    sides = rows(dbt.ref("design_compared_cycles"), cycle_id=cycle_id(), is_own_tree=False)
    moments = dbt.ref("sums_second_moments")
    return compared_linearised_variances(
        {side: arrow(moments, cycle_id=side) for side in sides["compared_cycle_id"]},
        cycle_id=cycle_id(),
        components=rows(dbt.ref("design_components")),
        shared=rows(dbt.ref("design_shared_components"), cycle_id=cycle_id()),
        edges=rows(dbt.ref("design_shared_edges"), cycle_id=cycle_id()),
        scores=rows(dbt.ref("comparison_scores"), cycle_id=cycle_id()),
        strata=rows(dbt.ref("weights_by_stratum")),
    )
