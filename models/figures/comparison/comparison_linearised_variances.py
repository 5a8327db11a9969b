"""The sampling variances of scores on the tree shared with the previous cycle, if it is another.

Belongs here: frames out of the warehouse and variances into it. Doesn't: moments, gradients and
variances, which are orchestration/scoring/linearisation.py.
"""

import os
from typing import Any

import pandas as pd
import pyarrow as pa

from orchestration.scoring.linearisation import linearise

SCHEMA = pa.schema(
    [
        ("cycle_id", pa.string()),
        ("compared_cycle_id", pa.string()),
        ("weighting_mode", pa.string()),
        ("domain_number", pa.int32()),
        ("component_number", pa.int32()),
        ("variance", pa.float64()),
    ]
)


def model(dbt: Any, session: Any) -> pa.Table:  # noqa: ANN401  # dbt-duckdb ships no types
    """Return one row per recomputed side, weighting mode, domain and shared component."""
    cycle_id = os.environ["ILK_CYCLE_ID"]
    of_cycle = f"cycle_id = '{cycle_id}'"
    sides = dbt.ref("design_compared_cycles").filter(f"{of_cycle} and not is_own_tree")
    ratings = {True: dbt.ref("ratings_of_cycle"), False: dbt.ref("ratings_of_previous_cycle")}
    settings = dbt.ref("design_settings")
    questions = dbt.ref("stg_seeds__questions").filter("asks = 'performance'")
    tree = dbt.ref("design_components").filter(of_cycle)
    edges = dbt.ref("design_shared_edges").filter(of_cycle)
    shared = dbt.ref("design_shared_components").filter(f"{of_cycle} and item_id is not null")
    scores = dbt.ref("comparison_scores").filter(of_cycle)
    routes, strata = dbt.ref("sums_domain_routes"), dbt.ref("weights_by_stratum")
    found = [SCHEMA.empty_table()]
    for (side,) in sides.project("compared_cycle_id").order("compared_cycle_id").fetchall():
        of_side = f"cycle_id = '{side}'"
        rated = ratings[side == cycle_id].order("stratum_number").to_arrow_table()
        if not rated.num_rows:
            continue
        instrument = settings.filter(of_side).project("instrument_id")
        compared = linearise(
            rated,
            questions=questions.join(instrument, "instrument_id")
            .join(shared.project("item_id"), "item_id")
            .df(),
            components=tree.df(),
            edges=edges.project("storey, parent_number, child_number, weight").fetchall(),
            scores=scores.filter(f"compared_cycle_id = '{side}'").df(),
            routes=routes.filter(of_side).df(),
            strata=strata.filter(of_side).df(),
        )
        variances: pd.DataFrame = compared.variances()
        found.append(
            pa.Table.from_pandas(
                variances.assign(cycle_id=cycle_id, compared_cycle_id=side),
                schema=SCHEMA,
                preserve_index=False,
            )
        )
    return pa.concat_tables(found)
