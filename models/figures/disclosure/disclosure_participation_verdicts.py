"""Which counts of those who answered no table may show, taken once for all that read it.

Belongs here: tables out of the warehouse and flags into it. Doesn't: the rule, which is
orchestration/publishing/participation.py.
"""

from typing import Any

import pyarrow as pa

from orchestration.model_inputs import cycle_id, rows
from orchestration.publishing.participation import cycle_verdicts


def model(dbt: Any, session: Any) -> pa.Table:  # noqa: ANN401  # dbt-duckdb ships no types
    """Return this cycle's rows of participation_by_category, with what is hidden of each."""
    return cycle_verdicts(
        rows(dbt.ref("participation_by_category"), cycle_id=cycle_id()),
        units=rows(dbt.ref("design_units"), cycle_id=cycle_id()),
        strata=rows(dbt.ref("weights_strata"), cycle_id=cycle_id()),
        settings=rows(dbt.ref("design_settings"), cycle_id=cycle_id()),
    )
