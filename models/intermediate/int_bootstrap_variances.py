"""The sampling variances of the scores and the coverage of a cycle whose method rakes.

Belongs here: frames out of the warehouse and variances into it. Doesn't: draws, sums and variances,
which are orchestration/scoring/bootstrap.py.
"""

import os
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from orchestration.scoring.bootstrap import (
    groups_of,
    replicate_weights,
    sums_of,
    times_drawn,
    variances,
)
from orchestration.scoring.linearisation import counted_under, of_type, totals_of
from orchestration.scoring.raking import Rules
from orchestration.scoring.score_tree import parents_of

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
    cycle_settings = dbt.ref("int_cycle_settings").filter(of_cycle)
    weight_cells = dbt.ref("int_weight_cells").filter(of_cycle)
    margins = dbt.ref("int_rake_margins").filter(of_cycle)
    tree = dbt.ref("int_components").filter(of_cycle)
    edges = dbt.ref("int_component_edges").filter(of_cycle)
    domain_routes = dbt.ref("int_domain_routes").filter(of_cycle)
    ratings = dbt.ref("int_ratings")
    instrument = cycle_settings.project("instrument_id")
    asked = dbt.ref("stg_seeds__questions").filter("asks = 'performance'")
    questions = asked.join(instrument, "instrument_id")
    if cycle_settings.project("weighting_mode").fetchall() != [("rake",)]:
        return SCHEMA.empty_table()
    settings: pd.Series[Any] = cycle_settings.df().iloc[0]
    # The draws follow this order of persons; a cell lies within one stratum.
    cells: pd.DataFrame = weight_cells.order("stratum_number, weight_cell_number").df()
    order = "stratum_number, weight_cell_number, response_key"
    people: pd.DataFrame = ratings.order(order).df()
    components: pd.DataFrame = tree.df()
    routes: pd.DataFrame = domain_routes.df()
    levels = sorted(column for column in routes if column.startswith("is_level_"))
    items = of_type(components, "item")["component_number"].to_numpy()
    totals = totals_of(questions.df(), components)
    has_coverage = components["component_type"].isin(["index", "service"])
    cell_of = np.repeat(np.arange(len(cells)), cells["respondent_count"])
    drawn = times_drawn(
        cells.drop_duplicates("stratum_number")["stratum_respondent_count"].to_list(),
        int(settings["bootstrap_replicates"]),
        seed=int(settings["random_seed"]),
    )
    domains = np.sort(routes["domain_number"].unique())
    found = variances(
        weights=replicate_weights(cells, margins.df(), drawn, Rules.of(settings)),
        cell_of=cell_of,
        drawn=drawn,
        sums=sums_of(people, totals, [int(name.removeprefix("is_level_")) for name in levels]),
        items=items - 1,
        coverage={
            number - 1: counted_under(components, number)
            for number in components.loc[has_coverage, "component_number"]
        },
        groups=groups_of(people, routes, domains, levels),
        domain_count=len(domains),
        parents=parents_of(edges.project("storey, parent_number, child_number, weight").fetchall()),
        component_count=len(components),
        min_weight_share=float(settings["min_weight_share"]),
        steps_per_point=float(people["steps_per_point"].max()),
    )
    rows = []
    for figure, of_figure in found.items():
        component, domain = np.nonzero(~np.isnan(of_figure))
        of = {
            "domain_number": domains[domain],
            "component_number": component + 1,
            "variance": of_figure[component, domain],
        }
        rows.append(pd.DataFrame(of).assign(figure=figure))
    table = pd.concat(rows).assign(cycle_id=cycle_id, weighting_mode="rake")
    return pa.Table.from_pandas(table, schema=SCHEMA, preserve_index=False)
