"""What may be shown of each cell: disclosure control's verdict, taken once for all that read it.

Belongs here: tables out of the warehouse and flags into it. Doesn't: the rule, which is
orchestration/publishing/disclosure/.
"""

from typing import Any

import pyarrow as pa

from orchestration.model_inputs import cycle_id, rows
from orchestration.publishing.disclosure.verdicts import cell_verdicts


def model(dbt: Any, session: Any) -> pa.Table:  # noqa: ANN401  # dbt-duckdb ships no types
    """Return one row per cell of this cycle, keyed as idx_scores (no component is NULL)."""
    return cell_verdicts(
        rows(dbt.ref("disclosure_cells"), cycle_id=cycle_id()),
        units=rows(dbt.ref("stg_seeds__units")),
        settings=rows(dbt.ref("design_settings"), cycle_id=cycle_id()),
        components=rows(dbt.ref("design_components"), cycle_id=cycle_id()),
        edges=rows(dbt.ref("design_edges"), cycle_id=cycle_id()),
        classes=rows(dbt.ref("disclosure_class_cells"), cycle_id=cycle_id()),
        demographics=rows(dbt.ref("demographics")),
    )
