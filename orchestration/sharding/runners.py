"""What carries a task to its shards, how far it is, and that a shard failed for good, in words.

Belongs here: the interface that every way of running shards has. Doesn't: the ways themselves, each
in a module of its own, and what a task does.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

logger = logging.getLogger("ilk.shards")

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST_NAMES = 3


class TaskError(RuntimeError):
    """A task failed for good on an item; the sentence names the item, and says what it said."""

    def __init__(self, item: object, words: str) -> None:
        """`words`: the last line of what was raised where the task ran."""
        self.item = item
        self.words = words
        super().__init__(f"{item}: {words}")


class RunnerError(RuntimeError):
    """No task can be run as things are; the sentence says what to do."""


class Runner(Protocol):
    """Runs a task on each of several items, wherever that is.

    Task, items and results are pickled on the way. A task may run more than once on one item (tried
    again after a machine was lost, or twice at once): what it writes it writes under another name
    and moves into place, and the same item gives the same result.
    """

    def map(self, task: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        """Return the task's results in the order of the items; raises TaskError, RunnerError."""
        ...


def log_progress(done: int, count: int) -> None:
    """Say how many of the items are done."""
    logger.info("tugas %d dari %d / task %d of %d", done, count, done, count)


def of_exports(names: Sequence[str], row: int | None = None) -> str:
    """Return a line that names the exports that a task failed on, and a row; '' of none."""
    if not names:
        return ""
    at_row = f", baris / row {row}" if row is not None else ""
    more = len(names) - MOST_NAMES
    others = f" (dan {more} lainnya / and {more} more)" if more > 0 else ""
    return f"\ndari ekspor / of the exports: {', '.join(names[:MOST_NAMES])}{at_row}{others}"
