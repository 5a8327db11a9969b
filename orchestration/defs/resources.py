"""Resources of a run.

A module with a `@dg.definitions` function hides its other Dagster objects, so assets and jobs live
elsewhere.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
from sqlalchemy.exc import DatabaseError

from orchestration.cycles.fingerprints import seeds_hash
from orchestration.defs.retention import forget_old_runs
from orchestration.durable_files import UnreadableFileError
from orchestration.lineage.events import LineageRun
from orchestration.lineage.runs import lineage_run
from orchestration.log_lines import write_json_lines
from orchestration.run_lock import run_lock, show_alive
from orchestration.settings import Settings, get_settings
from orchestration.sharding.workplace import closing_workplace

CYCLE_TAG, SEEDS_TAG = "ilk/cycle", "ilk/seeds"
PATIENCE = 3600  # seconds that a run waits for another one: for a cycle, a trace, a long --all


class RunLock(dg.ConfigurableResource[None]):
    """Holds the data folder's lock, and the run's record, from before its first step to its end."""

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[None]:
        """Take the lock, or fail the run with the sentence that names who still holds it.

        It waits: a morning's run that met a person's would otherwise be lost until the next
        morning. `ilk run` looks before it starts, and tells the person at once. Whoever holds it
        is recorded in `audit/runs.parquet`, however the run ends.
        """
        from orchestration.auditing.run_records import finish_run, has_published, start_run

        settings = get_settings()
        if settings.log_format == "json":
            write_json_lines()
        run = context.dagster_run
        if run is None:  # no run: Dagster's tests of a single asset
            with run_lock(settings.data_dir, patience=PATIENCE), closing_workplace():
                yield None
            return
        show_alive(settings.data_dir, run.run_id)
        with run_lock(settings.data_dir, patience=PATIENCE), closing_workplace():
            cycle_id = run.tags.get("dagster/partition")
            start_run(settings, run_id=run.run_id, cycle_id=cycle_id)
            if context.instance and cycle_id:  # whoever asked for it: a person, a backfill, ...
                tags = {CYCLE_TAG: cycle_id, SEEDS_TAG: seeds_hash(settings)[:12]}
                context.instance.add_run_tags(run.run_id, tags)
            try:
                yield None
                if not has_published(settings, run_id=run.run_id):
                    _mend_postgres(settings)
            finally:
                finish_run(settings, run_id=run.run_id)
            if context.instance:
                _forget_old_runs(settings, context.instance)


def _forget_old_runs(settings: Settings, instance: dg.DagsterInstance) -> None:
    """Keep Dagster's storage small. What stands in the way fails no run: the next one tries."""
    try:
        forget_old_runs(settings, instance)
    except (DatabaseError, OSError, UnreadableFileError) as error:
        dg.get_dagster_logger().warning(
            "log proses lama belum dibersihkan, proses berikutnya mencoba lagi / logs of old runs "
            f"were not removed, the next run tries again: {error}"
        )


def _mend_postgres(settings: Settings) -> None:
    """Bring PostgreSQL along where an earlier run could not, whatever this one came to."""
    from orchestration.defs.warehouse import MANIFEST
    from orchestration.stages.publish import mend_postgres

    if problem := mend_postgres(settings, MANIFEST):
        dg.get_dagster_logger().warning(problem)


class Lineage(dg.ConfigurableResource[LineageRun]):
    """Tells OpenLineage of the run's start and end; assets tell it what they made."""

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[LineageRun]:
        """Hand out the run's events."""
        from orchestration.auditing.run_records import has_failed

        settings = get_settings()
        run = context.dagster_run
        run_id = run.run_id if run else str(uuid.uuid4())
        cycle_id = run.tags.get("dagster/partition") if run else None
        lineage = lineage_run(settings, run_id=run_id, cycle_id=cycle_id)
        lineage.start()
        try:
            yield lineage
        finally:
            problem = None
            if run is None or has_failed(settings, run_id=run_id):
                problem = _problem(context, run_id)
            lineage.end(problem=problem)


def _problem(context: dg.InitResourceContext, run_id: str) -> str:
    """Return what the failed steps said, without stacks."""
    records = (
        context.instance.all_logs(run_id, dg.DagsterEventType.STEP_FAILURE)
        if (context.instance)
        else []
    )
    sentences = []
    for record in records:
        failure = record.get_dagster_event().step_failure_data
        if failure.user_failure_data and failure.user_failure_data.description:
            sentences.append(failure.user_failure_data.description)
        elif failure.error:
            sentences.append(failure.error.message.strip())
    return "\n".join(sentences) or "the run broke off"


@dg.definitions
def resources() -> dg.Definitions:
    """Return the resources by the names that assets ask for them."""
    return dg.Definitions(resources={"run_lock": RunLock(), "lineage": Lineage()})
