"""One run at a time on one data folder.

Belongs here: the lock file. Doesn't: what a run does. The kernel drops the lock when its process
ends, however it ends, so a crash leaves nothing to clean up.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class RunInProgressError(RuntimeError):
    """Another process holds the lock; the message names it."""


@contextmanager
def run_lock(data_dir: Path) -> Iterator[None]:
    """Hold `<data_dir>/ilk.lock` while the block runs.

    Raises:
        RunInProgressError: another run holds it; the message tells its process id.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    path = data_dir / "ilk.lock"
    with path.open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            raise RunInProgressError(
                f"Proses lain sedang berjalan (pid {holder}); tunggu sampai selesai. / "
                f"Another run is in progress (pid {holder}); wait for it to end."
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield
