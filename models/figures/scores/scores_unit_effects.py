"""How much larger a score's variance is with respondents' units as draws, in the modes not raked.

Belongs here: tables out of the warehouse and ratios into it. Doesn't: the variances, which are
orchestration/scoring/unit_clusters.py.
"""

from typing import Any

import pyarrow as pa

from orchestration.model_inputs import arrow, cycle_id, rows
from orchestration.scoring.unit_clusters import unit_design_effects


def model(dbt: Any, session: Any) -> pa.Table:  # noqa: ANN401  # dbt-duckdb ships no types
    """Return one row per weighting mode, domain and component of this cycle."""
    return unit_design_effects(
        arrow(dbt.ref("sums_unit_totals"), cycle_id=cycle_id()),
        arrow(dbt.ref("sums_second_moments"), cycle_id=cycle_id()),
        cycle_id=cycle_id(),
        components=rows(dbt.ref("design_components"), cycle_id=cycle_id()),
        edges=rows(dbt.ref("design_edges"), cycle_id=cycle_id()),
        scores=rows(dbt.ref("scores_of_components"), cycle_id=cycle_id()),
        strata=rows(dbt.ref("weights_by_stratum"), cycle_id=cycle_id()),
        units=rows(dbt.ref("design_units"), cycle_id=cycle_id()),
    )
