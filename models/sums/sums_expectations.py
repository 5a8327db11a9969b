"""What people expect, or how much something matters to them, added up like what they rate.

Belongs here: tables out of the warehouse and sums into it. Doesn't: adding up, which is
orchestration/scoring/domain_sums.py.
"""

from typing import Any

import pyarrow as pa

from orchestration.model_inputs import arrow, cycle_id, rows
from orchestration.scoring.domain_sums import sums_of_expectations


def model(dbt: Any, session: Any) -> pa.Table:  # noqa: ANN401  # dbt-duckdb ships no types
    """Return one row per domain, weight cell, what is asked and item with such ratings."""
    return sums_of_expectations(
        arrow(dbt.ref("ratings_of_cycle")),
        cycle_id=cycle_id(),
        settings=rows(dbt.ref("design_settings"), cycle_id=cycle_id()),
        questions=rows(dbt.ref("stg_seeds__questions")),
        components=rows(dbt.ref("design_components"), cycle_id=cycle_id()),
        routes=rows(dbt.ref("sums_domain_routes"), cycle_id=cycle_id()),
    )
