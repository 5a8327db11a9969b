"""The units' scores under drawn weights, means and weighting modes.

Belongs here: tables out of the warehouse and scores into it. Doesn't: the draws, which are
orchestration/scoring/robustness.py.
"""

from typing import Any

import pyarrow as pa

from orchestration.model_inputs import cycle_id, rows
from orchestration.scoring.robustness import unit_draws


def model(dbt: Any, session: Any) -> pa.Table:  # noqa: ANN401  # dbt-duckdb ships no types
    """Return one row per draw and shown provider unit of this cycle that has a score."""
    components, shown = dbt.ref("design_components"), dbt.ref("shown_unit_scores")
    return unit_draws(
        rows(dbt.ref("shown_scores"), cycle_id=cycle_id(), domain_type="provider_unit"),
        cycle_id=cycle_id(),
        settings=rows(dbt.ref("design_settings"), cycle_id=cycle_id()),
        components=rows(components, order="component_number", cycle_id=cycle_id()),
        edges=rows(dbt.ref("design_edges"), cycle_id=cycle_id()),
        domains=rows(dbt.ref("sums_domains"), order="domain_id", cycle_id=cycle_id()),
        shown=rows(shown, cycle_id=cycle_id(), component_type="index"),
    )
