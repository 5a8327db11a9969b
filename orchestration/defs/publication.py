"""The publication: one asset after all marts and indexes, so that a failed check publishes nothing.

Belongs here: when it happens and what Dagster shows of it. Doesn't: how a cycle leaves
(orchestration/publishing).
"""

import logging

import dagster as dg

from orchestration.defs import warehouse as warehouse_defs
from orchestration.defs.survey_exports import SURVEY_CYCLES
from orchestration.fingerprints import fingerprints
from orchestration.publishing.publication import publish
from orchestration.settings import get_settings

logger = logging.getLogger("ilk.publication")


@dg.asset(
    key=["publication", "ilk"],
    group_name="publication",
    partitions_def=SURVEY_CYCLES,
    deps=[
        key
        for key in sorted(warehouse_defs.warehouse.keys)
        if key.path[0] in ("marts", "indexes")
    ],
    required_resource_keys={"run_lock"},
)
def ilk(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """What people read: the DuckDB file, Parquet and whatever else is set, swapped at once."""
    settings = get_settings()
    cycle_id = context.partition_key
    logger.info("publishing %s", cycle_id)
    publication = publish(settings, cycle_id)
    memory = fingerprints(settings)
    memory.put("published", cycle_id, memory.get("built", cycle_id))
    return dg.MaterializeResult(metadata={"path": str(publication)})
