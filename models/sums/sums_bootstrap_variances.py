"""The sampling variances of the scores and the coverage of a cycle whose method rakes.

Belongs here: tables out of the warehouse and variances into it. Doesn't: draws, sums and variances,
which are orchestration/scoring/bootstrap.py.
"""

from typing import Any

import pyarrow as pa

from orchestration.model_inputs import cycle_id, rows
from orchestration.scoring.bootstrap import bootstrap_variances
from orchestration.scoring.linearisation import VARIANCES
from orchestration.scoring.raking import raking

ORDER = "stratum_number, weight_cell_number"


def model(dbt: Any, session: Any) -> pa.Table:  # noqa: ANN401  # dbt-duckdb ships no types
    """Return one row per domain, component and figure; none unless the cycle's method rakes."""
    ratings, cells = dbt.ref("ratings_of_cycle"), dbt.ref("weights_cells")
    margins, questions = dbt.ref("weights_rake_margins"), dbt.ref("stg_seeds__questions")
    components, edges = dbt.ref("design_components"), dbt.ref("design_edges")
    routes = dbt.ref("sums_domain_routes")
    settings = rows(dbt.ref("design_settings"), cycle_id=cycle_id())
    if not raking(settings):
        return VARIANCES.empty_table()
    return bootstrap_variances(
        rows(ratings, order=f"{ORDER}, response_key"),
        cycle_id=cycle_id(),
        settings=settings,
        cells=rows(cells, order=ORDER, cycle_id=cycle_id()),
        margins=rows(margins, cycle_id=cycle_id()),
        questions=rows(questions, asks="performance"),
        components=rows(components, cycle_id=cycle_id()),
        edges=rows(edges, cycle_id=cycle_id()),
        routes=rows(routes, cycle_id=cycle_id()),
    )
