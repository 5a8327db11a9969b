"""What those who answered first, and last, add to the larger domains' totals, by stratum.

Belongs here: tables out of the warehouse and sums into it. Doesn't: thirds and adding up, which are
orchestration/scoring/late_and_early.py.
"""

from typing import Any

import pyarrow as pa

from orchestration.model_inputs import arrow, cycle_id, rows
from orchestration.scoring.late_and_early import sums_of_thirds
from orchestration.survey_terms import HEADLINE_ROLE


def model(dbt: Any, session: Any) -> pa.Table:  # noqa: ANN401  # dbt-duckdb ships no types
    """Return one row per domain, third and stratum of this cycle."""
    return sums_of_thirds(
        arrow(dbt.ref("ratings_of_cycle"), order="stratum_number"),
        arrow(
            dbt.ref("weights_by_response"),
            columns=("response_key", "role_id", "submitted_at"),
            cycle_id=cycle_id(),
            is_accepted=True,
        ),
        role_id=HEADLINE_ROLE,
        bounds=rows(dbt.ref("ratings_third_bounds")),
        cycle_id=cycle_id(),
        settings=rows(dbt.ref("design_settings"), cycle_id=cycle_id()),
        questions=rows(dbt.ref("stg_seeds__questions"), asks="performance"),
        components=rows(dbt.ref("design_components"), cycle_id=cycle_id()),
        routes=rows(dbt.ref("sums_domain_routes"), cycle_id=cycle_id()),
    )
