"""The sampling variances of a cycle's scores in domains of few respondents.

Belongs here: tables out of the warehouse and variances into it. Doesn't: replicates and variances,
which are orchestration/scoring/jackknife.py.
"""

from typing import Any

import pyarrow as pa

from orchestration.model_inputs import arrow, cycle_id, rows
from orchestration.scoring.jackknife import jackknife_variances


def model(dbt: Any, session: Any) -> pa.Table:  # noqa: ANN401  # dbt-duckdb ships no types
    """Return one row per weighting mode that is not raked, small domain and component."""
    routes = rows(dbt.ref("sums_domain_routes"), cycle_id=cycle_id())
    return jackknife_variances(
        arrow(dbt.ref("sums_small_domain_ratings"), order="stratum_number, response_key"),
        cycle_id=cycle_id(),
        settings=rows(dbt.ref("design_settings"), cycle_id=cycle_id()),
        questions=rows(dbt.ref("stg_seeds__questions"), asks="performance"),
        components=rows(dbt.ref("design_components"), cycle_id=cycle_id()),
        edges=rows(dbt.ref("design_edges"), cycle_id=cycle_id()),
        routes=routes.merge(rows(dbt.ref("sums_small_domains")), on="domain_number"),
        strata=rows(dbt.ref("weights_by_stratum"), cycle_id=cycle_id()),
    )
