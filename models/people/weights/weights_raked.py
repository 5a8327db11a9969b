"""The weight of each weight cell of a cycle whose method rakes.

Belongs here: tables out of the warehouse and weights into it. Doesn't: the fit, which is
orchestration/scoring/raking.py.
"""

from typing import Any

import pyarrow as pa

from orchestration.model_inputs import cycle_id, rows
from orchestration.scoring.raking import CELL_WEIGHTS, cell_weights, raking


def model(dbt: Any, session: Any) -> pa.Table:  # noqa: ANN401  # dbt-duckdb ships no types
    """Return one row per weight cell of this cycle; none where its method does not rake."""
    cells, margins = dbt.ref("weights_cells"), dbt.ref("weights_rake_margins")
    settings = rows(dbt.ref("design_settings"), cycle_id=cycle_id())
    if not raking(settings):
        return CELL_WEIGHTS.empty_table()
    return cell_weights(
        rows(cells, order="weight_cell_number", cycle_id=cycle_id()),
        cycle_id=cycle_id(),
        margins=rows(margins, cycle_id=cycle_id()),
        settings=settings,
    )
