"""DuckDB for whatever grows with people: bounded in memory, spilling where its owner alone looks.

Belongs here: opening such a database and where it spills. Doesn't: dbt's own (profiles.yml).
Without a limit DuckDB takes most of the machine; without a place it spills into the folder that a
process happens to work in, and what spills holds identifiers and answers.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from orchestration.durable_files import make_private

MEMORY_LIMIT = "3GB"
SPILLED = "spilled"
"""The folder in a data folder. Who holds its lock removes what a killed process left (run_lock)."""

_ONLY_READ = (errno.EROFS, errno.EACCES, errno.EPERM)


@dataclass(frozen=True)
class BoundedEngine:
    """What DuckDB may take of this machine, and below which folder it spills beyond that."""

    memory_limit: str
    spill_dir: Path

    @contextmanager
    def opened(self, **settings: int | bool | str) -> Iterator[duckdb.DuckDBPyConnection]:
        """Give an empty database in memory; what it spills is gone with it.

        `settings`: more of DuckDB's.
        """
        with (
            self.scratch() as spilled,
            duckdb.connect(
                config={
                    "memory_limit": self.memory_limit,
                    "temp_directory": str(spilled),
                    **settings,
                }
            ) as connection,
        ):
            yield connection

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Give a folder for what lies on disk as long as the block, its owner's alone.

        Where this process may only read the data, it is the system's (TMPDIR).
        """
        with self._folder() as folder:
            yield Path(folder)

    def _folder(self) -> TemporaryDirectory[str]:
        try:
            make_private(self.spill_dir)
            return TemporaryDirectory(prefix=".spilled-", dir=self.spill_dir)
        except OSError as error:
            if error.errno not in _ONLY_READ:
                raise
            return TemporaryDirectory(prefix=".spilled-")
