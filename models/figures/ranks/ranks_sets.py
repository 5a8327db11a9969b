"""Confidence sets for the ranks of units.

Belongs here: tables out of the warehouse and sets into it. Doesn't: the sets, which are
orchestration/scoring/rank_sets.py.
"""

from typing import Any

import pyarrow as pa

from orchestration.model_inputs import cycle_id, rows
from orchestration.scoring.rank_sets import rank_sets


def model(dbt: Any, session: Any) -> pa.Table:  # noqa: ANN401  # dbt-duckdb ships no types
    """Return one row per weighting mode, shown unit with an error, and component."""
    scores = rows(
        dbt.ref("shown_unit_scores"),
        order="weighting_mode, component_text, domain_id",
        cycle_id=cycle_id(),
    )
    return rank_sets(
        scores[scores["component_type"].isin(["index", "service"])],
        cycle_id=cycle_id(),
        settings=rows(dbt.ref("design_settings"), cycle_id=cycle_id()),
    )
