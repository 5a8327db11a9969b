"""When a cycle runs by itself: each morning of its window, and when a file lands.

Belongs here: the job, its schedule and its sensor. Doesn't: what the job does (the assets).
"""

import hashlib
import json
import time
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg

from orchestration.defs.survey_exports import SURVEY_CYCLES
from orchestration.exports.seed_files import read_sources
from orchestration.exports.servers import TIMEZONE
from orchestration.exports.sources import ListedFile, Listing, SourceError, list_cycle
from orchestration.seeds.survey_cycles import read_cycles
from orchestration.settings import get_settings

_TICK_SECONDS = 40
"""Dagster ends a tick of over a minute; what does not answer in time is asked by the next one."""

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
    """Ask for a run of each cycle whose sources have new, changed or withdrawn files.

    The cursor holds a change counter a cycle, and a digest of each of its sources: one that can't
    be listed keeps its own, as it tells of nothing. The counter is for a file that is replaced and
    put back, which leads to a run of its own: a run key of digests alone would swallow it.
    """
    settings = get_settings()
    seen: dict[str, list[Any]] = json.loads(context.cursor) if context.cursor else {}
    sources = read_sources(settings.seeds_dir)
    until = time.monotonic() + _TICK_SECONDS
    now, requests, untold = dict(seen), [], []
    for cycle_id in SURVEY_CYCLES.get_partition_keys():
        before, count = seen.get(cycle_id) or ({}, 0)
        before = before if isinstance(before, dict) else {"": before}  # of earlier versions
        try:
            listing = list_cycle(
                cycle_id=cycle_id, sources=sources, landing=settings.landing, until=until
            )
        except SourceError as error:
            untold.append(f"{cycle_id}: {error}")
            continue
        digests = _digests(listing)
        for source, fault in listing.unreachable:
            untold.append(f"{fault.in_indonesian(source.address)} / "
                          f"{fault.in_english(source.address)}")  # fmt: skip
            if source.address in before:
                digests[source.address] = before[source.address]
        if digests == before:
            continue
        now[cycle_id] = [digests, int(count) + 1]
        digest = hashlib.sha256(json.dumps(digests, sort_keys=True).encode()).hexdigest()
        requests.append(
            dg.RunRequest(run_key=f"{cycle_id}:{now[cycle_id][1]}:{digest}", partition_key=cycle_id)
        )
    for sentence in untold:
        context.log.warning(sentence)
    if not requests:
        return dg.SkipReason("\n".join(untold) or "no file in landing is new, changed or gone")
    return dg.SensorResult(run_requests=requests, cursor=json.dumps(now))


def _digests(listing: Listing) -> dict[str, str]:
    """Return a digest of the files of each source that has any; that of staff frames too."""
    by_source: dict[str, list[ListedFile]] = {}
    for file in listing.files:
        by_source.setdefault(file.source, []).append(file)
    return {
        source: hashlib.sha256(repr(files).encode()).hexdigest()
        for source, files in by_source.items()
    }
