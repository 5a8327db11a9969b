"""The sampling variances of a cycle's scores and of its coverage, in the modes that are not raked.

Belongs here: tables out of the warehouse and variances into it. Doesn't: gradients and variances,
which are orchestration/scoring/linearisation.py.
"""

from typing import Any

import pyarrow as pa

from orchestration.model_inputs import arrow, cycle_id, rows
from orchestration.scoring.linearisation import linearised_variances


def model(dbt: Any, session: Any) -> pa.Table:  # noqa: ANN401  # dbt-duckdb ships no types
    """Return one row per weighting mode, domain, component and figure of this cycle."""
    return linearised_variances(
        arrow(dbt.ref("sums_second_moments"), cycle_id=cycle_id()),
        cycle_id=cycle_id(),
        components=rows(dbt.ref("design_components"), cycle_id=cycle_id()),
        edges=rows(dbt.ref("design_edges"), cycle_id=cycle_id()),
        scores=rows(dbt.ref("scores_of_components"), cycle_id=cycle_id()),
        ratios=rows(dbt.ref("scores_coverage_ratios"), cycle_id=cycle_id()),
        strata=rows(dbt.ref("weights_by_stratum"), cycle_id=cycle_id()),
    )
