"""The sampling variances of a cycle's scores and of its coverage, in the modes that are not raked.

Belongs here: frames out of the warehouse and variances into it. Doesn't: moments, gradients and
variances, which are orchestration/scoring/linearisation.py.
"""

import os
from typing import Any

import pyarrow as pa

from orchestration.scoring.linearisation import linearise

SCHEMA = pa.schema(
    [
        ("cycle_id", pa.string()),
        ("weighting_mode", pa.string()),
        ("domain_number", pa.int32()),
        ("component_number", pa.int32()),
        ("figure", pa.string()),
        ("variance", pa.float64()),
    ]
)


def model(dbt: Any, session: Any) -> pa.Table:  # noqa: ANN401  # dbt-duckdb ships no types
    """Return one row per weighting mode, domain, component and figure of this cycle."""
    cycle_id = os.environ["ILK_CYCLE_ID"]
    of_cycle = f"cycle_id = '{cycle_id}'"
    instrument = dbt.ref("design_settings").filter(of_cycle).project("instrument_id")
    questions = dbt.ref("stg_seeds__questions").filter("asks = 'performance'")
    edges = dbt.ref("design_edges").filter(of_cycle)
    ratings = dbt.ref("ratings_of_cycle").order("stratum_number").to_arrow_table()
    if not ratings.num_rows:
        return SCHEMA.empty_table()
    cycle = linearise(
        ratings,
        questions=questions.join(instrument, "instrument_id").df(),
        components=dbt.ref("design_components").filter(of_cycle).df(),
        edges=edges.project("storey, parent_number, child_number, weight").fetchall(),
        scores=dbt.ref("scores_of_components").filter(of_cycle).df(),
        routes=dbt.ref("sums_domain_routes").filter(of_cycle).df(),
        strata=dbt.ref("weights_by_stratum").filter(of_cycle).df(),
    )
    variances = cycle.variances(dbt.ref("scores_coverage_ratios").filter(of_cycle).df())
    return pa.Table.from_pandas(
        variances.assign(cycle_id=cycle_id), schema=SCHEMA, preserve_index=False
    )
