"""A small survey that is published again and again, each time from its exports on.

Belongs here: its answers, and what a run of it publishes. Doesn't: where it is computed.
"""

import shutil
from pathlib import Path

from orchestration.publishing.publication import table_checksums
from tests.ilk_process import IlkProcess
from tests.small_cycle import SmallCycle


class SurveyOnSpark:
    """Sixty answers of 57 people in one cycle."""

    def __init__(self, folder: Path) -> None:
        self._small = SmallCycle(folder)
        self._small.drop(
            "c1/p/a.csv",
            (
                f"{n},2025-10-{n % 28 + 1:02} 09:00,{n % 57},{'AB'[n % 2]},"
                f"{n % 4 + 1},{n // 3 % 4 + 1}"
                for n in range(60)
            ),
        )
        self._kept = folder / "before"
        shutil.copytree(self._small.data, self._kept)

    def published(self, **environment: str) -> dict[str, str]:
        """Run the cycle; return the checksum of each table that it publishes."""
        return self.published_by(self.begun(**environment))

    def begun(self, **environment: str) -> IlkProcess:
        """Begin a run of the cycle, as if it were the first."""
        shutil.rmtree(self._small.data)
        shutil.copytree(self._kept, self._small.data)
        return self._small.start("run", "c1", environment=environment)

    def published_by(self, run: IlkProcess) -> dict[str, str]:
        """Wait for a run; return the same."""
        done = run.wait()
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Warning: " not in done.stderr
        return table_checksums(self._small.data / "published" / "ilk.duckdb")
