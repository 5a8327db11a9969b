"""The variances of raked scores on the tree shared with the previous cycle, if it is another.

Belongs here: tables out of the warehouse and variances into it. Doesn't: draws, sums and variances,
which are orchestration/scoring/bootstrap.py.
"""

from typing import Any

import pyarrow as pa

from orchestration.model_inputs import cycle_id, rows
from orchestration.scoring.bootstrap import compared_bootstrap_variances
from orchestration.scoring.raking import raking

ORDER = "stratum_number, weight_cell_number"


def model(dbt: Any, session: Any) -> pa.Table:  # noqa: ANN401  # dbt-duckdb ships no types
    """Return one row per recomputed side whose method rakes, domain and shared component."""
    ratings = {True: dbt.ref("ratings_of_cycle"), False: dbt.ref("ratings_of_previous_cycle")}
    sides = rows(dbt.ref("design_compared_cycles"), cycle_id=cycle_id(), is_own_tree=False)
    settings = rows(dbt.ref("design_settings"))
    return compared_bootstrap_variances(
        {
            side: rows(ratings[side == cycle_id()], order=f"{ORDER}, response_key")
            for side in {*sides["compared_cycle_id"]} & raking(settings)
        },
        cycle_id=cycle_id(),
        settings=settings,
        cells=rows(dbt.ref("weights_cells"), order=ORDER),
        margins=rows(dbt.ref("weights_rake_margins")),
        questions=rows(dbt.ref("stg_seeds__questions"), asks="performance"),
        components=rows(dbt.ref("design_components"), cycle_id=cycle_id()),
        shared=rows(dbt.ref("design_shared_components"), cycle_id=cycle_id()),
        edges=rows(dbt.ref("design_shared_edges"), cycle_id=cycle_id()),
        routes=rows(dbt.ref("sums_domain_routes")),
    )
