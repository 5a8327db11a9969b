"""The sums of products of what each domain's respondents add to its totals, by stratum.

Belongs here: tables out of the warehouse and moments into it. Doesn't: adding up, which is
orchestration/scoring/second_moments.py.
"""

from typing import Any

import pyarrow as pa

from orchestration.model_inputs import arrow, cycle_id, rows
from orchestration.scoring.second_moments import second_moments


def model(dbt: Any, session: Any) -> pa.Table:  # noqa: ANN401  # dbt-duckdb ships no types
    """Return one row per domain and stratum of this cycle."""
    return second_moments(
        arrow(dbt.ref("ratings_of_cycle"), order="stratum_number"),
        cycle_id=cycle_id(),
        settings=rows(dbt.ref("design_settings"), cycle_id=cycle_id()),
        questions=rows(dbt.ref("stg_seeds__questions"), asks="performance"),
        components=rows(dbt.ref("design_components"), cycle_id=cycle_id()),
        routes=rows(dbt.ref("sums_domain_routes"), cycle_id=cycle_id()),
    )
