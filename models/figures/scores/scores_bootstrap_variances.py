"""The sampling variances of the scores and the coverage of a cycle whose method rakes.

Belongs here: frames out of the warehouse and variances into it. Doesn't: draws, sums and variances,
which are orchestration/scoring/bootstrap.py.
"""

import os
from typing import Any

import pandas as pd
import pyarrow as pa

from orchestration.scoring.bootstrap import bootstrapped

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
    """Return one row per domain, component and figure; none unless the cycle's method rakes."""
    cycle_id = os.environ["ILK_CYCLE_ID"]
    of_cycle = f"cycle_id = '{cycle_id}'"
    cycle_settings = dbt.ref("design_settings").filter(of_cycle)
    weight_cells = dbt.ref("weights_cells").filter(of_cycle)
    margins = dbt.ref("weights_rake_margins").filter(of_cycle)
    tree = dbt.ref("design_components").filter(of_cycle)
    edges = dbt.ref("design_edges").filter(of_cycle)
    domain_routes = dbt.ref("sums_domain_routes").filter(of_cycle)
    ratings = dbt.ref("ratings_of_cycle")
    instrument = cycle_settings.project("instrument_id")
    asked = dbt.ref("stg_seeds__questions").filter("asks = 'performance'")
    questions = asked.join(instrument, "instrument_id")
    if cycle_settings.project("weighting_mode").fetchall() != [("rake",)]:
        return SCHEMA.empty_table()
    settings: pd.Series[Any] = cycle_settings.df().iloc[0]
    order = "stratum_number, weight_cell_number"
    table = bootstrapped(
        ratings.order(f"{order}, response_key").df(),
        cells=weight_cells.order(order).df(),
        margins=margins.df(),
        questions=questions.df(),
        components=tree.df(),
        edges=edges.project("storey, parent_number, child_number, weight").fetchall(),
        routes=domain_routes.df(),
        settings=settings,
        min_weight_share=float(settings["min_weight_share"]),
        has_coverage=True,
    ).assign(cycle_id=cycle_id, weighting_mode="rake")
    return pa.Table.from_pandas(table, schema=SCHEMA, preserve_index=False)
