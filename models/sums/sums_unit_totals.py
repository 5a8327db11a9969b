"""What the respondents of each unit add to the totals of the nation, its levels and regions.

Belongs here: tables out of the warehouse and totals into it. Doesn't: adding up, which is
orchestration/scoring/unit_clusters.py.
"""

from typing import Any

import pyarrow as pa

from orchestration.model_inputs import arrow, cycle_id, rows
from orchestration.scoring.unit_clusters import unit_totals


def model(dbt: Any, session: Any) -> pa.Table:  # noqa: ANN401  # dbt-duckdb ships no types
    """Return one row per domain, respondents' unit and stratum of this cycle."""
    return unit_totals(
        arrow(dbt.ref("ratings_of_cycle")),
        cycle_id=cycle_id(),
        settings=rows(dbt.ref("design_settings"), cycle_id=cycle_id()),
        questions=rows(dbt.ref("stg_seeds__questions"), asks="performance"),
        components=rows(dbt.ref("design_components"), cycle_id=cycle_id()),
        routes=rows(dbt.ref("sums_domain_routes"), cycle_id=cycle_id()),
    )
