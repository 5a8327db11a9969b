"""Shards on Apache Spark, which places, schedules and repeats them.

Belongs here: one task of Spark a shard, and what it says of one that failed, as words. Doesn't: the
session (spark_session.py); data, which pass through a folder that driver and executors share.
"""

import atexit
import hashlib
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Self

from orchestration.project_files import shipped
from orchestration.sharding.runners import Item, Result, TaskError, log_progress
from orchestration.sharding.spark_session import SparkError, session

if TYPE_CHECKING:
    from pyspark import SparkContext

logger = logging.getLogger("ilk.shards")

_SECONDS_OF_PATIENCE = 900  # a cluster that grows on demand starts machines first
_SECONDS_UNTIL_TOLD = 30
_SECONDS_BETWEEN_LOOKS = 1
# What computes in a task besides our code. SQL and models come with it.
_PACKAGES = ("duckdb", "numpy", "pandas", "pyarrow", "scipy")
# What Spark says of a task that it gave up: its number, then a stack of Java's lines.
_GIVEN_UP = re.compile(r"Task (\d+) in stage .+? most recent failure: (.*)", re.DOTALL)
_TRACEBACK = re.compile(r"Traceback \(most recent call last\):\n(?:[ \t].*\n|\n)*(\S.*)")


class SparkRunner:
    """Runs tasks on a master of Spark. What it started ends with `close`, or with the process."""

    def __init__(
        self, master: str, *, secret: str | None = None, patience: float = _SECONDS_OF_PATIENCE
    ) -> None:
        """`secret`: of a standalone cluster; `patience`: seconds to wait for somebody to work."""
        self._master, self._secret, self._patience = master, secret, patience
        self._opened = ExitStack()
        self._context: SparkContext | None = None

    def map(self, task: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        """Return the task's results in the order of the items; raises TaskError, SparkError.

        Modules that the task needs are those of the executors, whose Python is this one's version.
        """
        if not items:
            return []
        if self._context is None:
            self._context = self._opened.enter_context(session(self._master, secret=self._secret))
            # The interpreter would end it after its threads, and wait for one of them.
            atexit.register(self.close)
        context = self._context
        attempt = _Attempt(task, _code(), _attempts(context))
        try:
            with _watched(context, len(items), self._patience):
                shards = context.parallelize(list(items), len(items)).map(attempt)
                outcomes: list[_Done[Result] | _Failed] = shards.collect()
        except KeyboardInterrupt:
            context.cancelAllJobs()
            raise
        except Exception as error:
            told = error if isinstance(error, SparkError) else _given_up(error, items)
            if isinstance(told, SparkError):
                self.close()  # it may be dead
            raise told from None  # the error has a hundred lines of Java's
        failed = [
            (item, outcome.words)
            for item, outcome in zip(items, outcomes, strict=True)
            if isinstance(outcome, _Failed)
        ]
        if failed:
            (item, words), *others = failed
            more = f" (dan {len(others)} lainnya / and {len(others)} more)" if others else ""
            raise TaskError(item, words + more)
        return [outcome.result for outcome in outcomes if isinstance(outcome, _Done)]

    def close(self) -> None:
        """End the session, and Java's process with it."""
        atexit.unregister(self.close)
        self._context = None
        self._opened.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()


@dataclass(frozen=True)
class _Done(Generic[Result]):
    result: Result


@dataclass(frozen=True)
class _Failed:
    """What a task raised at its last attempt: a value, since Spark logs what is raised."""

    words: str


class _TriedAgainError(Exception):
    """Makes Spark try a task again. It says nothing: what was raised may quote an answer."""


@dataclass(frozen=True)
class _Attempt(Generic[Item, Result]):
    """One attempt of a task on an executor, whose code must be the driver's."""

    task: Callable[[Item], Result]
    code: str
    attempts: int

    def __call__(self, item: Item) -> _Done[Result] | _Failed:
        """Return what came of it; raises only what makes Spark try again."""
        from pyspark import TaskContext

        if self.code != _code():
            return _Failed(
                "pasang versi ILK yang sama pada semua mesin / install the same ILK on all "
                "machines (make dist; docs/scaling.md)"
            )
        try:
            return _Done(self.task(item))
        except Exception as error:
            context = TaskContext.get()
            if context is not None and context.attemptNumber() + 1 < self.attempts:
                raise _TriedAgainError from None
            first = next((line for line in str(error).splitlines() if line.strip()), "")
            return _Failed(f"{type(error).__name__}: {first}")


@cache
def _code() -> str:
    return code_of_tasks(shipped("orchestration"), shipped("expectations"))


def code_of_tasks(*packages: Path) -> str:
    """Return the sha256 of all that a task may import: our modules, and what computes for them."""
    digest = hashlib.sha256()
    for package in packages:
        for path in sorted(package.rglob("*.py")):
            digest.update(f"{path.relative_to(package).as_posix()}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    for name in _PACKAGES:
        digest.update(f"{name} {version(name)}\0".encode())
    return digest.hexdigest()


def _attempts(context: "SparkContext") -> int:
    """Return how often Spark tries a task: on this machine alone once, unless `local[n,m]`."""
    if context.master.startswith("local"):
        said = re.fullmatch(r"local\[[^,]+,\s*(\d+)\]", context.master)
        return int(said[1]) if said else 1
    return int(context.getConf().get("spark.task.maxFailures", "4") or 4)


@contextmanager
def _watched(context: "SparkContext", count: int, patience: float) -> Iterator[None]:
    """Tell how many of `count` tasks are done, and that nobody works; give up where that lasts.

    Spark would wait for ever, and says both on a page that is off.
    """
    ended, gave_up = threading.Event(), threading.Event()
    told = 0

    def watch() -> None:
        nonlocal told
        worked_at, is_warned = time.monotonic(), False
        while not ended.wait(_SECONDS_BETWEEN_LOOKS):
            done, is_idle = _looked_at(context)
            if done > told:
                told = done
                log_progress(done, count)
            if not is_idle:
                worked_at, is_warned = time.monotonic(), False
            idle = time.monotonic() - worked_at
            if idle >= _SECONDS_UNTIL_TOLD and not is_warned:
                is_warned = True
                logger.warning(
                    "Spark: belum ada mesin yang mengambil tugas; periksa pekerja dan memorinya. / "
                    "No machine takes a task yet: check the workers and their memory."
                )
            if idle >= patience:
                gave_up.set()
                context.cancelAllJobs()
                return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    except Exception as error:
        if gave_up.is_set():
            raise SparkError(
                f"Periksa pekerja Spark dan memorinya: {patience:g} detik tidak ada mesin yang "
                "mengambil tugas. / Check Spark's workers and their memory: no machine took a task "
                f"within {patience:g} seconds."
            ) from error
        raise
    finally:
        ended.set()
        watcher.join()
    if told < count:
        log_progress(count, count)


def _looked_at(context: "SparkContext") -> tuple[int, bool]:
    """Return how many tasks are done, and whether some are left that nobody works on."""
    tracker = context.statusTracker()
    stages = [tracker.getStageInfo(stage) for stage in tracker.getActiveStageIds()]
    known = [stage for stage in stages if stage]
    is_idle = bool(stages) and not any(stage.numActiveTasks for stage in known)
    return sum(stage.numCompletedTasks for stage in known), is_idle


def _given_up(error: Exception, items: Sequence[Any]) -> TaskError | SparkError:
    """Return what Spark's own failure means: a machine or process was lost, or can't run it."""
    said = getattr(error, "java_exception", None)
    message = str(said.getMessage()) if said is not None else str(error)
    python = _TRACEBACK.search(message)
    found = _GIVEN_UP.search(message)
    if found is None:  # of all tasks
        return SparkError(
            "Periksa master dan pekerja Spark (rahasianya, ILK_SPARK_SECRET; apa yang terpasang di "
            "sana), lalu jalankan lagi / check Spark's master and workers (their secret, "
            "ILK_SPARK_SECRET; what is installed there), and run again: "
            f"{python[1] if python else next(iter(message.splitlines()), type(error).__name__)}"
        )
    return TaskError(
        items[int(found[1])],
        python[1]
        if python
        else "mesin atau prosesnya hilang (memori habis?) / its machine or process was lost (out "
        f"of memory?): {found[2].splitlines()[0].partition('. ')[0]}",
    )
