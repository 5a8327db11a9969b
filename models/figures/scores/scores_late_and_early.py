"""The index of those who answered last and first, with the sampling variance of the difference.

Belongs here: tables out of the warehouse and differences into it. Doesn't: computing them, which is
orchestration/scoring/late_and_early.py.
"""

from typing import Any

import pyarrow as pa

from orchestration.model_inputs import arrow, cycle_id, rows
from orchestration.scoring.late_and_early import late_less_early


def model(dbt: Any, session: Any) -> pa.Table:  # noqa: ANN401  # dbt-duckdb ships no types
    """Return one row per domain of this cycle in which both thirds have an index."""
    return late_less_early(
        arrow(dbt.ref("sums_thirds"), cycle_id=cycle_id()),
        cycle_id=cycle_id(),
        settings=rows(dbt.ref("design_settings"), cycle_id=cycle_id()),
        components=rows(dbt.ref("design_components"), cycle_id=cycle_id()),
        edges=rows(dbt.ref("design_edges"), cycle_id=cycle_id()),
        strata=rows(dbt.ref("weights_strata"), cycle_id=cycle_id()),
    )
