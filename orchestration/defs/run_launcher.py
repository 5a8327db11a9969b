"""Dagster's own launcher of runs, which also tells whether a run's process lives (dagster.yaml).

Belongs here: what Dagster's daemon asks about a run. Doesn't: how that is known (run_lock.py).
Without it a run that was killed counts as on for ever, and no other is launched beside it.
"""

from dagster import DagsterRun, DefaultRunLauncher
from dagster._core.launcher import CheckRunHealthResult, WorkerStatus

from orchestration.run_lock import DIED, has_died
from orchestration.settings import get_settings


class WatchedRunLauncher(DefaultRunLauncher):
    """The default launcher, for run monitoring."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Return that the daemon may ask."""
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Return whether the process of a run that started lives."""
        record = self._instance.get_run_record_by_id(run.run_id)
        started_at = record.start_time if record else None
        if has_died(get_settings().data_dir, run.run_id, started_at=started_at):
            return CheckRunHealthResult(WorkerStatus.FAILED, DIED)
        return CheckRunHealthResult(WorkerStatus.RUNNING)
