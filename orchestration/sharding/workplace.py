"""Where a run works beside its own process: a folder, and what carries tasks to who computes them.

Belongs here: opening both once for all of a run, lending readings to who works there, their end.
Doesn't: the tasks (build.py, orchestration/stages/check.py).
"""

import atexit
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from orchestration.durable_files import make_private, whole_file
from orchestration.exports.sources import SURVEY_RESPONSES_KIND
from orchestration.exports.store import parquet_path
from orchestration.response_files import ResponseFilesError
from orchestration.settings import Settings
from orchestration.sharding.local_runner import LocalRunner
from orchestration.sharding.runners import Runner, RunnerError


@dataclass(frozen=True)
class Workplace:
    """A folder that all see who work there, its owner's alone, and what carries tasks to them."""

    folder: Path
    runner: Runner

    @property
    def lent(self) -> Path:
        """What was lent, laid out as raw/."""
        return self.folder / "raw"

    def lend(self, raw_dir: Path, cycle_id: str, sha256s: Iterable[str]) -> Path:
        """Copy a cycle's readings to where all machines see them, each once; return `lent`.

        A link where it is the same disk. The raw zone stays on the driver's.
        """
        for sha256 in sha256s:
            own, lent = (
                parquet_path(zone, kind=SURVEY_RESPONSES_KIND, cycle_id=cycle_id, sha256=sha256)
                for zone in (raw_dir, self.lent)
            )
            if lent.exists():
                continue
            make_private(lent.parent)
            try:
                lent.hardlink_to(own)
            except OSError:  # another disk, or one that knows no links
                with whole_file(lent) as temporary:
                    shutil.copyfile(own, temporary)
        return self.lent

    def take_back(self) -> None:
        """Remove what was lent: it holds the respondents' identifiers, as exported."""
        shutil.rmtree(self.lent, ignore_errors=True)


_opened: list[tuple[Workplace, ExitStack]] = []
"""That of the run that this process is at; a session of Spark costs 7 CPU seconds."""


def open_workplace(settings: Settings) -> Workplace:
    """Return the run's workplace, opened by whoever asks first, until `close_workplace`.

    What a killed run left in its folder goes first. Nothing of Spark is imported where none is
    asked for. Raises RunnerError where it is another data folder's.
    """
    if not _opened:
        try:
            settings.response_files.claim(settings.data_dir)
        except ResponseFilesError as error:
            raise RunnerError(str(error)) from error
        with ExitStack() as opening:
            folder = opening.enter_context(_folder(settings.shards_dir))
            runner: Runner = LocalRunner(settings.shard_processes)
            if settings.spark_master is not None:
                from orchestration.sharding.spark_runner import SparkRunner

                said = settings.spark_secret
                secret = said.get_secret_value() if said else None
                runner = opening.enter_context(SparkRunner(settings.spark_master, secret=secret))
            _opened.append((Workplace(folder, runner), opening.pop_all()))
        atexit.register(close_workplace)
    [(workplace, _)] = _opened
    return workplace


def close_workplace() -> None:
    """End what the run's workplace began, where it has one: its folder goes, its session ends."""
    while _opened:
        _, opened = _opened.pop()
        opened.close()
    atexit.unregister(close_workplace)


@contextmanager
def closing_workplace() -> Iterator[None]:
    """Close the run's workplace after the block, however it ends."""
    try:
        yield
    finally:
        close_workplace()


@contextmanager
def _folder(folder: Path) -> Iterator[Path]:
    """Give an empty folder to work in, gone afterwards."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
