"""Model-based scores of units.

Belongs here: tables out of the warehouse and scores into it. Doesn't: the model, which is
orchestration/scoring/small_areas.py.
"""

from typing import Any

import pyarrow as pa

from orchestration.model_inputs import cycle_id, rows
from orchestration.scoring.small_areas import small_areas


def model(dbt: Any, session: Any) -> pa.Table:  # noqa: ANN401  # dbt-duckdb ships no types
    """Return one row per rated unit of this cycle and component that has a model at its level."""
    shown = dbt.ref("shown_scores")
    return small_areas(
        rows(shown, cycle_id=cycle_id(), domain_type="provider_unit"),
        rows(shown, cycle_id=cycle_id(), domain_type="provider_level"),
        rows(shown, cycle_id=cycle_id(), domain_type="national"),
        cycle_id=cycle_id(),
        settings=rows(dbt.ref("design_settings"), cycle_id=cycle_id()),
        units=rows(dbt.ref("design_units"), cycle_id=cycle_id()),
        regions=rows(dbt.ref("regions")),
        staff=rows(dbt.ref("ranks_evenness_members"), cycle_id=cycle_id(), between="units"),
        changes=rows(dbt.ref("shown_changes"), cycle_id=cycle_id(), domain_type="provider_unit"),
    )
