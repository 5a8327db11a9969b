"""What sampling errors do to the measures of evenness, and the measures' changes.

Belongs here: tables out of the warehouse and figures into it. Doesn't: the figures, which are
orchestration/scoring/evenness.py.
"""

from typing import Any

import pyarrow as pa

from orchestration.model_inputs import cycle_id, rows
from orchestration.scoring.evenness import evenness_errors


def model(dbt: Any, session: Any) -> pa.Table:  # noqa: ANN401  # dbt-duckdb ships no types
    """Return one row per weighting mode, comparison and measure of this cycle."""
    settings = rows(dbt.ref("design_settings"), cycle_id=cycle_id())
    shown = dbt.ref("shown_scores")
    return evenness_errors(
        rows(shown, cycle_id=cycle_id(), component_type="index"),
        cycle_id=cycle_id(),
        settings=settings,
        members=rows(dbt.ref("ranks_evenness_members"), cycle_id=cycle_id()),
        changes=rows(dbt.ref("shown_changes"), cycle_id=cycle_id(), component_type="index"),
        previous=rows(
            shown, cycle_id=settings["previous_cycle_id"].iloc[0], component_type="index"
        ),
        bands=rows(dbt.ref("band_schemes")),
    )
