"""Which runs Dagster may forget: nothing else ever takes one out of its storage.

Belongs here: the rule. Doesn't: taking them out (orchestration/defs/retention.py), our own records
of runs (`audit/runs.parquet`), which are small and kept for good.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from orchestration.auditing.final_cycles import frozen_at
from orchestration.auditing.run_records import PUBLISHED, recorded_runs
from orchestration.settings import Settings


@dataclass(frozen=True)
class PastRun:
    """A run that has ended, as Dagster lists it; `created_at` bears its zone."""

    run_id: str
    cycle_id: str | None
    created_at: datetime


@dataclass(frozen=True)
class Forgettable:
    """Runs whose events may go, and runs that may go whole: ids, no run in both."""

    logs: tuple[str, ...]
    runs: tuple[str, ...]


def forgettable(
    settings: Settings, runs: Sequence[PastRun], *, with_logs: Collection[str], now: datetime
) -> Forgettable:
    """Return what is beyond the settings' counts and age, the oldest first.

    `with_logs`: the runs that have events still. Of each cycle the last run stays whole, the last
    that published it (without its events its tables would look never made), and each whose figures
    were frozen as final.
    """
    newest_first = sorted(runs, key=lambda run: run.created_at, reverse=True)
    last = {run.cycle_id: run.run_id for run in reversed(newest_first) if run.cycle_id}
    kept = {*last.values(), *_told_for_good(settings)}
    oldest = now - timedelta(days=settings.kept_run_days)
    gone = {
        run.run_id
        for place, run in enumerate(newest_first)
        if place >= settings.kept_runs or run.created_at < oldest
    } - kept
    bare = {run.run_id for run in newest_first[settings.kept_run_logs :]} - kept - gone
    in_order = [run.run_id for run in reversed(newest_first)]
    return Forgettable(
        logs=tuple(run_id for run_id in in_order if run_id in bare and run_id in with_logs),
        runs=tuple(run_id for run_id in in_order if run_id in gone),
    )


def _told_for_good(settings: Settings) -> set[str]:
    """Return each cycle's last run that published it, and those that final versions are of."""
    published = [run for run in recorded_runs(settings) if run.outcome == PUBLISHED]
    last = {run.cycle_id: run.run_id for run in published}
    for cycle_id, times in frozen_at(settings).items():
        for number, at in enumerate(times):
            before = [run for run in published if run.cycle_id == cycle_id and run.started_at <= at]
            if before:
                last[f"{cycle_id} {number}"] = before[-1].run_id
    return set(last.values())
