"""What each perspective of a service explains of an overall answer, where that is asked for.

Belongs here: tables out of the warehouse and figures into it. Doesn't: correlations, weights and
their errors, which are orchestration/scoring/relative_weights.py.
"""

from typing import Any

import pyarrow as pa

from orchestration.model_inputs import cycle_id, rows
from orchestration.scoring.relative_weights import relative_weights
from orchestration.survey_terms import HEADLINE_ROLE

ORDER = "stratum_number, weight_cell_number"


def model(dbt: Any, session: Any) -> pa.Table:  # noqa: ANN401  # dbt-duckdb ships no types
    """Return one row per weighting mode, audience and perspective of a service that it rates."""
    role = {"role_id": HEADLINE_ROLE}
    return relative_weights(
        rows(dbt.ref("ratings_of_cycle"), order=f"{ORDER}, response_key", **role),
        cycle_id=cycle_id(),
        settings=rows(dbt.ref("design_settings"), cycle_id=cycle_id()),
        cells=rows(dbt.ref("weights_cells"), order=ORDER, cycle_id=cycle_id(), **role),
        weights=rows(dbt.ref("weights_by_cell"), cycle_id=cycle_id()),
        margins=rows(dbt.ref("weights_rake_margins"), cycle_id=cycle_id()),
        questions=rows(dbt.ref("stg_seeds__questions")),
    )
