"""One run at a time on one data folder.

Belongs here: the lock file. Doesn't: what a run does. The kernel drops the lock when its process
ends, however it ends, so a crash leaves nothing to clean up.
"""

import fcntl
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

logger = logging.getLogger("ilk.run_lock")


class RunInProgressError(RuntimeError):
    """Another process holds the lock; the message names it."""


@contextmanager
def run_lock(data_dir: Path, *, patience: float = 0) -> Iterator[None]:
    """Hold `<data_dir>/ilk.lock` while the block runs; wait up to `patience` seconds for it.

    Raises:
        RunInProgressError: another run holds it still; the message tells its process id.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / "ilk.lock").open("a+", encoding="utf-8") as lock:
        _take(lock, until=time.monotonic() + patience)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _take(lock: TextIO, *, until: float) -> None:
    has_told = False
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            left = until - time.monotonic()
            if left <= 0:
                raise RunInProgressError(
                    f"Proses lain sedang berjalan (pid {holder}); tunggu sampai selesai. / "
                    f"Another run is in progress (pid {holder}); wait for it to end."
                ) from error
            if not has_told:
                logger.info("menunggu proses lain / waiting for another run (pid %s)", holder)
                has_told = True
            time.sleep(min(1, left))
        else:
            return
