"""When a cycle runs by itself: each morning of its window, and when a file lands.

Belongs here: the job, its schedule and its sensors. Doesn't: which cycles are due
(orchestration/stages/due.py), what the job does (the assets).
"""

from collections.abc import Iterator

import dagster as dg

from orchestration.defs.survey_exports import SURVEY_CYCLES, know_cycles
from orchestration.settings import get_settings
from orchestration.stages.due import cycles_due, look
from orchestration.survey_days import ZONE, local_day

_TICK_SECONDS = 40
"""Dagster ends a tick of over a minute; what does not answer in time is asked by the next one."""

# Where a run tells in JSON, Dagster's own console says the same once more: there it keeps errors.
_ERRORS_ALONE = dg.RunConfig(loggers={"console": {"config": {"log_level": "ERROR"}}})

survey_cycle = dg.define_asset_job(
    "survey_cycle",
    selection=dg.AssetSelection.all(),
    partitions_def=SURVEY_CYCLES,
    description="Pull, check, build and publish one survey cycle; `ilk run` is this job.",
    config=_ERRORS_ALONE if get_settings().log_format == "json" else None,
)


# After midnight UTC, by which windows close: on the morning after the last day scores are shown.
@dg.schedule(
    job=survey_cycle,
    cron_schedule="5 7 * * *",
    execution_timezone=ZONE,
    default_status=dg.DefaultScheduleStatus.RUNNING
    if get_settings().automation
    else dg.DefaultScheduleStatus.STOPPED,
)
def every_morning_of_the_window(
    context: dg.ScheduleEvaluationContext,
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Ask for a run of each cycle in the field, and on the day after it closed."""
    today = local_day(context.scheduled_execution_time)
    due = cycles_due(get_settings(), today)
    for cycle_id in due:
        yield dg.RunRequest(run_key=f"{cycle_id}:{today}", partition_key=cycle_id)
    if not due:
        yield dg.SkipReason(f"no survey cycle is open on {today}")


@dg.sensor(
    target=survey_cycle, minimum_interval_seconds=60, default_status=dg.DefaultSensorStatus.RUNNING
)
def listed_cycles(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Let Dagster know of new rows of survey_cycles.csv; nothing is run."""
    new = know_cycles(context.instance)
    return dg.SkipReason(f"new: {', '.join(new)}" if new else "no cycle is new in the seed")


@dg.sensor(
    job=survey_cycle,
    minimum_interval_seconds=300,
    default_status=dg.DefaultSensorStatus.RUNNING
    if get_settings().automation
    else dg.DefaultSensorStatus.STOPPED,
)
def landed_files(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Ask for a run of each cycle whose sources have new, changed or withdrawn files."""
    know_cycles(context.instance)
    landed = look(
        get_settings(),
        context.instance.get_dynamic_partitions(str(SURVEY_CYCLES.name)),
        cursor=context.cursor,
        seconds=_TICK_SECONDS,
    )
    for sentence in landed.untold:
        context.log.warning(sentence)
    if not landed.changed:
        return dg.SkipReason(
            "\n".join(landed.untold) or "no file in landing is new, changed or gone"
        )
    requests = [
        dg.RunRequest(run_key=key, partition_key=cycle_id)
        for cycle_id, key in landed.changed.items()
    ]
    return dg.SensorResult(run_requests=requests, cursor=landed.cursor)
