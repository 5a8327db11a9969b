"""What each domain's respondents rated and answered, by weight cell and component.

Belongs here: tables out of the warehouse and sums into it. Doesn't: adding up, which is
orchestration/scoring/domain_sums.py.
"""

from typing import Any

import pyarrow as pa

from orchestration.model_inputs import arrow, cycle_id, rows
from orchestration.scoring.domain_sums import sums_by_component


def model(dbt: Any, session: Any) -> pa.Table:  # noqa: ANN401  # dbt-duckdb ships no types
    """Return one row per domain, weight cell and component that somebody rated or answered."""
    return sums_by_component(
        arrow(dbt.ref("ratings_of_cycle")),
        cycle_id=cycle_id(),
        settings=rows(dbt.ref("design_settings"), cycle_id=cycle_id()),
        questions=rows(dbt.ref("stg_seeds__questions"), asks="performance"),
        components=rows(dbt.ref("design_components"), cycle_id=cycle_id()),
        routes=rows(dbt.ref("sums_domain_routes"), cycle_id=cycle_id()),
    )
