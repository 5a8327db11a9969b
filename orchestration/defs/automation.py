"""When a cycle runs by itself: each morning of its window, and when a file lands.

Belongs here: the job, its schedule and its sensor. Doesn't: what the job does (the assets).
"""

import hashlib
import json
from collections.abc import Iterator
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import dagster as dg

from orchestration.cycles import read_cycles
from orchestration.defs.survey_exports import SURVEY_CYCLES
from orchestration.exports.servers import TIMEZONE
from orchestration.exports.sources import landing_state
from orchestration.settings import get_settings

survey_cycle = dg.define_asset_job(
    "survey_cycle",
    selection=dg.AssetSelection.all(),
    partitions_def=SURVEY_CYCLES,
    description="Pull, check, build and publish one survey cycle; `ilk run` is this job.",
)


def cycles_due(today: date) -> list[str]:
    """Return the cycles whose window holds the day, or ended on one of the two days before it.

    On the morning after it closed, UTC still has the last day of the window: the scores follow on
    the second (orchestration/publishing/standing.py).
    """
    return [
        cycle.cycle_id
        for cycle in read_cycles(get_settings().seeds_dir)
        if cycle.opens_on <= today <= cycle.closes_on + timedelta(days=2)
    ]


@dg.schedule(job=survey_cycle, cron_schedule="0 6 * * *", execution_timezone=TIMEZONE)
def every_morning_of_the_window(
    context: dg.ScheduleEvaluationContext,
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Ask for a run of each cycle in the field, and on the two days after it closed."""
    today = context.scheduled_execution_time.astimezone(ZoneInfo(TIMEZONE)).date()
    due = cycles_due(today)
    for cycle_id in due:
        yield dg.RunRequest(run_key=f"{cycle_id}:{today}", partition_key=cycle_id)
    if not due:
        yield dg.SkipReason(f"no survey cycle is open on {today}")


@dg.sensor(job=survey_cycle, minimum_interval_seconds=300)
def landed_files(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Ask for a run of each cycle whose landing has new, changed or withdrawn files.

    The cursor holds a digest and a change counter a cycle: a file that is replaced and put back
    leads to a run of its own, which a run key of the digest alone would swallow.
    """
    settings = get_settings()
    seen: dict[str, list[str | int]] = json.loads(context.cursor) if context.cursor else {}
    landed = landing_state(seeds_dir=settings.seeds_dir, landing=settings.landing)
    now, requests = dict(seen), []
    for cycle_id in SURVEY_CYCLES.get_partition_keys():
        files = landed.get(cycle_id, ())
        digest = hashlib.sha256(repr(files).encode()).hexdigest()
        before, count = seen.get(cycle_id, [None, 0])
        if digest == before or not (files or before):
            continue
        now[cycle_id] = [digest, int(count or 0) + 1]
        requests.append(
            dg.RunRequest(run_key=f"{cycle_id}:{now[cycle_id][1]}:{digest}", partition_key=cycle_id)
        )
    if not requests:
        return dg.SkipReason("no file in landing is new, changed or gone")
    return dg.SensorResult(run_requests=requests, cursor=json.dumps(now))
