"""The publication: one asset after all marts and indexes, so that a failed check publishes nothing.

Belongs here: when it happens and what Dagster shows of it. Doesn't: how a cycle leaves
(orchestration/publishing).
"""

import logging

import dagster as dg

from orchestration.defs import warehouse as warehouse_defs
from orchestration.defs.survey_exports import SURVEY_CYCLES
from orchestration.fingerprints import fingerprints
from orchestration.settings import get_settings

logger = logging.getLogger("ilk.publication")


@dg.asset(
    key=["publication", "ilk"],
    group_name="publication",
    partitions_def=SURVEY_CYCLES,
    deps=[
        key for key in sorted(warehouse_defs.warehouse.keys) if key.path[0] in ("marts", "indexes")
    ],
    required_resource_keys={"run_lock"},
)
def ilk(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """What people read: the DuckDB file, Parquet and whatever else is set, swapped at once."""
    # Here, since it imports pandas: a run with nothing new ends before it.
    from orchestration.publishing.publication import PublicationError, publish

    settings = get_settings()
    cycle_id = context.partition_key
    memory = fingerprints(settings)
    unfinished = sorted(memory.section("unfinished"))
    if unfinished:
        raise dg.Failure(
            f"nothing is published: the build of {', '.join(unfinished)} broke off and the "
            f"warehouse holds half of it. Run it to its end: ilk run {' '.join(unfinished)}",
            allow_retries=False,
        )
    logger.info("%s: publishing", cycle_id)
    built = memory.section("built")
    try:
        report = publish(
            warehouse=settings.warehouse, data_dir=settings.data_dir, fingerprint=built
        )
    except PublicationError as error:
        raise dg.Failure(f"nothing is published: {error}", allow_retries=False) from error
    memory.put("published", cycle_id, built[cycle_id])
    return dg.MaterializeResult(
        metadata={
            "publication_id": report.publication_id,
            "folder": str(report.folder),
            "is_new": report.is_new,
            "row_count": sum(report.row_counts.values()),
            "hidden_for_few_respondents": report.small_count,
            "hidden_to_protect_others": report.complement_count,
            "exposed": list(report.exposed),
        }
    )
