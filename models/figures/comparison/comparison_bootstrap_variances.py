"""The variances of raked scores on the tree shared with the previous cycle, if it is another.

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
        ("compared_cycle_id", pa.string()),
        ("weighting_mode", pa.string()),
        ("domain_number", pa.int32()),
        ("component_number", pa.int32()),
        ("variance", pa.float64()),
    ]
)


def model(dbt: Any, session: Any) -> pa.Table:  # noqa: ANN401  # dbt-duckdb ships no types
    """Return one row per recomputed side whose method rakes, domain and shared component."""
    cycle_id = os.environ["ILK_CYCLE_ID"]
    of_cycle = f"cycle_id = '{cycle_id}'"
    sides = dbt.ref("design_compared_cycles").filter(f"{of_cycle} and not is_own_tree")
    ratings = {True: dbt.ref("ratings_of_cycle"), False: dbt.ref("ratings_of_previous_cycle")}
    cycle_settings = dbt.ref("design_settings")
    questions = dbt.ref("stg_seeds__questions").filter("asks = 'performance'")
    tree = dbt.ref("design_components").filter(of_cycle)
    edges = dbt.ref("design_shared_edges").filter(of_cycle)
    shared = dbt.ref("design_shared_components").filter(f"{of_cycle} and item_id is not null")
    weight_cells, margins = dbt.ref("weights_cells"), dbt.ref("weights_rake_margins")
    routes = dbt.ref("sums_domain_routes")
    order = "stratum_number, weight_cell_number"
    found = [SCHEMA.empty_table()]
    for (side,) in sides.project("compared_cycle_id").order("compared_cycle_id").fetchall():
        of_side = f"cycle_id = '{side}'"
        settings: pd.Series[Any] = cycle_settings.filter(of_side).df().iloc[0]
        people: pd.DataFrame = ratings[side == cycle_id].order(f"{order}, response_key").df()
        if settings["weighting_mode"] != "rake" or people.empty:
            continue
        instrument = cycle_settings.filter(of_side).project("instrument_id")
        ((min_weight_share,),) = (
            cycle_settings.filter(of_cycle).project("min_weight_share").fetchall()
        )
        compared = bootstrapped(
            people,
            cells=weight_cells.filter(of_side).order(order).df(),
            margins=margins.filter(of_side).df(),
            questions=questions.join(instrument, "instrument_id")
            .join(shared.project("item_id"), "item_id")
            .df(),
            components=tree.df(),
            edges=edges.project("storey, parent_number, child_number, weight").fetchall(),
            routes=routes.filter(of_side).df(),
            settings=settings,
            min_weight_share=min_weight_share,
            has_coverage=False,
        ).assign(cycle_id=cycle_id, compared_cycle_id=side, weighting_mode="rake")
        found.append(pa.Table.from_pandas(compared, schema=SCHEMA, preserve_index=False))
    return pa.concat_tables(found)
