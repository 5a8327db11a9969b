"""The raw zone: what a cycle's sources hold, pulled and kept as it came.

Belongs here: the partitions (one a survey cycle) and the assets around the pull. Doesn't: what is
pulled from (sources.py), what came of it (orchestration/stages/pull.py).
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from expectations.rule_words import rule_in_words
from orchestration.auditing.run_records import recorded_step
from orchestration.defs.sources import EXPORT_SOURCES, STAFF_FRAMES
from orchestration.defs.translation import check_results, failing_as_ours
from orchestration.seeds.survey_cycles import read_cycles
from orchestration.settings import get_settings
from orchestration.stages.pull import CHECKS, Pulled, pull_exports
from orchestration.words import both

SURVEY_CYCLES = dg.DynamicPartitionsDefinition(name="survey_cycles")
"""Kept in Dagster's storage, so that a row more in the seed needs no restart (`know_cycles`)."""
SURVEY_RESPONSES = dg.AssetKey(["raw", "survey_responses"])
STAFF_FRAME = dg.AssetKey(["raw", "staff_frame"])
EXPORT_FILES = dg.AssetKey(["raw", "export_files"])
_FIRST_WAIT = 60  # seconds; the network gets seven minutes in all, and nobody else the data folder
_ENGINEERS = ["team:data-engineers"]


def know_cycles(instance: dg.DagsterInstance) -> list[str]:
    """Let Dagster know of the cycles that the seed lists; return those it did not know.

    In order of their opening, as a backfill runs them. One that the seed lists no more keeps its
    history.
    """
    name = str(SURVEY_CYCLES.name)
    known = {*instance.get_dynamic_partitions(name)}
    listed = [cycle.cycle_id for cycle in read_cycles(get_settings().seeds_dir)]
    new = [cycle_id for cycle_id in listed if cycle_id not in known]
    if new:
        instance.add_dynamic_partitions(name, new)
    return new


def _asset(part: str) -> dg.AssetKey:
    return dg.AssetKey(["raw", part])


class PullConfig(dg.Config):
    """What a person may let through, and how often sources that did not answer are asked again.

    `accept_fewer`: versions with less than half the records of the last. `asked_again`: each time
    after twice as long; a person who waits asks again himself.
    """

    accept_fewer: bool = False
    asked_again: int = 3


@dg.multi_asset(
    name="pull",
    group_name="raw",
    partitions_def=SURVEY_CYCLES,
    specs=[
        dg.AssetSpec(
            SURVEY_RESPONSES,
            deps=EXPORT_SOURCES,
            description="One Parquet a file, every column text.",
            owners=_ENGINEERS,
            tags={"personal_data": "true"},
            kinds={"parquet"},
            skippable=True,
        ),
        dg.AssetSpec(
            STAFF_FRAME,
            deps=[STAFF_FRAMES],
            description="The population of a cycle, as delivered.",
            owners=_ENGINEERS,
            kinds={"parquet"},
            skippable=True,
        ),
        dg.AssetSpec(
            EXPORT_FILES,
            deps=[*EXPORT_SOURCES, STAFF_FRAMES],
            description="The registry: one row a file and pull.",
            owners=_ENGINEERS,
            kinds={"parquet"},
            skippable=True,
        ),
    ],
    # Not blocking: a refused file never keeps the good ones from being published.
    check_specs=[
        dg.AssetCheckSpec(check, asset=_asset(part), description=both(rule_in_words(check)))
        for check, part in CHECKS.items()
    ],
    required_resource_keys={"run_lock", "lineage"},
)
def pull(
    context: dg.AssetExecutionContext, config: PullConfig
) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """Bring the raw zone up to date with what the cycle's sources hold now.

    Seeds that contradict themselves fail this first step: nothing is read, nor computed.
    """
    settings, cycle_id, run_id = get_settings(), context.partition_key, context.run_id
    with (
        failing_as_ours(),
        recorded_step(settings, run_id=run_id, cycle_id=cycle_id, step="pull") as step,
    ):
        pulled = pull_exports(
            settings,
            cycle_id,
            run_id=run_id,
            accept_fewer=config.accept_fewer,
            lineage=context.resources.lineage,
        )
        step.rows = pulled.report.records_read
    if pulled.unreached and context.retry_number < config.asked_again:
        raise dg.RetryRequested(
            max_retries=config.asked_again,
            seconds_to_wait=_FIRST_WAIT * 2**context.retry_number,
        )
    yield from check_results(pulled.findings, lambda check: _asset(CHECKS[check]))
    if pulled.is_waiting:
        return  # a success that makes nothing: whatever stands after it is left out
    if pulled.nothing_to_read:
        raise dg.Failure(pulled.nothing_to_read, allow_retries=False)
    for asset in (SURVEY_RESPONSES, STAFF_FRAME, EXPORT_FILES):
        yield dg.MaterializeResult(asset_key=asset, metadata=_metadata(pulled))


def _metadata(pulled: Pulled) -> dict[str, Any]:
    report = pulled.report
    files = {"new": report.new, "superseded": report.superseded, "withdrawn": report.withdrawn}
    return {
        "files": dg.MetadataValue.table(
            [
                dg.TableRecord({"name": file.name, "sha256": file.sha256, "status": file.status})
                for file in pulled.files
            ]
        ),
        **{kind: list(names) for kind, names in files.items()},
        "sources": dg.MetadataValue.table(
            [
                dg.TableRecord({"source": source, **counts})
                for source, counts in report.counts.items()
            ]
        ),
        "vanished_responses": sum(gone.count for gone in report.vanished),
        "unfinished": list(report.unfinished),
        "unchanged_count": len(report.unchanged),
        "records_read": report.records_read,
    }
