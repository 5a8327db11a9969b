"""Shards on this machine: one after the other, or in so many processes.

Belongs here: carrying tasks to processes and their errors back. Doesn't: what a task does
(tasks.py, dealing.py).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

from orchestration.sharding.runners import Item, Result, TaskError, log_progress


@dataclass(frozen=True)
class LocalRunner:
    """Runs `processes` shards at once; with one, in this process."""

    processes: int = 1

    def map(self, task: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        """Return the task's results in the order of the items; raises TaskError."""
        if self.processes == 1:
            return list(_told(items, map(task, items)))
        # Spawned: a fork would take DuckDB's threads for running ones.
        pool = ProcessPoolExecutor(self.processes, mp_context=get_context("spawn"))
        try:
            return list(_told(items, pool.map(task, items)))
        finally:
            pool.shutdown(cancel_futures=True)


def _told(items: Sequence[Item], results: Iterable[Result]) -> Iterator[Result]:
    """Yield the results as they come, and say how far it is."""
    coming = iter(results)
    for done, item in enumerate(items, start=1):
        try:
            result = next(coming)
        except Exception as error:
            raise TaskError(item, " ".join(str(error).split())) from error
        log_progress(done, len(items))
        yield result
