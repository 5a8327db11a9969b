"""Who rated something shared, for a side of the comparison whose own tree is another one.

Belongs here: tables out of the warehouse and counts into it. Doesn't: adding up, which is
orchestration/scoring/domain_sums.py.
"""

from typing import Any

import pyarrow as pa

from orchestration.model_inputs import arrow, cycle_id, rows
from orchestration.scoring.domain_sums import compared_respondents


def model(dbt: Any, session: Any) -> pa.Table:  # noqa: ANN401  # dbt-duckdb ships no types
    """Return one row per recomputed side, domain, stratum and shared component that is rated."""
    sides = rows(dbt.ref("design_compared_cycles"), cycle_id=cycle_id(), is_own_tree=False)
    relations = {True: dbt.ref("ratings_of_cycle"), False: dbt.ref("ratings_of_previous_cycle")}
    settings, questions = dbt.ref("design_settings"), dbt.ref("stg_seeds__questions")
    components, routes = dbt.ref("design_shared_components"), dbt.ref("sums_domain_routes")
    return compared_respondents(
        {side: arrow(relations[side == cycle_id()]) for side in sides["compared_cycle_id"]},
        cycle_id=cycle_id(),
        settings=rows(settings),
        questions=rows(questions, asks="performance"),
        components=rows(components, cycle_id=cycle_id()),
        routes=rows(routes),
    )
