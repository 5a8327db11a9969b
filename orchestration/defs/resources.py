"""Resources of a run, and the one `@dg.definitions` function of this folder.

A module with such a function hides its other Dagster objects, so assets and jobs live elsewhere.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from orchestration.run_lock import run_lock
from orchestration.settings import get_settings


class RunLock(dg.ConfigurableResource[None]):
    """Holds the data folder's lock, and the run's record, from before its first step to its end."""

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[None]:
        """Take the lock, or fail the run with the sentence that names who holds it.

        Whoever holds it is recorded in `audit/runs.parquet`, however the run ends.
        """
        from orchestration.auditing.run_records import finish_run, start_run

        settings = get_settings()
        run = context.dagster_run
        with run_lock(settings.data_dir):
            if run is None:  # no run: Dagster's tests of a single asset
                yield None
                return
            start_run(settings, run_id=run.run_id, cycle_id=run.tags.get("dagster/partition"))
            try:
                yield None
            finally:
                finish_run(settings, run_id=run.run_id)


@dg.definitions
def resources() -> dg.Definitions:
    """Return the resources by the names that assets ask for them."""
    return dg.Definitions(resources={"run_lock": RunLock()})
