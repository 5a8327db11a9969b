"""Cycles that are published again and again, each time from their exports on.

Belongs here: which cycles, and what a run of them publishes. Doesn't: where they are computed.
"""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestration.publishing.publication import table_checksums
from orchestration.sampling import make_cycle
from tests.conftest import SAMPLE_CYCLES, SAMPLE_LANDING, SAMPLE_SEEDS
from tests.ilk_process import IlkProcess, start_ilk

_MOST_SECONDS = 3600  # 64 shards, where other tests run beside them


@dataclass(frozen=True)
class PublishedAgain:
    """Cycles, the data folder of each of their runs, and what `ilk` is told of them."""

    cycles: tuple[str, ...]
    data: Path
    told: Mapping[str, str]

    def published(self, **environment: str) -> dict[str, str]:
        """Run the cycles; return the checksum of each table that they publish."""
        return self.published_by(self.begun(**environment))

    def begun(self, **environment: str) -> IlkProcess:
        """Begin a run of the cycles, as if it were the first."""
        shutil.rmtree(self.data, ignore_errors=True)
        folder = {"ILK_DATA_DIR": str(self.data)}
        return start_ilk(
            "run",
            *self.cycles,
            environment={**self.told, **folder, **environment},
            timeout=_MOST_SECONDS,
        )

    def published_by(self, run: IlkProcess) -> dict[str, str]:
        """Wait for a run; return the same."""
        done = run.wait()
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Warning: " not in done.stderr
        return table_checksums(self.data / "published" / "ilk.duckdb")


def the_sample(folder: Path) -> PublishedAgain:
    """Both cycles of examples/ilk, the second compared with the first."""
    return _of_the_sample(SAMPLE_CYCLES, folder / "run", SAMPLE_LANDING)


def large_cycle(folder: Path, *, respondents: int) -> PublishedAgain:
    """The sample's second cycle with so many respondents, compared with none."""
    cycle = SAMPLE_CYCLES[-1]
    landing = folder / "landing"
    # No workbooks: they take longer to write than all else.
    tools = {"limesurvey": 0.7, "gform": 0.3}
    make_cycle(
        landing,
        cycle_id=cycle,
        respondents=respondents,
        seed=1,
        seeds_dir=SAMPLE_SEEDS,
        tools=tools,
    )
    return _of_the_sample((cycle,), folder / "run", landing)


def _of_the_sample(cycles: tuple[str, ...], data: Path, landing: Path) -> PublishedAgain:
    told = {
        **{name: of for name, of in os.environ.items() if not name.startswith("ILK_")},
        "ILK_LANDING_URL": str(landing),
        "ILK_SEEDS_DIR": str(SAMPLE_SEEDS),
        "ILK_PSEUDONYM_KEY": "a key of the tests",
        "ILK_PAGES": "false",
        "COLUMNS": "500",
    }
    return PublishedAgain(cycles, data, told)
