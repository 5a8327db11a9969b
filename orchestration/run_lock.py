"""One run at a time on one data folder, and whether the process of a run still lives.

Belongs here: the lock files. Doesn't: what a run does. The kernel drops a lock when its process
ends, however it ends, so a crash leaves nothing to clean up.
"""

import fcntl
import logging
import os
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TextIO

from orchestration.bounded_engine import SPILLED
from orchestration.durable_files import below
from orchestration.local_disk import demand_local_disk

logger = logging.getLogger("ilk.run_lock")


class RunInProgressError(RuntimeError):
    """Another process holds the lock; the message names it."""


@contextmanager
def run_lock(data_dir: Path, *, patience: float = 0) -> Iterator[None]:
    """Hold `<data_dir>/ilk.lock` while the block runs; wait up to `patience` seconds for it.

    What a killed process spilled is gone then (bounded_engine.py).

    Raises:
        RunInProgressError: another run holds it still; the message tells its process and machine.
        NetworkDiskError: the folder lies where a lock may not hold.
    """
    demand_local_disk(data_dir)
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / "ilk.lock").open("a+", encoding="utf-8") as lock:
        _take(lock, until=time.monotonic() + patience)
        lock.truncate(0)
        # Containers that share the folder number processes each for itself.
        lock.write(f"{os.getpid()}, {socket.gethostname()}")
        lock.flush()
        # What a killed process spilled, persons' answers among it: nobody else spills there now.
        shutil.rmtree(data_dir / SPILLED, ignore_errors=True)
        yield


@contextmanager
def no_run(data_dir: Path) -> Iterator[None]:
    """Let no run begin while the block reads; of a folder that can't be written, too.

    Raises as run_lock does.
    """
    if os.access(data_dir, os.W_OK):
        with run_lock(data_dir):
            yield
        return
    demand_local_disk(data_dir)
    with ExitStack() as held:
        with suppress(FileNotFoundError):  # of who may write there, nobody ever ran
            lock = held.enter_context((data_dir / "ilk.lock").open(encoding="utf-8"))
            _take(lock, until=time.monotonic())
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


DIED = (
    "Proses ini berakhir tanpa sempat melapor (dimatikan, atau listrik padam): jalankan lagi. / "
    "This run ended before it could say how (killed, or a power cut): run it again."
)
_shown: dict[str, TextIO] = {}  # by run id: open, and so locked, as long as the process lives
_SECONDS_TO_SHOW_LIFE = 60  # from the start that Dagster notes to the run's first line of ours


def show_alive(data_dir: Path, run_id: str) -> None:
    """Show other processes that a run lives, be it waiting or on, until this process ends."""
    if run_id in _shown:
        return
    path = _sign(data_dir, run_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    unseen = path.with_name(f"{path.name}.tmp")  # until it is locked: who looks finds it locked
    _shown[run_id] = unseen.open("w", encoding="utf-8")
    fcntl.flock(_shown[run_id], fcntl.LOCK_SH)
    unseen.replace(path)


def has_died(data_dir: Path, run_id: str, *, started_at: float | None) -> bool:
    """Whether a run that never said how it ended has no process any more.

    `started_at`: seconds of the epoch. A run that started just now may not have shown itself yet.
    """
    try:
        with _sign(data_dir, run_id).open(encoding="utf-8") as sign:
            fcntl.flock(sign, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except FileNotFoundError:
        return time.time() - (started_at or 0) > _SECONDS_TO_SHOW_LIFE
    return True


def _sign(data_dir: Path, run_id: str) -> Path:
    return below(data_dir / "dagster" / "alive", run_id)
