"""Dagster's storage is kept small: what may go of it goes at the end of each run.

Belongs here: taking runs and their events out of Dagster's storage. Doesn't: which
(orchestration/stages/kept_runs.py). Dagster itself prunes ticks alone (`retention`, dagster.yaml).
"""

import shutil
from datetime import UTC, datetime

import dagster as dg
from dagster._core.storage.event_log import SqlEventLogStorage
from dagster._core.storage.event_log.schema import (
    AssetCheckExecutionsTable,
    SqlEventLogStorageTable,
)
from sqlalchemy import select

from orchestration.defs.event_log import OpenSqliteEventLogStorage
from orchestration.durable_files import below
from orchestration.settings import Settings
from orchestration.stages.kept_runs import PastRun, forgettable

_ENDED = [
    dg.DagsterRunStatus.SUCCESS,
    dg.DagsterRunStatus.FAILURE,
    dg.DagsterRunStatus.CANCELED,
]


def forget_old_runs(settings: Settings, instance: dg.DagsterInstance) -> None:
    """Take out what the settings don't keep. A run that is on, or waits, is never looked at."""
    events = instance.event_log_storage
    if not isinstance(events, SqlEventLogStorage):  # in memory: tests
        return
    runs = [
        PastRun(
            record.dagster_run.run_id,
            record.dagster_run.tags.get("dagster/partition"),
            record.create_timestamp.replace(tzinfo=UTC),
        )
        for record in instance.get_run_records(dg.RunsFilter(statuses=_ENDED))
    ]
    run_id = SqlEventLogStorageTable.c.run_id
    with events.index_connection() as connection:
        with_logs = {row[0] for row in connection.execute(select(run_id).distinct())}
    may_go = forgettable(settings, runs, with_logs=with_logs, now=datetime.now(UTC))
    for gone in may_go.runs:
        instance.delete_run(gone)
    for bare in may_go.logs:
        events.delete_events(bare)
    forgotten = [*may_go.runs, *may_go.logs]
    with events.index_connection() as connection:
        for each in forgotten:  # which Dagster leaves, a sixth of what a run takes
            checks = AssetCheckExecutionsTable
            connection.execute(checks.delete().where(checks.c.run_id == each))
    for each in forgotten:
        shutil.rmtree(below(settings.dagster_home / "storage", each), ignore_errors=True)
        below(settings.dagster_home / "alive", each).unlink(missing_ok=True)
    if isinstance(events, OpenSqliteEventLogStorage):
        events.give_back()
