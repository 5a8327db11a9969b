"""Resources of a run, and the one `@dg.definitions` function of this folder.

A module with such a function hides its other Dagster objects, so assets and jobs live elsewhere.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from orchestration.run_lock import run_lock
from orchestration.settings import get_settings


class RunLock(dg.ConfigurableResource[None]):
    """Holds the data folder's lock from before a run's first step until after its last."""

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[None]:
        """Take the lock, or fail the run with the sentence that names who holds it."""
        with run_lock(get_settings().data_dir):
            yield None


@dg.definitions
def resources() -> dg.Definitions:
    """Return the resources by the names that assets ask for them."""
    return dg.Definitions(resources={"run_lock": RunLock()})
