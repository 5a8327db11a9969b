"""Student's t quantiles at a cycle's confidence level.

Belongs here: settings out of the warehouse and quantiles into it. Doesn't: the quantiles, which are
orchestration/scoring/student_t.py.
"""

from typing import Any

import pyarrow as pa

from orchestration.model_inputs import cycle_id, rows
from orchestration.scoring.student_t import student_t


def model(dbt: Any, session: Any) -> pa.Table:  # noqa: ANN401  # dbt-duckdb ships no types
    """Return one row per degrees of freedom, 1 to 100."""
    return student_t(rows(dbt.ref("design_settings"), cycle_id=cycle_id()))
