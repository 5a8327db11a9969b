"""The covariances of scores with those of the previous cycle, from who answered both.

Belongs here: tables out of the warehouse and covariances into it. Doesn't: gradients and
covariances, which are orchestration/scoring/overlap_covariances.py.
"""

from typing import Any

import pyarrow as pa

from orchestration.model_inputs import arrow, cycle_id, rows
from orchestration.scoring.overlap_covariances import overlap_covariances


def model(dbt: Any, session: Any) -> pa.Table:  # noqa: ANN401  # dbt-duckdb ships no types
    """Return one row per weighting mode that is not raked, domain and component of both cycles."""
    moments = dbt.ref("sums_second_moments")
    sides = rows(dbt.ref("design_compared_cycles"), cycle_id=cycle_id())["compared_cycle_id"]
    return overlap_covariances(
        arrow(dbt.ref("sums_overlap_moments"), cycle_id=cycle_id()),
        cycle_id=cycle_id(),
        pairs=rows(dbt.ref("sums_overlap_strata"), cycle_id=cycle_id()),
        moments={side: arrow(moments, cycle_id=side) for side in sides},
        components=rows(dbt.ref("design_components")),
        edges=rows(dbt.ref("design_shared_edges"), cycle_id=cycle_id()),
        scores=rows(dbt.ref("comparison_scores"), cycle_id=cycle_id()),
        strata=rows(dbt.ref("weights_by_stratum")),
        domains=rows(dbt.ref("sums_domains")),
    )
