"""The sums of products of what people in both cycles add to each domain's totals, by their strata.

Belongs here: tables out of the warehouse and moments into it. Doesn't: adding up, which is
orchestration/scoring/overlap_moments.py.
"""

from typing import Any

import pyarrow as pa

from orchestration.model_inputs import arrow, cycle_id, rows
from orchestration.scoring.overlap_moments import overlap_moments


def model(dbt: Any, session: Any) -> pa.Table:  # noqa: ANN401  # dbt-duckdb ships no types
    """Return one row per domain of both cycles and pair of strata."""
    return overlap_moments(
        arrow(dbt.ref("ratings_in_both_cycles")),
        previous_ratings=arrow(dbt.ref("ratings_of_previous_cycle")),
        ratings=arrow(dbt.ref("ratings_of_cycle")),
        cycle_id=cycle_id(),
        settings=rows(dbt.ref("design_settings")),
        questions=rows(dbt.ref("stg_seeds__questions"), asks="performance"),
        components=rows(dbt.ref("design_components"), cycle_id=cycle_id()),
        shared=rows(dbt.ref("design_shared_components"), cycle_id=cycle_id()),
        domains=rows(dbt.ref("sums_domains")),
        routes=rows(dbt.ref("sums_domain_routes")),
    )
